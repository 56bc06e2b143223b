"""What is derived from texts to keep them whole: links, anchors, and passages that say nearly the same."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import BooleanField, Case, Exists, F, Func, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Now

from kb import permissions
from kb.models.articles import Article, ArticleVersion, Redirect
from kb.models.collections import Audience, Collection
from kb.models.images import ImageUse
from kb.models.passages import Embedder, Passage
from kb.permissions import Reader

CURRENT = Q(latest_of__isnull=False) | Q(wanted_by__isnull=False) | Q(published_in__isnull=False)
BLOCK = "b-"  # anchors of single blocks move with every edit, and old ones lead to the top of the article


class AnyOf(Func):
    """Whether a value is in an array."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()
    conditional = True


class Outline(models.Model):
    """The anchors of a version; that there is one says that its links are noted too. Kept for current versions."""

    version = models.OneToOneField(ArticleVersion, models.CASCADE, primary_key=True, related_name="outline")
    anchors = ArrayField(models.TextField(), default=list)
    rules = models.PositiveSmallIntegerField(help_text="Which edition of the rules of kb.outlining made it.")

    def __str__(self) -> str:
        return f"{self.version_id}: {len(self.anchors)} anchors"


class LinkQuerySet(models.QuerySet["Link"]):
    def of(self, articles: models.QuerySet[Article]) -> Self:
        """The links in what is written last, and in what readers get, of these articles."""
        latest, published = Q(version__latest_of__in=articles), Q(version__published_in__in=articles)
        return self.filter(latest | published)

    def to(self, articles: models.QuerySet[Article]) -> Self:
        """The links that lead to these articles, by their address or by one they had."""
        return self.filter(Q(target__in=articles) | Q(former__article__in=articles))

    def with_problems(self, user: Reader) -> Any:
        """Each with `problem`, "" when all is well. An article this person may not know of is as good as none."""
        known, uncovered = Article.objects.known_to(user), uncovered_audiences()
        filled = Q(pk__in=Collection.objects.writable_by(user)) | Q(articles__in=known)
        shelves = Collection.objects.filter(filled, slug=OuterRef("slug"))
        shown = ImageUse.objects.filter(version=OuterRef("version"), image__digest=OuterRef("slug"))
        return self.annotate(
            problem=Case(
                When(kind=Link.Kind.NOWHERE, then=Value("nowhere")),
                When(Q(kind=Link.Kind.IMAGE) & ~Exists(shown), then=Value("image")),
                When(Q(kind=Link.Kind.COLLECTION) & ~Exists(shelves), then=Value("collection")),
                When(Q(kind=Link.Kind.HERE) & ~anchored("version__"), then=Value("anchor")),
                When(~Q(kind=Link.Kind.ARTICLE), then=Value("")),
                When(target__in=known, then=problem("target__", uncovered)),
                When(former__article__in=known, then=problem("former__article__", uncovered)),
                default=Value("missing"),
                output_field=models.CharField(),
            ),
            aim=Case(
                When(target__in=known, then=F("target__pk")),
                When(former__article__in=known, then=F("former__article__pk")),
            ),
        )


def problem(path: str, uncovered: dict[int, list[int]]) -> Case:
    """What is wrong with a link to the article at this path, for those who read the article it stands in."""
    source_is_read = Q(version__article__state=Article.State.PUBLISHED)
    is_read = Q(**{f"{path}state": Article.State.PUBLISHED, f"{path}published_version__isnull": False})
    narrower = Q(pk__in=[])
    for source, narrow in uncovered.items():
        narrower |= Q(**{"version__article__audience": source, f"{path}audience__in": narrow})
    return Case(
        When(source_is_read & ~is_read, then=Value("unpublished")),
        When(is_read & ~anchored(f"{path}published_version__"), then=Value("anchor")),
        When(narrower, then=Value("narrower")),
        default=Value(""),
    )


def anchored(path: str) -> Q:
    """The link names no anchor, or one that the version at this path has; nobody knows while that has no outline."""
    anchors = Coalesce(AnyOf(F("anchor"), F(f"{path}outline__anchors")), Value(True))
    return Q(anchor="") | Q(anchor__startswith=BLOCK) | Q(anchors)


def uncovered_audiences() -> dict[int, list[int]]:
    """For each audience those others that some of its readers do not belong to."""
    every = list(Audience.objects.prefetch_related("groups"))
    found = {one.pk: [other.pk for other in every if not permissions.covers(other, one)] for one in every}
    return {one: others for one, others in found.items() if others}


class Link(models.Model):
    """A link or an image within this help center, as it stands in a version."""

    class Kind(models.TextChoices):
        ARTICLE = "article"
        HERE = "here"
        COLLECTION = "collection"
        IMAGE = "image"
        NOWHERE = "nowhere"

    version = models.ForeignKey(ArticleVersion, models.CASCADE, related_name="links")
    kind = models.CharField(max_length=10, choices=Kind)
    address = models.CharField(max_length=500, help_text="As written.")
    slug = models.CharField(
        max_length=500, blank=True, db_index=True, help_text="Of the article or the collection; an image's digest."
    )
    anchor = models.CharField(max_length=300, blank=True)
    words = models.CharField(max_length=200, blank=True)
    line = models.PositiveIntegerField()

    # Relations by address, without a column or constraint of their own: the article may not exist.
    target = models.ForeignObject(
        Article, on_delete=models.DO_NOTHING, from_fields=["slug"], to_fields=["slug"], related_name="+", null=True
    )
    former = models.ForeignObject(
        Redirect,
        on_delete=models.DO_NOTHING,
        from_fields=["slug"],
        to_fields=["old_slug"],
        related_name="+",
        null=True,
    )

    objects = LinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.words} → {self.address}"


class Comparison(models.Model):
    """A passage that readers get was compared with all others of its kind, by this embedder."""

    passage = models.OneToOneField(Passage, models.CASCADE, primary_key=True, related_name="+")
    embedder = models.ForeignKey(Embedder, models.CASCADE, related_name="+")
    made = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.passage_id} at {self.made}"


class Likeness(models.Model):
    """Two passages that say nearly the same; the one with the lower number first."""

    one = models.ForeignKey(Passage, models.CASCADE, related_name="+")
    other = models.ForeignKey(Passage, models.CASCADE, related_name="+")
    cosine = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["one", "other"], name="one_likeness_of_two_passages")]

    def __str__(self) -> str:
        return f"{self.one_id} and {self.other_id}: {self.cosine:.2f}"
