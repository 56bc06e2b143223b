"""What reranking loses when an embedder gives no token vectors: `python -m bench.tokens DIR…`, folders of sets.

Each set is indexed once by the built-in model; its token vectors are then replaced by what a hosted embedder would have
left there, one vector a passage, and the same questions are asked again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from kb.evaluation import throwaway_database
    from portal import embedded

    embedded.ensure()

    print(f"{'set':22} {'questions':>9} {'lexical':>8} {'vector':>8} {'tokens':>8} {'without':>8}   nDCG@10")
    for folder in map(Path, sys.argv[1:]):
        with throwaway_database(f"tokens_{os.getpid()}"):
            compare(folder)


def compare(folder: Path) -> None:
    from django.conf import settings

    from kb import evaluation
    from kb.evaluation import ranking
    from kb.management.progress import bar

    labelled = evaluation.load(folder)
    settings.EMBEDDER = "kb.providers.onnx.OnnxEmbedder"
    ids = evaluation.index_corpus(labelled.corpus, progress=bar)
    full = ranking.evaluate(labelled, ids, progress=bar).as_dict()
    drop_tokens()
    settings.EMBEDDER = "bench.embedder.WithoutTokens"
    less = ranking.evaluate(labelled, ids, progress=bar).as_dict()
    scores = [full["stages"][stage]["ndcg@10"] for stage in ("lexical", "vector", "reranked")]
    scores.append(less["stages"]["reranked"]["ndcg@10"])
    print(f"{labelled.name:22} {full['queries']:9} " + " ".join(f"{score:8.4f}" for score in scores), flush=True)


def drop_tokens() -> None:
    """What kb.embedding stores of a passage whose encoding has no tokens: no bits, and its vector as one sentence."""
    from django.core.cache import cache

    from kb import embedding
    from kb.models import Embedding, TokenVectors

    cache.clear()
    for one in Embedding.objects.iterator():
        row = np.array(one.vector, np.float32)[None]
        TokenVectors.objects.filter(passage=one.passage_id, embedder=one.embedder_id).update(
            bits=b"", sentences=embedding._int8(row)
        )


if __name__ == "__main__":
    main()
