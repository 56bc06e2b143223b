"""What a person asks of an import on a page: to read and compare, to compare once more, to write."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from kb.importing.folders import Archive, articles
from kb.importing.runs import options_of, wake_on_commit
from kb.importing.shelves import Options
from kb.models import ImportArchive, ImportFile, ImportRun

State = ImportRun.State
UPLOAD = 25_000_000  # bytes of one upload
OPEN_RUNS = 5  # imports of one person that are not over: each keeps its archive


def request(data: bytes, name: str, options: Options) -> ImportRun:
    """A new import of an uploaded archive, to be read by a worker. Raises ValidationError about the whole of it."""
    if len(data) > UPLOAD:
        raise ValidationError(f"This is {len(data):,} bytes; at most {UPLOAD:,} can be uploaded. Divide it.")
    if options.by is None or not options.by.pk:
        raise ValidationError("Sign in to import.")
    unfinished = ImportRun.objects.filter(by=options.by.pk, state__in=(*ImportRun.AT_WORK, State.PLANNED))
    if unfinished.count() >= OPEN_RUNS:
        raise ValidationError(f"You have {OPEN_RUNS} imports that are not over: finish or cancel one first.")
    folder = Archive(data)
    names = articles(folder)
    with transaction.atomic():
        run = ImportRun.objects.create(
            by_id=options.by.pk,
            name=name[:200],
            collection=options.collection,
            publish=options.publish,
            create=options.create,
            notes=folder.notes,
        )
        ImportArchive.objects.create(run=run, data=data)
        failed = ImportFile.State.FAILED
        refused = {
            one.path: ImportFile(run=run, path=one.path, state=failed, reason=one.reason) for one in folder.refused
        }
        files = {path: ImportFile(run=run, path=path) for path in names}
        ImportFile.objects.bulk_create([*(refused | files).values()])
        wake_on_commit(run)
    return run


def look_again(run: ImportRun, options: Options) -> None:
    """Compare again, for another collection or another way to import."""
    start(run, State.PLANNING, options)


def begin(run: ImportRun) -> None:
    """Write what was planned."""
    start(run, State.IMPORTING, options_of(run))


def start(run: ImportRun, state: str, options: Options) -> None:
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update().get(pk=run.pk)
        if locked.state != State.PLANNED:
            raise ValidationError(f"This import is not ready: {locked.get_state_display().lower()}.")
        if state == State.PLANNING:
            read = run.files.exclude(parsed={})
            read.update(state=ImportFile.State.READ, reason="", outcome="", attempts=0)
        ImportRun.objects.filter(pk=run.pk).update(
            state=state, collection=options.collection, publish=options.publish, create=options.create, updated=Now()
        )
        wake_on_commit(run)
