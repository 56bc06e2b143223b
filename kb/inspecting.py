"""One article as the retriever sees it: what its chunks have served, near copies elsewhere, how near a question is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from kb import embedders
from kb.comparing import ALIKE
from kb.embedding import normalised
from kb.expressions import Distance
from kb.models import Answer, AnswerSource, Article, ArticleVersion, Chunk
from kb.retrieval import meaning

SERVED_FOR, WEEK = timedelta(days=30), timedelta(days=7)
QUESTIONS_SHOWN = 3  # a chunk
NEIGHBOURS = 20  # looked at for each chunk; passages of replaced versions are among them

NEAREST = """
SELECT mine.id, near.passage_id, 1 - near.distance
FROM kb_chunk AS mine
JOIN kb_embedding AS own ON own.passage_id = mine.passage_id AND own.embedder_id = {embedder}
CROSS JOIN LATERAL (
  SELECT passage_id, (vector)::halfvec({dimensions}) <=> (own.vector)::halfvec({dimensions}) AS distance
  FROM kb_embedding WHERE embedder_id = {embedder}
  ORDER BY (vector)::halfvec({dimensions}) <=> (own.vector)::halfvec({dimensions}) LIMIT {neighbours}) AS near
WHERE mine.version_id = %s AND near.distance <= %s
"""


@dataclass(frozen=True)
class Copy:
    """A chunk of another article that says nearly the same."""

    chunk: Chunk
    likeness: float  # cosine of the two passages


@dataclass(frozen=True)
class Served:
    """The questions whose answers had a chunk among their sources, the most frequent first: (question, how often)."""

    questions: tuple[tuple[str, int], ...] = ()
    total: int = 0


def near_copies(version: ArticleVersion, *, among: QuerySet[Article]) -> dict[int, list[Copy]]:
    """Chunk id → near copies in published versions of these articles, the most alike first."""
    embedder = embedders.live_row()
    if embedder is None:
        return {}
    statement = NEAREST.format(
        embedder=int(embedder.pk), dimensions=int(embedder.dimensions), neighbours=int(NEIGHBOURS)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [version.pk, 1 - ALIKE])
        pairs = cursor.fetchall()
    others = Chunk.objects.filter(live__in=among.exclude(pk=version.article_id), live__state=Article.State.PUBLISHED)
    by_passage: dict[int, list[Chunk]] = defaultdict(list)
    for chunk in others.filter(passage__in={passage for _, passage, _ in pairs}).select_related("live", "version"):
        by_passage[chunk.passage_id].append(chunk)
    made: dict[int, list[Copy]] = defaultdict(list)
    for chunk_id, passage, likeness in sorted(pairs, key=lambda pair: -pair[2]):
        made[chunk_id] += [Copy(chunk, likeness) for chunk in by_passage[passage]]
    return made


def served(chunks: Sequence[Chunk], article: Article) -> dict[int, Served]:
    """Passage id → the questions of the last 30 days that had it among their sources, as a part of this article."""
    sources = AnswerSource.objects.filter(
        passage__in={chunk.passage_id for chunk in chunks},
        version__article=article,
        answer__state=Answer.State.ANSWERED,
        answer__created__gt=Now() - SERVED_FOR,
    )
    asked: dict[int, list[tuple[str, int]]] = defaultdict(list)
    rows = sources.values_list("passage", "answer__question").annotate(times=Count("answer")).order_by("-times")
    for passage, question, times in rows:
        asked[passage].append((question, times))
    return {
        passage: Served(tuple(pairs[:QUESTIONS_SHOWN]), sum(times for _, times in pairs))
        for passage, pairs in asked.items()
    }


def ever_retrieved(chunks: Sequence[Chunk], article: Article) -> set[int]:
    """The passages among these that were ever a source of an answer, as a part of this article."""
    passages = {chunk.passage_id for chunk in chunks}
    answered = AnswerSource.objects.filter(answer__state=Answer.State.ANSWERED)
    sources = answered.filter(passage__in=passages, version__article=article)
    return set(sources.values_list("passage", flat=True))


def answered_this_week(article: Article) -> int:
    """How many answers of the last seven days had this article among their sources."""
    answers = Answer.objects.filter(state=Answer.State.ANSWERED, created__gt=Now() - WEEK)
    return answers.filter(sources__version__article=article).distinct().count()


def nearness(version: ArticleVersion, question: str) -> dict[int, float]:
    """Chunk id → cosine of the question and the chunk's passage, the nearest first; none while no embedder answers."""
    embedder, asked = meaning(normalised(question))
    chunks = Chunk.objects.filter(version=version, vector__embedder=embedder.pk)
    rows = chunks.annotate(distance=Distance.to("vector__vector", asked.vector)).order_by("distance", "ordinal")
    return {chunk_id: 1 - distance for chunk_id, distance in rows.values_list("pk", "distance")}


def repeated(before: str, body: str) -> int:
    """How many characters at the beginning of a chunk repeat the end of the one before it."""
    return next((size for size in range(min(len(before), len(body)), 0, -1) if before.endswith(body[:size])), 0)
