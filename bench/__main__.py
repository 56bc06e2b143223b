"""`make bench`: retrieval as a corpus grows, then its parts. Tables are printed; figures and a plot go to var/bench/.

`--chunks 1000 10000 100000` asks for other sizes: 100,000 take about ten minutes, 1,000,000 an hour or more.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    folder = settings.VAR / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    runs: tuple[tuple[str | Path, ...], ...] = (
        ("bench.retrieval", "--json", folder / "retrieval.json", "--plot", folder / "growth.svg", *sys.argv[1:]),
        ("bench.parts", "--json", folder / "parts.json"),
    )
    for module, *options in runs:
        print(f"\n{module}", flush=True)
        subprocess.run([sys.executable, "-m", str(module), *map(str, options)], cwd=ROOT, check=True)
    print(f"\nFigures and plot: {folder}")


if __name__ == "__main__":
    main()
