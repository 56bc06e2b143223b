"""Embedders that behave badly in the ways real ones do; chosen by the variable EMBEDDER of a worker."""

import os
import random
import time
from collections.abc import Sequence

from kb.embedding import Encoding
from kb.errors import ProviderError
from kb.providers.fake import FakeEmbedder

INDIGESTIBLE = "indigestible"
SLOWLY = "slowly"
REFUSED = "This text is too much for the model."


class Shaky(FakeEmbedder):
    """Takes its time, fails now and then, and never takes an indigestible text. Slow with texts that ask for it."""

    def __init__(self) -> None:
        seed = f"{os.environ.get('CHAOS_SEED', '0')} {os.getpid()}"
        self.random = random.Random(seed)
        self.fails = float(os.environ.get("CHAOS_FAILS", "0"))
        self.slowest = float(os.environ.get("CHAOS_SLOWEST", "0"))

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        time.sleep(4.0 if any(SLOWLY in text for text in texts) else self.random.uniform(0, self.slowest))
        if any(INDIGESTIBLE in text for text in texts):
            raise ProviderError(REFUSED, temporary=False)
        if self.random.random() < self.fails:
            raise ProviderError("The model did not answer.", temporary=True)
        return super().encode(texts)
