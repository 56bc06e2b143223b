"""Deleting: into the trash, out of it again, and after TRASH_DAYS for good.

With the click readers, search and answers are without the article. Its address then says "gone" to those who could
read it, and nothing to everybody else; that stays so when the article itself has been deleted for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from kb import permissions, publishing, showing, standing
from kb.models import Answer, Article, Deletion, Link, Review
from kb.permissions import Reader

BATCH = 500  # deletions a run


@dataclass(frozen=True)
class Mention:
    """An article that leads to another; `pk` for those who may edit it, else its address."""

    title: str
    pk: int | None
    slug: str = ""


@transaction.atomic
def delete(article: Article, *, by: Reader | None) -> Deletion:
    """Into the trash. What was scheduled is off, and a review ends."""
    publishing.check(by, permissions.deleting(article), article)
    locked = publishing.lock(article)
    before = standing.of(locked)
    shown = locked.published_version
    Review.objects.overtake(locked, by=by)
    showing.unschedule(locked)
    showing.hide(locked, Article.State.DELETED)
    made = Deletion.objects.create(
        article=locked,
        title=shown.title if shown else locked.title,
        slugs=[locked.slug, *locked.redirects.values_list("old_slug", flat=True)],
        audience=locked.audience if shown else None,
        before=before,
        by_id=by.pk if by else None,
    )
    publishing.audit(locked, "deleted", by=by)
    article.refresh_from_db()
    return made


@transaction.atomic
def restore(article: Article, *, by: Reader | None) -> Article:
    """Out of the trash, as it stood before: what readers had, they have again."""
    locked = publishing.lock(article, in_trash=True)
    deletion = Deletion.objects.filter(article=locked).first()
    if locked.state != Article.State.DELETED or deletion is None:
        raise ValidationError("This article is not in the trash any more.")
    was_shown = deletion.before["version"] is not None
    publishing.check(by, "publish" if was_shown else permissions.deleting(locked), locked)
    standing.put_back(locked, deletion.before)
    deletion.delete()
    publishing.audit(locked, "taken out of the trash", by=by)
    article.refresh_from_db()
    return article


def links_here(article: Article, user: Reader) -> list[Mention]:
    """What leads to this article: drafts in this person's collections, and elsewhere what they may read."""
    leading = Link.objects.to(Article.objects.filter(pk=article.pk))
    published, latest = Q(published_version__links__in=leading), Q(latest_version__links__in=leading)
    mine = Article.objects.editable_by(user).exclude(pk=article.pk).filter(published | latest).distinct()
    others = Article.objects.visible_to(user).exclude(pk=article.pk).exclude(pk__in=mine).filter(published).distinct()
    found = [Mention(one.title, one.pk) for one in mine.select_related("latest_version")]
    return found + [Mention(one.shown_title, None, one.slug) for one in others.select_related("published_version")]


# --- for good


@shared_task
def purge() -> int:
    """Delete for good what has been in the trash for TRASH_DAYS; how many articles that were."""
    if not settings.TRASH_DAYS:
        return 0
    old = Deletion.objects.in_trash().filter(at__lt=Now() - timedelta(days=settings.TRASH_DAYS))
    return sum(delete_for_good(pk) for pk in list(old.values_list("article", flat=True)[:BATCH]))


@transaction.atomic
def delete_for_good(article_id: int, *, by: Reader | None = None) -> bool:
    """The article, its versions, and the answers that quote it. Only what is in the trash.

    What is left is a row that says of its address, to those who could read it, that it is gone.
    """
    article = Article.objects.select_for_update(of=("self",)).filter(pk=article_id, state=Article.State.DELETED).first()
    if article is None:
        return False
    if by is not None and not permissions.may(by, permissions.deleting(article), article):
        raise PermissionDenied("Your role does not allow this.")
    publishing.audit(article, "deleted for good", by=by, detail=article.title)
    Answer.objects.filter(sources__version__article=article).delete()
    Deletion.objects.filter(article=article).update(purged=Now(), before={})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL footnote.purge = 'on'")
        article.delete()
        cursor.execute("SET LOCAL footnote.purge = 'off'")
    return True
