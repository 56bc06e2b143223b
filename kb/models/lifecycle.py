"""What happens to an article beside its text: reviews of a draft, the trash, and changes of many articles at once."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kb import permissions
from kb.models.articles import Article, ArticleVersion
from kb.models.collections import Audience
from kb.permissions import Reader

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class ReviewQuerySet(models.QuerySet["Review"]):
    def open(self) -> Self:
        return self.filter(state=Review.State.OPEN)

    def overtake(self, article: Article, *, by: Reader | None) -> None:
        """The draft was published or put away without a decision: nobody need look at it any more."""
        for review in self.open().filter(article=article):
            review.decide(Review.State.OVERTAKEN, by=by)


class Review(models.Model):
    """A draft that somebody else is asked to look at. While it is open it is about the latest version."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        APPROVED = "approved", "Approved"
        CHANGES = "changes", "Changes requested"
        WITHDRAWN = "withdrawn", "Withdrawn"
        OVERTAKEN = "overtaken", "Ended without a decision"

    article = models.ForeignKey(Article, models.CASCADE, related_name="reviews")
    version = models.ForeignKey(
        ArticleVersion, models.CASCADE, related_name="+", help_text="The one asked about; once decided, decided about."
    )
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()
    remarks: RelatedManager[Remark]

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint("article", condition=Q(state="open"), name="one_open_review_per_article")
        ]

    def __str__(self) -> str:
        return f"review of {self.article_id}: {self.state}"

    def decide(self, state: str, *, by: Reader | None, version: ArticleVersion | None = None) -> None:
        self.state, self.version = state, version or self.version
        self.decided_by_id = by.pk if by else None
        Review.objects.filter(pk=self.pk).update(
            state=state, version=self.version, decided_by=self.decided_by_id, decided=Now()
        )


class Remark(models.Model):
    """A line of a review's thread: a comment, or what was asked and decided, with the version it was said about."""

    class Kind(models.TextChoices):
        ASKED = "asked", "asked for a review"
        COMMENT = "comment", "commented"
        CHANGES = "changes", "asked for changes"
        APPROVED = "approved", "approved"
        WITHDRAWN = "withdrawn", "withdrew the request"

    review = models.ForeignKey(Review, models.CASCADE, related_name="remarks")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.COMMENT)
    version = models.ForeignKey(ArticleVersion, models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} by {self.by}"


class DeletionQuerySet(models.QuerySet["Deletion"]):
    def in_trash(self) -> Self:
        return self.filter(article__isnull=False)

    def restorable_by(self, user: Reader) -> Self:
        """What this person may take out of the trash: whoever might have deleted it."""
        return self.in_trash().filter(permissions.deletions(user))

    def known_to(self, user: Reader, slug: str) -> Self:
        """What stood at this address and was open to this reader; to all others there never was anything."""
        return self.filter(slugs__contains=[slug], audience__in=permissions.audience_ids(user))


class Deletion(models.Model):
    """An article in the trash; and what is left of one that was deleted for good: that it is gone, for its readers."""

    article = models.OneToOneField(Article, models.SET_NULL, null=True, related_name="deletion")
    title = models.CharField(max_length=200)
    slugs = ArrayField(models.CharField(max_length=160), help_text="Its address, and those it had before.")
    audience = models.ForeignKey(
        Audience, models.SET_NULL, null=True, related_name="+", help_text="Who could read it; None: nobody could."
    )
    before = models.JSONField(help_text="How the article stood, to be put back.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(db_default=Now())
    purged = models.DateTimeField(null=True)

    objects = DeletionQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [GinIndex(fields=["slugs"], name="deleted_addresses")]

    def __str__(self) -> str:
        return f"{self.title}, deleted"

    @property
    def ends(self) -> datetime.datetime | None:
        """When it is deleted for good; None: never."""
        days = settings.TRASH_DAYS
        return self.at + datetime.timedelta(days=days) if days else None


class Batch(models.Model):
    """One change of many articles, or of one, that is carried out article by article and can be undone as a whole."""

    class State(models.TextChoices):
        DOING = "doing", "Being done"
        DONE = "done", "Done"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"

    verb = models.CharField(max_length=12)
    value = models.JSONField(null=True, help_text="What to: ids, or tags.")
    state = models.CharField(max_length=8, choices=State, default=State.DOING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    items: RelatedManager[BatchItem]

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state"], condition=Q(state__in=["doing", "undoing"]), name="unfinished_batches")
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.by}: {self.state}"

    @property
    def is_at_work(self) -> bool:
        return self.state in (self.State.DOING, self.State.UNDOING)


class BatchItem(models.Model):
    """One article of a batch: what of it was changed, from what to what, or why it was not."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Not done"
        UNDONE = "undone", "Undone"
        KEPT = "kept", "Not undone"

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    article = models.ForeignKey(Article, models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    before: Any = models.JSONField(default=dict)
    after: Any = models.JSONField(default=dict)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["batch", "article"], name="one_item_per_article")]

    def __str__(self) -> str:
        return f"{self.article_id} in batch {self.batch_id}: {self.state}"
