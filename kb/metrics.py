"""Retrieval metrics over a ranked list of article ids. Pure. All are averages over questions, 0 to 1."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence

Grades = Mapping[str, float]  # corpus id → relevance grade, of one question; absent: not relevant
Metric = Callable[[Sequence[str], Grades], float]


def ndcg(ranking: Sequence[str], grades: Grades, k: int = 10) -> float:
    """Normalised discounted cumulative gain with linear gains (Järvelin and Kekäläinen, 2002)."""
    gains = [grades.get(one, 0.0) for one in ranking[:k]]
    best = sorted(grades.values(), reverse=True)[:k]
    ideal = discounted(best)
    return discounted(gains) / ideal if ideal else 0.0


def discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def recall(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """The share of the relevant articles that are among the first k."""
    relevant = {one for one, grade in grades.items() if grade > 0}
    return len(relevant & set(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades) -> float:
    """1 / the place of the first relevant article, 0 without one."""
    return next((1 / place for place, one in enumerate(ranking, 1) if grades.get(one, 0) > 0), 0.0)


def first_is_right(ranking: Sequence[str], grades: Grades) -> float:
    return float(bool(ranking) and grades.get(ranking[0], 0) > 0)


METRICS: dict[str, Metric] = {
    "ndcg@10": ndcg,
    "recall@5": lambda ranking, grades: recall(ranking, grades, 5),
    "recall@10": lambda ranking, grades: recall(ranking, grades, 10),
    "mrr": reciprocal_rank,
    "p@1": first_is_right,
}


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def interval(values: Sequence[float], *, samples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean (percentile method, fixed seed)."""
    if not values:
        return (0.0, 0.0)
    draw = random.Random(seed)  # noqa: S311  # statistics, no secret
    means = sorted(mean(draw.choices(values, k=len(values))) for _ in range(samples))
    return means[int(0.025 * samples)], means[int(0.975 * samples) - 1]
