"""Browsers of the cast, signed in, and what the forms of the editor's pages send."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from kb.models import Article
from portal.editor.forms import current
from portal.models import User


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def signed_in_as(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in_as


@pytest.fixture
def typed() -> Callable[..., dict[str, Any]]:
    """What the form of an article sends, with some of it changed."""

    def fields(article: Article, **changes: Any) -> dict[str, Any]:
        sent = {**current(article), "tags": ", ".join(article.tags), "note": "", "do": "save"}
        return {name: value for name, value in {**sent, **changes}.items() if value is not None}

    return fields
