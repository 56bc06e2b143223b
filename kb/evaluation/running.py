"""Runs of evaluation sets in the background: asked for on a page, executed by a worker, followed by their row."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from celery import shared_task
from django.db import transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from kb.errors import ProviderError
from kb.evaluation import cases
from kb.evaluation.sets import EvaluationError
from kb.models import EvaluationRun, EvaluationSet
from kb.permissions import Reader

log = logging.getLogger(__name__)

NO_BROKER = "The background worker cannot be reached, so nothing was measured. Try again when it is back."


def request(chosen: EvaluationSet, *, by: Reader) -> EvaluationRun:
    """A run that a worker is told of on commit; the one that is alive already, if there is one."""
    with transaction.atomic():
        EvaluationSet.objects.select_for_update().get(pk=chosen.pk)
        latest = chosen.runs.first()
        if latest is not None and latest.is_alive:
            return latest
        run = EvaluationRun.objects.create(set=chosen, by_id=by.pk, cases=chosen.cases.count())
        transaction.on_commit(lambda: wake(run), robust=True)
    return run


def wake(run: EvaluationRun) -> None:
    try:
        execute.apply_async([run.pk])
    except OperationalError as error:
        log.warning("evaluation: no worker hears of run %s: %s", run.pk, error)
        cases.fail(run, NO_BROKER)


@shared_task
def execute(run_id: int) -> str:
    """Measure a run that waits; whatever goes wrong is said in its row."""
    waiting = EvaluationRun.objects.filter(pk=run_id, state=EvaluationRun.State.WAITING)
    if not waiting.update(state=EvaluationRun.State.RUNNING, beat=Now()):
        return "taken"
    run = EvaluationRun.objects.select_related("set").get(pk=run_id)
    try:
        cases.measure(run, progress=noting(run))
    except EvaluationError:  # said in the row by who raised it
        return "failed"
    except ProviderError as error:
        cases.fail(run, str(error))
        return "failed"
    return "done"


def noting(run: EvaluationRun) -> Any:
    """Progress that is written into the run's row, so that its page can show it."""

    def progress(steps: Iterable[Any], _name: str) -> Iterator[Any]:
        for number, step in enumerate(steps):
            EvaluationRun.objects.filter(pk=run.pk).update(asked=number, beat=Now())
            yield step

    return progress
