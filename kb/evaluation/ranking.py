"""How well each stage of retrieval ranks a labelled set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser

from kb import metrics, retrieval
from kb.evaluation.sets import Case, LabelledSet
from kb.evaluation.throwaway import Progress
from kb.models import Chunk
from kb.permissions import Reader
from kb.retrieval import Trace

STAGES = ("lexical", "vector", "fused", "reranked")


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


def nobody(case: Case) -> Reader:
    return AnonymousUser()


def evaluate(
    labelled: LabelledSet, ids: Mapping[int, str], *, progress: Progress, reader: Callable[[Case], Reader] = nobody
) -> Result:
    """Ask every question, with the eyes of its reader, and keep each stage's ranking of articles, and milliseconds.

    `ids`: article id → the name by which the cases know it; other articles stand in the rankings under their id.
    """
    stages = {name: Stage() for name in STAGES}
    timings: dict[str, list[float]] = {name: [] for name in ("embed", "sql", "rerank", "total")}
    for case in progress(labelled.cases, "asking"):
        clock = retrieval.Timings()
        traced = retrieval.trace(case.searched, user=reader(case), timings=clock)
        for name, articles in by_stage(traced).items():
            names = (ids.get(article, f"#{article}") for article in articles)
            stages[name].rankings[case.key] = list(dict.fromkeys(names))  # a long document is several articles
        for name in timings:
            timings[name].append(getattr(clock, name))
    return Result(labelled.name, labelled.cases, stages, timings)


def by_stage(traced: Trace) -> dict[str, list[int]]:
    """The ids of the articles as each stage ranked them, each at the place of its best chunk."""
    chunks = Chunk.objects.filter(pk__in=[leg.chunk_id for leg in traced.legs])
    owner = dict(chunks.values_list("pk", "version__article"))
    orders = {
        "lexical": traced.ranked("words"),
        "vector": traced.ranked("vector"),
        "fused": traced.fused,
        "reranked": [hit.chunk_id for hit in traced.hits],
    }
    return {name: list(dict.fromkeys(owner[one] for one in order if one in owner)) for name, order in orders.items()}


def trec_run(result: Result) -> Iterator[str]:
    """The reranked ranking in TREC run format: query-id Q0 corpus-id rank score tag."""
    for case in result.cases:
        ranking = result.stages["reranked"].rankings[case.key]
        for rank, corpus_id in enumerate(ranking, 1):
            yield f"{case.key} Q0 {corpus_id} {rank} {1 / rank:.6f} footnote"
