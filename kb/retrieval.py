"""retrieve(question, user=…): the chunks a reader may see that best fit a question, by meaning and by words.

    question ──> vectors (cached) ──┐
             └─> lexemes, df, count ┴─> one statement: two legs, both scores for every candidate ──> fuse ──> 50
                                                      token bits, sentences, text of the 50 ──> rerank ──> hits

Access is inside the statement: both legs start from Chunk.objects.visible_to(user), before ranking.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import F, FloatField, OuterRef, Q, Subquery, Value

from kb import words
from kb.embedding import QuestionVectors, question_vectors
from kb.expressions import Bm25, Distance, Match
from kb.models import Article, Chunk, Embedder, Embedding, IndexedVersion, Passage, TokenVectors
from kb.permissions import Reader
from kb.reranking import Candidate, rerank
from kb.words import Question


@dataclass(frozen=True)
class Hit:
    """A chunk with its scores and ranks, best first. `text` is the passage's body; `lines[i]` its line i's source line."""

    chunk_id: int
    article_id: int
    version_id: int
    version_number: int
    passage_id: int
    slug: str
    title: str
    collection: str
    heading_path: tuple[str, ...]
    anchor: str
    lines: tuple[int, ...]
    text: str
    score: float
    ranks: dict[str, int | None]
    parts: dict[str, float]
    updated: datetime
    language: str


@dataclass
class Timings:
    """Milliseconds a stage; filled in by `retrieve` for whoever asks."""

    embed: float = 0.0
    sql: float = 0.0
    rerank: float = 0.0
    total: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        taken = (now - self.started) * 1000
        setattr(self, stage, getattr(self, stage) + taken)
        self.total += taken
        self.started = now

    def as_dict(self) -> dict[str, float]:
        return {stage: round(getattr(self, stage), 2) for stage in ("embed", "sql", "rerank", "total")}


@dataclass(frozen=True)
class Leg:
    """One candidate as the legs found it: cosine similarity, BM25 sum, and its rank in each leg."""

    chunk_id: int
    cosine: float
    words: float
    ranks: dict[str, int | None]


def retrieve(question: str, *, user: Reader, limit: int = 10, timings: Timings | None = None) -> list[Hit]:
    """At most `limit` hits, best first, none of which this reader may not see. Nothing to look for: an empty list."""
    clock = timings or Timings()
    text = " ".join(question.replace("\0", " ").split())[: settings.QUESTION_LIMIT]
    embedder = Embedder.objects.filter(live=True).first()
    if not text or embedder is None or limit < 1:
        return []
    asked = question_vectors(text)
    clock.lap("embed")
    lexical = words.read(text)
    legs = fuse(candidates(asked, lexical, embedder=embedder, user=user), lexical)
    rows = details([leg.chunk_id for leg in legs], asked, embedder=embedder, user=user)
    clock.lap("sql")
    hits = ordered([leg for leg in legs if leg.chunk_id in rows], rows, asked, lexical)
    clock.lap("rerank")
    return hits[:limit]


def candidates(asked: QuestionVectors, lexical: Question, *, embedder: Embedder, user: Reader) -> list[Leg]:
    """The best of both legs in ONE statement. The other leg's score is a subquery, computed for the winners only."""
    seen = Chunk.objects.visible_to(user)
    allowed = seen[: settings.EXACT_BELOW + 1].count()
    near = vector_leg(seen, asked, lexical, embedder=embedder, exact=allowed <= settings.EXACT_BELOW)
    share = min(1.0, allowed / lexical.chunks) if allowed <= settings.EXACT_BELOW else 1.0
    queries = words.queries(lexical, share=share, budget=settings.WORDS_BUDGET)
    if queries:
        near = near.union(word_leg(seen, asked, lexical, embedder=embedder, queries=queries), all=True)
    return merge(list(near))


def bm25(path: str, lexical: Question) -> Any:
    if not lexical.words:
        return Value(0.0, output_field=FloatField())
    lexemes = [words.quoted(word.lexeme) for word in lexical.words]
    return Bm25.of(path, lexemes, [word.idf for word in lexical.words], mean_length=lexical.mean_length)


def vector_leg(seen: Any, asked: QuestionVectors, lexical: Question, *, embedder: Embedder, exact: bool) -> Any:
    """Nearest by cosine. Exact below EXACT_BELOW allowed rows (2 µs a row), HNSW with iterative scan above.

    Adding 0.0 to the distance is what keeps the planner from the index: left to itself it switches too early.
    """
    distance = Distance.to("vector__vector", asked.vector)
    score = Passage.objects.filter(pk=OuterRef("passage")).values_list(bm25("", lexical))
    rows = seen.filter(vector__embedder=embedder.pk).annotate(
        leg=Value("vector"), distance=distance, words=Subquery(score, output_field=FloatField())
    )
    order = distance + Value(0.0, output_field=FloatField()) if exact else distance
    return rows.values("id", "leg", "distance", "words").order_by(order)[: settings.RETRIEVAL_CANDIDATES]


