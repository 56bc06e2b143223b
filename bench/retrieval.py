"""`python -m bench.retrieval --chunks 10000 100000`: speed, completeness and access of retrieval, as a corpus grows.

For each number of chunks, share of them that a reader may see, and layout (scattered, or correlated: the allowed ones
lie far from the question) the product's `retrieve` runs beside hand-written SQL, question by question in turns. Of a
question the median of three times counts, and percentiles are taken over the questions.

    sql      the two statements that find the candidates: what must be known of the words and of the reader, both legs
    legs     of these, the one statement of both legs
    spelling the statements of a question with a word that nobody knows (kb.spelling): not in sql, but in retrieve
    retrieve everything from the question to hits, its vectors cached: text of the winners and reranking included
    recall   of the vector leg's best ten against exact search; `text` the same for the word leg against exact BM25
    fused    how many of the fused best ten a perfect search would have put there
    leaks    chunks, at any stage, outside of what the reader may see
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection

from bench import corpus as corpora
from bench import loading, plot, truth
from bench.corpus import LAYOUTS, SHARES, Corpus, Layout
from bench.reference import WAYS, Answers, Reference, Way
from bench.truth import Exact
from kb import evaluation, retrieval, words
from kb.models import Embedder
from kb.permissions import audience_ids
from portal import embedded
from portal.models import User

WANTED: dict[Layout, float] = {"scattered": 0.99, "correlated": 0.95}  # recall@10 asked of the vector leg
STATEMENTS = {  # what part of retrieval a statement belongs to, by what only it says
    "legs": "'vector' AS leg",
    "outset": "live.fingerprint",
    "details": "kb_tokenvectors",
    "audiences": 'FROM "kb_audience"',
    "spelling": "",
}
FINDING = ("outset", "legs")
TURNS = 3
SLACK, LEAST_MS = 1.3, 2.0  # sql p95 may be so much longer than the reference's
COLUMNS = (
    "chunks", "allowed", "layout", "rows", "recall", "text", "fused", "leaks", "sql p50", "p95", "legs p50", "p95",
    "retrieve", "p95", "reference", "p95", "recall", "way", "load",
)  # fmt: skip


@dataclass
class Measured:
    """The product in one cell: a value a question in each list."""

    sql: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STATEMENTS})
    traces: list[retrieval.Trace] = field(default_factory=list)

    def take(self, turns: Sequence[Measured]) -> None:
        """One question, asked several times: what was found, and the medians of what it took."""
        self.sql.append(median(one.sql[0] for one in turns))
        self.whole.append(median(one.whole[0] for one in turns))
        for name, values in self.parts.items():
            values.append(median(one.parts[name][0] for one in turns))
        self.traces.append(turns[-1].traces[0])


@dataclass(frozen=True)
class Cell:
    """Where in the table we are, and what is needed to judge what was found there."""

    corpus: Corpus
    exact: list[Exact]
    layout: Layout
    level: int
    reader: User

    @property
    def allowed(self) -> np.ndarray:
        return self.corpus.allowed(self.layout, self.level)


def measure_corpus(chunks: int, questions: int, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Make, load and measure one corpus in a database of its own."""
    corpus = corpora.make(chunks, questions)
    with evaluation.throwaway_database(f"bench_{chunks}"):
        taken = loading.load(corpus)
        say(f"{chunks} chunks loaded: " + ", ".join(f"{step} {seconds} s" for step, seconds in taken.items()))
        exact = truth.measure(corpus)
        cells = []
        with loading.raw_connection() as raw:
            reference = Reference(raw, embedder=Embedder.objects.get(live=True).pk)
            for layout in LAYOUTS:
                for level, reader in enumerate(loading.arrange(corpus, layout)):
                    cells.append(measure_cell(Cell(corpus, exact, layout, level, reader), reference))
                    say(line(cells[-1]))
    return {"chunks": chunks, "cells": cells, "seconds": taken}


def measure_cell(cell: Cell, reference: Reference) -> dict[str, Any]:
    """Ask every question once unmeasured, then TURNS times of everybody in turns; the median of a question counts."""
    ours, theirs = Measured(), {way: Answers() for way in WAYS}
    for number in range(len(cell.corpus.questions)):
        turns = [ask_all(cell, number, reference) for _ in range(1 + TURNS)][1:]
        ours.take([mine for mine, _ in turns])
        for way, answers in theirs.items():
            answers.take([others[way] for _, others in turns])
    return summary(cell, ours, theirs)


def ask_all(cell: Cell, number: int, reference: Reference) -> tuple[Measured, dict[Way, Answers]]:
    ours, theirs = Measured(), {way: Answers() for way in WAYS}
    ask_ours(cell, number, ours)
    for way, answers in theirs.items():
        ask_theirs(cell, number, reference, answers, way)
    return ours, theirs


def ask_ours(cell: Cell, number: int, into: Measured) -> None:
    vars(cell.reader).pop("_audience_ids", None)  # each request works out its reader's audiences
    spent: dict[str, float] = {}
    timings = retrieval.Timings()
    with watched(spent):
        into.traces.append(retrieval.trace(cell.corpus.questions[number], user=cell.reader, timings=timings))
    into.whole.append(timings.total)
    into.sql.append(sum(spent.get(name, 0.0) for name in FINDING))
    for name, values in into.parts.items():
        values.append(spent.get(name, 0.0))


@contextmanager
def watched(spent: dict[str, float]) -> Iterator[None]:
    """Adds up the milliseconds of every statement, by part; the driver has fetched the rows when one ends."""

    def watch(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, *given)
        finally:
            name = next(name for name, mark in STATEMENTS.items() if mark in sql)
            spent[name] = spent.get(name, 0.0) + (time.perf_counter() - started) * 1000

    with connection.execute_wrapper(watch):
        yield


