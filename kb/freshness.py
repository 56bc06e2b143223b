"""Is the index fresh? By content hashes: what is published against what is searchable, not "has a vector"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from django.db import connection
from django.db.models import Avg, Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from kb.indexing import is_indexed, recipe, servable
from kb.models import Article, IndexJob, IndexRun

Word = Literal["fresh", "indexing", "failed", "unpublished"]


@dataclass(frozen=True)
class Freshness:
    """Where one article stands. `serving`: the version answers use; `wanted`: the one that will be, or is.

    `doing`: what its job is at, in a sentence, "" when nothing is to be done; `retry`: whether it gave up.
    """

    word: Word
    serving: int | None
    wanted: int | None
    error: str = ""
    seconds: float | None = None
    doing: str = ""
    retry: bool = False


def of(article: Article) -> Freshness:
    """An article's line for editors: which version answers use, and what is on its way."""
    serving, wanted = article.published_version, article.wanted_version
    job = IndexJob.objects.filter(article=article).first()
    gave_up = job is not None and job.state == IndexJob.State.FAILED
    stands = Freshness(
        "unpublished",
        serving.number if serving else None,
        wanted.number if wanted else None,
        doing=doing(job) if job else "",
        retry=gave_up,
    )
    if article.state != Article.State.PUBLISHED or wanted is None:
        return stands
    if serving == wanted and is_indexed(wanted.pk):
        return replace(stands, word="fresh")
    if job is not None and gave_up:
        return replace(stands, word="failed", error=job.error, doing="")
    return replace(stands, word="indexing", seconds=expected_seconds(article))


def doing(job: IndexJob) -> str:
    """What the job of an article is at, in a sentence; it indexes what is published and what was saved last."""
    now = timezone.now()
    if job.state == IndexJob.State.FAILED:
        return f"The last saved version could not be indexed: {job.error}"
    if job.state == IndexJob.State.RUNNING:
        return f"Being indexed, asked for {seconds(now - job.requested)} s ago."
    if job.state == IndexJob.State.DONE:
        return ""
    if job.error and job.not_before and job.not_before > now:
        times = "once" if job.attempts == 1 else f"{job.attempts} times"
        return f"Tried {times}, again in {seconds(job.not_before - now)} s: {job.error}"
    ahead = IndexJob.objects.filter(state=IndexJob.State.QUEUED, requested__lt=job.requested).count()
    return f"In the queue behind {ahead} other{'' if ahead == 1 else 's'}." if ahead else "Next in the queue."


def seconds(span: timedelta) -> int:
    return max(0, round(span.total_seconds()))


def with_words(articles: QuerySet[Article]) -> QuerySet[Any]:
    """Each with `index_word`, the word that `of` says: for lists and their filters, in the same statement."""
    indexed = servable().filter(version=OuterRef("wanted_version"))
    unpublished = ~Q(state=Article.State.PUBLISHED) | Q(wanted_version=None)
    fresh = Q(published_version=F("wanted_version")) & Exists(indexed)
    return articles.annotate(
        index_word=Case(
            When(unpublished, then=Value("unpublished")),
            When(fresh, then=Value("fresh")),
            When(job__state=IndexJob.State.FAILED, then=Value("failed")),
            default=Value("indexing"),
        )
    )


def expected_seconds(article: Article) -> float:
    """How long until it is its turn and done: jobs asked for before it, times what the last ones took; at least 1."""
    recent = IndexRun.objects.order_by("-finished")[:20]
    took = recent.aggregate(mean=Avg(F("finished") - F("requested")))["mean"]
    ahead = IndexJob.objects.filter(state__in=[IndexJob.State.QUEUED, IndexJob.State.RUNNING]).count()
    each = min(took.total_seconds(), 30.0) if took else 1.0
    return float(max(1.0, round(each * max(1, ahead) ** 0.5, 1)))


TOTALS = """
SELECT count(*) AS articles,
  count(*) FILTER (WHERE article.published_version_id = article.wanted_version_id AND indexed.version_id IS NOT NULL
                   AND indexed.content_hash = wanted.content_hash AND indexed.recipe = %(recipe)s AND embedder.live
                   AND indexed.chunks = searchable.chunks AND searchable.chunks = searchable.vectors) AS fresh
FROM kb_article AS article
JOIN kb_articleversion AS wanted ON wanted.id = article.wanted_version_id
LEFT JOIN kb_indexedversion AS indexed ON indexed.version_id = article.wanted_version_id
LEFT JOIN kb_embedder AS embedder ON embedder.id = indexed.embedder_id
LEFT JOIN LATERAL (
  SELECT count(*) AS chunks, count(embedding.passage_id) AS vectors FROM kb_chunk AS chunk
  LEFT JOIN kb_embedding AS embedding
    ON embedding.passage_id = chunk.passage_id AND embedding.embedder_id = indexed.embedder_id
  WHERE chunk.version_id = article.wanted_version_id) AS searchable ON true
WHERE article.state = 'published'
"""
LAG = """
SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM finished - requested) * 1000)
FROM (SELECT finished, requested FROM kb_indexrun ORDER BY finished DESC LIMIT 1000) AS recent
"""


def totals() -> dict[str, Any]:
    """The whole help center: published articles, how many are fresh, the queue, and save → searchable in ms."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, {"recipe": recipe()})
        articles, fresh = cursor.fetchone()
        cursor.execute(LAG)
        p50, p95 = cursor.fetchone()[0] or (None, None)
    counted = dict(IndexJob.objects.values_list("state").annotate(jobs=Count("pk")))
    jobs = {state: counted.get(state, 0) for state in IndexJob.State.values}
    return {
        "articles": articles,
        "fresh": fresh,
        "stale": articles - fresh,
        "queued": jobs["queued"],
        "running": jobs["running"],
        "failed": jobs["failed"],
        "lag_ms": {"p50": round(p50) if p50 is not None else None, "p95": round(p95) if p95 is not None else None},
    }
