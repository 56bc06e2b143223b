"""retrieve(question, user=…, within=…): the chunks a reader may see that best fit a question, by meaning and words.

    question ──> one statement: lexemes, df, count ┬─> one statement: two legs, both scores for every candidate
             └─> vectors (cached) ─────────────────┘      ──> fuse ──> 50
                          one statement: token bits, sentences, text of the 50 ──> rerank ──> hits

Access and filters are inside the statement: both legs start from Chunk.objects.visible_to(user).within(filters).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from kb import embedders, outset, permissions, rescoring, spelling
from kb.details import Detail, details
from kb.embedding import QuestionVectors, normalised, question_vectors, without_vectors
from kb.errors import ProviderError
from kb.filters import EVERYWHERE, Within
from kb.legs import Leg, candidates, fuse
from kb.models import Chunk, Embedder
from kb.permissions import Reader, ReaderOf
from kb.reranking import Candidate, Ranked, Title, rerank, title_score, token_weights
from kb.words import Question

log = logging.getLogger(__name__)


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
    legs: tuple[Leg, ...]
    fused: tuple[int, ...]
    hits: tuple[Hit, ...]

    def ranked(self, leg: str) -> list[int]:
        """Chunk ids as one leg ("words" or "vector") ordered them."""
        found = [(rank, one.chunk_id) for one in self.legs if (rank := one.ranks[leg]) is not None]
        return [chunk_id for _, chunk_id in sorted(found)]


def retrieve(
    question: str, *, user: Reader, within: Within = EVERYWHERE, limit: int = 10, timings: Timings | None = None
) -> list[Hit]:
    """At most `limit` hits, best first, none of which this reader may not see. Nothing to look for: an empty list."""
    return list(trace(question, user=user, within=within, timings=timings).hits[: max(0, limit)])


def trace(
    question: str,
    *,
    user: Reader,
    within: Within = EVERYWHERE,
    timings: Timings | None = None,
    embedder: Embedder | None = None,
) -> Trace:
    """The whole retrieval, stage by stage; by the live embedder, unless the row of another is given."""
    clock = timings or Timings()
    text = normalised(question)[: settings.QUESTION_LIMIT]
    if not text:
        return Trace(None, (), (), ())
    reader = ReaderOf(permissions.audience_ids(user))
    seen = Chunk.objects.visible_to(reader).within(within)
    known = outset.read(text, seen=seen, reader=reader, within=within)
    lexical = spelling.forgive(known.question, seen=seen, audiences=reader.ids)
    clock.lap("sql")
    embedder, asked = meaning(lexical.text, row=embedder or known.embedder)
    clock.lap("embed")
    found = candidates(seen, asked, lexical, embedder=embedder, allowed=known.allowed, exact=known.exact)
    legs = fuse(found)
    rows = details(seen, [leg.chunk_id for leg in legs], asked, lexical, embedder=embedder)
    clock.lap("sql")
    hits = ordered([leg for leg in legs if leg.chunk_id in rows], rows, asked, lexical)
    places = rescoring.order(text, [" > ".join((hit.title, *hit.heading_path)) + "\n" + hit.text for hit in hits])
    hits = [hits[place] for place in places]
    clock.lap("rerank")
    return Trace(lexical, tuple(found), tuple(leg.chunk_id for leg in legs), tuple(hits))


def meaning(text: str, *, row: Embedder | None = None) -> tuple[Embedder, QuestionVectors]:
    """The live embedder (or another one's row) and the question's vectors by its model; no two models ever meet.

    When there is none, or it cannot be asked, a row that no vector belongs to: words alone find then.
    """
    row = row or embedders.live_row()
    if row is not None:
        try:
            return row, question_vectors(text, embedders.model_of(row))
        except ProviderError as error:
            log.warning("search: by words alone: %s", error)
    return Embedder(pk=0, dimensions=1), without_vectors()


def ordered(legs: Sequence[Leg], rows: dict[int, Detail], asked: QuestionVectors, lexical: Question) -> list[Hit]:
    """Rerank the candidates and make hits of them, best first."""
    pool = [candidate(leg, rows[leg.chunk_id], asked, lexical) for leg in legs]
    weights = token_weights(asked, lexical.spans)
    places = rerank(pool, asked, weights=weights)
    return [hit(legs[place.index], rows[legs[place.index].chunk_id], pool[place.index], place) for place in places]


def candidate(leg: Leg, row: Detail, asked: QuestionVectors, lexical: Question) -> Candidate:
    width = (row.title_bytes or 0) * 8 // max(1, len(asked.vector))
    return Candidate(
        article=row.article_id,
        cosine=leg.cosine,
        words=leg.words / lexical.reachable,
        bits=bytes(row.bits or b""),
        sentences=bytes(row.sentences or b""),
        exact=row.exact,
        title=Title() if row.title_distance is None else Title(1.0 - row.title_distance, width),
    )


def hit(leg: Leg, row: Detail, scored: Candidate, place: Ranked) -> Hit:
    return Hit(
        chunk_id=leg.chunk_id,
        article_id=row.article_id,
        version_id=row.version_id,
        version_number=row.version_number,
        passage_id=row.passage_id,
        slug=row.slug,
        title=row.title,
        collection=row.collection,
        heading_path=tuple(row.heading_path),
        anchor=row.anchor,
        lines=tuple(row.lines),
        text=row.text[row.lead :],
        score=place.score,
        ranks=leg.ranks,
        parts={
            "cosine": 0.0 if leg.cosine is None else leg.cosine,
            "words": scored.words,
            "sentence": place.cosine,
            "maxsim": place.maxsim,
            "window": place.window,
            "title": title_score(scored.title),
            "exact": scored.exact,
            "article": place.article_score,
        },
        updated=row.updated,
        language=row.language,
    )
