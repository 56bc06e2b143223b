"""manage.py import_articles: a folder of Markdown, or single HTML and DOCX files, into a collection."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify
from tqdm import tqdm

from kb import frequencies, importing, indexing, outbox, tasks
from kb.models import Audience, Collection, IndexJob


class Command(BaseCommand):
    help = "Import articles. Importing again changes only what changed. Imported articles are drafts unless --publish."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--collection", required=True, help="name or slug; a new one is made for everyone to read")
        parser.add_argument("--publish", action="store_true")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        if not path.exists():
            raise CommandError(f"There is no file or folder {path}.")
        try:
            importing.files(path)  # nothing to import: no collection is made
            collection = self.collection(options["collection"], dry_run=options["dry_run"])
            wanted = importing.Options(collection=collection, publish=options["publish"], dry_run=options["dry_run"])
            with tasks.without_wake_ups():  # `index` below works through the outbox, and a worker's sweep helps
                report = importing.import_path(path.resolve(), wanted, progress=bar("reading"))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if not options["dry_run"]:
            report.notes += index(collection)
        self.tell(report, **options)

    def collection(self, name: str, *, dry_run: bool) -> Collection:
        slug = slugify(name)
        if not slug:
            raise CommandError("The collection's name needs letters or digits.")
        found = Collection.objects.filter(name=name).first() or Collection.objects.filter(slug=slug).first()
        if found:
            return found
        if dry_run:
            return Collection(pk=0, name=name, slug=slug)
        position = Collection.objects.count() + 1
        return Collection.objects.create(name=name, slug=slug, audience=everyone(), position=position)

    def tell(self, report: importing.Report, **options: Any) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
            return
        for note in report.notes:
            self.stdout.write(f"note: {note}")
        for failure in report.failed:
            self.stdout.write(self.style.ERROR(f"failed: {failure.path}: {failure.reason}"))
        verb = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{report.created} {verb}created, {report.changed} {verb}changed, {report.unchanged} unchanged,"
            f" {len(report.failed)} failed"
        )


def everyone() -> Audience:
    found = Audience.objects.filter(kind=Audience.Kind.EVERYONE).first()
    return found or Audience.objects.create(kind=Audience.Kind.EVERYONE, name=Audience.Kind.EVERYONE.label)


def bar(label: str) -> Callable[[Iterable[Path]], Iterable[Path]]:
    """A progress bar on a terminal; nothing elsewhere."""

    def show(items: Iterable[Path]) -> Iterable[Path]:
        with tqdm(list(items), desc=label, unit="", disable=not sys.stderr.isatty(), leave=False) as shown:
            yield from shown

    return show


def index(collection: Collection) -> list[str]:
    """Work through the outbox here and now, beside any worker, and count the words again. Returns what failed."""
    waiting = IndexJob.objects.filter(outbox.due()).count()
    with tqdm(total=waiting, desc="indexing", unit="", disable=not sys.stderr.isatty(), leave=False) as progress:
        while indexing.run() != "none":
            progress.update()
    frequencies.refresh()
    unfinished = IndexJob.objects.filter(article__collection=collection).exclude(error="").select_related("article")
    return [f"{job.article.external_id or job.article.slug}: not indexed yet: {job.error}" for job in unfinished]
