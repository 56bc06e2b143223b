"""Texts to vectors: the Embedder protocol, what is stored of a passage, and a question as the reranker sees it."""

import functools
import hashlib
import threading
import unicodedata
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from django.conf import settings
from django.core.cache import cache
from django.utils.module_loading import import_string
from numpy.typing import NDArray
from pgvector import HalfVector

from kb import sentences
from kb.errors import ProviderError

Floats = NDArray[np.float32]

ROTATION_SEED = 0
CACHED_QUESTIONS = 1000  # a process; about 10 KB each
CACHE_SECONDS = 7 * 24 * 3600
STOP_SHARE = 0.3  # of a stop word in a question's vector, against 1
ENDS = " \t\n?!.…"  # what a question may end with and is not embedded with
SMALLEST = 1e-12  # instead of a division by zero
CACHE_VERSION = 2  # raise it when what is cached of a question changes

_loading = threading.Lock()


@dataclass(frozen=True)
class Encoding:
    """One text as the model sees it; n wordpieces, without the special ones."""

    vector: Floats  # (d,), L2-normalised mean over the attention mask
    tokens: Floats | None  # (n, d), last hidden states as they are; None when the embedder gives none
    ids: NDArray[np.int32]  # (n,)
    offsets: NDArray[np.int32]  # (n, 2), character range of each wordpiece in the text


