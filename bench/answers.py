"""`make eval`, second part: how good the answers are, which foreign questions are refused, and what checking marks.

Fails below the committed floors (answer_floors.json). The sets are those of bench.quality.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from bench.quality import ROOT, SETS

FLOORS = ROOT / "bench" / "answer_floors.json"
FOREIGN = (("emanual", "arduino-help-center"), ("emanual", "hugo-docs"), ("hugo-docs", "emanual"), ("mtrag-un", ""))
SHOWN = ("right_source_cited_first_two", "gold_word_recall", "cited_documents", "refusal_recall", "wrong_refusals")
CHECKED = ("emanual", "stackfaq", "hugo-docs", "arduino-help-center", "mtrag-un")


def answers(name: str, foreign: str) -> dict[str, Any]:
    """The product's own command, in a throwaway database."""
    command = [sys.executable, "manage.py", "evaluate", "answers", str(SETS / name), "--json"]
    more = ["--foreign", str(SETS / foreign)] if foreign else []
    done = subprocess.run([*command, *more], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def checks(name: str) -> dict[str, Any]:
    """Seeded errors, quotations and honest answers of one set, as kb.checking judges them."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from kb import evaluation
    from kb.evaluation import seeding

    return seeding.measure(evaluation.load(SETS / name))


def main() -> None:
    floors = json.loads(FLOORS.read_text())
    results: dict[str, Any] = {}
    print(f"{'answers':32}" + "".join(f" {name:>28}" for name in SHOWN))
    for name, foreign in FOREIGN:
        if (SETS / name).exists() and (not foreign or (SETS / foreign).exists()):
            label = f"{name} <- {foreign}" if foreign else name
            results[label] = answers(name, foreign)
            print(f"{label:32}" + "".join(f" {results[label][one]!s:>28}" for one in SHOWN), flush=True)
    seeded = marked = 0
    for name in (name for name in CHECKED if (SETS / name).exists()):
        made = checks(name)
        seeded, marked = seeded + sum(made["seeded"].values()), marked + sum(made["marked"].values())
        wrong = made["honest_unsupported"] + made["honest_weak"]
        results[f"checks {name}"] = {
            "quotations_marked": made["quotations_marked"],
            "honest_marked": round(wrong / made["honest"], 4) if made["honest"] else 0.0,
        }
        print(f"checks {name}: {made['seeded']} of which marked {made['marked']}", flush=True)
        print(f"    quotations {made['quotations']}, marked {made['quotations_marked']}", flush=True)
        print(f"    honest sentences {made['honest']}, marked {wrong}", flush=True)
    if not results:
        print(f"No evaluation set in {SETS}: set FOOTNOTE_SETS to a folder of sets.")
        return
    results["checks"] = {"seeded": seeded, "marked": round(marked / seeded, 4)}
    print(f"seeded errors: {seeded}, marked {marked / seeded:.2%}")
    (ROOT / "var" / "answers.json").write_text(json.dumps(results, indent=2))
    if below := beyond(floors, results):
        sys.exit("\n".join(below))


def beyond(floors: dict[str, Any], results: dict[str, Any]) -> list[str]:
    """What is below a "least" or above a "most", a sentence each."""
    return [
        f"{label} {figure}: {results[label][figure]} is {'below' if side == 'least' else 'above'} {limit}"
        for label, sides in floors.items()
        if label in results
        for side, limits in sides.items()
        for figure, limit in limits.items()
        if (results[label][figure] < limit if side == "least" else results[label][figure] > limit)
    ]


if __name__ == "__main__":
    main()
