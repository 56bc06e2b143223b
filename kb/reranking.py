"""The order of the hits: raw scores of meaning, words and title added up, first for articles, then within them. Pure.

    score(article) = max cosine + max maxsim + 0.5 max words + 0.5 title + 0.5 max exact     over its candidates
    score(chunk)   =     cosine +     maxsim + 0.5     words             + 0.5     exact

cosine: of the question and the best sentence, -1..1. maxsim: late interaction on sign bits. words: BM25 with
document-level idf over the most the question could reach, 0..1. title: the gated cosine below. exact: the share of the
question's codes, flags and names that the chunk holds as they are. The sums are raw on purpose: when one candidate's
cosine stands out it wins, when all are alike the words decide. nDCG@10 on help-center questions .797; BM25 has .702
and chunk cosine .541. The weights belong to the scale of the embedder they were measured with.

Fifty candidates take about 3 ms on one thread. The product is too small for more: where the BLAS starts threads that
spin, on a machine with other work, it takes ten times longer. Set OPENBLAS_NUM_THREADS=1 in the web process.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Floats, QuestionVectors

STOP_WEIGHT = 0.1
LEAST_WEIGHT = 1e-3
TITLE_GATE = 0.4  # a title must be nearer than this to the question to count
LONG_TITLE = 8  # content words from which a title counts in full; one-word titles say too little


@dataclass(frozen=True)
class Rule:
    """The weights of the parts: a plateau (72 neighbours within .04), picked once on five sets, not trained."""

    cosine: float = 1.0
    maxsim: float = 1.0
    words: float = 0.5
    title: float = 0.5
    exact: float = 0.5


@dataclass(frozen=True)
class Title:
    """An article's title as a passage of its own; without a vector it scores nothing."""

    cosine: float = 0.0  # of the question and the title alone
    words: int = 0  # content wordpieces of the title: how many rows of token bits are stored for it


@dataclass(frozen=True)
class Candidate:
    """A chunk that a leg of the retrieval found, with what is stored of it."""

    article: Hashable
    cosine: float | None  # of the question and the whole passage; None while its vector is not there
    words: float  # BM25 over the most this question could reach, 0..1
    bits: bytes = b""  # kb.embedding.PassageVectors.bits
    sentences: bytes = b""  # kb.embedding.PassageVectors.sentences
    exact: float = 0.0  # share of the question's identifiers in it, 0..1
    title: Title = Title()


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place. `index` is its place in what was given; `sentence` the best one's row, if known."""

    index: int
    article_score: float
    score: float
    cosine: float
    maxsim: float
    sentence: int | None


def rerank(
    candidates: Sequence[Candidate], question: QuestionVectors, *, weights: Floats, rule: Rule = Rule()
) -> list[Ranked]:
    """All candidates, best article first, and within an article its best chunk first; ties keep the given order.

    `weights` (n,): one for each wordpiece of the question, see token_weights. A candidate without stored sentences
    falls back to its passage cosine. What is missing altogether (no vector yet, or an embedder without token vectors)
    counts as the lowest score among the candidates that have it, 0 if none has: words alone can still carry it.
    """
    if not candidates:
        return []
    cosine, sentence = sentence_cosines(question.vector, [c.sentences for c in candidates])
    whole = np.array([np.nan if c.cosine is None else c.cosine for c in candidates])
    cosine = lowest_for_missing(np.where(np.isnan(cosine), whole, cosine))
    similar = lowest_for_missing(maxsim(question, [c.bits for c in candidates], weights))
    own = rule.cosine * cosine + rule.maxsim * similar
    own = own + [rule.words * c.words + rule.exact * c.exact for c in candidates]
    articles = article_scores(candidates, cosine, similar, rule)
    ranked = [
        Ranked(
            index=index,
            article_score=articles[candidate.article],
            score=float(own[index]),
            cosine=float(cosine[index]),
            maxsim=float(similar[index]),
            sentence=int(sentence[index]) if candidate.sentences else None,
        )
        for index, candidate in enumerate(candidates)
    ]
    first: dict[Hashable, int] = {}
    for index, candidate in enumerate(candidates):
        first.setdefault(candidate.article, index)
    return sorted(ranked, key=lambda r: (-r.article_score, first[candidates[r.index].article], -r.score, r.index))


