"""manage.py reindex: the embedder that settings name, beside the live one; then switch."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from kb import embedders, reindexing
from kb.embedders import Running
from kb.errors import ProviderError
from kb.metering import Metered, Spent
from kb.reindexing import ReindexingError


class Command(BaseCommand):
    help = (
        "Build the vectors of the embedder that EMBEDDER names beside the live index, compare, and switch. "
        "Readers are served all the time; when it is ended or killed, call it again and it goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--no-switch", action="store_true", help="build and compare only")
        either.add_argument("--drop", action="store_true", help="then delete the vectors of all other embedders")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with reindexing.alone():
                self.reindex(switch=not options["no_switch"])
                if options["drop"]:
                    self.drop()
        except ReindexingError as error:
            raise CommandError(str(error)) from error
        except ProviderError as error:
            raise CommandError(f"{error} What was embedded is kept: call it again to go on.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Readers noticed nothing; call it again to go on.") from None

    def reindex(self, *, switch: bool) -> None:
        live, target = embedders.live_row(), embedders.configured()
        self.build(target)
        if live is None or live == target.row:
            reindexing.switch(target, progress=int)
            self.stdout.write(f"{target.row} is live.")
            return
        self.compare(live, target)
        if switch:
            reindexing.switch(target, progress=int)
            self.stdout.write(f"Switched: {target.row} is live. {live} is kept: set EMBEDDER back to return to it,")
            self.stdout.write("or call reindex --drop to delete its vectors.")
        else:
            self.stdout.write(f"Not switched: {live} is live.")

    def build(self, target: Running) -> None:
        waiting = reindexing.missing(target.row).count()
        before = target.model.spent if isinstance(target.model, Metered) else Spent()
        with tqdm(total=waiting, desc="embedding", unit="", disable=not sys.stderr.isatty(), leave=False) as progress:
            made = reindexing.build(target, progress=progress.update)
        self.stdout.write(f"{made} passages embedded by {target.row}, {target.row.dimensions} dimensions.")
        if isinstance(target.model, Metered):
            after = target.model.spent
            self.stdout.write(f"This run: {after - before}.")

    def compare(self, live: Any, target: Running) -> None:
        found = reindexing.compare(live, target.row)
        self.stdout.write(f"Compared on {found.questions} questions:")
        self.stdout.write(
            f"  {found.overlap:.2f} of the articles that {live} finds first, {target.row} finds first, too"
        )
        self.stdout.write(f"  {found.same_first:.2f} of the questions have the same first article")
        self.stdout.write(f"  recall@10 of the new vector index against exact search: {found.recall:.3f}")

    def drop(self) -> None:
        for row in reindexing.kept():
            self.stdout.write(f"{reindexing.drop(row)} vectors of {row} deleted.")
