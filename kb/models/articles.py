"""What readers see and editors write: articles and their immutable versions."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Ceil, Greatest, Length
from django.urls import reverse
from django.utils import timezone

from kb import permissions
from kb.filters import Within
from kb.models.collections import Audience, Collection
from kb.permissions import Reader

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from kb.models.lifecycle import Review

CHARACTERS_A_MINUTE = 1200.0  # 200 words of six characters, marks and spaces included


def stated(state: str) -> Q:
    """That word holds for the article, or for the draft beside its published version; asks for `with_stage`."""
    beside = {
        Article.State.IN_REVIEW: Q(in_review=True),
        Article.State.SCHEDULED: Q(publish_at__isnull=False),
    }
    return Q(state=state) | beside.get(Article.State(state), Q(pk__in=[]))


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self) -> Self:
        return self.filter(state=Article.State.PUBLISHED, published_version__isnull=False)

    def visible_to(self, user: Reader) -> Self:
        """THE access rule for readers: published, and for one of this reader's audiences."""
        return self.published().filter(audience__in=permissions.audience_ids(user))

    def within(self, within: Within) -> Self:
        """What a search is narrowed to."""
        return self.filter(within.articles()) if within else self

    def editable_by(self, user: Reader, action: permissions.Action = "write") -> Self:
        """The articles in whose collection this person holds a role that allows the action; not those in the trash."""
        return self.kept().filter(collection__in=Collection.objects.writable_by(user, action))

    def kept(self) -> Self:
        """All but what is in the trash."""
        return self.exclude(state=Article.State.DELETED)

    def known_to(self, user: Reader) -> Self:
        """For people with a role: what they may read, and what stands in the collections they work in."""
        mine = Q(collection__in=Collection.objects.writable_by(user)) & ~Q(state=Article.State.DELETED)
        return self.filter(mine | Q(pk__in=Article.objects.visible_to(user)))

    def with_stage(self) -> Self:
        """Each with `in_review`: whether somebody is asked to look at its draft."""
        asked = apps.get_model("kb", "Review")._default_manager.filter(article=OuterRef("pk"), state="open")
        return self.annotate(in_review=Exists(asked))

    def in_state(self, state: str) -> Self:
        """With that word for what readers get or for the draft beside it; asks for `with_stage`."""
        return self.filter(stated(state))

    def with_pages(self) -> Self:
        return self.select_related("collection", "audience", "published_version", "published_version__author")

    def with_titles(self) -> Self:
        """For lists: collection, title and summary, without the text."""
        return self.select_related("collection", "published_version").defer("published_version__source")

    def with_minutes(self) -> Self:
        """Each with `minutes`: how long reading the published version takes."""
        minutes = Ceil(
            Length("published_version__source") / Value(CHARACTERS_A_MINUTE), output_field=models.IntegerField()
        )
        return self.annotate(minutes=Greatest(minutes, 1))

    def most_read(self, since: datetime.date) -> Self:
        """Those opened since that day, most often opened first."""
        opened = models.Sum("reads__reads", filter=Q(reads__day__gte=since))
        return self.annotate(opened=opened).filter(opened__gt=0).order_by("-opened", "pk")


