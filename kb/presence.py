"""Who has an article open just now, by rows that live as long as their pages say so."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from kb.models import Article, Presence
from kb.permissions import Reader

LIVES = timedelta(seconds=25)  # a page says it every ten seconds, and may miss once


def note(article: Article, key: UUID, *, by: Reader) -> None:
    """This form of this article is open, now. Forms that are gone are forgotten on the way."""
    Presence.objects.filter(seen__lt=Now() - LIVES).delete()
    Presence.objects.update_or_create(key=key, defaults={"article": article, "by_id": by.pk, "seen": Now()})  # type: ignore[misc]  # editors have a pk


def leave(key: UUID, *, by: Reader) -> None:
    Presence.objects.filter(key=key, by=by.pk).delete()


def others(article: Article, key: UUID) -> QuerySet[Presence]:
    """The other open forms of an article, in the order they were opened; also one's own, in another tab."""
    return Presence.objects.filter(article=article, seen__gte=Now() - LIVES).exclude(key=key).select_related("by")
