"""What was measured, as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

from kb import metrics
from kb.evaluation.ranking import Result


def ranked(figures: dict[str, Any]) -> Iterator[str]:
    """The metrics of each stage of retrieval, and its milliseconds."""
    yield f"{figures['set']}: {figures['queries']} labelled questions"
    names = list(metrics.METRICS)
    yield "  ".join([f"{'stage':10}", *(f"{name:>9}" for name in names), "95 % of ndcg@10"])
    for stage, row in figures["stages"].items():
        low, high = row["ndcg@10_interval"]
        cells = [f"{row[name]:9.4f}" for name in names]
        yield "  ".join([f"{stage:10}", *cells, f"{low:.3f} to {high:.3f}"])
    for stage, times in figures["timings_ms"].items():
        yield f"{stage:10} {times['p50']:8.1f} ms median {times['p95']:8.1f} ms 95th percentile"


def moved_down(result: Result) -> Iterator[str]:
    for stage, keys in result.worse().items():
        yield f"{stage}: {len(keys)} questions ranked lower than before: {' '.join(keys[:12])}"


def named(found: dict[str, Any]) -> Iterator[str]:
    """How often an exact name finds its article, and which did not."""
    yield f"{found['set']}: {found['identifiers']} exact names, each in one article"
    for stage, row in found["stages"].items():
        yield f"{stage:10} recall@1 {row['recall@1']:.4f}  recall@3 {row['recall@3']:.4f}"
    for one in found["missed"]:
        ranks = ", ".join(f"{stage} {rank or '-'}" for stage, rank in one["ranks"].items())
        yield f"missed: {one['identifier']} ({one['kind']}) of {one['article']}: {ranks}"


def answered(figures: dict[str, Any]) -> Iterator[str]:
    """One figure a line; what the set has no labels for says so."""
    yield f"{figures['set']}: {figures['questions']} questions"
    for name, value in figures.items():
        if isinstance(value, dict):
            yield f"{name:30} " + ", ".join(f"{part} {shown(number)}" for part, number in value.items())
        elif name not in ("set", "questions"):
            yield f"{name:30} {shown(value)}"


def shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['p50']} ({value['p95']} at the 95th percentile)"
    return "no labels" if value is None else f"{value:.4g}"
