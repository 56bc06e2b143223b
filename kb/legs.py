"""The two legs of retrieval, by meaning and by words, in one statement; and how their candidates become one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any, TypeAlias

from django.conf import settings
from django.db.models import F, FloatField, OuterRef, Q, Subquery, Value

from kb import words
from kb.embedding import QuestionVectors
from kb.expressions import Bm25, Distance, Match
from kb.models import Embedder, Embedding, Passage
from kb.models.passages import ChunkQuerySet
from kb.words import Question

Chunks: TypeAlias = ChunkQuerySet

SEES_MOST = 0.5  # the share of all chunks from which on a reader counts as seeing most
LESS = 0.3  # of the budget of words, for a reader who sees less
SMALL = 2000  # chunks that exact search takes 2 ms for


@dataclass(frozen=True)
class Leg:
    """A candidate as the legs found it: cosine similarity (None while it has no vector), BM25 sum, rank in each leg."""

    chunk_id: int
    cosine: float | None
    words: float
    ranks: dict[str, int | None]


def candidates(
    seen: Chunks, asked: QuestionVectors, lexical: Question, *, embedder: Embedder, allowed: int
) -> list[Leg]:
    """The best of both legs in ONE statement. The other leg's score is a subquery, computed for the winners only."""
    exact = is_exact_better(allowed, lexical.chunks)
    near = vector_leg(seen, asked, lexical, embedder=embedder, exact=exact)
    share = min(1.0, allowed / lexical.chunks) if allowed <= settings.EXACT_BELOW else 1.0
    queries = words.queries(lexical, share=share, budget=words_budget(share, lexical.chunks))
    if queries:
        near = near.union(word_leg(seen, asked, lexical, embedder=embedder, queries=queries), all=True)
    return merge(list(near))


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


def bm25(path: str, lexical: Question) -> Any:
    if not lexical.words:
        return Value(0.0, output_field=FloatField())
    lexemes = [words.quoted(word.lexeme) for word in lexical.words]
    return Bm25.of(path, lexemes, [word.idf for word in lexical.words], mean_length=lexical.mean_length)


def vector_leg(seen: Chunks, asked: QuestionVectors, lexical: Question, *, embedder: Embedder, exact: bool) -> Any:
    """Nearest by cosine: exact, or by the HNSW index with iterative scan.

    Adding 0.0 to the distance is what keeps the planner from the index: left to itself it switches too early.
    """
    distance = Distance.to("vector__vector", asked.vector)
    score = Passage.objects.filter(pk=OuterRef("passage")).values_list(bm25("", lexical))
    rows = seen.filter(vector__embedder=embedder.pk).annotate(
        leg=Value("vector"), distance=distance, words=Subquery(score, output_field=FloatField())
    )
    order = distance + Value(0.0, output_field=FloatField()) if exact else distance
    return rows.values("id", "leg", "distance", "words").order_by(order)[: settings.RETRIEVAL_CANDIDATES]


def word_leg(
    seen: Chunks, asked: QuestionVectors, lexical: Question, *, embedder: Embedder, queries: Sequence[str]
) -> Any:
    """Best by BM25 among the chunks that match. A chunk whose vector is not there yet is still found by its words."""
    matching = Q()
    for query in queries:
        matching |= Q(Match.of("passage__tsv", query))
    far = Embedding.objects.filter(passage=OuterRef("passage"), embedder=embedder.pk).values_list(
        Distance.to("vector", asked.vector)
    )
    rows = seen.filter(matching).annotate(
        leg=Value("words"), distance=Subquery(far, output_field=FloatField()), words=bm25("passage__", lexical)
    )
    return rows.values("id", "leg", "distance", "words").order_by(F("words").desc())[: settings.RETRIEVAL_CANDIDATES]


def merge(rows: Sequence[dict[str, Any]]) -> list[Leg]:
    """One row a chunk: a chunk found by both legs comes twice. Relaxed order is re-sorted here."""
    scores: dict[int, tuple[float | None, float]] = {}
    ranks: dict[int, dict[str, int | None]] = {}
    order = {"vector": lambda row: row["distance"], "words": lambda row: -row["words"]}
    for leg, key in order.items():
        found = sorted((row for row in rows if row["leg"] == leg), key=key)
        for rank, row in enumerate(found, 1):
            cosine = None if row["distance"] is None else 1.0 - row["distance"]
            scores[row["id"]] = (cosine, row["words"] or 0.0)
            ranks.setdefault(row["id"], {"words": None, "vector": None})[leg] = rank
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
    mean, spread = fmean(scores), pstdev(scores)
    return [(score - mean) / spread if spread else 0.0 for score in scores]
