"""manage.py evaluate: how well retrieval ranks a labelled set, finds exact names, and how good the answers are."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kb import evaluation
from kb.errors import ProviderError
from kb.evaluation import EvaluationError, LabelledSet, answers, cases, naming, ranking
from kb.evaluation.ranking import Result
from kb.management import figures
from kb.management.progress import bar
from kb.models import EvaluationRun

ONE_OF = "Say what to measure: the folder of a set, or --cases for the saved cases of the help center. One of the two."


class Command(BaseCommand):
    help = "Evaluate on a labelled set: corpus.jsonl, queries.jsonl or tasks.jsonl, qrels.tsv, in a throwaway database."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        retrieval = what.add_parser("retrieval", help="nDCG, recall, MRR and P@1 of each stage")
        retrieval.add_argument("folder", nargs="?", type=Path)
        retrieval.add_argument(
            "--cases",
            nargs="?",
            const="",
            metavar="NAME",
            help="instead of a folder: the saved evaluation cases of the live help center, which is only read",
        )
        retrieval.add_argument("--json", action="store_true")
        retrieval.add_argument("--run", type=Path, help="write the reranked ranking to this file, in TREC run format")
        exact = what.add_parser("identifiers", help="exact names that stand in one article each, asked for bare")
        exact.add_argument("folder", type=Path)
        exact.add_argument("--json", action="store_true")
        exact.add_argument("--count", type=int, default=naming.DRAWN, help="how many names to draw")
        answering = what.add_parser("answers", help="citations, support, word recall and refusals of the answers")
        answering.add_argument("folder", type=Path)
        answering.add_argument("--json", action="store_true")
        answering.add_argument("--out", type=Path, help="write each answer to this file, a line of JSON a question")
        answering.add_argument("--foreign", type=Path, help="a set whose questions this corpus should refuse")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        try:
            if what == "identifiers":
                self.evaluate_identifiers(options["folder"], options["count"], as_json=options["json"])
            elif what == "answers":
                self.evaluate_answers(options["folder"], options["foreign"], options["out"], as_json=options["json"])
            elif (options["folder"] is None) == (options["cases"] is None):
                raise CommandError(ONE_OF)
            elif options["cases"] is not None:
                self.evaluate_cases(options["cases"], options["run"], as_json=options["json"])
            else:
                self.evaluate_retrieval(options["folder"], options["run"], as_json=options["json"])
        except (EvaluationError, ProviderError) as error:
            raise CommandError(str(error)) from error

    def evaluate_cases(self, name: str, run: Path | None, *, as_json: bool) -> None:
        if run:
            raise CommandError("--run writes the ranking of a folder; saved cases keep what was measured themselves.")
        measured = cases.measure(EvaluationRun.objects.create(set=cases.set_named(name)), progress=bar)
        if as_json:
            self.stdout.write(json.dumps(measured.figures, indent=2))
            return
        self.tell(figures.ranked(measured.figures))
        for row in measured.left_out:
            self.stdout.write(f"not scored as it stands: “{row['question']}”: {row['reason']}")
        for pk, before, after in measured.changed:
            self.stdout.write(f"case {pk}: from {before or 'not found'} to {after or 'not found'}")

    def evaluate_retrieval(self, folder: Path, run: Path | None, *, as_json: bool) -> None:
        result = measured(evaluation.load(folder))
        if run:
            run.write_text("".join(f"{line}\n" for line in ranking.trec_run(result)), encoding="utf-8")
        if as_json:
            self.stdout.write(json.dumps(result.as_dict(), indent=2))
        else:
            self.tell([*figures.ranked(result.as_dict()), *figures.moved_down(result)])

    def evaluate_identifiers(self, folder: Path, count: int, *, as_json: bool) -> None:
        corpus = evaluation.load_corpus(folder)
        found = naming.figures(measured(naming.draw(corpus, name=folder.name, count=count)))
        if as_json:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            self.tell(figures.named(found))

    def evaluate_answers(self, folder: Path, foreign: Path | None, out: Path | None, *, as_json: bool) -> None:
        labelled = evaluation.load(folder)
        strange = evaluation.load(foreign).cases if foreign else []
        with evaluation.throwaway_database(f"evaluate_{os.getpid()}"):
            ids = evaluation.index_corpus(labelled.corpus, progress=bar)
            result = answers.evaluate(labelled, ids, foreign=strange, progress=bar)
        if out:
            lines = [json.dumps(one.as_line(), ensure_ascii=False) for one in (*result.outcomes, *result.foreign)]
            out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        if as_json:
            self.stdout.write(json.dumps(result.as_dict(), indent=2))
        else:
            self.tell(figures.answered(result.as_dict()))

    def tell(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def measured(labelled: LabelledSet) -> Result:
    """Index the corpus of a set in a database that is thrown away, and ask its questions there."""
    with evaluation.throwaway_database(f"evaluate_{os.getpid()}"):
        ids = evaluation.index_corpus(labelled.corpus, progress=bar, calibrated=False)
        return ranking.evaluate(labelled, ids, progress=bar)
