"""Somebody has read what readers get and found it still correct: who, when, and by which day the next time."""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.utils import timezone

from kb import publishing
from kb.models import Article
from kb.permissions import Reader

SOON = datetime.timedelta(days=30)


@transaction.atomic
def verify(article: Article, *, by: Reader, seen: int) -> None:
    """The published version, whose number was `seen`, is correct today; the next review is one interval away."""
    publishing.check(by, "write", article)
    locked = publishing.lock(article)
    published = locked.published_version
    if published is None:
        raise ValidationError("Readers do not get this article, so there is nothing to find correct: publish it first.")
    if published.number != seen:
        raise ValidationError(f"Version {published.number} was published meanwhile. Read it, then say it is correct.")
    locked.verified_at, locked.verified_by_id = timezone.now(), by.pk
    locked.review_on = next_review()
    locked.save(update_fields=["verified_at", "verified_by", "review_on", "updated"])
    publishing.audit(locked, "verified", by=by, detail=f"version {published.number}")
    article.refresh_from_db()


def with_reminders(articles: QuerySet[Article]) -> QuerySet[Any]:
    """Those that readers get, with `due` (overdue, soon, later, undated) and `check` (never, changed, checked)."""
    today = timezone.localdate()
    read: QuerySet[Any] = Article.objects.published().filter(pk__in=articles)
    annotated: QuerySet[Any] = read.annotate(
        due=Case(
            When(review_on__lte=today, then=Value("overdue")),
            When(review_on__lte=today + SOON, then=Value("soon")),
            When(review_on=None, then=Value("undated")),
            default=Value("later"),
        ),
        check=Case(
            When(verified_at=None, then=Value("never")),
            When(verified_at__lt=F("published_at"), then=Value("changed")),
            default=Value("checked"),
        ),
    )
    return annotated


def next_review() -> datetime.date | None:
    """One interval from today; None when REVIEW_DAYS is 0."""
    days = settings.REVIEW_DAYS
    return timezone.localdate() + datetime.timedelta(days) if days else None
