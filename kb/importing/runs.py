"""Imports from a page, in the background: each file is read, planned and written under a lease, once.

A worker that is killed leaves its lease behind; when that ends another goes on with the next file. A file is written
in the transaction that says so, so none is written twice. A file that ended its worker three times is given up.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from kb import converting, outbox
from kb.importing.folders import Archive, Unreadable
from kb.importing.pictures import Pictures
from kb.importing.planning import Plan, Planner
from kb.importing.reading import Parsed, parse
from kb.importing.reasons import reason
from kb.importing.shelves import Options, Shelves, described, groups_of
from kb.importing.writing import write
from kb.models import ImportArchive, ImportFile, ImportRun

log = logging.getLogger(__name__)

State = ImportRun.State
SLICE = 20.0  # seconds a task works before others get their turn
ATTEMPTS = 3
LOST_AFTER = timedelta(seconds=3)
KEEP_ARCHIVE = timedelta(days=7)
KEEP_RUN = timedelta(days=90)
BATCH = 50


class Lost(Exception):
    """Another worker has this import by now, or somebody cancelled it."""


@dataclass
class Held:
    """An import while this process may work on it."""

    run: ImportRun
    token: uuid.UUID
    ends: float

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.ends

    @contextmanager
    def holding(self) -> Iterator[None]:
        """A transaction in which nobody else works on this import. Raises Lost."""
        with transaction.atomic():
            mine = ImportRun.objects.select_for_update().filter(pk=self.run.pk, token=self.token, state=self.run.state)
            if not mine.exists():
                raise Lost
            yield

    def move(self, state: str, **fields: Any) -> None:
        """To the next stage. Raises Lost."""
        with self.holding():
            ImportRun.objects.filter(pk=self.run.pk).update(state=state, updated=Now(), **fields)
            if state in (State.DONE, State.FAILED):
                ImportArchive.objects.filter(run=self.run).delete()
        self.run.state = state


@transaction.atomic
def cancel(run: ImportRun) -> None:
    """Stop it. What was written already stays, and the page says what."""
    locked = ImportRun.objects.select_for_update().get(pk=run.pk)
    if locked.is_at_work or locked.state == State.PLANNED:
        ImportRun.objects.filter(pk=run.pk).update(state=State.CANCELLED, token=None, updated=Now())
        ImportArchive.objects.filter(run=run).delete()


def options_of(run: ImportRun, *, dry_run: bool = False) -> Options:
    return Options(run.collection, by=run.by, publish=run.publish, create=run.create, dry_run=dry_run)


# --- in the worker


@shared_task
def work(run_id: int) -> str:
    """Go on with an import for a while; the task sends itself again until it is over."""
    held = claim(run_id)
    if held is None:
        return "taken"
    mine = ImportRun.objects.filter(pk=run_id, token=held.token)
    try:
        with outbox.beating(mine, f"import {run_id}"):
            advance(held)
    except Lost:
        return "lost"
    except Exception as error:
        log.exception("import %s failed", run_id)
        mine.update(state=State.FAILED, message=reason(error), updated=Now())
        ImportArchive.objects.filter(run=run_id, run__state=State.FAILED).delete()
    mine.update(token=None, lease_until=None, updated=Now())
    if held.run.is_at_work:
        wake(run_id)
    return str(held.run.state)


def claim(run_id: int) -> Held | None:
    with transaction.atomic():
        free = Q(lease_until=None) | Q(lease_until__lt=Now())
        runs = ImportRun.objects.unfinished().select_for_update(skip_locked=True)
        if not runs.filter(free, pk=run_id).exists():
            return None
        token = uuid.uuid4()
        ImportRun.objects.filter(pk=run_id).update(token=token, lease_until=Now() + outbox.lease(), updated=Now())
    run = ImportRun.objects.select_related("by", "collection").get(pk=run_id)
    return Held(run, token, time.monotonic() + SLICE)


def advance(held: Held) -> None:
    folder = Archive(bytes(ImportArchive.objects.get(run=held.run).data))
    while held.run.is_at_work and held.has_time:
        if held.run.state == State.READING:
            read(held, folder)
        elif held.run.state == State.PLANNING:
            compare(held, folder)
        else:
            write_files(held, folder)


def waiting(held: Held, state: str) -> Iterator[ImportFile]:
    """The next file in this state, and the next, as long as there is time. A file's attempts are counted first."""
    while held.has_time:
        file = held.run.files.filter(state=state).order_by(F("parsed__draft").asc(nulls_first=True), "path").first()
        if file is None:
            return
        with held.holding():
            if file.attempts >= ATTEMPTS:
                file.fail(f"The worker ended {ATTEMPTS} times in a row while it worked on this file.")
                continue
            ImportFile.objects.filter(pk=file.pk).update(attempts=F("attempts") + 1)
            ImportRun.objects.filter(pk=held.run.pk).update(updated=Now())
        yield file


