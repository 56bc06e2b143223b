"""`make bench`: retrieval as a corpus grows, its parts, the embedder, writing, a web process, saving, streaming.

Tables are printed; figures and a plot go to var/bench/. Half an hour; what fails does not keep the rest from running.

`--chunks 1000 1000000` asks for other sizes: 100,000 take ten minutes, 1,000,000 two hours or more.

On their own: `python -m bench.peers` (three frameworks, installed for it) and `bench.hostile` (files that mean harm).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

SINGLE = ("parts", "encoding", "writing", "memory", "saving", "streaming")
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    folder = settings.VAR / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    runs: tuple[tuple[str | Path, ...], ...] = (
        ("bench.retrieval", "--json", folder / "retrieval.json", "--plot", folder / "growth.svg", *sys.argv[1:]),
        *((f"bench.{name}", "--json", folder / f"{name}.json") for name in SINGLE),
    )
    failed = []
    for module, *options in runs:
        print(f"\n{module}", flush=True)
        done = subprocess.run([sys.executable, "-m", str(module), *map(str, options)], cwd=ROOT)
        failed += [str(module)] if done.returncode else []
    print(f"\nFigures and plot: {folder}")
    sys.exit(f"Not finished: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
