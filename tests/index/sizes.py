"""Embedders of different sizes, for switching from one to the other; named in EMBEDDER by tests and their processes."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace

from kb.embedding import Encoding
from kb.errors import ProviderError
from kb.providers.fake import FakeEmbedder


class Small(FakeEmbedder):
    """A third of the fake's dimensions, other vectors; each text takes SMALL_SECONDS."""

    name = "small"
    fingerprint = hashlib.sha256(b"small fake 1").hexdigest()
    dimensions = 128

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        time.sleep(float(os.environ.get("SMALL_SECONDS", "0")) * len(texts))
        made = super().encode(texts)
        return [replace(one, vector=one.vector[-128:], tokens=one.tokens[:, -128:]) for one in made]


class Failing(Small):
    """As Small, but at the second batch of a process its account is empty."""

    batches = 0

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        Failing.batches += 1
        if Failing.batches == 2:
            raise ProviderError("The account is empty.", temporary=False)
        return super().encode(texts)


class Twin(FakeEmbedder):
    """As large as the fake, and nearer to nothing of it: every direction is turned round."""

    name = "twin"
    fingerprint = hashlib.sha256(b"twin fake 1").hexdigest()

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        return [replace(one, vector=-one.vector, tokens=None) for one in super().encode(texts)]
