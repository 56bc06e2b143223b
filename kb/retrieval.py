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

from django.conf import settings
from django.db.models import FloatField, IntegerField, OuterRef, Subquery
from django.db.models.functions import Length

from kb import words
from kb.embedding import QuestionVectors, get_embedder, normalised, question_vectors
from kb.expressions import Distance
from kb.legs import Chunks, Leg, candidates, fuse
from kb.models import Chunk, Embedder, Embedding, IndexedVersion, TokenVectors
from kb.permissions import Reader
from kb.reranking import Candidate, Ranked, Title, rerank, title_score, token_weights
from kb.words import Question


@dataclass(frozen=True)
class Hit:
    """A chunk with its scores and ranks. `text` is the passage's body; `lines[i]` the source line of its line i."""

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
class Trace:
    """One retrieval with all its stages, for the debugger and for evaluation; `retrieve` is its last stage.

    `legs`: every candidate with its rank in each leg. `fused`: the chunk ids that went to the reranker, best first.
    """

    question: Question | None
    allowed: int
    legs: tuple[Leg, ...]
    fused: tuple[int, ...]
    hits: tuple[Hit, ...]

    def ranked(self, leg: str) -> list[int]:
        """Chunk ids as one leg ("words" or "vector") ordered them."""
        found = [(rank, one.chunk_id) for one in self.legs if (rank := one.ranks[leg]) is not None]
        return [chunk_id for _, chunk_id in sorted(found)]


def retrieve(question: str, *, user: Reader, limit: int = 10, timings: Timings | None = None) -> list[Hit]:
    """At most `limit` hits, best first, none of which this reader may not see. Nothing to look for: an empty list."""
    return list(trace(question, user=user, timings=timings).hits[: max(0, limit)])


def trace(question: str, *, user: Reader, timings: Timings | None = None) -> Trace:
    """The whole retrieval, stage by stage."""
    clock = timings or Timings()
    text = normalised(question.replace("\0", " "))[: settings.QUESTION_LIMIT]
    if not text:
        return Trace(None, 0, (), (), ())
    asked = question_vectors(text)
    clock.lap("embed")
    embedder = own_embedder()
    lexical = words.read(text)
    seen = Chunk.objects.visible_to(user)
    allowed = seen[: settings.EXACT_BELOW + 1].count()
    found = candidates(seen, asked, lexical, embedder=embedder, allowed=allowed)
    legs = fuse(found)
    rows = details(seen, [leg.chunk_id for leg in legs], asked, embedder=embedder)
    for chunk_id, share in shares_of_exact(seen, list(rows), lexical).items():
        rows[chunk_id]["exact"] = share
    clock.lap("sql")
    hits = ordered([leg for leg in legs if leg.chunk_id in rows], rows, asked, lexical)
    clock.lap("rerank")
    return Trace(lexical, allowed, tuple(found), tuple(leg.chunk_id for leg in legs), tuple(hits))


def own_embedder() -> Embedder:
    """The row of the model that embeds questions in this process: vectors of two models are never compared.

    Where it has not indexed anything yet, a row that no vector belongs to: words alone find then.
    """
    model = get_embedder()
    row = Embedder.objects.filter(name=model.name, fingerprint=model.fingerprint).first()
    return row or Embedder(pk=0, name=model.name, dimensions=model.dimensions)


def details(
    seen: Chunks, chunk_ids: Sequence[int], asked: QuestionVectors, *, embedder: Embedder
) -> dict[int, dict[str, Any]]:
    """Text, place and late-interaction data of the candidates, one statement, under the same access rule."""
    tokens = TokenVectors.objects.filter(passage=OuterRef("passage"), embedder=embedder.pk)
    title = IndexedVersion.objects.filter(version=OuterRef("version")).values("title")[:1]
    near = Embedding.objects.filter(passage=OuterRef("title"), embedder=embedder.pk)
    named = TokenVectors.objects.filter(passage=OuterRef("title"), embedder=embedder.pk)
    rows = (
        seen.filter(pk__in=chunk_ids)
        .annotate(
            bits=Subquery(tokens.values("bits")[:1]),
            sentences=Subquery(tokens.values("sentences")[:1]),
            title=Subquery(title),
        )
        .annotate(
            title_distance=Subquery(near.values_list(Distance.to("vector", asked.vector)), output_field=FloatField()),
            title_bytes=Subquery(named.values_list(Length("bits"))[:1], output_field=IntegerField()),
        )
        .values(
            "id", "heading_path", "anchor", "lines", "passage_id", "passage__text", "passage__lead", "bits",
            "sentences", "title_distance", "title_bytes", "version_id", "version__number", "version__title",
            "version__language", "live__id", "live__slug", "live__collection__name", "live__published_at",
            "live__updated",
        )
    )  # fmt: skip
    return {row["id"]: {**row, "dimensions": embedder.dimensions, "exact": 0.0} for row in rows}


def shares_of_exact(seen: Chunks, chunk_ids: Sequence[int], lexical: Question) -> dict[int, float]:
    """Which share of the question's codes, flags and names each chunk holds as they are; empty when it asks for none.

    A statement of its own, because few questions need it: lexemes are a third of what the winners' rows would carry.
    """
    names = [words.quoted(word.lexeme) for word in lexical.words if word.is_exact]
    if not names:
        return {}
    rows = seen.filter(pk__in=chunk_ids).values_list("pk", "passage__tsv")
    return {pk: sum(name in tsv for name in names) / len(names) for pk, tsv in rows}


def ordered(
    legs: Sequence[Leg], rows: dict[int, dict[str, Any]], asked: QuestionVectors, lexical: Question
) -> list[Hit]:
    """Rerank the candidates and make hits of them, best first."""
    pool = [candidate(leg, rows[leg.chunk_id], lexical) for leg in legs]
    weights = token_weights(asked, lexical.spans)
    places = rerank(pool, asked, weights=weights)
    return [hit(legs[place.index], rows[legs[place.index].chunk_id], pool[place.index], place) for place in places]


def candidate(leg: Leg, row: dict[str, Any], lexical: Question) -> Candidate:
    distance = row["title_distance"]
    width = (row["title_bytes"] or 0) * 8 // max(1, row["dimensions"])
    return Candidate(
        article=row["live__id"],
        cosine=leg.cosine,
        words=leg.words / lexical.reachable,
        bits=bytes(row["bits"] or b""),
        sentences=bytes(row["sentences"] or b""),
        exact=row["exact"],
        title=Title(1.0 - distance, width) if distance is not None else Title(),
    )


def hit(leg: Leg, row: dict[str, Any], scored: Candidate, place: Ranked) -> Hit:
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
        parts={
            "cosine": 0.0 if leg.cosine is None else leg.cosine,
            "words": scored.words,
            "sentence": place.cosine,
            "maxsim": place.maxsim,
            "title": title_score(scored.title),
            "exact": scored.exact,
            "article": place.article_score,
        },
        updated=row["live__published_at"] or row["live__updated"],
        language=row["version__language"],
    )