def word_leg(seen: Any, asked: QuestionVectors, lexical: Question, *, embedder: Embedder, queries: Sequence[str]) -> Any:
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
    scores: dict[int, tuple[float, float]] = {}
    ranks: dict[int, dict[str, int | None]] = {}
    order = {"vector": lambda row: row["distance"], "words": lambda row: -row["words"]}
    for leg, key in order.items():
        found = sorted((row for row in rows if row["leg"] == leg), key=key)
        for rank, row in enumerate(found, 1):
            distance = 1.0 if row["distance"] is None else row["distance"]
            scores[row["id"]] = (1.0 - distance, row["words"] or 0.0)
            ranks.setdefault(row["id"], {"words": None, "vector": None})[leg] = rank
    return [Leg(pk, cosine, bm, ranks[pk]) for pk, (cosine, bm) in scores.items()]


def fuse(legs: list[Leg], lexical: Question) -> list[Leg]:
    """The RETRIEVAL_CANDIDATES best by cosine + half the share of the reachable BM25; raw scores adapt by themselves."""
    legs.sort(key=lambda leg: -(leg.cosine + 0.5 * leg.words / lexical.reachable))
    return legs[: settings.RETRIEVAL_CANDIDATES]


def details(chunk_ids: Sequence[int], asked: QuestionVectors, *, embedder: Embedder, user: Reader) -> dict[int, dict[str, Any]]:
    """Text, place and late-interaction data of the candidates, one statement, under the same access rule."""
    tokens = TokenVectors.objects.filter(passage=OuterRef("passage"), embedder=embedder.pk)
    title = IndexedVersion.objects.filter(version=OuterRef("version")).values("title")[:1]
    near = Embedding.objects.filter(passage=OuterRef("title"), embedder=embedder.pk)
    rows = (
        Chunk.objects.visible_to(user)
        .filter(pk__in=chunk_ids)
        .annotate(
            bits=Subquery(tokens.values("bits")[:1]),
            sentences=Subquery(tokens.values("sentences")[:1]),
            title=Subquery(title),
        )
        .annotate(
            title_distance=Subquery(near.values_list(Distance.to("vector", asked.vector)), output_field=FloatField()),
            title_bits=Subquery(
                TokenVectors.objects.filter(passage=OuterRef("title"), embedder=embedder.pk).values("bits")[:1]
            ),
        )
        .values(
            "id", "heading_path", "anchor", "lines", "passage_id", "passage__text", "passage__lead", "passage__tsv",
            "bits", "sentences", "title_distance", "title_bits", "version_id", "version__number", "version__title",
            "version__language", "live__id", "live__slug", "live__collection__name", "live__published_at", "live__updated",
        )
    )  # fmt: skip
    return {row["id"]: row for row in rows}


def ordered(legs: Sequence[Leg], rows: dict[int, dict[str, Any]], asked: QuestionVectors, lexical: Question) -> list[Hit]:
    """Rerank the candidates and make hits of them, best first."""
    pool = [candidate(leg, rows[leg.chunk_id], lexical) for leg in legs]
    weights = token_weights(asked, lexical)
    return [hit(legs[place.index], rows[legs[place.index].chunk_id], place) for place in rerank(asked, pool, weights=weights)]


def candidate(leg: Leg, row: dict[str, Any], lexical: Question) -> Candidate:
    exact = [word.lexeme for word in lexical.words if word.is_exact]
    held = row["passage__tsv"] or ""
    return Candidate(
        article=row["live__id"],
        cosine=leg.cosine,
        words=leg.words / lexical.reachable,
        bits=bytes(row["bits"] or b""),
        sentences=bytes(row["sentences"] or b""),
        title_cosine=1.0 - row["title_distance"] if row["title_distance"] is not None else 0.0,
        title_tokens=len(row["title_bits"] or b"") // 48,
        exact=sum(words.quoted(name) in held for name in exact) / len(exact) if exact else 0.0,
    )


def token_weights(asked: QuestionVectors, lexical: Question) -> np.ndarray:
    """Weight of each token row of the question: the idf of its word, 0.1 for stop words and punctuation."""
    weights = np.full(len(asked.ids), 0.1, dtype=np.float32)
    for index, (start, end) in enumerate(asked.offsets):
        if asked.stop[index]:
            continue
        found = [idf for low, high, idf in lexical.spans if low < end and start < high]
        weights[index] = max([0.1, *found])
    return weights


def hit(leg: Leg, row: dict[str, Any], place: Any) -> Hit:
    return Hit(
        chunk_id=leg.chunk_id,
        article_id=row["live__id"],
        version_id=row["version_id"],
        version_number=row["version__number"],
        passage_id=row["passage_id"],
        slug=row["live__slug"],
        title=row["version__title"],
        collection=row["live__collection__name"],
        heading_path=tuple(row["heading_path"]),
        anchor=row["anchor"],
        lines=tuple(row["lines"]),
        text=row["passage__text"][row["passage__lead"] :],
        score=place.score,
        ranks=leg.ranks,
        parts=place.parts,
        updated=row["live__published_at"] or row["live__updated"],
        language=row["version__language"],
    )