def read(held: Held, folder: Archive) -> None:
    with converting.Converter() as converter:
        for file in waiting(held, ImportFile.State.WAITING):
            try:
                parsed = parse(file.path, folder.read(file.path), converter)
            except Exception as error:
                with held.holding():
                    file.fail(reason(error))
                continue
            file.parsed, file.title, file.state, file.attempts = parsed.as_dict(), parsed.content.title, "read", 0
            with held.holding():
                file.save(update_fields=["parsed", "title", "state", "attempts"])
    if not held.run.files.filter(state=ImportFile.State.WAITING).exists():
        held.move(State.PLANNING)


def planner_of(held: Held, folder: Archive, pictures: Pictures, *, dry_run: bool) -> Planner:
    """All files that could be read beside each other, those that were written already among them."""
    shelves = Shelves(options_of(held.run, dry_run=dry_run), described(folder), groups_of(folder))
    planner = Planner(shelves, pictures.address)
    rows = held.run.files.filter(state__in=("read", "done")).values_list("parsed", flat=True)
    planner.take([Parsed.from_dict(row) for row in rows])
    return planner


def compare(held: Held, folder: Archive) -> None:
    """What would be done with each file, for a person to look at."""
    planner = planner_of(held, folder, Pictures(folder), dry_run=True)
    failed = {one.path: one.reason for one in planner.failed}
    files = list(held.run.files.filter(state="read"))
    for start in range(0, len(files), BATCH):
        rows = files[start : start + BATCH]
        for file in rows:
            try:
                if file.path in failed:
                    raise Unreadable(failed[file.path])
                note(file, planner.plan(file.path))
            except Exception as error:
                file.state, file.reason = ImportFile.State.FAILED, reason(error)
        with held.holding():
            fields = ["state", "reason", "outcome", "changes", "notes", "source", "based_on", "article"]
            ImportFile.objects.bulk_update(rows, fields)
            ImportRun.objects.filter(pk=held.run.pk).update(updated=Now())
    held.move(State.PLANNED, notes=held.run.notes + [note for note in folder.notes if note not in held.run.notes])


def note(file: ImportFile, plan: Plan) -> None:
    file.outcome, file.changes, file.notes = plan.outcome, list(plan.changes), list(plan.notes)
    file.source, file.based_on, file.article = plan.content.source, plan.based_on, plan.article


def write_files(held: Held, folder: Archive) -> None:
    pictures = Pictures(folder)
    planner = planner_of(held, folder, pictures, dry_run=False)
    failed = {one.path: one.reason for one in planner.failed}
    options = options_of(held.run)
    for file in waiting(held, ImportFile.State.READ):
        try:
            if file.path in failed:
                raise Unreadable(failed[file.path])
            plan = planner.plan(file.path)  # may make an audience, which stays though this file fails
            with held.holding():
                write_file(file, plan, pictures, options)
        except Lost:
            raise
        except Exception as error:
            with held.holding():
                file.fail(reason(error))
    if not held.run.files.filter(state=ImportFile.State.READ).exists():
        held.move(State.DONE)


def write_file(file: ImportFile, plan: Plan, pictures: Pictures, options: Options) -> None:
    """Write one file, if its article is still as it was when somebody looked at the plan."""
    if plan.changes and plan.based_on != file.based_on and not plan.parsed.draft:
        raise Unreadable(
            f"Somebody saved version {plan.based_on} meanwhile: import it again, and look at the difference."
        )
    pictures.store(plan.content.source, by=options.by)
    article = write(plan, options)
    note(file, plan)
    file.article, file.state = article, ImportFile.State.DONE
    file.save()


# --- waking


def wake(run_id: int) -> None:
    """Tell a worker; `resume` finds what no message announced."""
    try:
        work.delay(run_id)
    except OperationalError as error:
        log.warning("import: no wake-up for import %s (%s); it will be found", run_id, error)


def wake_on_commit(run: ImportRun) -> None:
    transaction.on_commit(lambda: wake(run.pk), robust=True)


@shared_task
def resume() -> int:
    """Send again what was lost: by the broker, or by a worker that died."""
    forgotten = ImportRun.objects.unfinished().filter(
        Q(lease_until=None, updated__lt=Now() - LOST_AFTER) | Q(lease_until__lt=Now())
    )
    lost = list(forgotten.values_list("pk", flat=True))
    for run_id in lost:
        wake(run_id)
    return len(lost)


@shared_task
def forget() -> int:
    """Let go of archives that nobody went on with, and of old imports; what they wrote stays."""
    stale = ImportRun.objects.filter(state=State.PLANNED, updated__lt=Now() - KEEP_ARCHIVE)
    for run in stale:
        cancel(run)
    old = ImportRun.objects.filter(updated__lt=Now() - KEEP_RUN).exclude(state__in=ImportRun.AT_WORK)
    return old.delete()[0]
