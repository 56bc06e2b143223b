"""manage.py index_status: is the index fresh?"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kb import coverage, embedders


class Command(BaseCommand):
    help = (
        "Say how many published articles are fresh in the index, what is queued, and how long save → searchable takes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        totals = coverage.overview()
        if options["json"]:
            self.stdout.write(json.dumps(totals, indent=2))
            return
        self.stdout.write("{articles} published articles: {fresh} fresh, {stale} stale".format(**totals))
        if warning := embedders.mismatch():
            self.stdout.write(self.style.WARNING(warning))
        self.stdout.write("jobs: {queued} queued, {running} running, {failed} failed".format(**totals))
        lag = totals["lag_ms"]
        if lag["p50"] is not None:
            self.stdout.write(f"save to searchable: median {lag['p50']} ms, 95th percentile {lag['p95']} ms")
        if totals["oldest_seconds"] is not None:
            self.stdout.write(f"oldest change not searchable yet: {totals['oldest_seconds']} s")
        self.stdout.write(f"workers alive: {totals['workers']}")
        work = totals["throughput"]
        self.stdout.write(
            "last hour: {versions_last_hour} versions indexed ({versions_last_minute} in the last minute), "
            "{embedded_last_hour} of {chunks_last_hour} chunks embedded".format(**work)
        )
        for row in totals["collections"]:
            self.stdout.write("{name}: {fresh} of {articles} articles fresh, {chunks} chunks".format(**row))
