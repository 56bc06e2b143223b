"""`python -m bench.saving`: from a save to searchable, through the worker and the broker of a running product.

A site of its own is started as `make run` does. In turns a new article of 5 KB is published, and one paragraph of it is
changed; each time the texts that had to be embedded are embedded once more in this process, side by side.

    searchable  from the call that saves until a reader's search can serve the new version
    embedding   of the texts that were new in it, alone
    asked       searchable at most 1.5 × embedding + 300 ms
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.corpus import ROOT
from bench.retrieval import percentiles
from e2e.site import own
from kb import publishing
from kb.embedding import passage_vectors
from kb.models import Article, ArticleVersion, Audience, Chunk, Collection, IndexRun
from kb.permissions import ReaderOf
from kb.publishing import Content

LENGTH = 5_000  # characters
FACTOR, SLACK_MS = 1.5, 300.0
PATIENCE = 60.0  # seconds
Row = dict[str, float]


def paragraphs() -> list[str]:
    """Of the demo articles: plain ones, of at least a line."""
    texts = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "content").rglob("*.md"))]
    return [part for text in texts for part in text.split("\n\n") if len(part) > 120 and part[0].isalpha()]


def article(chance: random.Random, number: int) -> list[str]:
    """The parts of an article of 5 KB with a heading every third; no text of it was ever embedded."""
    parts: list[str] = []
    known = paragraphs()
    while sum(map(len, parts)) < LENGTH:
        heading = f"## Part {len(parts)} of {number}\n\n" if len(parts) % 3 == 0 else ""
        parts.append(f"{heading}{chance.choice(known)} Said in run {number}, part {len(parts)}.")
    return parts


def searchable(version: ArticleVersion) -> bool:
    everyone = ReaderOf(list(Audience.objects.filter(kind=Audience.Kind.EVERYONE).values_list("pk", flat=True)))
    return Chunk.objects.visible_to(everyone).filter(version=version, vector__embedder__live=True).exists()


def measured(one: Article, content: Content, fresh: set[int]) -> Row:
    """Save, publish, wait; then embed what was new once more. Milliseconds. `fresh`: passages known before."""
    started = time.perf_counter()
    based_on = one.latest_version.number if one.latest_version else 0
    version = publishing.save(one, content, by=None, based_on=based_on)
    publishing.publish(one, by=None)
    while not searchable(version):
        if time.perf_counter() - started > PATIENCE:
            sys.exit(f"Nothing was searchable after {PATIENCE:.0f} s: is a worker running?")
        time.sleep(0.02)
    taken = (time.perf_counter() - started) * 1000
    one.refresh_from_db()
    texts = dict(Chunk.objects.filter(version=version).values_list("passage", "passage__text"))
    new = [text for passage, text in texts.items() if passage not in fresh]
    fresh.update(texts)
    started = time.perf_counter()
    passage_vectors(new)
    embedding = (time.perf_counter() - started) * 1000
    embedded = IndexRun.objects.get(version=version).embedded
    if embedded != len(new):
        sys.exit(f"{embedded} chunks were embedded, and {len(new)} are new: the figures would not be side by side.")
    return {"searchable": taken, "embedding": embedding, "chunks": len(new), "asked": FACTOR * embedding + SLACK_MS}


def rounds(count: int) -> Iterator[tuple[str, Row]]:
    chance = random.Random(5)
    collection = Collection.objects.get_or_create(
        name="Saving", slug="saving", defaults={"audience": Audience.objects.get(kind=Audience.Kind.EVERYONE)}
    )[0]
    passage_vectors(["warm"])
    for number in range(count):
        fresh: set[int] = set()
        made = publishing.create(collection, Content(f"Saving {number}", ""), by=None)
        parts = article(chance, number)
        yield "new article", measured(made, Content(made.title, "\n\n".join(parts)), fresh)
        place = chance.randrange(len(parts))
        parts[place] += " And changed since."
        yield "one paragraph", measured(made, Content(made.title, "\n\n".join(parts)), fresh)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    made: dict[str, Any] = {name: percentiles([row[name] for row in rows]) for name in rows[0]}
    return {**made, "within": sum(row["searchable"] <= row["asked"] for row in rows), "saves": len(rows)}


def inside(count: int) -> dict[str, Any]:
    """Measure; in a process whose settings are those of the site."""
    kinds: dict[str, list[Row]] = {}
    for kind, row in rounds(count):
        kinds.setdefault(kind, []).append(row)
    return {kind: summary(rows) for kind, rows in kinds.items()}


def show(found: dict[str, Any]) -> None:
    print(f"{'what':>14} {'chunks':>7} {'searchable':>11} {'p95':>8} {'embedding':>10} {'asked':>8} {'within':>8}")
    for kind, row in found.items():
        print(
            f"{kind:>14} {row['chunks']['p50']:7.0f} {row['searchable']['p50']:11.0f} {row['searchable']['p95']:8.0f}"
            f" {row['embedding']['p50']:10.0f} {row['asked']['p50']:8.0f} {row['within']:4}/{row['saves']}"
        )
    print(f"milliseconds, medians; load average {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument("--inside", action="store_true", help="measure on the site of these settings")
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(inside(options.rounds)))
        return
    with tempfile.TemporaryDirectory(prefix="footnote-saving-") as folder, own(Path(folder)) as site:
        command = [sys.executable, "-m", "bench.saving", "--inside", "--rounds", str(options.rounds)]
        done = subprocess.run(command, cwd=ROOT, env=site.environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    show(found)
    if options.json:
        options.json.write_text(json.dumps({**found, "load": os.getloadavg()[0]}, indent=2) + "\n")


if __name__ == "__main__":
    main()
