"""`make eval`: how well search ranks every evaluation set that is there, beside a reference BM25 in the same run.

Fails when a stage falls below the committed floors (floors.json). The sets are not part of this repository:
FOOTNOTE_SETS names their folder, by default ../shared/data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bm25s
import Stemmer

ROOT = Path(__file__).resolve().parent.parent
SETS = Path(os.environ.get("FOOTNOTE_SETS", ROOT.parent / "shared" / "data"))
FLOORS = Path(__file__).with_name("floors.json")
TARGETS = ("emanual", "stackfaq", "hugo-docs")  # the mean ratio to BM25 is taken over these; the others are reported
K1, B, DEPTH = 1.2, 0.75, 100


def reference(folder: Path) -> dict[str, float]:
    """bm25s over the same chunks, best chunk of a document, Snowball stems and English stop words."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from kb import evaluation, metrics

    labelled = evaluation.load(folder)
    cases = [case for case in labelled.cases if case.grades]
    texts, owners = passages(labelled.corpus)
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25(k1=K1, b=B)
    index.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)
    asked = bm25s.tokenize([case.searched for case in cases], stopwords="en", stemmer=stemmer, show_progress=False)
    found, _ = index.retrieve(asked, k=min(DEPTH, len(texts)), show_progress=False)
    rankings = [list(dict.fromkeys(owners[place] for place in row)) for row in found]
    return {
        name: metrics.mean([metric(ranking, case.grades) for ranking, case in zip(rankings, cases, strict=True)])
        for name, metric in metrics.METRICS.items()
    }


def passages(corpus: list[dict[str, str]]) -> tuple[list[str], list[str]]:
    """The texts BM25 ranks: our own chunks with their title, so that both rank the same passages."""
    from django.conf import settings

    from kb import chunking, markdown
    from kb.embedding import get_embedder

    texts, owners = [], []
    for row in corpus:
        title = " ".join((row.get("title") or "").split())[:200]
        pieces = chunking.chunk(
            title,
            markdown.blocks(row["text"]),
            count=get_embedder().count,
            limit=settings.CHUNK_LIMIT,
            overlap=settings.CHUNK_OVERLAP,
        )
        texts += [piece.lead + piece.body for piece in pieces]
        owners += [str(row["_id"])] * len(pieces)
    return texts, owners


def ours(folder: Path, *, what: str = "retrieval") -> dict[str, Any]:
    """The product's own command, in a throwaway database."""
    command = [sys.executable, "manage.py", "evaluate", what, str(folder), "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def exact_names(floors: dict[str, dict[str, float]]) -> tuple[dict[str, Any], list[str]]:
    """Names that stand in one article each, asked for bare, in the sets that have a floor for them."""
    results: dict[str, Any] = {}
    below: list[str] = []
    for folder in (SETS / name for name in floors if (SETS / name).exists()):
        found = results[folder.name] = ours(folder, what="identifiers")
        scores = found["stages"]["reranked"]
        said = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
        print(f"{folder.name}: {found['identifiers']} exact names, after the rerank {said}", flush=True)
        missed = ", ".join(one["identifier"] for one in found["missed"])
        below += [
            f"{folder.name}, exact names, {name}: {scores[name]:.4f} is below the floor {floor}; missed: {missed}"
            for name, floor in floors[folder.name].items()
            if scores[name] < floor
        ]
    return results, below


def main() -> None:
    evaluated = ("lexical", "vector", "fused", "reranked")
    floors = json.loads(FLOORS.read_text())
    ratios: dict[str, float] = {}
    below: list[str] = []
    results: dict[str, Any] = {}
    print(f"{'set':22} {'questions':>9} {'BM25':>7}" + "".join(f" {name:>9}" for name in (*evaluated, "ratio")))
    for folder in sorted(path.parent for path in SETS.glob("*/qrels.tsv")):
        mine, bm25 = ours(folder), reference(folder)
        results[folder.name] = {**mine, "reference": bm25}
        scores = {stage: row["ndcg@10"] for stage, row in mine["stages"].items()}
        ratios[folder.name] = scores["reranked"] / bm25["ndcg@10"]
        print(
            f"{folder.name:22} {mine['queries']:9} {bm25['ndcg@10']:7.4f}"
            + "".join(f" {scores[stage]:9.4f}" for stage in evaluated)
            + f" {ratios[folder.name]:9.3f}",
            flush=True,
        )
        below += [
            f"{folder.name} {stage}: {scores[stage]:.4f} is below the floor {floor}"
            for stage, floor in floors.get(folder.name, {}).items()
            if scores[stage] < floor
        ]
    measured = [ratios[name] for name in TARGETS if name in ratios]
    if not measured:
        print(f"No evaluation set in {SETS}: set FOOTNOTE_SETS to a folder of sets.")
        return
    names = ", ".join(name for name in TARGETS if name in ratios)
    print(f"mean ratio to BM25 over {names}: {sum(measured) / len(measured):.3f}")
    results["identifiers"], missing = exact_names(floors["identifiers"])
    below += missing
    (ROOT / "var" / "quality.json").write_text(json.dumps(results, indent=2))
    if below:
        sys.exit("\n".join(below))


if __name__ == "__main__":
    main()
