"""An embedder for tests of everything but quality: hashed words, no model, the same vectors everywhere and at once."""

import functools
import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Encoding, Floats
from kb.providers.stop_words import STOP_WORDS

DIMENSIONS = 384
LIMIT = 254
STOP_WEIGHT = 0.1
PIECE = re.compile(r"\w+|[^\w\s]")


class FakeEmbedder:
    """Every word has a fixed random direction; a text is the mean of its words, so shared words mean nearness."""

    name = "fake"
    fingerprint = hashlib.sha256(b"fake embedder 1").hexdigest()
    dimensions = DIMENSIONS

    def count(self, text: str) -> int:
        return len(PIECE.findall(text))

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        return [self._encode(text) for text in texts]

    def is_stop(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.equal(ids % 2, 1)

    def _encode(self, text: str) -> Encoding:
        matches = list(PIECE.finditer(text))[:LIMIT]
        ids = np.array([piece_id(match.group().lower()) for match in matches], np.int32)
        tokens = np.array([direction(int(number)) for number in ids], np.float32).reshape(-1, DIMENSIONS)
        weights = np.where(self.is_stop(ids), STOP_WEIGHT, 1.0).astype(np.float32)
        total = weights @ tokens if len(ids) else direction(0)
        offsets = np.array([match.span() for match in matches], np.int32).reshape(-1, 2)
        return Encoding(vector=total / np.linalg.norm(total), tokens=tokens, ids=ids, offsets=offsets)


@functools.lru_cache(maxsize=50_000)
def piece_id(piece: str) -> int:
    """A number for a word: odd for stop words and punctuation, even for the others."""
    digest = hashlib.sha256(piece.encode("utf-8", "replace")).digest()
    is_stop = piece in STOP_WORDS or not piece.isalnum()
    return int.from_bytes(digest[:4], "big") // 4 * 2 + is_stop


@functools.lru_cache(maxsize=20_000)
def direction(number: int) -> Floats:
    return np.random.default_rng(number).standard_normal(DIMENSIONS).astype(np.float32)
