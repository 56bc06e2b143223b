"""An embedder behind any server that speaks POST /v1/embeddings: OpenAI's own, a gateway, or one in your rack.

It gives one vector a text and none a wordpiece: kb.reranking then goes by the passage's cosine and by words.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
import weakref
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

import httpx2
import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from kb import metering, pacing
from kb.embedding import Encoding, Floats
from kb.errors import ProviderError
from kb.metering import Spent
from kb.providers import embeddings_answers as answers
from kb.providers import wordpieces

WAITS = (0.5, 2.0)  # seconds before the second and the third try
PATIENT = 5.0  # seconds: who waited less, for its turn took so long, cannot tell that a server is silent
PAUSE = 30.0  # seconds for which a server that did not answer at all is left alone
LONGEST = 20_000  # characters of a text that are sent: within 8,192 tokens
PIECE = re.compile(r"[a-zA-Z]{1,6}|\d{1,3}|[^\W\d_]|[^\w\s]|_")  # about what tokenizers make of a text


class OpenAICompatibleEmbedder:
    """Asks settings.EMBEDDINGS_URL, in batches, no faster than the limits that all processes share.

    `model` and `dimensions` may stand behind its path in EMBEDDER, so that two models can be used side by side.
    """

    def __init__(self, model: str = "", dimensions: str = "") -> None:
        self.name: str = model or settings.EMBEDDINGS_MODEL
        self.dimensions = int(dimensions or settings.EMBEDDINGS_DIMENSIONS)
        self.spent = Spent()
        self._address = f"{settings.EMBEDDINGS_URL.rstrip('/')}/embeddings"
        self._adding = threading.Lock()
        self._silent: tuple[float, str] | None = None  # since when, and what it was

    @cached_property
    def fingerprint(self) -> str:
        """Of the address, too: servers of one's own often take any name for the one model they run."""
        identity = (self._address, self.name, self.dimensions, settings.EMBEDDINGS_SHORTEN)
        return hashlib.sha256(repr(identity).encode()).hexdigest()

    def count(self, text: str) -> int:
        """An estimate: which tokenizer the server has, nobody tells."""
        return len(PIECE.findall(text))

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        size = settings.EMBEDDINGS_BATCH
        made: list[Floats] = []
        for start in range(0, len(texts), size):
            made += self._ask([_sendable(text) for text in texts[start : start + size]])
        no_ids, no_offsets = np.zeros(0, np.int32), np.zeros((0, 2), np.int32)
        return [Encoding(vector=vector, tokens=None, ids=no_ids, offsets=no_offsets) for vector in made]

    def is_stop(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.zeros(len(ids), np.bool_)

    def _ask(self, texts: list[str]) -> list[Floats]:
        """One batch; tried again while EMBEDDINGS_PATIENCE lasts and the fault may pass. Raises ProviderError.

        Whoever asks next while a server is silent must not wait for that again: they get the same error at once.
        """
        if self._silent and time.monotonic() - self._silent[0] < PAUSE:
            raise answers.Silence(self._silent[1], temporary=True)
        deadline = time.monotonic() + settings.EMBEDDINGS_PATIENCE
        for wait in (*WAITS, None):
            self._await_turn(texts, deadline)
            try:
                seconds = min(settings.EMBEDDINGS_SECONDS, max(0.1, deadline - time.monotonic()))
                made = self._request(texts, seconds=seconds)
                self._silent = None
                return made
            except answers.Refusal as refused:
                if refused.after:
                    pacing.postpone(self._pace("requests"), refused.after)
                pause = refused.after or wait
                if wait is None or not refused.temporary or pause is None or time.monotonic() + pause >= deadline:
                    if isinstance(refused, answers.Silence) and seconds >= min(settings.EMBEDDINGS_SECONDS, PATIENT):
                        self._silent = time.monotonic(), str(refused)
                    raise
            time.sleep(pause)
        raise AssertionError("The last try returns or raises.")

    def _await_turn(self, texts: Sequence[str], deadline: float) -> None:
        limits = {
            "requests": (1.0, settings.EMBEDDINGS_REQUESTS_PER_MINUTE),
            "tokens": (float(sum(map(self.count, texts))), settings.EMBEDDINGS_TOKENS_PER_MINUTE),
        }
        for name, (amount, per_minute) in limits.items():
            left = max(0.0, deadline - time.monotonic())
            seconds = pacing.reserve(self._pace(name), amount, per_minute=per_minute, patience=left)
            if seconds is None:
                raise ProviderError(answers.BUSY, temporary=True)
            time.sleep(seconds)

    def _pace(self, limit: str) -> str:
        return f"{self.fingerprint[:16]} {limit}"

    def _request(self, texts: list[str], *, seconds: float) -> list[Floats]:
        key = settings.EMBEDDINGS_KEY
        body: dict[str, object] = {"model": self.name, "input": texts, "encoding_format": "float"}
        if settings.EMBEDDINGS_SHORTEN:
            body["dimensions"] = self.dimensions
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            patience = httpx2.Timeout(seconds, connect=min(5.0, seconds))
            answer = self._client.post(self._address, json=body, headers=headers, timeout=patience)
        except httpx2.HTTPError as error:
            raise answers.unreachable(error) from error
        if answer.status_code != 200:
            raise answers.refusal(answer, key=key)
        made, tokens = answers.vectors(answer, count=len(texts), dimensions=self.dimensions)
        self._bill(tokens or sum(map(self.count, texts)), texts=len(texts))
        return made

    def _bill(self, tokens: int, *, texts: int) -> None:
        spent = metering.priced(tokens, texts=texts, per_million=Decimal(str(settings.EMBEDDINGS_PRICE)))
        with self._adding:
            self.spent += spent
        metering.record(self.name, spent)

    @cached_property
    def _client(self) -> httpx2.Client:
        if not settings.EMBEDDINGS_URL or not self.name:
            raise ProviderError(
                "There is no embedding server: set EMBEDDINGS_URL to its address, which ends in /v1, and"
                " EMBEDDINGS_MODEL.",
                temporary=False,
            )
        client = httpx2.Client()
        weakref.finalize(self, client.close)  # its connections stay open for the next question
        return client


def _sendable(text: str) -> str:
    """What a server takes: no half surrogate pair, never nothing at all, and no more than its model reads."""
    return wordpieces.encodable(text)[:LONGEST] or " "
