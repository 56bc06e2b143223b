"""The order of the hits: raw scores of meaning, words and title added up, first for articles, then within them. Pure.

    score(article) = 1.5 max cosine + max maxsim + max window + 0.5 max words + max exact + title   over its candidates
    score(chunk)   = 1.5     cosine +     maxsim +     window + 0.5     words +     exact

cosine: of the question and the best sentence, -1..1. maxsim: late interaction on sign bits. window: the same within
the best eight content wordpieces that follow each other, so that words found far apart count less than words found
together. words: BM25 with document-level idf over the most the question could reach, 0..1. title: the gated cosine
below. exact: the share of the question, by idf, that is codes, flags and names which the chunk holds as they are: all
of it where only a name was typed, little in a long sentence.

The sums are raw on purpose: when one candidate's cosine stands out it wins, when all are alike the words decide. The
weights belong to the scale of the embedder they were measured with; `make eval` measures them.

Fifty candidates take about 3 ms on one thread. The product is too small for more: where the BLAS starts threads that
spin, on a machine with other work, it takes ten times longer. Set OPENBLAS_NUM_THREADS=1 in the web process.
"""

from collections.abc import Hashable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Floats, QuestionVectors

STOP_WEIGHT = 0.1
LEAST_WEIGHT = 1e-3
TITLE_GATE = 0.4  # a title must be nearer than this to the question to count
LONG_TITLE = 8  # content words from which a title counts in full; one-word titles say too little
WINDOW = 8  # content wordpieces; a power of two


@dataclass(frozen=True)
class Rule:
    """The weights of the parts, picked on a plateau (neighbours within .004 of the mean of three sets), not trained.

    In this order the parts stand in the columns of `measured`.
    """

    cosine: float = 1.5
    maxsim: float = 1.0
    window: float = 1.0
    words: float = 0.5
    exact: float = 1.0
    title: float = 1.0


RULE = Rule()


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
    exact: float = 0.0  # share of the question that is identifiers in it, 0..1
    title: Title = Title()


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place, with its parts. `index` is its place in what was given."""

    index: int
    article_score: float
    score: float
    cosine: float
    maxsim: float
    window: float


def rerank(
    candidates: Sequence[Candidate], question: QuestionVectors, *, weights: Floats, rule: Rule = RULE
) -> list[Ranked]:
    """All candidates, best article first, and within an article its best chunk first; ties keep the given order.

    `weights` (n,): one for each wordpiece of the question, see token_weights. A candidate without stored sentences
    falls back to its passage cosine. What is missing altogether (no vector yet, or an embedder without token vectors)
    counts as the lowest score among the candidates that have it, 0 if none has: words alone can still carry it.
    """
    if not candidates:
        return []
    parts = measured(candidates, question, weights)
    summed = np.array(astuple(rule))
    own = parts[:, :-1] @ summed[:-1]  # the title is the article's, the same for all its chunks
    articles = places_of_articles(candidates)
    best = np.full((articles.max() + 1, len(summed)), -np.inf)
    np.maximum.at(best, articles, parts)
    scores = (best @ summed)[articles]
    order = np.lexsort((-own, articles, -scores))
    rows = np.column_stack((scores, own, parts[:, :3]))[order].tolist()
    return [Ranked(index, *row) for index, row in zip(order.tolist(), rows, strict=True)]


def measured(candidates: Sequence[Candidate], question: QuestionVectors, weights: Floats) -> NDArray[np.float64]:
    """(candidates, parts): what each candidate scores in every part of the rule, in the order of its fields."""
    blobs = [c.bits for c in candidates]
    sentence = sentence_cosines(question.vector, [c.sentences for c in candidates])
    whole = np.array([np.nan if c.cosine is None else c.cosine for c in candidates])
    similar, window = maxsim(question, blobs, weights)
    return np.column_stack(
        (
            lowest_for_missing(np.where(np.isnan(sentence), whole, sentence)),
            lowest_for_missing(similar),
            lowest_for_missing(window),
            [(c.words, c.exact, title_score(c.title)) for c in candidates],
        )
    )


def places_of_articles(candidates: Sequence[Candidate]) -> NDArray[np.int64]:
    """(candidates,): the number of each one's article, articles counted as they first come."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(c.article, len(numbers)) for c in candidates])


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


