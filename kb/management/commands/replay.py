"""manage.py replay: a history of edits through publishing and indexing, and whether the index tells the truth."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kb.errors import ProviderError
from kb.evaluation import EvaluationError, edits, replaying, throwaway_database
from kb.evaluation.replaying import Result
from kb.management.progress import bar


class Command(BaseCommand):
    help = (
        "Replay a history of edits, JSON lines {op: A, M, R or D, path, old_path, text}, in a throwaway database, "
        "and check that what is searchable is exactly what is published."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("history", type=Path)
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--keep", action="store_true", help="leave the database, and say its name")
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N edits")
        parser.add_argument("--seed", type=int, default=0, help="of the random points at which is checked")

    def handle(self, *args: Any, history: Path, keep: bool, limit: int | None, seed: int, **options: Any) -> None:
        try:
            wanted = list(edits.read(history, limit))
            if not wanted:
                raise EvaluationError(f"There is no edit in {history}.")
            with throwaway_database(f"replay_{os.getpid()}", keep=keep) as database:
                result = replaying.replay(wanted, progress=bar, seed=seed)
        except (EvaluationError, ProviderError) as error:
            raise CommandError(str(error)) from error
        kept = {"database": database} if keep else {}
        if options["json"]:
            self.stdout.write(json.dumps({**result.as_dict(), **kept}, indent=2))
        else:
            self.show(result)
            if keep:
                self.stdout.write(f"The database is left as {database}.")

    def show(self, result: Result) -> None:
        self.stdout.write(f"{result.events} edits in {result.seconds:.0f} s, checked {result.checks} times:")
        self.stdout.write(f"{result.stale} stale, {result.lost} lost, {result.out_of_order} out of order")
        for kind, tally in result.tallies.items():
            share = tally.share_reused
            reused = "no chunk" if share is None else f"{share:.1%} of the chunks reused"
            self.stdout.write(f"{kind:10} {tally.chunks_embedded:6} embedded {tally.chunks_reused:6} reused: {reused}")
