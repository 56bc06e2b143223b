"""manage.py evaluate: how well retrieval ranks a labelled set."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from kb import evaluation, metrics
from kb.evaluation import EvaluationError, Result


class Command(BaseCommand):
    help = "Evaluate on a labelled set: corpus.jsonl, queries.jsonl or tasks.jsonl, qrels.tsv, in a throwaway database."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        retrieval = what.add_parser("retrieval", help="nDCG, recall, MRR and P@1 of each stage")
        retrieval.add_argument("folder", type=Path)
        retrieval.add_argument("--json", action="store_true")
        retrieval.add_argument("--run", type=Path, help="write the reranked ranking to this file, in TREC run format")

    def handle(self, *args: Any, folder: Path, run: Path | None, **options: Any) -> None:
        try:
            labelled = evaluation.load(folder)
            with evaluation.throwaway_database(f"evaluate_{os.getpid()}"):
                ids = evaluation.index_corpus(labelled.corpus, progress=bar)
                result = evaluation.evaluate(labelled, ids, progress=bar)
        except EvaluationError as error:
            raise CommandError(str(error)) from error
        if run:
            run.write_text("".join(f"{line}\n" for line in evaluation.trec_run(result)), encoding="utf-8")
        if options["json"]:
            self.stdout.write(json.dumps(result.as_dict(), indent=2))
        else:
            self.show(result)

    def show(self, result: Result) -> None:
        figures = result.as_dict()
        self.stdout.write(f"{figures['set']}: {figures['queries']} labelled questions")
        names = list(metrics.METRICS)
        self.stdout.write("  ".join([f"{'stage':10}", *(f"{name:>9}" for name in names), "95 % of ndcg@10"]))
        for stage, row in figures["stages"].items():
            low, high = row["ndcg@10_interval"]
            cells = [f"{row[name]:9.4f}" for name in names]
            self.stdout.write("  ".join([f"{stage:10}", *cells, f"{low:.3f} to {high:.3f}"]))
        for stage, keys in result.worse().items():
            self.stdout.write(f"{stage}: {len(keys)} questions ranked lower than before: {' '.join(keys[:12])}")
        for stage, times in figures["timings_ms"].items():
            self.stdout.write(f"{stage:10} {times['p50']:8.1f} ms median {times['p95']:8.1f} ms 95th percentile")


def bar(items: Iterable[Any], label: str) -> Iterable[Any]:
    """A progress bar on a terminal; nothing elsewhere."""
    return tqdm(items, desc=label, unit="", disable=not sys.stderr.isatty(), leave=False)
