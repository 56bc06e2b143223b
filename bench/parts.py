"""`python -m bench.parts`: what retrieval costs beside its parts, and the reranker beside plain arithmetic.

whole   retrieve with every cache cold, against the sum of its parts measured apart: the model on the question, the
        same statements sent again without the ORM, the rerank of the same candidates
rerank  of 30 candidates, against the numpy operations that it cannot do without, on arrays that lie ready
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db import connection

from bench import corpus as corpora
from bench import loading
from bench.corpus import DIMENSIONS, SEED, Corpus
from bench.retrieval import percentiles
from kb import embedding, evaluation, retrieval, words
from kb.embedding import QuestionVectors, get_embedder, question_vectors
from kb.errors import ProviderError
from kb.reranking import Candidate, Title, rerank, token_weights
from portal import embedded
from portal.models import User

CANDIDATES = 30
WHOLE_AT_MOST, RERANK_AT_MOST = 1.3, 1.5
Statement = tuple[str, Any]


def milliseconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def forget() -> None:
    """As if nothing had ever been asked."""
    embedding._cached_question.cache_clear()
    cache.clear()


@contextmanager
def recorded(into: list[Statement]) -> Iterator[None]:
    def record(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        into.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        yield


def again(statements: list[Statement]) -> None:
    with connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(sql, params)
            if cursor.description:
                cursor.fetchall()


def whole(corpus: Corpus, reader: User) -> list[dict[str, float]]:
    """Milliseconds of every question: the whole, and its parts."""
    rows = []
    for text in corpus.questions:
        statements: list[Statement] = []
        forget()
        with recorded(statements):
            retrieval.retrieve(text, user=reader)
        reads = [one for one in statements if one[0].lstrip().startswith(("SELECT", "WITH"))]
        forget()
        row = {"whole": milliseconds(partial(retrieval.retrieve, text, user=reader))}
        row["embedding"] = milliseconds(partial(get_embedder().encode, [text]))
        row["sql"] = milliseconds(partial(again, reads))
        asked, weights = question(text)
        pool = candidates(50)
        row["rerank"] = milliseconds(partial(rerank, pool, asked, weights=weights))
        rows.append(row)
    return rows


def question(text: str) -> tuple[QuestionVectors, Any]:
    asked = question_vectors(text)
    return asked, token_weights(asked, words.read(text).spans)


def candidates(count: int) -> list[Candidate]:
    """As many as asked for, of the usual size, two of an article."""
    rng = np.random.default_rng(SEED)
    bits, sentences = loading.WORDPIECES * DIMENSIONS // 8, loading.SENTENCES * DIMENSIONS
    return [
        Candidate(place // 2, 0.5, 0.5, rng.bytes(bits), rng.bytes(sentences), title=Title(0.5, 5))
        for place in range(count)
    ]


def arithmetic(asked: QuestionVectors, pool: list[Candidate], weights: Any) -> Callable[[], Any]:
    """What late interaction and sentence cosines need at least, on arrays that lie ready."""
    packed = np.frombuffer(b"".join(one.bits for one in pool), np.uint8).reshape(-1, DIMENSIONS // 8)
    levels = np.frombuffer(b"".join(one.sentences for one in pool), np.int8).reshape(-1, DIMENSIONS)
    first_bits = np.arange(len(pool)) * (len(packed) // len(pool))
    first_sentences = np.arange(len(pool)) * (len(levels) // len(pool))

    def work() -> None:
        signs = np.unpackbits(packed, axis=1).astype(np.float32)
        dots = asked.tokens @ signs.T
        best = np.maximum.reduceat(dots, first_bits, axis=1)
        for width in (1, 2, 4):
            dots = np.maximum(dots[:, :-width], dots[:, width:])
        windows = np.maximum.reduceat(weights @ dots, first_bits)
        rows = levels.astype(np.float32)
        near = (rows @ asked.vector) / np.sqrt(np.einsum("ij,ij->i", rows, rows))
        weights @ best + windows + np.maximum.reduceat(near, first_sentences)

    return work


def reranking(texts: list[str]) -> list[dict[str, float]]:
    rows = []
    for text in texts:
        asked, weights = question(text)
        pool = candidates(CANDIDATES)
        works: dict[str, Callable[[], Any]] = {
            "rerank": partial(rerank, pool, asked, weights=weights),
            "arithmetic": arithmetic(asked, pool, weights),
        }
        for work in works.values():
            work()
        rows.append({name: min(milliseconds(work) for _ in range(5)) for name, work in works.items()})
    return rows


def table(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: percentiles([row[name] for row in rows]) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=2000)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    embedded.ensure()
    try:
        get_embedder().encode(["warm"])
    except ProviderError as error:
        sys.exit(str(error))
    corpus = corpora.make(options.chunks, options.questions)
    with evaluation.throwaway_database("bench_parts"):
        loading.load(corpus)
        reader = loading.arrange(corpus, "scattered")[-1]
        retrieval.retrieve(corpus.questions[0], user=reader)
        made = {"whole": table(whole(corpus, reader)), "rerank": table(reranking(corpus.questions))}
    parts = ("embedding", "sql", "rerank")
    ratios = {
        "whole": made["whole"]["whole"]["p50"] / sum(made["whole"][part]["p50"] for part in parts),
        "rerank": made["rerank"]["rerank"]["p50"] / made["rerank"]["arithmetic"]["p50"],
    }
    print(f"{'part':>12} {'p50 ms':>8} {'p95 ms':>8}")
    for name, figures in {**made["whole"], **{f"{CANDIDATES} {k}": v for k, v in made["rerank"].items()}}.items():
        print(f"{name:>12} {figures['p50']:8} {figures['p95']:8}")
    print(f"whole retrieve, cold: {ratios['whole']:.2f} × its parts (asked: at most {WHOLE_AT_MOST})")
    print(f"rerank of {CANDIDATES}: {ratios['rerank']:.2f} × the arithmetic (asked: at most {RERANK_AT_MOST})")
    print(f"load average {os.getloadavg()[0]:.1f}")
    if options.json:
        Path(options.json).write_text(
            json.dumps({**made, "ratios": ratios, "load": os.getloadavg()[0]}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
