"""Embedders that only the benchmarks name in their settings: of a synthetic corpus, and the real one without tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from kb.embedding import ENDS, STOP_SHARE, Encoding, Floats, normalised
from kb.providers.fake import FakeEmbedder
from kb.providers.onnx import OnnxEmbedder


class SyntheticEmbedder(FakeEmbedder):
    """Words have directions of their own, for the reranker's arithmetic; known questions have a given vector."""

    name = "synthetic"
    fingerprint = hashlib.sha256(b"synthetic corpus 1").hexdigest()
    known: ClassVar[dict[str, Floats]] = {}

    @classmethod
    def knows(cls, questions: Sequence[str], vectors: Floats) -> None:
        cls.known = {normalised(text).rstrip(ENDS): vector for text, vector in zip(questions, vectors, strict=True)}

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        made = super().encode(texts)
        return [self.moved(one, self.known[text]) if text in self.known else one
                for text, one in zip(texts, made, strict=True)]  # fmt: skip

    def moved(self, one: Encoding, vector: Floats) -> Encoding:
        """The same words, all moved so far that a question of them has this vector."""
        assert one.tokens is not None
        weights = np.where(self.is_stop(one.ids), STOP_SHARE, 1.0)
        middle = weights @ one.tokens / weights.sum()
        return replace(one, vector=vector, tokens=(one.tokens - middle + vector).astype(np.float32))


class WithoutTokens(OnnxEmbedder):
    """The local model as a hosted one is: a vector a text and none a wordpiece; see bench.tokens."""

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        return [replace(one, tokens=None) for one in super().encode(texts)]
