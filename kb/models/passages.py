"""The index: content-addressed passages and vectors, thin chunks that link a version to them, and the outbox.

Article ── published_version ──> ArticleVersion <── Chunk ──> Passage <── Embedding (embedder)
                                                                    <── TokenVectors (embedder)
"""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from pgvector.django import HalfVectorField

from kb import permissions
from kb.models.articles import Article, ArticleVersion
from kb.permissions import Reader


class Embedder(models.Model):
    """A model that made vectors: different files give different vectors, so the file's hash is part of the name."""

    name = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)
    dimensions = models.PositiveIntegerField()
    live = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "fingerprint"], name="one_row_per_embedder"),
            models.UniqueConstraint(fields=["live"], condition=Q(live=True), name="one_live_embedder"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint[:8]})"


class Passage(models.Model):
    """A distinct text as the model sees it: `lead` (title and heading path) + body. Shared by versions and articles.

    It has no door of its own: only chunks say who may read it.
    """

    content_hash = models.UUIDField(unique=True)
    language = models.CharField(max_length=8)
    text = models.TextField()
    lead = models.PositiveIntegerField(help_text="Length of the lead, in characters.")
    wordpieces = models.PositiveIntegerField()
    length = models.PositiveIntegerField(help_text="Lexeme occurrences, the document length of BM25.")
    tsv = SearchVectorField()
    created = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [GinIndex(fields=["tsv"], name="passage_tsv", fastupdate=False)]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def body(self) -> str:
        return self.text[self.lead :]


class Embedding(models.Model):
    """A passage's vector by one embedder; its dimension is that of the embedder's partial index, not of the column."""

    pk = models.CompositePrimaryKey("passage_id", "embedder_id")
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="embeddings")
    embedder = models.ForeignKey(Embedder, models.CASCADE, related_name="+", db_index=False)
    vector = HalfVectorField()

    def __str__(self) -> str:
        return f"{self.passage_id} by {self.embedder_id}"


class TokenVectors(models.Model):
    """What late interaction needs of a passage: sign bits per kept token, and sentence vectors as int8."""

    pk = models.CompositePrimaryKey("passage_id", "embedder_id")
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="token_vectors")
    embedder = models.ForeignKey(Embedder, models.CASCADE, related_name="+", db_index=False)
    bits = models.BinaryField()
    sentences = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.passage_id} by {self.embedder_id}"


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def visible_to(self, user: Reader) -> Self:
        """THE access rule for readers, for chunks: of a published version, for one of this reader's audiences."""
        return self.filter(live__audience__in=permissions.audience_ids(user), live__state=Article.State.PUBLISHED)


class Chunk(models.Model):
    """A stored piece of a version: a thin link to its passage, and where in the article it stands."""

    version = models.ForeignKey(ArticleVersion, models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    passage = models.ForeignKey(Passage, models.PROTECT, related_name="chunks")
    heading_path = ArrayField(models.TextField(), default=list)
    anchor = models.CharField(max_length=200, blank=True)
    lines = ArrayField(models.PositiveIntegerField(), default=list, help_text="Source line of each line of the body.")

    # Relations of one equality each, without a column or constraint of their own. With two equalities between chunk and
    # article the planner expects 7 rows of 100,000 and never uses HNSW (230 ms instead of 2).
    live = models.ForeignObject(
        Article,
        on_delete=models.DO_NOTHING,
        from_fields=["version"],
        to_fields=["published_version"],
        related_name="+",
        null=True,
    )
    vector = models.ForeignObject(
        Embedding,
        on_delete=models.DO_NOTHING,
        from_fields=["passage"],
        to_fields=["passage"],
        related_name="+",
        null=True,
    )

    objects = ChunkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "ordinal"], name="one_ordinal_per_version")]

    def __str__(self) -> str:
        return f"chunk {self.ordinal} of version {self.version_id}"


class IndexedVersion(models.Model):
    """What the index holds of a version, and from which content and settings it was made: freshness compares these."""

    version = models.OneToOneField(ArticleVersion, models.CASCADE, primary_key=True, related_name="indexed")
    content_hash = models.BinaryField(max_length=32)
    recipe = models.CharField(max_length=64, help_text="Hash of the chunking settings and the chunker's own version.")
    embedder = models.ForeignKey(Embedder, models.CASCADE, related_name="+")
    title = models.ForeignKey(Passage, models.PROTECT, related_name="+", help_text="The title alone, for the reranker.")
    chunks = models.PositiveIntegerField()
    embedded = models.PositiveIntegerField(help_text="Passages embedded for it; the others were already there.")
    requested = models.DateTimeField(help_text="When the save that asked for it was made.")
    finished = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.version_id}: {self.chunks} chunks"


class IndexJob(models.Model):
    """The outbox: one row an article, written in the transaction of the save. A Celery message is only a wake-up."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    article = models.OneToOneField(Article, models.CASCADE, primary_key=True, related_name="job")
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    generation = models.PositiveIntegerField(
        default=1, help_text="Moved by every request; a run finishes the one it saw."
    )
    token = models.UUIDField(null=True, blank=True, help_text="Fences off a worker whose lease ran out.")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    requested = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["state", "updated"], name="jobs_due")]

    def __str__(self) -> str:
        return f"{self.article_id}: {self.state}"


class Lexeme(models.Model):
    """Document frequencies of the published passages, for BM25; rebuilt by a periodic task, never while indexing."""

    lexeme = models.TextField(primary_key=True)
    articles = models.PositiveIntegerField()
    chunks = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.lexeme


class CorpusStatistics(models.Model):
    """The one row of totals that go with the lexemes."""

    articles = models.PositiveIntegerField(default=0)
    chunks = models.PositiveIntegerField(default=0)
    mean_length = models.FloatField(default=1.0)
    languages = ArrayField(models.CharField(max_length=8), default=list)
    computed = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "corpus statistics"

    def __str__(self) -> str:
        return f"{self.chunks} chunks of {self.articles} articles"
