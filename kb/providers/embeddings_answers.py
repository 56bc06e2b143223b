"""What a /v1/embeddings server answers: vectors that are worth storing, or a ProviderError in words for people."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import numpy as np

from kb.embedding import Floats
from kb.errors import ProviderError

Fault = tuple[str, bool]  # the message, and whether trying again later may help

BUSY = "The embedding server has too many requests from this site just now."
BY_STATUS: dict[int, Fault] = {
    401: ("The embedding server does not accept this site's key: check EMBEDDINGS_KEY.", False),
    402: ("The account at the embedding server cannot be billed: check its payment and limits.", False),
    403: ("This site's key for the embedding server may not use this model: check EMBEDDINGS_MODEL.", False),
    404: ("The embedding server does not know this model or address: check EMBEDDINGS_MODEL, EMBEDDINGS_URL.", False),
    408: ("The embedding server did not answer in time.", True),
    413: ("The texts are too much for the embedding server at once: lower EMBEDDINGS_BATCH.", False),
    429: (BUSY, True),
}
UNREADABLE = "The embedding server sent something that could not be read."
SAID = 200  # characters of the server's own message that are passed on


class Refusal(ProviderError):
    """A fault of the server; `after`: the seconds it asks us to wait, if it says so."""

    def __init__(self, message: str, *, temporary: bool, after: float | None = None) -> None:
        super().__init__(message, temporary=temporary)
        self.after = after


class Silence(Refusal):
    """Nothing was answered at all."""


def unreachable(error: httpx2.HTTPError) -> Silence:
    if isinstance(error, httpx2.TimeoutException):
        return Silence("The embedding server did not answer in time.", temporary=True)
    return Silence("The embedding server cannot be reached: check EMBEDDINGS_URL and the network.", temporary=True)


def refusal(answer: httpx2.Response, *, key: str) -> Refusal:
    """An answer that is no success, in words; the key is never among them, even where the server repeats it."""
    status, said, code = answer.status_code, *_said(answer)
    if status == 429 and code == "insufficient_quota":
        return Refusal(BY_STATUS[402][0], temporary=False)
    if status in BY_STATUS:
        message, temporary = BY_STATUS[status]
    elif status >= 500 or status in (409, 425):
        message, temporary = f"The embedding server had an error of its own ({status}).", True
    else:
        said = said.replace(key, "…") if key else said
        message, temporary = f"The embedding server did not accept the texts ({status}): {said[:SAID]}", False
    return Refusal(message, temporary=temporary, after=retry_after(answer))


def retry_after(answer: httpx2.Response) -> float | None:
    """The seconds the server asks us to wait, if it says so in digits."""
    value = answer.headers.get("retry-after", "")
    return float(value) if re.fullmatch(r"\d{1,6}(?:\.\d+)?", value) else None


def _said(answer: httpx2.Response) -> tuple[str, str]:
    """The server's message and its code; both may be missing, and so may the JSON."""
    try:
        error = answer.json()["error"]
        return str(error.get("message", "")), str(error.get("code", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(answer.text.split()), ""


def vectors(answer: httpx2.Response, *, count: int, dimensions: int) -> tuple[list[Floats], int]:
    """One L2-normalised vector a text, in the order of the texts, and the tokens it took. Raises ProviderError."""
    try:
        body = answer.json()
        rows = {int(row["index"]): row["embedding"] for row in body["data"]}
        made = [np.asarray(rows[place], np.float32) for place in range(count)] if len(rows) == count else []
        tokens = int((body.get("usage") or {}).get("total_tokens", 0))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError(UNREADABLE, temporary=True) from error
    if len(rows) != count:
        raise ProviderError(f"The embedding server sent {len(rows)} vectors for {count} texts.", temporary=True)
    return [unit(vector, dimensions) for vector in made], tokens


def unit(vector: Floats, dimensions: int) -> Floats:
    if vector.shape != (dimensions,):
        shape: Any = vector.shape[0] if vector.ndim == 1 else vector.shape
        raise ProviderError(
            f"The embedding server sends vectors of {shape} dimensions, not {dimensions}: set EMBEDDINGS_DIMENSIONS to"
            " what its model makes.",
            temporary=False,
        )
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not np.isfinite(length) or length == 0.0:
        raise ProviderError("The embedding server sent a vector that is no direction (NaN or zeros).", temporary=False)
    return np.asarray(vector / length, np.float32)
