"""The index as a whole, in figures: one source for `index_status` and the page that editors watch."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from kb import freshness
from kb.models import Article, IndexJob, IndexRun, Worker

WAITING = (IndexJob.State.QUEUED, IndexJob.State.RUNNING)

AGE = "SELECT extract(epoch FROM now() - min(requested)) FROM kb_indexjob WHERE state = ANY(%s)"
RATES = """
SELECT count(*) FILTER (WHERE finished > now() - interval '1 minute'), count(*), coalesce(sum(chunks), 0),
       coalesce(sum(embedded), 0)
FROM kb_indexrun WHERE finished > now() - interval '1 hour'
"""


def overview() -> dict[str, Any]:
    """freshness.totals(), and: seconds since the oldest change not searchable yet, living workers, work of late.

    `throughput`: versions made searchable in the last minute and hour; the chunks of that hour, and how many of their
    passages had to be embedded. `collections`: published articles, fresh ones and chunks of each.
    """
    with connection.cursor() as cursor:
        cursor.execute(AGE, [list(WAITING)])
        [age] = cursor.fetchone()
        cursor.execute(RATES)
        minute, hour, chunks, embedded = cursor.fetchone()
    return {
        **freshness.totals(),
        "oldest_seconds": round(float(age), 1) if age is not None else None,
        "workers": Worker.objects.alive().count(),
        "throughput": {
            "versions_last_minute": minute,
            "versions_last_hour": hour,
            "chunks_last_hour": chunks,
            "embedded_last_hour": embedded,
        },
        "collections": by_collection(Article.objects.all()),
    }


def by_collection(articles: QuerySet[Article]) -> list[dict[str, Any]]:
    """Of the published ones among these articles: how many a collection has, how many are fresh, and their chunks."""
    published = articles.filter(state=Article.State.PUBLISHED, wanted_version__isnull=False)
    grouped = freshness.with_words(published).order_by("collection__position", "collection__name")
    return list(
        grouped.values(name=F("collection__name"), address=F("collection__slug")).annotate(
            articles=Count("pk"),
            fresh=Count("pk", filter=Q(index_word="fresh")),
            chunks=Coalesce(Sum("published_version__indexed__chunks"), 0),
        )
    )


def waiting(articles: QuerySet[Article]) -> QuerySet[IndexJob]:
    """The jobs of these articles that are not done, the longest waiting first."""
    return IndexJob.objects.filter(article__in=articles, state__in=WAITING).order_by("requested")


def failed(articles: QuerySet[Article]) -> QuerySet[IndexJob]:
    return IndexJob.objects.filter(article__in=articles, state=IndexJob.State.FAILED).order_by("-updated")


def unattended(articles: QuerySet[Article]) -> QuerySet[Article]:
    """Those that failed, in any state, and the stale ones that no job waits for: made with other settings, or lost."""
    stale = Q(index_word="indexing") & ~Q(job__state__in=WAITING)
    return freshness.with_words(articles).filter(stale | Q(job__state=IndexJob.State.FAILED))


def last_runs(articles: QuerySet[Article]) -> QuerySet[IndexRun]:
    return IndexRun.objects.filter(version__article__in=articles).order_by("-finished", "-pk")