def article_scores(
    candidates: Sequence[Candidate], cosine: Floats, similar: Floats, rule: Rule
) -> dict[Hashable, float]:
    """Each article's score: every part is the maximum over its candidates, wherever it stands, then the sum."""
    parts: dict[Hashable, NDArray[np.float64]] = {}
    for c, near, alike in zip(candidates, cosine, similar, strict=True):
        row = np.array([near, alike, c.words, title_score(c.title), c.exact])
        parts[c.article] = np.maximum(parts.get(c.article, row), row)
    weights = np.array([rule.cosine, rule.maxsim, rule.words, rule.title, rule.exact])
    return {article: float(row @ weights) for article, row in parts.items()}


def title_score(title: Title) -> float:
    """clip(words / 8, 0, 1) × max(0, cosine - 0.4): a title that is a sentence helps, a single word is nearly off."""
    return min(title.words / LONG_TITLE, 1.0) * max(0.0, title.cosine - TITLE_GATE)


def token_weights(question: QuestionVectors, spans: Sequence[tuple[int, int, float]]) -> Floats:
    """(n,): the weight of each wordpiece of the question in maxsim: the idf of its word, .1 for stop words.

    `spans`: (start, end, idf) of the words by characters of kb.embedding.normalised(question). Wordpieces outside all
    of them weigh as little as stop words.
    """
    weights = np.full(len(question.ids), STOP_WEIGHT, np.float32)
    for start, end, idf in spans:
        inside = (question.offsets[:, 0] >= start) & (question.offsets[:, 0] < end) & ~question.stop
        weights[inside] = max(idf, STOP_WEIGHT)
    return weights + np.float32(LEAST_WEIGHT)


def maxsim(question: QuestionVectors, blobs: Sequence[bytes], weights: Floats) -> Floats:
    """(candidates,): Σ_t w_t max_j q_t·sign(h_j) / (√d Σ_t w_t), NaN for a candidate without bits.

    q_t: rotated unit row of a wordpiece of the question; h_j: rotated row of a wordpiece of the passage, of which the
    signs are stored. From ColBERT's late interaction (Khattab and Zaharia, 2020), weighted by idf, one bit a number.
    """
    scores = np.full(len(blobs), np.nan, np.float32)
    filled = [place for place, blob in enumerate(blobs) if blob]
    if not filled or not len(question.tokens):
        return scores
    dimensions = question.tokens.shape[1]
    packed = np.frombuffer(b"".join(blobs[place] for place in filled), np.uint8).reshape(-1, dimensions // 8)
    bits = np.unpackbits(packed, axis=1).astype(np.float32)
    # q·(2b - 1) = 2 q·b - Σq: one pass over the bits fewer than turning them into signs
    products = 2 * (question.tokens @ bits.T) - question.tokens.sum(axis=1, keepdims=True)
    best = np.maximum.reduceat(products, starts([blobs[place] for place in filled], dimensions // 8), axis=1)
    scores[filled] = weights @ best / (weights.sum() * np.sqrt(dimensions))
    return scores


def sentence_cosines(vector: Floats, blobs: Sequence[bytes]) -> tuple[Floats, NDArray[np.int64]]:
    """(candidates,) twice: the cosine of the best sentence (NaN without sentences) and which sentence that is."""
    scores = np.full(len(blobs), np.nan, np.float32)
    places = np.zeros(len(blobs), np.int64)
    for place, blob in enumerate(blobs):
        if blob:
            cosines = sentence_rows(blob, len(vector)) @ vector
            places[place] = cosines.argmax()
            scores[place] = cosines[places[place]]
    return scores, places


def sentence_rows(blob: bytes, dimensions: int) -> Floats:
    """(sentences, d): stored sentence vectors, L2-normalised; a row of zeros stays one."""
    rows = np.frombuffer(blob, np.int8).reshape(-1, dimensions).astype(np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    unit: Floats = rows / np.maximum(norms, 1)[:, None]
    return unit


def starts(blobs: Sequence[bytes], width: int) -> NDArray[np.int64]:
    """The first row of each blob when their rows of `width` bytes stand one after the other."""
    lengths = [len(blob) // width for blob in blobs]
    return np.cumsum([0, *lengths[:-1]])


def lowest_for_missing(scores: Floats) -> Floats:
    """NaN replaced by the lowest of the others, 0 if there are none."""
    known = scores[~np.isnan(scores)]
    return np.where(np.isnan(scores), known.min() if len(known) else 0.0, scores)
