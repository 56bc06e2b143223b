"""Search quality as editors see it: the sets with their trend, one set with its cases, two runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from kb import metrics, permissions
from kb.evaluation import cases as measuring
from kb.evaluation.ranking import STAGES
from kb.models import EvaluationCase, EvaluationRun, EvaluationSet
from portal.editor.access import for_editors
from portal.editor.quality_forms import PairForm
from portal.htmx import Request, render

HEADLINE = "ndcg@10"
TREND = 8  # runs in the small plot
LISTED = 10  # runs under a set
A_PAGE = 50
NAMES = {"lexical": "By words", "vector": "By meaning", "fused": "Both together", "reranked": "Reranked"}
METRICS = {
    "ndcg@10": "nDCG@10",
    "recall@5": "Recall@5",
    "recall@10": "Recall@10",
    "mrr": "MRR",
    "p@1": "First is right",
}


@dataclass(frozen=True)
class Summary:
    """A set in the list: how many of its cases somebody may see, its last figures, and how they went."""

    set: EvaluationSet
    cases: int
    run: EvaluationRun | None
    figures: dict[str, float]
    difference: float | None
    points: str


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    rows = [summary(request, one) for one in EvaluationSet.objects.all()]
    return render(request, "editor/quality.html", {"rows": rows})


def summary(request: Request, chosen: EvaluationSet) -> Summary:
    known = list(known_cases(request, chosen).values_list("pk", flat=True))
    runs = [run for run in chosen.runs.filter(state="done")[:TREND] if measuring.figures(run, known)]
    made = [measuring.figures(run, known)["reranked"] for run in runs]
    difference = made[0][HEADLINE] - made[1][HEADLINE] if len(made) > 1 else None
    trend = plotted([one[HEADLINE] for one in reversed(made)])
    return Summary(chosen, len(known), runs[0] if runs else None, made[0] if made else {}, difference, trend)


def plotted(values: Sequence[float]) -> str:
    """Points of a line in a box of 100 × 24, the whole scale 0 to 1; empty for fewer than two values."""
    step = 100 / max(1, len(values) - 1)
    return " ".join(f"{place * step:.1f},{23 - 22 * value:.1f}" for place, value in enumerate(values)) * (
        len(values) > 1
    )


def known_cases(request: Request, chosen: EvaluationSet) -> Any:
    return EvaluationCase.objects.filter(set=chosen).known_to(request.user)


@for_editors
@require_safe
def show(request: Request, pk: int) -> HttpResponse:
    """A set: its latest figures, where the right article of each case stood at each stage, and its runs."""
    chosen = get_object_or_404(EvaluationSet, pk=pk)
    return render(request, "editor/quality_set.html", set_context(request, chosen), partial="measured")


def set_context(request: Request, chosen: EvaluationSet) -> dict[str, Any]:
    known = (
        known_cases(request, chosen)
        .select_related("audience")
        .prefetch_related("rights__article__latest_version", "rights__article__published_version")
    )
    latest = chosen.runs.first()
    runs = list(chosen.runs.filter(state="done")[:LISTED])
    last = runs[0] if runs else None
    ids = list(known.values_list("pk", flat=True))
    page = Paginator(known, A_PAGE).get_page(request.GET.get("page"))
    told = latest if latest is not None and latest.left_out else last
    left_out = [row for row in (told.left_out if told else []) if row["case"] in set(ids)]
    unsaid = {row["case"]: row["reason"] for row in left_out}
    return {
        "set": chosen,
        "page": page,
        "rows": [case_row(case, last, unsaid) for case in page],
        "hidden": chosen.cases.count() - len(ids),
        "latest": latest,
        "run": last,
        "figures": figure_rows(measuring.figures(last, ids) if last else {}),
        "runs": [run_row(run, ids) for run in runs],
        "left_out": left_out,
        "metrics": [METRICS[name] for name in metrics.METRICS],
        "stages": [NAMES[stage] for stage in STAGES],
        "may_delete": permissions.is_admin(request.user),
    }


def run_row(run: EvaluationRun, known: Sequence[int]) -> tuple[EvaluationRun, float | None, int]:
    """A run, its headline figure, and how many cases moved in it, of those somebody may know of."""
    moved = sum(row[0] in known for row in run.changed)
    return run, measuring.figures(run, known).get("reranked", {}).get(HEADLINE), moved


def figure_rows(figures: dict[str, dict[str, float]]) -> list[tuple[str, list[float]]]:
    return [(NAMES[stage], [row[name] for name in metrics.METRICS]) for stage, row in figures.items()]


def case_row(case: EvaluationCase, run: EvaluationRun | None, unsaid: dict[int, str]) -> dict[str, Any]:
    """A case, with the rank of its first right article at each stage of the last run."""
    measured = run is not None and str(case.pk) in run.measured
    ranks = [run.rank(case.pk, stage) for stage in STAGES] if run is not None and measured else []
    return {"case": case, "measured": measured, "ranks": ranks, "reason": unsaid.get(case.pk, "")}


@for_editors
@require_safe
def compare(request: Request, pk: int) -> HttpResponse:
    """Two runs of a set: which cases got better or worse, and what was different."""
    chosen = get_object_or_404(EvaluationSet, pk=pk)
    form = PairForm(request.GET)
    if not form.is_valid():
        raise BadRequest("Choose two runs to compare.")
    done = chosen.runs.filter(state="done")
    old, new = (get_object_or_404(done, pk=form.cleaned_data[name]) for name in ("old", "new"))
    known = {case.pk: case for case in known_cases(request, chosen)}
    moved = [row for row in measuring.changes(old, new) if row[0] in known]
    context = {
        "set": chosen,
        "old": old,
        "new": new,
        "better": [(known[key], before, after) for key, before, after in moved if is_better(before, after)],
        "worse": [(known[key], before, after) for key, before, after in moved if not is_better(before, after)],
        "figures": differences(old, new, list(known)),
        "settings": different(old, new),
    }
    return render(request, "editor/quality_compare.html", context)


def is_better(before: int | None, after: int | None) -> bool:
    return after is not None and (before is None or after < before)


def differences(old: EvaluationRun, new: EvaluationRun, known: Sequence[int]) -> list[tuple[str, float, float, float]]:
    """(metric, before, after, difference) after the rerank, over the cases of both runs that somebody may know of."""
    both = [pk for pk in known if str(pk) in old.measured and str(pk) in new.measured]
    before, after = (measuring.figures(run, both).get("reranked", {}) for run in (old, new))
    return [(METRICS[name], before[name], after[name], after[name] - before[name]) for name in after]


def different(old: EvaluationRun, new: EvaluationRun) -> list[tuple[str, Any, Any]]:
    """What was not the same when the two were made."""
    names = {"embedder": (old.embedder, new.embedder)}
    names |= {key: (old.settings.get(key), new.settings.get(key)) for key in {**old.settings, **new.settings}}
    return [(name, before, after) for name, (before, after) in sorted(names.items()) if before != after]
