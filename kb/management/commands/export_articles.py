"""manage.py export_articles FILE.zip: all articles, or a collection, as Markdown that can be imported again."""

import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify

from kb import exporting
from kb.management.commands._people import person
from kb.management.progress import bar
from kb.models import Collection


class Command(BaseCommand):
    help = "Export articles to a zip of Markdown with front matter and images. Importing it makes the same articles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--collection", help="name or slug of one collection; without it all are exported")
        parser.add_argument("--as", dest="username", help="export what this person may know; without it, everything")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        collection = self.collection(options["collection"]) if options["collection"] else None
        user = person(options["username"]) if options["username"] else None
        try:
            with tempfile.NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as written:
                made = exporting.export(written, user=user, collection=collection, progress=bar)
            os.replace(written.name, file)  # never half an export under the name that was asked for
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror or error}.") from error
        self.stdout.write(f"{made.articles} articles and {made.images} images in {file}")

    def collection(self, name: str) -> Collection:
        found = Collection.objects.filter(name=name).first() or Collection.objects.filter(slug=slugify(name)).first()
        if found is None:
            raise CommandError(f"There is no collection “{name}”.")
        return found
