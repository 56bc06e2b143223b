"""A cross-encoder's second look at the first hits, where settings.RERANKER names one; none is needed."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from kb.errors import ProviderError

log = logging.getLogger(__name__)
_loading = threading.Lock()


class Reranker(Protocol):
    """Reads a question together with a passage; named in settings by its dotted path, with what follows it."""

    name: str

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question; the higher the better, on any scale. Raises ProviderError."""


def get_reranker() -> Reranker | None:
    if not settings.RERANKER:
        return None
    with _loading:  # two first searches at once must not load the model twice
        return _made(settings.RERANKER)


@functools.cache
def _made(path: str) -> Reranker:
    name, *words = path.split()
    reranker: Reranker = import_string(name)(*words)
    return reranker


def order(question: str, texts: Sequence[str]) -> list[int]:
    """Places of all texts, best first: the first RERANK_FIRST by the reranker, those behind them as they stood.

    A reranker that cannot work leaves the order as it is: search must not end with it.
    """
    reranker, first = get_reranker(), texts[: settings.RERANK_FIRST]
    places = list(range(len(texts)))
    if reranker is None or len(first) < 2:
        return places
    try:
        scores = reranker.score(question, first)
    except ProviderError as error:
        log.warning("search: not reranked by %s: %s", settings.RERANKER, error)
        return places
    return sorted(places[: len(first)], key=lambda place: -scores[place]) + places[len(first) :]
