"""How an article stands beside its text, as values that can be kept, compared, and put back."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from kb import showing
from kb.models import Article, ArticleVersion, Review

Standing = dict[str, Any]

FIELDS = ("state", "collection_id", "audience_id", "owner_id", "tags")
PLANS = ("scheduled_version_id", "scheduled_by_id")
TIMES = ("publish_at", "unpublish_at")
PEOPLE = ("owner_id", "scheduled_by_id")


def of(article: Article) -> Standing:
    """In values that JSON knows."""
    review = article.reviews.filter(state=Review.State.OPEN).first()
    return {
        **{name: getattr(article, name) for name in (*FIELDS, *PLANS)},
        **{name: moment.isoformat() if (moment := getattr(article, name)) else None for name in TIMES},
        "version": article.wanted_version_id,
        "review": review.pk if review else None,
    }


def changes(before: Standing, after: Standing) -> tuple[Standing, Standing]:
    """What differs between the two: what it was, and what it is."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def holds(article: Article, values: Standing) -> bool:
    """Whether the article still stands as it was left."""
    now = of(article)
    return all(now.get(name) == value for name, value in values.items())


def put_back(article: Article, before: Standing) -> None:
    """Set what these values name, under the article's lock. A version that readers had is shown to them again.

    People whose accounts are gone are left out. Raises ValidationError when its collection or its audience is gone.
    """
    for name in (*FIELDS, *PLANS):
        if name in before and name != "state":
            setattr(article, name, still_there(name, before[name]))
    for name in TIMES:
        if name in before:
            setattr(article, name, parse_datetime(before[name]) if before[name] else None)
    if article.publish_at and article.publish_at <= timezone.now():
        article.publish_at = article.scheduled_version = None  # it was not there at its time; nobody expects it now
    if review := before.get("review"):
        Review.objects.filter(pk=review).update(state=Review.State.OPEN, decided_by=None, decided=None)
    article.save()
    put_back_state(article, before.get("state", article.state), before.get("version", article.wanted_version_id))


def still_there(name: str, value: Any) -> Any:
    """A value of this field, None for somebody who is gone."""
    model: Any = Article._meta.get_field(name).related_model
    if model is None or value is None or model._default_manager.filter(pk=value).exists():
        return value
    if name in PEOPLE:
        return None
    raise ValidationError(f"The {model._meta.verbose_name} that it was in is gone.")


def put_back_state(article: Article, state: str, version: int | None) -> None:
    if (state, version) == (article.state, article.wanted_version_id):
        return
    if state == Article.State.PUBLISHED and version is not None:
        showing.show(article, ArticleVersion.objects.get(pk=version))
    else:
        showing.hide(article, state)
