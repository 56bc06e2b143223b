"""What a perfect retrieval would find: exact cosines and exact BM25 of every chunk, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from bench.corpus import Corpus, Floats
from bench.loading import raw_connection
from kb import words
from kb.expressions import K1, B
from kb.legs import Leg, fuse
from kb.words import Question

SAME = 1e-6  # scores this near are a tie, and either chunk is right
POSTINGS = """
SELECT passage.id, word.lexeme, coalesce(cardinality(word.positions), 1), passage.length
FROM kb_passage AS passage, unnest(passage.tsv) AS word WHERE passage.id <= %s AND word.lexeme = ANY (%s)
"""


@dataclass(frozen=True)
class Exact:
    """One question's scores of all chunks."""

    cosines: Floats
    words: Floats

    def best(self, scores: Floats, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Places of the best `count` allowed chunks, best first; without those that score nothing."""
        places = np.flatnonzero(allowed & (scores > 0 if scores is self.words else True))
        order: NDArray[np.int64] = places[np.argsort(-scores[places], kind="stable")][:count]
        return order

    def share_found(self, scores: Floats, allowed: NDArray[np.bool_], found: Sequence[int]) -> float:
        """recall@10 of these chunk ids against the best ten; a tie at the end counts as found."""
        best = self.best(scores, allowed, 10)
        if not len(best):
            return 1.0
        least = scores[best[-1]] - SAME
        right = sum(bool(scores[pk - 1] >= least and allowed[pk - 1]) for pk in found[:10] if pk <= len(scores))
        return min(right, len(best)) / len(best)

    def fused(self, allowed: NDArray[np.bool_]) -> list[int]:
        """Chunk ids of the product's own fusion, given perfect legs."""
        count = settings.RETRIEVAL_CANDIDATES
        places = {*self.best(self.cosines, allowed, count), *self.best(self.words, allowed, count)}
        legs = [Leg(int(p) + 1, float(self.cosines[p]), float(self.words[p]), {}) for p in sorted(places)]
        return [leg.chunk_id for leg in fuse(legs)]


def measure(corpus: Corpus) -> list[Exact]:
    """Every question's scores of every chunk."""
    read = [words.read(question) for question in corpus.questions]
    rows = corpus.vectors.astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    asked = corpus.question_vectors.astype(np.float16).astype(np.float32)
    cosines = (asked / np.linalg.norm(asked, axis=1, keepdims=True)) @ rows.T
    return [Exact(cosine, score) for cosine, score in zip(cosines, bm25(read, corpus.chunks), strict=True)]


def bm25(questions: Sequence[Question], chunks: int) -> list[Floats]:
    """Robertson et al.'s formula over all postings of the questions' lexemes."""
    idfs = [{word.lexeme: word.idf for word in question.words} for question in questions]
    wanted: dict[str, list[int]] = {}
    for number, words_of in enumerate(idfs):
        for lexeme in words_of:
            wanted.setdefault(lexeme, []).append(number)
    scores = np.zeros((len(questions), chunks), np.float64)
    with raw_connection() as raw, raw.cursor(name="postings") as cursor:
        cursor.itersize = 50_000
        raw.execute("BEGIN")
        cursor.execute(POSTINGS, [chunks, list(wanted)])
        for pk, lexeme, frequency, length in cursor:
            k = K1 * (1 - B) + K1 * B * length / questions[0].mean_length
            for number in wanted[lexeme]:
                scores[number, pk - 1] += idfs[number][lexeme] * (1 - k / (frequency + k))
    return [row.astype(np.float32) for row in scores]
