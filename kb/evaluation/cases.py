"""Saved evaluation cases, measured on the live index; and what changed since they were measured before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils.timezone import now

from kb import embedders, metrics
from kb.evaluation import ranking
from kb.evaluation.ranking import STAGES, Result
from kb.evaluation.sets import Case, EvaluationError, LabelledSet
from kb.evaluation.throwaway import Progress
from kb.models import Article, EvaluationCase, EvaluationRun, EvaluationSet
from kb.permissions import ReaderOf, reader_of
from kb.reranking import Rule

NOTED = ("RETRIEVAL_CANDIDATES", "WORDS_BUDGET", "EXACT_BELOW", "CHUNK_LIMIT", "CHUNK_OVERLAP")
KEPT = 100  # runs of a set; older ones are dropped
NOTHING = "This set holds no case that can be asked."


@dataclass
class Asked:
    """What is measured of a set: the cases with an article that can come up, their readers, and what is left out.

    `left_out`: {case, question, reason}; a case that has lost only some of its articles stands in both.
    """

    cases: list[Case] = field(default_factory=list)
    readers: dict[str, ReaderOf] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    left_out: list[dict[str, Any]] = field(default_factory=list)


def set_named(name: str) -> EvaluationSet:
    """The set of that name; without a name the only one. Raises EvaluationError."""
    names = list(EvaluationSet.objects.values_list("name", flat=True))
    if not names:
        raise EvaluationError("There is no evaluation set yet: make one on the editor's page “Quality”.")
    if not name and len(names) > 1:
        raise EvaluationError(f"There are {len(names)} evaluation sets. Say which: {', '.join(names)}.")
    if name and name not in names:
        raise EvaluationError(f"There is no evaluation set “{name}”. There is: {', '.join(names)}.")
    return EvaluationSet.objects.get(name=name or names[0])


def measure(run: EvaluationRun, *, progress: Progress) -> EvaluationRun:
    """Ask the cases of a run's set of the live index, which is only read, and keep what was measured in the run.

    Raises EvaluationError when no case can be asked; the run says so too, without telling of single cases.
    """
    chosen = asked(run.set)
    EvaluationRun.objects.filter(pk=run.pk).update(state=run.State.RUNNING, cases=len(chosen.cases), beat=Now())
    if not chosen.cases:
        fail(run, NOTHING, left_out=chosen.left_out)
        raise EvaluationError(nothing_to_ask(chosen))
    labelled = LabelledSet(run.set.name, [], chosen.cases)
    result = ranking.evaluate(labelled, chosen.ids, progress=progress, reader=lambda case: chosen.readers[case.key])
    return keep(run, result, chosen)


def asked(chosen: EvaluationSet) -> Asked:
    """The cases of a set as they can be asked now."""
    made = Asked()
    for row in chosen.cases.select_related("audience").prefetch_related("rights__article__audience"):
        reader = reader_of(row.audience)
        grades, reasons = labels(row, reader, made.ids)
        if grades:
            key = str(row.pk)
            made.cases.append(Case(key, row.question, grades))
            made.readers[key] = reader
        if reasons or not grades:
            reason = "; ".join(reasons) or "no article is named as right"
            made.left_out.append({"case": row.pk, "question": row.question, "reason": reason, "asked": bool(grades)})
    return made


def labels(row: EvaluationCase, reader: ReaderOf, ids: dict[int, str]) -> tuple[dict[str, float], list[str]]:
    """The grades of the articles that this reader can find, and why others cannot be found."""
    grades: dict[str, float] = {}
    reasons: list[str] = []
    for right in row.rights.all():
        reason = why_not(right.article, reader)
        if reason:
            reasons.append(reason)
        elif right.article is not None:
            ids[right.article.pk] = right.article.slug
            grades[right.article.slug] = right.grade
    return grades, reasons


def why_not(article: Article | None, reader: ReaderOf) -> str:
    """Why a reader cannot find an article at all; empty when they can."""
    if article is None:
        return "its article was deleted"
    if article.state != Article.State.PUBLISHED:
        return f"“{article.shown_title}” is not published"
    if article.audience_id not in reader.ids:
        return f"“{article.shown_title}” is hidden from the reader it is asked as"
    return "" if article.published_version_id else f"“{article.shown_title}” is still being indexed"


def nothing_to_ask(chosen: Asked) -> str:
    reasons = [f"“{row['question']}”: {row['reason']}." for row in chosen.left_out[:1]]
    return " ".join([NOTHING, *reasons])


def keep(run: EvaluationRun, result: Result, chosen: Asked) -> EvaluationRun:
    """Write down what was measured, with what it was measured."""
    before = earlier(run)
    run.measured = {case.key: of_case(case, result) for case in result.cases}
    run.changed = changes(before, run) if before else []
    run.figures = {**result.as_dict(), "left_out": chosen.left_out}
    run.left_out = chosen.left_out
    row = embedders.live_row()
    run.embedder = f"{row.name} {row.fingerprint[:8]}" if row else ""
    run.settings = {**{name.lower(): getattr(settings, name) for name in NOTED}, "rerank": asdict(Rule())}
    run.state, run.asked, run.cases, run.finished = run.State.DONE, len(result.cases), len(result.cases), now()
    run.save()
    EvaluationRun.objects.filter(pk__in=run.set.runs.order_by("-pk").values("pk")[KEPT:]).delete()
    return run


def fail(run: EvaluationRun, message: str, *, left_out: Sequence[dict[str, Any]] = ()) -> None:
    failed = {"state": run.State.FAILED, "message": message, "left_out": list(left_out)}
    EvaluationRun.objects.filter(pk=run.pk).update(**failed, finished=Now())


def earlier(run: EvaluationRun) -> EvaluationRun | None:
    """The finished run of the same set before this one."""
    return EvaluationRun.objects.filter(set=run.set_id, state=run.State.DONE, pk__lt=run.pk).first()


def of_case(case: Case, result: Result) -> dict[str, Any]:
    """The rank of the first right article at each stage, None where none came up, and the case's scores."""
    rankings = {name: result.stages[name].rankings[case.key] for name in STAGES}
    ranks = {name: round(1 / found) if found else None for name, found in first_places(rankings, case)}
    scores = {
        name: {metric: round(measure(ranked, case.grades), 4) for metric, measure in metrics.METRICS.items()}
        for name, ranked in rankings.items()
    }
    return {"ranks": ranks, "scores": scores}


def first_places(rankings: dict[str, list[str]], case: Case) -> list[tuple[str, float]]:
    return [(name, metrics.reciprocal_rank(ranked, case.grades)) for name, ranked in rankings.items()]


def changes(before: EvaluationRun, after: EvaluationRun, stage: str = "reranked") -> list[list[Any]]:
    """[case, rank before, rank after] of the cases of both runs whose first right article moved; None: not found."""
    both = [key for key in after.measured if key in before.measured]
    rows = [[int(key), before.rank(key, stage), after.rank(key, stage)] for key in both]
    return [row for row in rows if row[1] != row[2]]


def figures(run: EvaluationRun, known: Sequence[int]) -> dict[str, dict[str, float]]:
    """stage → metric → mean over those cases of the run that somebody may know of; empty without any."""
    measured = [run.measured[str(pk)]["scores"] for pk in known if str(pk) in run.measured]
    if not measured:
        return {}
    return {
        stage: {name: metrics.mean([scores[stage][name] for scores in measured]) for name in metrics.METRICS}
        for stage in STAGES
    }
