"""A second pair of eyes: ask for a review of a draft, comment, approve it or ask for changes.

An open review is about the latest version, and every remark says which version that was. The draft may stand beside a
published version: readers keep that one, whatever is decided here. An approval allows nothing and forces nobody; it is
the word of somebody who has read the text.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, QuerySet

from kb import publishing
from kb.models import Article, ArticleVersion, Collection, Remark, Review
from kb.permissions import Reader

LONGEST = 5000  # characters of a remark


@dataclass(frozen=True)
class Waiting:
    """Reviews as one person sees them: to be looked at, approved and to be published, and their own."""

    open: QuerySet[Review]
    approved: QuerySet[Review]
    own: QuerySet[Review]


@transaction.atomic
def ask(article: Article, *, by: Reader, text: str = "") -> Review:
    """Ask for a review of the latest version. Readers notice nothing."""
    publishing.check(by, "write", article)
    locked = publishing.lock(article)
    version = draft_of(locked)
    if locked.reviews.filter(state=Review.State.OPEN).exists():
        raise ValidationError("A review was asked for already.")
    review = Review.objects.create(article=locked, version=version, asked_by_id=by.pk)
    remark(review, Remark.Kind.ASKED, version, by=by, text=text)
    rest(locked)
    publishing.audit(locked, "asked for a review", by=by, detail=f"version {version.number}")
    article.refresh_from_db()
    return review


@transaction.atomic
def comment(article: Article, *, by: Reader, text: str) -> None:
    publishing.check(by, "write", article)
    locked, review = open_review(article)
    if not text.strip():
        raise ValidationError("The comment is empty: write what you think of the text.")
    remark(review, Remark.Kind.COMMENT, latest(locked), by=by, text=text)


@transaction.atomic
def approve(article: Article, *, by: Reader, seen: int, text: str = "") -> None:
    """The latest version, if it is the one that was `seen`, can be published as it is."""
    decide(article, Remark.Kind.APPROVED, Review.State.APPROVED, by=by, seen=seen, text=text)


@transaction.atomic
def request_changes(article: Article, *, by: Reader, seen: int, text: str) -> None:
    if not text.strip():
        raise ValidationError("Say what should be changed: the author sees nothing but your words.")
    decide(article, Remark.Kind.CHANGES, Review.State.CHANGES, by=by, seen=seen, text=text)


def decide(article: Article, kind: str, state: str, *, by: Reader, seen: int, text: str) -> None:
    publishing.check(by, "review", article)
    locked, review = open_review(article)
    version = latest(locked)
    if version.number != seen:
        raise ValidationError(f"Version {version.number} was saved meanwhile. Look at it, then decide.")
    if kind == Remark.Kind.APPROVED and by.pk in (version.author_id, review.asked_by_id):
        raise PermissionDenied("You wrote this text, or asked for its review: somebody else must approve it.")
    remark(review, kind, version, by=by, text=text)
    review.decide(state, by=by, version=version)
    rest(locked)
    publishing.audit(locked, Remark.Kind(kind).label, by=by, detail=f"version {version.number}")
    article.refresh_from_db()


@transaction.atomic
def withdraw(article: Article, *, by: Reader) -> None:
    """No review is needed any more; whoever writes here may say so."""
    publishing.check(by, "write", article)
    locked, review = open_review(article)
    remark(review, Remark.Kind.WITHDRAWN, latest(locked), by=by, text="")
    review.decide(Review.State.WITHDRAWN, by=by)
    rest(locked)
    publishing.audit(locked, "withdrew the review", by=by)
    article.refresh_from_db()


def waiting(user: Reader) -> Waiting:
    """What waits for this person, oldest first, and what became of what they asked."""
    every = Review.objects.select_related(
        "article__collection", "article__latest_version", "version", "asked_by", "decided_by"
    ).exclude(article__state=Article.State.DELETED)
    mine, to_publish = (Collection.objects.writable_by(user, action) for action in ("review", "publish"))
    latest = every.filter(version=F("article__latest_version")).exclude(version=F("article__wanted_version"))
    return Waiting(
        open=every.open().filter(article__collection__in=mine).order_by("pk"),
        approved=latest.filter(
            state=Review.State.APPROVED, article__collection__in=to_publish, article__publish_at=None
        ),
        own=every.filter(asked_by=user.pk, article__collection__in=Collection.objects.writable_by(user)),
    )


def count_waiting(user: Reader) -> int:
    """How many reviews this person could decide."""
    where = Collection.objects.writable_by(user, "review")
    asked = Review.objects.open().filter(article__collection__in=where)
    return asked.exclude(article__state=Article.State.DELETED).exclude(asked_by=user.pk).count()


def draft_of(article: Article) -> ArticleVersion:
    if article.latest_version is None or not article.has_draft:
        raise ValidationError("There is nothing to review: readers have the latest version already.")
    return article.latest_version


def latest(article: Article) -> ArticleVersion:
    if article.latest_version is None:
        raise ValidationError("There is no saved version.")
    return article.latest_version


def open_review(article: Article) -> tuple[Article, Review]:
    """The article, locked, and its open review."""
    locked = publishing.lock(article)
    review = locked.reviews.filter(state=Review.State.OPEN).first()
    if review is None:
        raise ValidationError("Nobody asks for a review of this article any more.")
    return locked, review


def remark(review: Review, kind: str, version: ArticleVersion, *, by: Reader, text: str) -> None:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST:
        raise ValidationError(f"The comment has {len(text):,} characters; at most {LONGEST:,} are possible.")
    if "\0" in text:
        raise ValidationError("The comment holds a NUL character, so it is not text: remove it.")
    review.remarks.create(kind=kind, version=version, by_id=by.pk, text=text)


def rest(article: Article) -> None:
    article.rest()
    article.save(update_fields=["state", "updated"])
