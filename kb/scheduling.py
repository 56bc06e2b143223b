"""Publishing and unpublishing at a time: planned by a person, carried out by a periodic task.

What is planned stands in the article's row, so nothing is lost with a broker, a worker or a scheduler that was down:
whatever is due by the database's clock is done once, late if need be, in the order of its times. The version that was
planned is the one that is published, even when a newer draft was saved since. Unpublishing, archiving or deleting by
hand calls the plan off; publishing by hand calls off the publication, and when it is to end stays.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format

from kb import publishing, showing
from kb.models import Article, ArticleVersion, Review
from kb.permissions import Reader

log = logging.getLogger(__name__)

BATCH = 200  # articles a run; the next one comes within seconds
FURTHEST = datetime.timedelta(days=3660)

Moment = datetime.datetime


@transaction.atomic
def schedule(
    article: Article,
    *,
    by: Reader,
    version: ArticleVersion | None = None,
    publish_at: Moment | None,
    unpublish_at: Moment | None,
) -> None:
    """Plan when this version is published, when the article is hidden again, or both; neither is no plan."""
    publishing.check(by, "publish", article)
    locked = publishing.lock(article)
    check_times(locked, publish_at, unpublish_at)
    planned = version or locked.latest_version if publish_at else None
    if planned is not None:
        check_version(locked, planned, by=by)
        Review.objects.overtake(locked, by=by)
    locked.scheduled_version, locked.publish_at, locked.unpublish_at = planned, publish_at, unpublish_at
    locked.scheduled_by_id = by.pk if publish_at or unpublish_at else None
    locked.rest()
    locked.save(update_fields=["state", *showing.SCHEDULE, "updated"])
    publishing.audit(locked, "scheduled" if publish_at or unpublish_at else "unscheduled", by=by, detail=plan(locked))
    article.refresh_from_db()


def check_times(article: Article, publish_at: Moment | None, unpublish_at: Moment | None) -> None:
    """Times lie ahead, and hiding what nobody gets is no plan."""
    now = timezone.now()
    for name, moment in (("publish_at", publish_at), ("unpublish_at", unpublish_at)):
        if moment is not None and moment <= now:
            raise ValidationError({name: "This time has passed: choose a later one, or do it now."})
        if moment is not None and moment > now + FURTHEST:
            raise ValidationError({name: "This is more than ten years ahead: choose an earlier time."})
    if publish_at and publish_at == unpublish_at:
        raise ValidationError({"unpublish_at": "Both times are the same: choose a later one."})
    shown_first = article.state == Article.State.PUBLISHED or (
        publish_at and unpublish_at and publish_at < unpublish_at
    )
    if unpublish_at and not shown_first:
        raise ValidationError(
            {"unpublish_at": "Readers do not get this article before then, so nothing can be hidden."}
        )


def check_version(article: Article, version: ArticleVersion, *, by: Reader) -> None:
    if version.pk == article.wanted_version_id:
        raise ValidationError({"publish_at": f"Version {version.number} is published already."})
    publishing.refuse_own_text(article, version, by=by)


def plan(article: Article) -> str:
    """What is planned, in words."""
    parts = []
    if article.publish_at and article.scheduled_version:
        parts.append(f"version {article.scheduled_version.number} from {at(article.publish_at)}")
    if article.unpublish_at:
        parts.append(f"hidden from {at(article.unpublish_at)}")
    return ", ".join(parts)


def at(moment: Moment) -> str:
    return f"{date_format(timezone.localtime(moment), 'j F Y, H:i')} ({settings.TIME_ZONE})"


# --- carrying it out


@shared_task
def carry_out_due() -> int:
    """Do what is due; how many articles that changed. One that fails is tried again by the next run."""
    done = 0
    for pk in Article.objects.kept().filter(due()).order_by("publish_at", "pk").values_list("pk", flat=True)[:BATCH]:
        try:
            done += carry_out(pk)
        except Exception:
            log.exception("schedule: article %s is due and could not be changed; it is tried again", pk)
    return done


def due() -> Q:
    return Q(publish_at__lte=Now()) | Q(unpublish_at__lte=Now())


@transaction.atomic
def carry_out(pk: int) -> bool:
    """What is due of one article, once: whoever comes second finds the row locked, or nothing due any more."""
    locked = Article.objects.select_for_update(skip_locked=True, of=("self",)).kept().filter(due(), pk=pk)
    related = ("latest_version", "wanted_version", "scheduled_version", "scheduled_by")
    article = locked.select_related(*related).annotate(now=Now()).first()
    if article is None:
        return False
    steps = [(article.publish_at, publish), (article.unpublish_at, unpublish)]
    for moment, step in sorted([(m, step) for m, step in steps if m and m <= now(article)], key=lambda pair: pair[0]):
        step(article, moment)
    return True


def now(article: Any) -> Moment:
    """When the row was read, by the clock that found it due."""
    moment: Moment = article.now
    return moment


def publish(article: Article, moment: Moment) -> None:
    version, by = article.scheduled_version, article.scheduled_by
    article.scheduled_version = article.publish_at = None
    article.rest()
    article.save(update_fields=["state", *showing.SCHEDULE, "updated"])
    if version is None:  # it can only have been deleted for good, and the article with it
        return
    if version.pk == article.latest_version_id:
        Review.objects.overtake(article, by=by)
    showing.show(article, version)
    publishing.audit(article, "published", by=by, detail=f"version {version.number}, as scheduled for {at(moment)}")


def unpublish(article: Article, moment: Moment) -> None:
    article.unpublish_at = None
    article.save(update_fields=["unpublish_at", "updated"])
    if article.state == Article.State.PUBLISHED:
        showing.hide(article, Article.State.DRAFT)
        publishing.audit(article, "unpublished", by=article.scheduled_by, detail=f"as scheduled for {at(moment)}")
