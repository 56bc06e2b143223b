"""The two legs of retrieval, by meaning and by words, in one statement; and how their candidates become one list.

The statement is written by hand around the ORM's own SQL of what the reader may see: building it from querysets took
the web process 5 ms of each retrieval (`python -m bench.parts`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

from django.conf import settings
from django.db import connection

from kb import words
from kb.embedding import QuestionVectors
from kb.expressions import bm25, distance
from kb.models import Embedder
from kb.models.passages import ChunkQuerySet
from kb.words import Question

Chunks: TypeAlias = ChunkQuerySet
Statement: TypeAlias = tuple[str, list[Any]]  # SQL, and the values of its %s in their order

SEES_MOST = 0.5  # the share of all chunks from which on a reader counts as seeing most
LESS = 0.3  # of the budget of words, for a reader who sees less
SMALL = 2000  # chunks that exact search takes 2 ms for

# Each leg finds its best in an inner SELECT; what the other leg would say is computed for these alone. A chunk whose
# vector is not there yet is still found by its words.
NEAR = """
SELECT best.id, 'vector' AS leg, best.distance, (
  SELECT {words} FROM kb_passage AS passage WHERE passage.id = best.passage_id
)
FROM (
  SELECT * FROM (
    SELECT seen.id, seen.passage_id, {distance} AS distance
    FROM seen JOIN kb_embedding AS embedding ON embedding.passage_id = seen.passage_id
    WHERE embedding.embedder_id = {embedder} {fence}
  ) AS near
  ORDER BY distance LIMIT {limit}
) AS best
"""
MATCHING = """
SELECT best.id, 'words' AS leg, (
  SELECT {distance} FROM kb_embedding AS embedding
  WHERE embedding.passage_id = best.passage_id AND embedding.embedder_id = {embedder}
), best.words
FROM (
  SELECT seen.id, seen.passage_id, {words} AS words
  FROM seen JOIN kb_passage AS passage ON passage.id = seen.passage_id
  WHERE {match} ORDER BY words DESC LIMIT {limit}
) AS best
"""


@dataclass(frozen=True)
class Leg:
    """A candidate as the legs found it: cosine similarity (None while it has no vector), BM25 sum, rank in each leg."""

    chunk_id: int
    cosine: float | None
    words: float
    ranks: dict[str, int | None]


def candidates(
    seen: Chunks, asked: QuestionVectors, lexical: Question, *, embedder: Embedder, allowed: int, exact: bool = False
) -> list[Leg]:
    """The best of both legs, RETRIEVAL_CANDIDATES each, in ONE statement.

    `allowed`: about how many chunks; it decides how to search, never what is found. `exact`: compare them all with the
    question, however many there are.
    """
    exact = exact or is_exact_better(allowed, lexical.chunks)
    sql, values = statement(seen, asked, lexical, embedder=embedder, allowed=allowed, exact=exact)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return merge(cursor.fetchall())


def is_exact_better(allowed: int, chunks: int) -> bool:
    """Whether to compute the distances of all allowed chunks (1 to 2 µs each) or to walk the HNSW graph.

    Up to EXACT_BELOW it is exact: a graph of which little is allowed is slow to walk and loses hits (recall .87). For a
    reader who sees half of it or more it is neither (.97 in 2 ms), and only the smallest corpora are searched exactly.
    """
    most: int = settings.EXACT_BELOW
    return allowed <= (min(SMALL, most) if allowed >= chunks * SEES_MOST else most)


def words_budget(share: float, chunks: int) -> int:
    """How many matches the lexical leg may expect among the allowed chunks, which are this share of all.

    Where a tenth is allowed, ten times as many match in all: with a third of the budget the best ten still agree with
    true BM25 to .985, and it takes half the time. With so few that all fit the budget, all are looked at.
    """
    budget: int = settings.WORDS_BUDGET
    return budget if share >= SEES_MOST or chunks * share <= budget else max(1, round(budget * LESS))


def statement(
    seen: Chunks, asked: QuestionVectors, lexical: Question, *, embedder: Embedder, allowed: int, exact: bool
) -> Statement:
    """Both legs over what the reader may see. The CTE is inlined, so that each leg has a plan of its own."""
    allowed_sql, values = seen.statement
    share = min(1.0, allowed / lexical.chunks)
    queries = words.queries(lexical, share=share, budget=words_budget(share, lexical.chunks))
    legs = [vector_leg(asked, lexical, embedder=embedder, exact=exact)]
    if queries:
        legs.append(word_leg(asked, lexical, embedder=embedder, queries=queries))
    both = ") UNION ALL (".join(sql for sql, _ in legs)
    return f"WITH seen AS NOT MATERIALIZED ({allowed_sql}) ({both})", [*values, *joined(given for _, given in legs)]


def vector_leg(asked: QuestionVectors, lexical: Question, *, embedder: Embedder, exact: bool) -> Statement:
    """Nearest by cosine: exact, or by the HNSW index with iterative scan.

    OFFSET 0 is what keeps the planner from the index: left to itself it switches too early.
    """
    score, score_values = bm25([(words.quoted(word.lexeme), word.idf) for word in lexical.words], lexical.mean_length)
    sql = NEAR.format(
        words=score,
        distance=distance("embedding.vector", len(asked.vector)),
        embedder=int(embedder.pk),
        fence="OFFSET 0" if exact else "",
        limit=int(settings.RETRIEVAL_CANDIDATES),
    )
    return sql, [*score_values, asked.literal]


def word_leg(asked: QuestionVectors, lexical: Question, *, embedder: Embedder, queries: Sequence[str]) -> Statement:
    """Best by BM25 among the chunks that match."""
    score, score_values = bm25([(words.quoted(word.lexeme), word.idf) for word in lexical.words], lexical.mean_length)
    sql = MATCHING.format(
        words=score,
        distance=distance("embedding.vector", len(asked.vector)),
        embedder=int(embedder.pk),
        match=" OR ".join(["passage.tsv @@ %s::tsquery"] * len(queries)),
        limit=int(settings.RETRIEVAL_CANDIDATES),
    )
    return sql, [asked.literal, *score_values, *queries]


def joined(values: Iterable[list[Any]]) -> list[Any]:
    return [value for some in values for value in some]


def merge(rows: Sequence[tuple[int, str, float | None, float]]) -> list[Leg]:
    """One Leg a chunk: a chunk found by both legs comes twice. Relaxed order is re-sorted here."""
    scores: dict[int, tuple[float | None, float]] = {}
    ranks: dict[int, dict[str, int | None]] = {}
    near = sorted((row for row in rows if row[1] == "vector"), key=lambda row: row[2] or 0.0)
    matching = sorted((row for row in rows if row[1] == "words"), key=lambda row: -row[3])
    for found in (near, matching):
        for rank, (pk, leg, apart, score) in enumerate(found, 1):
            scores[pk] = (None if apart is None else 1.0 - apart, score)
            ranks.setdefault(pk, {"words": None, "vector": None})[leg] = rank
    return [Leg(pk, cosine, bm, ranks[pk]) for pk, (cosine, bm) in scores.items()]


def fuse(legs: Sequence[Leg]) -> list[Leg]:
    """The RETRIEVAL_CANDIDATES best of both legs by the sum of their z-scores: (score - mean) / standard deviation.

    Equal-weight reciprocal ranks lose to BM25 alone on help-center questions (nDCG@10 .722 against .734), z-scores gain
    (.751). A candidate without a vector counts as the farthest one.
    """
    if not legs:
        return []
    known = [leg.cosine for leg in legs if leg.cosine is not None]
    farthest = min(known, default=0.0)
    meaning = standard([farthest if leg.cosine is None else leg.cosine for leg in legs])
    lexical = standard([leg.words for leg in legs])
    order = sorted(range(len(legs)), key=lambda place: -(meaning[place] + lexical[place]))
    return [legs[place] for place in order[: settings.RETRIEVAL_CANDIDATES]]


def standard(scores: Sequence[float]) -> list[float]:
    mean = fmean(scores)
    spread = math.sqrt(fmean((score - mean) ** 2 for score in scores))
    return [(score - mean) / spread if spread else 0.0 for score in scores]
