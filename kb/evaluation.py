"""Evaluation: a labelled set, indexed by the product's own write path, and how well each stage ranks it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.utils import ProgrammingError

from kb import frequencies, indexing, metrics, publishing, retrieval, tasks
from kb.metrics import Grades
from kb.models import Audience, Chunk, Collection
from kb.publishing import Content

STAGES = ("lexical", "vector", "fused", "reranked")
Progress = Callable[[Iterable[Any], str], Iterable[Any]]


class EvaluationError(Exception):
    """A set that cannot be read, or a database that cannot be made, in a sentence for people."""


@dataclass(frozen=True)
class Case:
    """A question, and the articles that answer it."""

    key: str
    question: str
    grades: Grades


@dataclass(frozen=True)
class LabelledSet:
    """corpus.jsonl, queries.jsonl (or tasks.jsonl) and qrels.tsv of a folder."""

    name: str
    corpus: list[dict[str, str]]
    cases: list[Case]


@dataclass
class Stage:
    """How one stage ranked the questions: a list of corpus ids each, and what it scored."""

    rankings: dict[str, list[str]] = field(default_factory=dict)

    def scores(self, cases: Sequence[Case], metric: str) -> list[float]:
        return [metrics.METRICS[metric](self.rankings[case.key], case.grades) for case in cases if case.grades]


@dataclass
class Result:
    """What an evaluation measured. `timings`: milliseconds a question and stage."""

    name: str
    cases: list[Case]
    stages: dict[str, Stage]
    timings: dict[str, list[float]]

    def as_dict(self) -> dict[str, Any]:
        labelled = [case for case in self.cases if case.grades]
        stages = {name: self.figures(stage, labelled) for name, stage in self.stages.items()}
        return {"set": self.name, "queries": len(labelled), "stages": stages, "timings_ms": self.milliseconds()}

    def figures(self, stage: Stage, cases: Sequence[Case]) -> dict[str, Any]:
        made: dict[str, Any] = {name: round(metrics.mean(stage.scores(cases, name)), 4) for name in metrics.METRICS}
        made["ndcg@10_interval"] = [round(end, 4) for end in metrics.interval(stage.scores(cases, "ndcg@10"))]
        return made

    def milliseconds(self) -> dict[str, dict[str, float]]:
        made = {}
        for name, values in self.timings.items():
            ordered = sorted(values) or [0.0]
            p50, p95 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
            made[name] = {"p50": round(p50, 2), "p95": round(p95, 2)}
        return made

    def worse(self) -> dict[str, list[str]]:
        """For each stage after the first ones, the questions whose first right article it moved down."""
        pairs = {"fused": ("lexical", "vector"), "reranked": ("fused",)}
        return {
            name: [case.key for case in self.cases if case.grades and self.moved_down(case, befores, name)]
            for name, befores in pairs.items()
        }

    def moved_down(self, case: Case, befores: Sequence[str], after: str) -> bool:
        def rank(stage: str) -> float:
            return metrics.reciprocal_rank(self.stages[stage].rankings[case.key], case.grades)

        return rank(after) < max(rank(before) for before in befores)


# --- reading a set


def load(folder: Path) -> LabelledSet:
    """Read a folder. Labels may be absent; the corpus and the questions may not. Raises EvaluationError."""
    corpus = list(json_lines(folder / "corpus.jsonl"))
    qrels = read_qrels(folder / "qrels.tsv")
    if (folder / "queries.jsonl").exists():
        questions = [(str(row["_id"]), str(row["text"])) for row in json_lines(folder / "queries.jsonl")]
    else:
        questions = [(str(row["_id"]), last_question(row)) for row in json_lines(folder / "tasks.jsonl")]
    cases = [Case(key, text, qrels.get(key, {})) for key, text in questions]
    return LabelledSet(folder.name, corpus, cases)


def json_lines(file: Path) -> Iterator[dict[str, Any]]:
    if not file.exists():
        raise EvaluationError(f"There is no {file.name} in {file.parent}: a set needs corpus.jsonl and queries.jsonl.")
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise EvaluationError(f"{file.name}, line {number}, is not JSON: {error.msg}.") from error


def last_question(task: dict[str, Any]) -> str:
    """Of a conversation, what the person said last."""
    return next(str(turn["text"]) for turn in reversed(task["conversation"]) if turn["speaker"] == "user")


def read_qrels(file: Path) -> dict[str, dict[str, float]]:
    """query id → corpus id → grade; a header line is skipped; grades of 0 are no labels."""
    made: dict[str, dict[str, float]] = {}
    if not file.exists():
        return made
    with file.open(encoding="utf-8", newline="") as lines:
        for row in list(csv.reader(lines, delimiter="\t"))[1:]:
            if len(row) == 3 and float(row[2]) > 0:
                made.setdefault(row[0], {})[row[1]] = float(row[2])
    return made


# --- a database that is thrown away


@contextmanager
def throwaway_database(name: str) -> Iterator[None]:
    """Another database beside the real one, migrated, and dropped at the end; the connection points to it meanwhile."""
    real = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = f"{real}_{name}"
    try:
        with redirect_stdout(io.StringIO()):  # it reports on the cache table, whatever the verbosity
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    except (ProgrammingError, SystemExit) as error:
        raise EvaluationError(f"The user of the database may not create databases: {error}") from error
    try:
        yield
    finally:
        connection.creation.destroy_test_db(real, verbosity=0)


def index_corpus(corpus: Sequence[dict[str, str]], *, progress: Progress) -> dict[int, str]:
    """Publish every document as an article through the product's own write path; article id → corpus id."""
    everyone = Audience.objects.create(name="Everyone", kind=Audience.Kind.EVERYONE)
    collection = Collection.objects.create(name="Evaluation", slug="evaluation", audience=everyone)
    ids: dict[int, str] = {}
    with tasks.without_wake_ups():
        for number, row in enumerate(progress(corpus, "saving"), 1):
            title = " ".join((row.get("title") or "").split())[:200] or f"Document {number}"
            content = Content(title, row["text"].replace("\0", ""))
            article = publishing.create(collection, content, by=None, slug=f"document-{number}")
            publishing.publish(article, by=None)
            ids[article.pk] = str(row["_id"])
    for _ in progress(range(len(ids)), "indexing"):
        if indexing.run() == "none":
            break
    indexing.drain()
    frequencies.refresh(force=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return ids


# --- measuring


def evaluate(labelled: LabelledSet, ids: dict[int, str], *, progress: Progress) -> Result:
    """Ask every question and keep each stage's ranking of articles, and its milliseconds."""
    stages = {name: Stage() for name in STAGES}
    timings: dict[str, list[float]] = {name: [] for name in ("embed", "sql", "rerank", "total")}
    owner = dict(Chunk.objects.values_list("pk", "version__article"))
    for case in progress(labelled.cases, "asking"):
        clock = retrieval.Timings()
        traced = retrieval.trace(case.question, user=AnonymousUser(), timings=clock)
        orders = {
            "lexical": traced.ranked("words"),
            "vector": traced.ranked("vector"),
            "fused": traced.fused,
            "reranked": [hit.chunk_id for hit in traced.hits],
        }
        for name, order in orders.items():
            stages[name].rankings[case.key] = list(dict.fromkeys(ids[owner[chunk]] for chunk in order))
        for name in timings:
            timings[name].append(getattr(clock, name))
    return Result(labelled.name, labelled.cases, stages, timings)


def trec_run(result: Result) -> Iterator[str]:
    """The reranked ranking in TREC run format: query-id Q0 corpus-id rank score tag."""
    for case in result.cases:
        ranking = result.stages["reranked"].rankings[case.key]
        for rank, corpus_id in enumerate(ranking, 1):
            yield f"{case.key} Q0 {corpus_id} {rank} {1 / rank:.6f} footnote"
