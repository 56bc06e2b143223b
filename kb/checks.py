"""A system check: do settings name the embedder that the index is of? With `check --database default` and `migrate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import Error

from kb import embedders


@register(Tags.database)
def embedder_is_live(*, databases: Sequence[str] | None = None, **options: Any) -> list[CheckMessage]:
    """A warning, not an error: readers are served by the live one meanwhile."""
    if not databases:
        return []
    try:
        said = embedders.mismatch()
    except Error:  # before the first migration there is no table to ask
        return []
    return [Warning(said, id="kb.W001")] if said else []
