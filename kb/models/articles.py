"""What readers see and editors write: audiences, collections, articles and their immutable versions."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Ceil, Greatest, Length
from django.urls import reverse

from kb import permissions
from kb.permissions import Reader

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


CHARACTERS_A_MINUTE = 1200.0  # 200 words of six characters, marks and spaces included


class AudienceQuerySet(models.QuerySet["Audience"]):
    def open_to(self, user: Reader) -> Self:
        """The audiences this reader belongs to; an audience of groups without groups has no reader at all."""
        return self.filter(permissions.audiences(user))


class Audience(models.Model):
    """Who may read: everyone, people with an account, or members of named groups."""

    class Kind(models.TextChoices):
        EVERYONE = "everyone", "Everyone"
        SIGNED_IN = "signed-in", "Signed-in readers"
        GROUPS = "groups", "Only these groups"

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    groups = models.ManyToManyField(Group, blank=True, related_name="audiences")

    objects = AudienceQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class CollectionQuerySet(models.QuerySet["Collection"]):
    def with_counts(self, user: Reader) -> Self:
        """Each with `visible`: how many articles this reader may see; collections with none are left out."""
        seen = Q(articles__in=Article.objects.visible_to(user))
        counted = self.annotate(visible=models.Count("articles", filter=seen)).filter(visible__gt=0)
        return counted.order_by("position", "name")  # a query that groups forgets the order of Meta

    def writable_by(self, user: Reader, action: permissions.Action = "write") -> Self:
        return self.filter(permissions.collections(user, action))


class Collection(models.Model):
    """A shelf of articles."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    description = models.CharField(max_length=300, blank=True)
    position = models.PositiveIntegerField(default=0)
    audience = models.ForeignKey(
        Audience, models.PROTECT, help_text="What a new article in this collection starts with."
    )

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("collection", args=[self.slug])


class Membership(models.Model):
    """A person's role in one collection, or in all of them when no collection is named."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    collection = models.ForeignKey(Collection, models.CASCADE, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=10, choices=[(role, role.capitalize()) for role in permissions.ROLES])

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "collection", "role", name="one_membership", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.collection or 'every collection'}"


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self) -> Self:
        return self.filter(state=Article.State.PUBLISHED, published_version__isnull=False)

    def visible_to(self, user: Reader) -> Self:
        """THE access rule for readers: published, and for one of this reader's audiences."""
        return self.published().filter(audience__in=permissions.audience_ids(user))

    def editable_by(self, user: Reader, action: permissions.Action = "write") -> Self:
        """The articles in whose collection this person holds a role that allows the action."""
        return self.filter(collection__in=Collection.objects.writable_by(user, action))

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

    collection = models.ForeignKey(Collection, models.PROTECT, related_name="articles")
    slug = models.SlugField(max_length=160, unique=True)
    audience = models.ForeignKey(Audience, models.PROTECT, related_name="articles")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="owned")
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
    # The unique index of this one is what chunks join by: chunk.version = article.published_version, one equality.
    published_version = models.OneToOneField(
        "ArticleVersion", models.SET_NULL, null=True, blank=True, related_name="published_in"
    )

    objects = ArticleQuerySet.as_manager()
    versions: RelatedManager[ArticleVersion]

    class Meta:
        ordering = ["position", "pk"]
        indexes = [GinIndex(fields=["tags"], name="article_tags")]
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
    def title(self) -> str:
        """The latest title, for editors; readers see the published version's."""
        return self.latest_version.title if self.latest_version else self.slug


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
