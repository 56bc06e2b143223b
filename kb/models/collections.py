"""Where articles stand and who reads and writes them: audiences, collections, and the roles of people in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.urls import reverse

from kb import permissions
from kb.permissions import Reader

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from kb.models.operations import RecallProbe


class AudienceQuerySet(models.QuerySet["Audience"]):
    def borrowable_by(self, user: Reader) -> Self:
        """The audiences with whose eyes this editor may look, besides nobody's in particular."""
        every = self.exclude(kind=Audience.Kind.EVERYONE)
        return every if permissions.is_admin(user) else every.filter(pk__in=permissions.audience_ids(user))


class Audience(models.Model):
    """Who may read: everyone, people with an account, or members of named groups."""

    class Kind(models.TextChoices):
        EVERYONE = "everyone", "Everyone"
        SIGNED_IN = "signed-in", "Signed-in readers"
        GROUPS = "groups", "Only these groups"

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    groups = models.ManyToManyField(Group, blank=True, related_name="audiences")
    exact = models.BooleanField(
        "search exactly",
        default=False,
        help_text="Compare every passage with the question of these readers: misses none, slower when many.",
    )

    objects = AudienceQuerySet.as_manager()
    probes: RelatedManager[RecallProbe]

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class CollectionQuerySet(models.QuerySet["Collection"]):
    def with_counts(self, user: Reader) -> Self:
        """Each with `visible`: how many articles this reader may see; collections with none are left out."""
        articles: Any = apps.get_model("kb", "Article")._default_manager
        seen = Q(articles__in=articles.visible_to(user))
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