def ask_theirs(cell: Cell, number: int, reference: Reference, into: Answers, way: Way) -> None:
    text = cell.corpus.questions[number]
    allowed = int(cell.allowed.sum())
    share = allowed / cell.corpus.chunks  # as the product estimates it
    how = {"way": way, "audiences": audience_ids(cell.reader), "share": share}
    reference.timed(into, text, cell.corpus.question_vectors[number], words.read(text), **how)


def summary(cell: Cell, ours: Measured, theirs: dict[Way, Answers]) -> dict[str, Any]:
    """One cell as JSON."""
    allowed = cell.allowed
    pairs = list(zip(cell.exact, ours.traces, strict=True))
    way = better(cell, theirs)
    return {
        "chunks": cell.corpus.chunks,
        "allowed": SHARES[cell.level],
        "layout": cell.layout,
        "exist": int(allowed.sum()),
        "questions": len(ours.traces),
        "rows": min(len(one.hits[:10]) for one in ours.traces),
        "recall_at_10": mean(e.share_found(e.cosines, allowed, one.ranked("vector")) for e, one in pairs),
        "text_recall_at_10": mean(e.share_found(e.words, allowed, one.ranked("words")) for e, one in pairs),
        "fused_overlap": mean(overlap(e.fused(allowed), list(one.fused)) for e, one in pairs),
        "leaks": sum(leaks(one, allowed) for one in ours.traces),
        "sql_ms": percentiles(ours.sql),
        "retrieve_ms": percentiles(ours.whole),
        "parts_ms": {name: percentiles(values) for name, values in ours.parts.items()},
        "reference": {
            "way": way,
            "rows": min(theirs[way].rows),
            "recall_at_10": recall_of(cell, theirs[way]),
            **percentiles(theirs[way].milliseconds),
        },
        "load": round(os.getloadavg()[0], 1),
    }


def better(cell: Cell, theirs: dict[Way, Answers]) -> Way:
    """The faster of exact and iterative search that reaches the recall asked for; exact when neither does."""
    good = [way for way in WAYS if recall_of(cell, theirs[way]) >= WANTED[cell.layout]]
    return min(good or WAYS[:1], key=lambda way: percentiles(theirs[way].milliseconds)["p95"])


def recall_of(cell: Cell, answers: Answers) -> float:
    pairs = zip(cell.exact, answers.near, strict=True)
    return mean(exact.share_found(exact.cosines, cell.allowed, found) for exact, found in pairs)


def overlap(wanted: Sequence[int], found: Sequence[int]) -> float:
    best = set(wanted[:10])
    return len(best & set(found[:10])) / len(best) if best else 1.0


def leaks(one: retrieval.Trace, allowed: np.ndarray) -> int:
    """How many chunks of any stage the reader may not see: rows of others, and drafts, whose numbers come last."""
    shown = {*(leg.chunk_id for leg in one.legs), *one.fused, *(hit.chunk_id for hit in one.hits)}
    return sum(pk > len(allowed) or not allowed[pk - 1] for pk in shown)


def mean(values: Iterator[float]) -> float:
    return round(fmean(values), 4)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


# --- what is shown


def line(cell: dict[str, Any]) -> str:
    sql, legs, whole, reference = (
        cell["sql_ms"], cell["parts_ms"]["legs"], cell["retrieve_ms"], cell["reference"],
    )  # fmt: skip
    values = (
        cell["chunks"], f"{cell['allowed']:.1%}", cell["layout"], cell["rows"], cell["recall_at_10"],
        cell["text_recall_at_10"], cell["fused_overlap"], cell["leaks"], sql["p50"], sql["p95"], legs["p50"],
        legs["p95"], whole["p50"], whole["p95"], reference["p50"], reference["p95"], reference["recall_at_10"],
        reference["way"], cell["load"],
    )  # fmt: skip
    return " ".join(f"{value!s:>10}" for value in values)


def complaints(cells: Sequence[dict[str, Any]]) -> list[str]:
    """Where retrieval is not what we ask of it."""
    found = []
    for cell in cells:
        where = f"{cell['chunks']} chunks, {cell['allowed']:.1%} {cell['layout']}"
        limit = max(SLACK * cell["reference"]["p95"], cell["reference"]["p95"] + LEAST_MS)
        checks = {
            f"{cell['rows']} rows": cell["rows"] == min(10, cell["exist"]),
            f"recall {cell['recall_at_10']}": cell["recall_at_10"] >= WANTED[cell["layout"]],
            f"{cell['leaks']} leaks": cell["leaks"] == 0,
            f"sql p95 {cell['sql_ms']['p95']} ms, at most {limit:.1f} asked": cell["sql_ms"]["p95"] <= limit,
        }
        found += [f"{where}: {what}" for what, is_good in checks.items() if not is_good]
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="write the figures; without FILE, print")
    parser.add_argument("--plot", metavar="FILE", help="draw growth as SVG")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    embedded.ensure()
    settings.EMBEDDER = "bench.embedder.SyntheticEmbedder"
    out = sys.stderr if options.json == "-" else sys.stdout

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    say(" ".join(f"{name:>10}" for name in COLUMNS))
    made = [measure_corpus(chunks, options.questions, say=say) for chunks in options.chunks]
    cells = [cell for one in made for cell in one["cells"]]
    figures = {"cells": cells, "loading_seconds": {str(one["chunks"]): one["seconds"] for one in made}}
    if options.json:
        text = json.dumps(figures, indent=2)
        print(text) if options.json == "-" else Path(options.json).write_text(text + "\n")
    if options.plot:
        Path(options.plot).write_text(plot.growth(cells))
    for complaint in complaints(cells):
        say(complaint)


if __name__ == "__main__":
    main()
