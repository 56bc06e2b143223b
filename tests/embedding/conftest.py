"""These tests need no database: Django's cache is in memory, and empty."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from kb import embedding


@pytest.fixture(autouse=True)
def memory_cache(settings) -> Iterator[None]:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    embedding._cached_question.cache_clear()
    yield
    cache.clear()
    embedding._cached_question.cache_clear()
