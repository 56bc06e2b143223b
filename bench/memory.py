"""`python -m bench.memory`: what a web process that retrieves holds in memory, with the local model and without it.

Each row is a process of its own: Django with all pages loaded; after a search by words alone, as where the embedder is
a server elsewhere; after searches with the local model. Resident memory, and of it what no other process shares.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUESTIONS = ("How do I export my articles?", "Who may read a draft?", "What does it cost to move a chunk?")
ARTICLES = 5
STAGES = ("pages", "words", "model")


def inside(stage: str) -> dict[str, float]:
    """Megabytes, of this process."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.contrib.auth.models import AnonymousUser
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import get_resolver

    from kb import retrieval

    WSGIHandler()
    get_resolver().url_patterns  # noqa: B018  # loads all pages
    for question in QUESTIONS if stage != "pages" else ():
        hits = retrieval.retrieve(question, user=AnonymousUser())
        found = {leg for hit in hits for leg, rank in hit.ranks.items() if rank}
        if ("vector" in found) != (stage == "model"):
            sys.exit(f"{stage}: the search was by {' and '.join(sorted(found)) or 'nothing'}")
    return memory()


@contextmanager
def library() -> Iterator[dict[str, str]]:
    """The environment of a process that searches a few of our own articles."""
    from django.db import connection

    from bench import corpus as corpora
    from kb import evaluation
    from portal import embedded

    embedded.ensure()
    documents = itertools.islice(corpora.documents(), ARTICLES)
    with evaluation.throwaway_database("bench_memory") as name:
        rows = [{"_id": title, "title": title, "text": text} for title, text in documents]
        evaluation.index_corpus(rows, progress=lambda items, _: items)
        connection.close()
        yield {**os.environ, "DATABASE_NAME": name}


def memory() -> dict[str, float]:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    return {
        "resident": round(kilobytes["Rss"] / 1024, 1),
        "own": round((kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) / 1024, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inside", choices=STAGES, help="measure this process")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(inside(options.inside)))
        return
    made = {}
    print(f"{'process':>8} {'resident MB':>12} {'own MB':>8}")
    with library() as environment:
        for stage in STAGES:
            command = [sys.executable, "-m", "bench.memory", "--inside", stage]
            nowhere = {"MODEL_PATH": str(Path(__file__).parent)} if stage == "words" else {}
            done = subprocess.run(
                command, env={**environment, **nowhere}, stdout=subprocess.PIPE, text=True, check=True
            )  # fmt: skip
            made[stage] = json.loads(done.stdout.splitlines()[-1])
            print(f"{stage:>8} {made[stage]['resident']:12} {made[stage]['own']:8}", flush=True)
    print(f"load average {os.getloadavg()[0]:.1f}")
    if options.json:
        Path(options.json).write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main()