class Article(models.Model):
    """One article: where it stands, who may read it, and which of its versions is latest, wanted and published.

    `wanted_version` is what an editor published; `published_version` is what readers and search see. The two differ
    only while the wanted version is being indexed. State and audience live here alone: a change touches one row.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in-review", "In review"
        SCHEDULED = "scheduled", "Scheduled"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"
        DELETED = "deleted", "In the trash"

    collection = models.ForeignKey(Collection, models.PROTECT, related_name="articles")
    slug = models.SlugField(max_length=160, unique=True)
    audience = models.ForeignKey(Audience, models.PROTECT, related_name="articles")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="owned")
    review_on = models.DateField("review date", null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    external_id = models.CharField(max_length=300, blank=True, help_text="Where an import took it from.")
    position = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    published_at = models.DateTimeField(null=True, blank=True)
    latest_version = models.OneToOneField(
        "ArticleVersion", models.SET_NULL, null=True, blank=True, related_name="latest_of"
    )
    wanted_version = models.OneToOneField(
        "ArticleVersion", models.SET_NULL, null=True, blank=True, related_name="wanted_by"
    )
    # What is to happen by itself: this version is shown to readers then, and whatever is shown is hidden then.
    scheduled_version = models.ForeignKey(
        "ArticleVersion", models.SET_NULL, null=True, blank=True, related_name="scheduled_in"
    )
    publish_at = models.DateTimeField(null=True, blank=True)
    unpublish_at = models.DateTimeField(null=True, blank=True)
    scheduled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    # The unique index of this one is what chunks join by: chunk.version = article.published_version, one equality.
    published_version = models.OneToOneField(
        "ArticleVersion", models.SET_NULL, null=True, blank=True, related_name="published_in"
    )

    objects = ArticleQuerySet.as_manager()
    versions: RelatedManager[ArticleVersion]
    reviews: RelatedManager[Review]

    class Meta:
        ordering = ["position", "pk"]
        indexes = [
            GinIndex(fields=["tags"], name="article_tags"),
            models.Index(fields=["publish_at"], condition=Q(publish_at__isnull=False), name="articles_to_publish"),
            models.Index(
                fields=["unpublish_at"], condition=Q(unpublish_at__isnull=False), name="articles_to_unpublish"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "external_id"], condition=~Q(external_id=""), name="one_article_per_external_id"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("article", args=[self.slug])

    @property
    def is_verified(self) -> bool:
        """Somebody found correct what readers get now; of an earlier version it would say nothing."""
        return bool(self.verified_at and self.published_at and self.verified_at >= self.published_at)

    @property
    def is_overdue(self) -> bool:
        return self.review_on is not None and self.review_on <= timezone.localdate()

    @property
    def title(self) -> str:
        """The latest title, for editors; readers see the published version's."""
        return self.latest_version.title if self.latest_version else self.slug

    @property
    def shown_title(self) -> str:
        """For people who may only read it: what readers see, and never the title of a draft beside that."""
        version = self.published_version or self.latest_version
        return version.title if version else self.slug

    @property
    def has_draft(self) -> bool:
        """Whether the latest version is another than the one that is, or will be, published."""
        return self.latest_version_id is not None and self.latest_version_id != self.wanted_version_id

    def rest(self) -> None:
        """The state of an article that readers do not get: by its schedule, else by its open review, else a draft."""
        if self.state not in (self.State.DRAFT, self.State.IN_REVIEW, self.State.SCHEDULED):
            return
        if self.publish_at is not None:
            self.state = self.State.SCHEDULED
        else:
            in_review = self.reviews.filter(state="open").exists()
            self.state = self.State.IN_REVIEW if in_review else self.State.DRAFT


class ArticleVersion(models.Model):
    """One saved state of an article. The database refuses to change or delete it (migration `immutable_versions`)."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=300, blank=True)
    source = models.TextField(blank=True)
    language = models.CharField(max_length=8, default="en")
    content_hash = models.BinaryField(max_length=32, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    words_added = models.PositiveIntegerField(null=True, help_text="Against the version before, wherever they stand.")
    words_removed = models.PositiveIntegerField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["article", "number"], name="one_number_per_article")]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.content_hash = self.hash()
        super().save(*args, **kwargs)

    def hash(self) -> bytes:
        """sha256 over everything of a version that reaches the index."""
        return hashlib.sha256("\0".join([self.language, self.title, self.source]).encode()).digest()


class Redirect(models.Model):
    """An address an article once had. Following one obeys the article's access rule: a 301 reveals a slug."""

    old_slug = models.SlugField(max_length=160, unique=True)
    article = models.ForeignKey(Article, models.CASCADE, related_name="redirects")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.old_slug} → {self.article.slug}"


class AuditEntry(models.Model):
    """Who did what to which article, and when."""

    article = models.ForeignKey(Article, models.SET_NULL, null=True, related_name="audit")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=40)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} by {self.by}"


class ReadCountQuerySet(models.QuerySet["ReadCount"]):
    def count_read(self, article: Article, day: Any) -> None:
        self.bulk_create([ReadCount(article=article, day=day, reads=0)], ignore_conflicts=True)
        self.filter(article=article, day=day).update(reads=F("reads") + Value(1))


class ReadCount(models.Model):
    """How often an article was opened on a day; for "most read"."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="reads")
    day = models.DateField()
    reads = models.PositiveIntegerField(default=0)

    objects = ReadCountQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "day"], name="one_count_a_day")]

    def __str__(self) -> str:
        return f"{self.article_id} on {self.day}: {self.reads}"
