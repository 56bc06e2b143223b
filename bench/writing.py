"""`python -m bench.writing`: what it costs to write chunks, with the model and without it.

without  the whole way from a saved version to searchable (Markdown, chunks, lexemes, exact names, sign bits, sentence
         vectors, rows, swap), with an embedder that has its answers ready: what remains is ours
storing  of this, pieces of text to stored passages and vectors: what a framework's `add` does (bench.peers); once more
         as a large first import does it, with the graph of vectors built at the end and counted in
share    of an import with the local model that is the model's
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
import zlib
from collections.abc import Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from bench import corpus as corpora
from bench.corpus import DIMENSIONS, SEED, Floats
from kb import embedders, evaluation, indexing, publishing, storing, tasks
from kb.chunking import Piece
from kb.embedding import Encoding, get_embedder
from kb.models import Audience, Chunk, Collection
from kb.providers.fake import PIECE, FakeEmbedder
from kb.providers.onnx import OnnxEmbedder
from portal import embedded

ARTICLES, PER_ARTICLE, STORED_AT_ONCE = 60, 10, 50
SEEN_BY_MODEL = 254  # wordpieces
VECTORS, CLUSTERS = 1 << 14, 100  # as near each other as those of the other benches, and hardly one twice


def vectors() -> Floats:
    """(VECTORS, DIMENSIONS), normalised."""
    rng = np.random.default_rng(SEED)
    space = corpora.Space(rng, clusters=CLUSTERS)
    return space.around(rng.integers(0, CLUSTERS, VECTORS), rng).astype(np.float32)


class Ready(FakeEmbedder):
    """Vectors and wordpieces of the usual size at no cost: every text gets some that lie ready."""

    name = "ready"
    fingerprint = "0" * 64
    dimensions = DIMENSIONS
    vectors: ClassVar[Floats] = vectors()
    rows: ClassVar[Floats] = np.random.default_rng(SEED).standard_normal((SEEN_BY_MODEL, DIMENSIONS)).astype(np.float32)

    def count(self, text: str) -> int:
        return text.count(" ") + 1

    def is_stop(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.equal(ids % 2, 1)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        return [self.of(text) for text in texts]

    def of(self, text: str) -> Encoding:
        spans = [match.span() for match in itertools.islice(PIECE.finditer(text), SEEN_BY_MODEL)]
        vector = self.vectors[zlib.crc32(text.encode()) % VECTORS]
        ids = np.arange(len(spans), dtype=np.int32)
        offsets = np.array(spans, np.int32).reshape(-1, 2)
        return Encoding(vector, self.rows[: len(spans)], ids, offsets)


class Clocked(OnnxEmbedder):
    """The local model, and how long it took."""

    spent = 0.0

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        started = time.perf_counter()
        try:
            return super().encode(texts)
        finally:
            self.spent += time.perf_counter() - started


def texts(count: int) -> list[str]:
    return corpora.recombined(count, np.random.default_rng(SEED + 1))


@contextmanager
def library(embedder: str) -> Any:
    """A database with nothing in it but a collection, and that embedder."""
    before, settings.EMBEDDER = settings.EMBEDDER, embedder
    try:
        with evaluation.throwaway_database("bench_writing"):
            everyone = Audience.objects.create(name="Everyone", kind=Audience.Kind.EVERYONE)
            yield Collection.objects.create(name="Everything", slug="everything", audience=everyone)
    finally:
        settings.EMBEDDER = before


def save(shelf: Collection, bodies: Sequence[str]) -> None:
    """Articles of ten parts, published and not yet indexed."""
    with tasks.without_wake_ups():
        for number in range(0, len(bodies), PER_ARTICLE):
            parts = (f"## Part {place}\n\n{body}" for place, body in enumerate(bodies[number : number + PER_ARTICLE]))
            content = publishing.Content(f"Article {number}", "\n\n".join(parts))
            publishing.publish(publishing.create(shelf, content, by=None), by=None)


def whole_way(embedder: str, count: int) -> tuple[int, float, float]:
    """How many chunks were indexed, the seconds from saved to searchable, and those of them that were the model's."""
    with library(embedder) as shelf:
        save(shelf, texts(count))
        model = get_embedder()
        model.encode(["warm"])
        vars(model)["spent"] = 0.0  # of this alone
        started = time.perf_counter()
        indexing.drain()
        taken = time.perf_counter() - started
        return Chunk.objects.count(), taken, vars(model).get("spent", 0.0)


def stored(count: int, *, first: bool = False) -> float:
    """Seconds for that many texts, as pieces, to passages with lexemes, vectors, sign bits and sentence vectors.

    `first`: the graph of vectors is built afterwards.
    """
    with library("bench.writing.Ready"):
        pieces = [Piece((), "", f"Article {n // PER_ARTICLE}\n", body, ()) for n, body in enumerate(texts(count))]
        running = embedders.configured()
        running.model.encode(["warm"])
        started = time.perf_counter()
        with embedders.graph_afterwards(running.row) if first else nullcontext():
            for start in range(0, count, STORED_AT_ONCE):
                storing.store(pieces[start : start + STORED_AT_ONCE], language="en", embedder=running)
        return time.perf_counter() - started


def write_path(count: int = ARTICLES * PER_ARTICLE) -> dict[str, Any]:
    chunks, taken, _ = whole_way("bench.writing.Ready", count)
    return {
        "chunks": chunks,
        "searchable_per_second": round(chunks / taken, 1),
        "chunks_per_second": round(count / stored(count), 1),
        "first_chunks_per_second": round(count / stored(count, first=True), 1),
    }


def with_model(count: int) -> dict[str, Any]:
    chunks, taken, model = whole_way("bench.writing.Clocked", count)
    return {"chunks": chunks, "chunks_per_second": round(chunks / taken, 1), "share_of_model": round(model / taken, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=ARTICLES * PER_ARTICLE)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    embedded.ensure()
    made = {"without": write_path(options.chunks), "with_model": with_model(options.chunks // 4)}
    without, model = made["without"], made["with_model"]
    print(f"without the model: {without['searchable_per_second']} chunks/s from saved to searchable")
    print(f"                   {without['chunks_per_second']} chunks/s from pieces to stored")
    print(f"                   {without['first_chunks_per_second']} chunks/s of a first import, its graph included")
    print(
        f"with the model:    {model['chunks_per_second']} chunks/s, {model['share_of_model']:.0%} of the time its own"
    )
    print(f"load average {os.getloadavg()[0]:.1f}")
    if options.json:
        Path(options.json).write_text(json.dumps({**made, "load": os.getloadavg()[0]}, indent=2) + "\n")


if __name__ == "__main__":
    main()
