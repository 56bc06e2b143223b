"""manage.py import_articles: a folder, a zip or a single file of Markdown, HTML, DOCX, PDF or plain text."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify
from tqdm import tqdm

from kb import frequencies, importing, indexing, outbox, tasks
from kb.importing import Failure
from kb.management.progress import bar
from kb.models import Audience, Collection, IndexJob


class Command(BaseCommand):
    help = "Import articles. Importing again changes only what changed. Imported articles are drafts unless --publish."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a folder, a zip or a file")
        parser.add_argument(
            "--collection",
            help="name or slug; a new one is made for everyone to read. Without it each file goes where it says",
        )
        parser.add_argument(
            "--create-collections", action="store_true", help="make the collections and audiences that the files name"
        )
        parser.add_argument("--publish", action="store_true")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
        parser.add_argument("--diff", action="store_true", help="show how the texts of known articles change")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, path: Path, dry_run: bool, **options: Any) -> None:
        if not path.exists():
            raise CommandError(f"There is no file or folder {path}.")
        try:
            folder = importing.open_folder(path.resolve())
            importing.articles(importing.open_folder(path.resolve()))  # nothing to import: no collection is made
            collection = self.collection(options["collection"], dry_run=dry_run) if options["collection"] else None
            wanted = importing.Options(
                collection=collection, publish=options["publish"], dry_run=dry_run, create=options["create_collections"]
            )
            with tasks.without_wake_ups():  # `index` below works through the outbox, and a worker's sweep helps
                report = importing.import_folder(folder, wanted, progress=bar)
        except ValidationError as error:
            raise CommandError(f"{' '.join(error.messages)} ({path})") from error
        if not dry_run:
            report.notes += index()
        self.tell(report, dry_run=dry_run, **options)

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

    def tell(self, report: importing.Report, *, dry_run: bool, **options: Any) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
            return
        for diff in report.diffs if options["diff"] else []:
            self.stdout.write(f"changed: {diff}")
        for note in report.notes:
            self.stdout.write(f"note: {note}")
        for failure in report.failed:
            self.stdout.write(self.style.ERROR(said(failure)))
        verb = "would be " if dry_run else ""
        self.stdout.write(
            f"{report.created} {verb}created, {report.changed} {verb}changed, {report.unchanged} unchanged,"
            f" {len(report.failed)} failed"
        )


def said(failure: Failure) -> str:
    return f"failed: {failure.path}: {failure.reason}"


def everyone() -> Audience:
    found = Audience.objects.filter(kind=Audience.Kind.EVERYONE).first()
    return found or Audience.objects.create(kind=Audience.Kind.EVERYONE, name=Audience.Kind.EVERYONE.label)


def index() -> list[str]:
    """Work through the outbox here and now, beside any worker, and count the words again. Returns what failed."""
    waiting = IndexJob.objects.filter(outbox.due()).count()
    with tqdm(total=waiting, desc="indexing", unit="", disable=not sys.stderr.isatty(), leave=False) as progress:
        indexing.drain(progress=progress.update)
    frequencies.refresh()
    unfinished = IndexJob.objects.exclude(error="").select_related("article")
    return [f"{job.article.external_id or job.article.slug}: not indexed yet: {job.error}" for job in unfinished]