class Embedder(Hashable, Protocol):
    """A model that turns texts into vectors; a class named in settings by its dotted path, with what follows it.

    Its methods raise kb.errors.ProviderError. Equal texts give equal vectors, whatever else is in the batch.
    """

    @property
    def name(self) -> str:
        """What people call the model."""

    @property
    def fingerprint(self) -> str:
        """sha256 of the model file actually run: different files give different vectors."""

    @property
    def dimensions(self) -> int: ...

    def count(self, text: str) -> int:
        """Wordpieces of the whole text, without the special ones."""

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One Encoding a text, in order; of a text longer than the model's limit, its beginning."""

    def is_stop(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        """For each wordpiece whether it is a stop word or punctuation."""


@dataclass(frozen=True)
class PassageVectors:
    """What is stored of a passage. Both kinds of bytes are rows, one after the other, without a header."""

    vector: Floats  # (d,), float32, L2-normalised
    bits: bytes  # d / 8 bytes a wordpiece that is no stop word: the signs of its rotated state, first bit highest
    sentences: (
        bytes  # d bytes a sentence, int8, each row scaled to ±127: divide by its norm. Row i is kb.sentences' i-th
    )


@dataclass(frozen=True)
class QuestionVectors:
    """A question as the reranker needs it; n wordpieces. Without token vectors n is 0."""

    vector: Floats  # (d,), L2-normalised
    tokens: Floats  # (n, d), L2-normalised and rotated as the passages' bits are
    ids: NDArray[np.int32]  # (n,)
    stop: NDArray[np.bool_]  # (n,)
    offsets: NDArray[np.int32]  # (n, 2), character ranges in normalised(text)

    @functools.cached_property
    def literal(self) -> str:
        """The vector as PostgreSQL reads it."""
        return HalfVector(self.vector).to_text()


def get_embedder(path: str = "") -> Embedder:
    """The embedder of settings.EMBEDDER, or of another such path; one of each a process.

    Words behind the dotted path are given to the class: the name of a model, where one class runs many.
    """
    with _loading:  # two first requests at once must not load the model twice
        return _made(path or settings.EMBEDDER)


@functools.cache
def _made(path: str) -> Embedder:
    name, *words = path.split()
    embedder: Embedder = import_string(name)(*words)
    return embedder


def warm() -> None:
    """Load the model in the background, so that the first question need not wait 2 s for it."""

    def load() -> None:
        with suppress(ProviderError):  # whoever asks first is told
            get_embedder().encode(["warm"])

    threading.Thread(target=load, name="warm-embedder", daemon=True).start()


def normalised(text: str) -> str:
    """A question as it is embedded, cached and searched: composed characters (NFC), single spaces. Case is kept.

    What PostgreSQL takes for no text becomes a space (NUL) or a question mark (half of a surrogate pair).
    """
    sound = text.replace("\0", " ").encode(errors="replace").decode()
    return " ".join(unicodedata.normalize("NFC", sound).split())


@functools.cache
def rotation(dimensions: int) -> Floats:
    """A fixed random rotation (d, d), the same for passages and questions: it spreads what the signs can hold.

    QR of a seeded Gaussian with the signs chosen so that R's diagonal is positive, which makes it unique. MaxSim on the
    signs alone gains .011 nDCG@10 by it on help-center questions.
    """
    gaussian = np.random.default_rng(ROTATION_SEED).standard_normal((dimensions, dimensions))
    orthogonal, upper = np.linalg.qr(gaussian)
    return np.asarray(orthogonal * np.sign(np.diag(upper)), np.float32)


def passage_vectors(texts: Sequence[str], embedder: Embedder | None = None) -> list[PassageVectors]:
    """What to store of each text, all from one pass of the model. Raises ProviderError."""
    embedder = embedder or get_embedder()
    encodings = embedder.encode(texts)
    for encoding in encodings:
        expect_dimensions(embedder, encoding)
    return [_passage(embedder, text, encoding) for text, encoding in zip(texts, encodings, strict=True)]


def expect_dimensions(embedder: Embedder, encoding: Encoding) -> None:
    """Raises ProviderError for a vector of another size than the embedder said: it could be compared with nothing."""
    if len(encoding.vector) != embedder.dimensions:
        raise ProviderError(
            f"The embedder {embedder.name} gave a vector of {len(encoding.vector)} numbers, where it says it gives "
            f"{embedder.dimensions}. Check EMBEDDER and its settings.",
            temporary=False,
        )


def _passage(embedder: Embedder, text: str, encoding: Encoding) -> PassageVectors:
    if encoding.tokens is None or not len(encoding.ids):
        return PassageVectors(encoding.vector, b"", _int8(encoding.vector[None]))
    means = _sentence_means(text, encoding.tokens, encoding.offsets)
    return PassageVectors(encoding.vector, _sign_bits(embedder, encoding.tokens, encoding.ids), _int8(means))


def _sentence_means(text: str, tokens: Floats, offsets: NDArray[np.int32]) -> Floats:
    """(sentences, d): the mean state of each sentence's wordpieces ("late pooling": no second pass of the model).

    Rows follow kb.sentences.split(text). A sentence without a wordpiece is a row of zeros, and those behind the last
    wordpiece, which the model did not see, have no row.
    """
    starts = [span.start for span in sentences.split(text)] or [0]
    rows = np.maximum(np.searchsorted(starts, offsets[:, 0], side="right") - 1, 0)
    firsts = np.flatnonzero(np.diff(rows, prepend=-1))
    sums = np.zeros((rows[-1] + 1, tokens.shape[1]), np.float32)
    sums[rows[firsts]] = np.add.reduceat(tokens, firsts)
    return sums


def _int8(rows: Floats) -> bytes:
    largest = np.abs(rows).max(axis=1, keepdims=True)
    levels: NDArray[np.int8] = np.round(rows * (127 / np.maximum(largest, SMALLEST))).astype(np.int8)
    return levels.tobytes()


def _sign_bits(embedder: Embedder, tokens: Floats, ids: NDArray[np.int32]) -> bytes:
    """The signs of the rotated states, stop words and punctuation left out unless there is nothing else."""
    kept = ~embedder.is_stop(ids)
    chosen = tokens[kept] if kept.any() else tokens
    signs: NDArray[np.bool_] = chosen @ rotation(tokens.shape[1]) > 0
    return np.packbits(signs, axis=1).tobytes()


def question_vectors(text: str, embedder: Embedder | None = None) -> QuestionVectors:
    """A question's vectors, from the process, from Django's cache or from the model. Raises ProviderError.

    Cached by the embedder's fingerprint and the normalised text; the arrays are shared and cannot be written to.
    """
    return _cached_question(embedder or get_embedder(), normalised(text))


@functools.lru_cache(maxsize=CACHED_QUESTIONS)
def _cached_question(embedder: Embedder, text: str) -> QuestionVectors:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    key = f"question:{CACHE_VERSION}:{embedder.fingerprint[:16]}:{digest}"
    vectors: QuestionVectors | None = cache.get(key)
    if vectors is None:
        vectors = _question(embedder, text)
        cache.set(key, vectors, CACHE_SECONDS)
    for array in (vectors.vector, vectors.tokens, vectors.ids, vectors.stop, vectors.offsets):
        array.setflags(write=False)
    return vectors


def without_vectors() -> QuestionVectors:
    """A question when no embedder can be asked: words alone have to find then."""
    nothing, flags = np.zeros(0, np.int32), np.zeros(0, np.bool_)
    return QuestionVectors(np.ones(1, np.float32), np.zeros((0, 1), np.float32), nothing, flags, nothing.reshape(0, 2))


def _question(embedder: Embedder, text: str) -> QuestionVectors:
    """A question's vector says what it is about rather than that it asks: nDCG@10 of five sets changes by -.004 to
    +.013 when stop words count less than the others and the sign at the end does not count (`make eval`).
    """
    [encoding] = embedder.encode([text.rstrip(ENDS) or text])
    expect_dimensions(embedder, encoding)
    stop = embedder.is_stop(encoding.ids)
    if encoding.tokens is None:
        nothing = np.zeros((0, len(encoding.vector)), np.float32)
        return QuestionVectors(encoding.vector, nothing, encoding.ids[:0], stop[:0], encoding.offsets[:0])
    tokens = unit_rows(encoding.tokens) @ rotation(encoding.tokens.shape[1])
    vector = encoding.vector
    if not stop.all():
        vector = unit_rows(np.where(stop, np.float32(STOP_SHARE), np.float32(1)) @ encoding.tokens)
    return QuestionVectors(vector, tokens, encoding.ids, stop, encoding.offsets)


def unit_rows(rows: Floats) -> Floats:
    """(d,) or (n, d), L2-normalised."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), SMALLEST), np.float32)