def maxsim(question: QuestionVectors, blobs: Sequence[bytes], weights: Floats) -> tuple[Floats, Floats]:
    """(candidates,) twice: Σ_t w_t max_j q_t·sign(h_j) / (√d Σ_t w_t), over all j, and over the best window of j.

    q_t: rotated unit row of a wordpiece of the question; h_j: rotated row of a wordpiece of the passage, of which the
    signs are stored. From ColBERT's late interaction (Khattab and Zaharia, 2020), weighted by idf, one bit a number.
    NaN for a candidate without bits.
    """
    scores = np.full((2, len(blobs)), np.nan, np.float32)
    filled = [place for place, blob in enumerate(blobs) if blob]
    if filled and len(question.tokens):
        dimensions = question.tokens.shape[1]
        packed = np.frombuffer(b"".join(blobs[place] for place in filled), np.uint8).reshape(-1, dimensions // 8)
        lengths = np.array([len(blobs[place]) // (dimensions // 8) for place in filled])
        dots = question.tokens @ np.unpackbits(packed, axis=1).astype(np.float32).T
        # q·(2b - 1) = 2 q·b - Σq: bits need not become signs before the maximum
        offset = weights @ question.tokens.sum(axis=1)
        scale = weights.sum() * np.sqrt(dimensions)
        scores[:, filled] = (2 * np.stack(weighted_maxima(dots, lengths, weights)) - offset) / scale
    return scores[0], scores[1]


def weighted_maxima(dots: Floats, lengths: NDArray[np.int64], weights: Floats) -> tuple[Floats, Floats]:
    """(passages,) twice, of products (n, rows of all passages): the weighted sum of the maxima over a whole passage,
    and over its best WINDOW rows. A passage of no more rows than that is its own window.
    """
    starts = np.cumsum(lengths) - lengths
    whole = weights @ np.maximum.reduceat(dots, starts, axis=1)
    if dots.shape[1] < WINDOW:
        return whole, whole
    width = 1
    while width < WINDOW:  # maxima over 2, 4, 8 rows from each row on
        dots = np.maximum(dots[:, :-width], dots[:, width:])
        width *= 2
    sums = np.full(lengths.sum(), -np.inf, np.float32)
    sums[: dots.shape[1]] = weights @ dots
    left = np.repeat(starts + lengths, lengths) - np.arange(len(sums))  # rows from each one to its passage's end
    sums[left < WINDOW] = -np.inf
    return whole, np.where(lengths > WINDOW, np.maximum.reduceat(sums, starts), whole)


def sentence_cosines(vector: Floats, blobs: Sequence[bytes]) -> Floats:
    """(candidates,): the cosine of each one's best sentence, NaN without sentences; a row of zeros scores 0."""
    scores = np.full(len(blobs), np.nan, np.float32)
    filled = [place for place, blob in enumerate(blobs) if blob]
    if filled:
        rows = np.frombuffer(b"".join(blobs[place] for place in filled), np.int8).reshape(-1, len(vector))
        levels = rows.astype(np.float32)
        cosines = levels @ vector / np.sqrt(np.maximum(np.einsum("ij,ij->i", levels, levels), 1))
        lengths = np.array([len(blobs[place]) // len(vector) for place in filled])
        scores[filled] = np.maximum.reduceat(cosines, np.cumsum(lengths) - lengths)
    return scores


def lowest_for_missing(scores: Floats) -> Floats:
    """NaN replaced by the lowest of the others, 0 if there are none."""
    known = scores[~np.isnan(scores)]
    return np.where(np.isnan(scores), known.min() if len(known) else 0.0, scores)
