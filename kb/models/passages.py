"""The index: content-addressed passages and vectors, thin chunks that link a version to them, and the outbox.

Article ── published_version ──> ArticleVersion <── Chunk ──> Passage <── Embedding (embedder)
                                                                    <── TokenVectors (embedder)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now
from pgvector.django import HalfVectorField

from kb import permissions
from kb.filters import Within
from kb.models.articles import Article, ArticleVersion
from kb.permissions import Reader

WORKER_SILENT = timedelta(seconds=10)  # five heartbeats missed: dead, frozen, or without broker or database


class Embedder(models.Model):
    """A model that made vectors: different files give different vectors, so the file's hash is part of the name."""

    name = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)
    dimensions = models.PositiveIntegerField()
    path = models.CharField(max_length=300, blank=True, help_text="What settings call it.")
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
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="embeddings", db_index=False)
    embedder = models.ForeignKey(Embedder, models.CASCADE, related_name="+", db_index=False)
    vector = HalfVectorField()

    def __str__(self) -> str:
        return f"{self.passage_id} by {self.embedder_id}"


class TokenVectors(models.Model):
    """What late interaction needs of a passage: sign bits per kept token, and sentence vectors as int8."""

    pk = models.CompositePrimaryKey("passage_id", "embedder_id")
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="token_vectors", db_index=False)
    embedder = models.ForeignKey(Embedder, models.CASCADE, related_name="+", db_index=False)
    bits = models.BinaryField()
    sentences = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.passage_id} by {self.embedder_id}"


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def visible_to(self, user: Reader) -> Self:
        """THE access rule for readers, for chunks: of a published version, for one of this reader's audiences."""
        return self.filter(live__audience__in=permissions.audience_ids(user), live__state=Article.State.PUBLISHED)

    @cached_property
    def statement(self) -> tuple[str, list[Any]]:
        """Columns id and passage_id of these, as SQL and its values; made once for all statements of a retrieval."""
        try:
            sql, values = self.values("id", "passage_id").query.sql_with_params()
        except EmptyResultSet:  # of a filter that nothing can pass the ORM makes no SQL
            return "SELECT 0 AS id, 0 AS passage_id WHERE false", []
        return sql, list(values)

    def within(self, within: Within) -> Self:
        """What a search is narrowed to."""
        return self.filter(within.articles("live__")) if within else self

    def following(self, chunk_ids: Sequence[int]) -> Self:
        """The chunks that go on under the same heading right after these; `before`: after which one."""
        given = Chunk.objects.filter(pk__in=chunk_ids)
        same = given.filter(version=OuterRef("version"), heading_path=OuterRef("heading_path"))
        before = same.filter(ordinal=OuterRef("ordinal") - 1).values("pk")[:1]
        return self.filter(version__in=given.values("version")).annotate(before=Subquery(before)).exclude(before=None)


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


class IndexRun(models.Model):
    """One time a version was made searchable. Kept for a week after the version itself was replaced: for figures."""

    version = models.ForeignKey(ArticleVersion, models.CASCADE, related_name="+")
    chunks = models.PositiveIntegerField()
    embedded = models.PositiveIntegerField(help_text="Passages embedded for it; the others were already there.")
    requested = models.DateTimeField(help_text="When the save that asked for it was made.")
    finished = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"{self.version_id}: {self.embedded} of {self.chunks} embedded"

    @property
    def seconds(self) -> float:
        """From the save to searchable."""
        return (self.finished - self.requested).total_seconds()


class WorkerQuerySet(models.QuerySet["Worker"]):
    def beats(self, name: str) -> None:
        """Note that the worker of this name is alive now."""
        self.bulk_create(
            [Worker(name=name[:200])], update_conflicts=True, unique_fields=["name"], update_fields=["beat"]
        )

    def alive(self) -> Self:
        return self.filter(beat__gt=Now() - WORKER_SILENT)


class Worker(models.Model):
    """A process that indexes, and when it last said so, by the database's clock."""

    name = models.CharField(max_length=200, primary_key=True)
    beat = models.DateTimeField(db_default=Now())

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


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
    audiences = ArrayField(
        models.IntegerField(), default=list, help_text="Of the articles that hold it: whose readers know the word."
    )

    class Meta:
        indexes = [GinIndex(fields=["lexeme"], opclasses=["gin_trgm_ops"], name="lexeme_trigrams")]

    def __str__(self) -> str:
        return self.lexeme


class CorpusStatistics(models.Model):
    """The one row of totals that go with the lexemes."""

    articles = models.PositiveIntegerField(default=0)
    chunks = models.PositiveIntegerField(default=0)
    mean_length = models.FloatField(default=1.0)
    languages = ArrayField(models.CharField(max_length=8), default=list)
    audiences = models.JSONField(default=dict, help_text="Chunks for each audience, by its id.")
    computed = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "corpus statistics"

    def __str__(self) -> str:
        return f"{self.chunks} chunks of {self.articles} articles"


class Calibration(models.Model):
    """How well a bank of foreign questions fits the published articles: what the decision to refuse goes by."""

    embedder = models.OneToOneField(Embedder, models.CASCADE, related_name="calibration")
    middle = models.FloatField(help_text="Median of the fits.")
    spread = models.FloatField(help_text="Of the half above the median, as a standard deviation.")
    questions = models.PositiveIntegerField()
    vectors = models.BinaryField(help_text="Of the bank's questions, float16, one row after the other.")
    computed = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.middle:.2f} ± {self.spread:.2f} by {self.embedder_id}"
