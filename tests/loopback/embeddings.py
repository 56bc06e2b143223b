"""The loopback embeddings server: POST /v1/embeddings as OpenAI speaks it, and its faults. A plain ASGI application.

Words in double square brackets in a text choose what happens to its request: the names of FAULTS; once=FAULT (only the
first time); wait=SECONDS (a retry-after); silence; short, shuffled, nan, zeros, garbage. Vectors are hashed words.
"""

import asyncio
import json
import re
import time
from typing import Any

import numpy as np

from kb.providers.fake import PIECE, piece_id

KEY = "sk-loopback-1234"
FAULTS = {  # instead of vectors: status, code, message
    "rate-limit": (429, "rate_limit_exceeded", "Rate limit reached for requests."),
    "quota": (429, "insufficient_quota", "You exceeded your current quota."),
    "server-error": (500, "server_error", "The server had an error."),
    "no-model": (404, "model_not_found", "The model does not exist."),
    "no-permission": (403, "permission", "Your key may not use this model."),
    "too-long": (400, "invalid_request", f"This model's maximum is 8192 tokens. Your key was {KEY}."),
}


class Embeddings:
    """The application; `requests` is what it was asked, with the time of each."""

    def __init__(self, dimensions: int = 1536) -> None:
        self.dimensions = dimensions
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self._failed: set[str] = set()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)
        self.times.append(time.monotonic())
        body = json.loads(raw)
        self.requests.append(body)
        status, headers, answer = await self._answer(dict(scope["headers"]), scope["path"], body)
        start = [(b"content-type", b"application/json"), *headers]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, headers: Any, path: str, body: dict[str, Any]) -> tuple[int, list[Any], bytes]:
        if path != "/v1/embeddings":
            return 404, [], b"nothing here"
        if headers.get(b"authorization") != f"Bearer {KEY}".encode():
            return 401, [], error("invalid_api_key", f"Incorrect API key provided: {headers.get(b'authorization')!r}")
        texts = body["input"]
        words = dict(
            word.partition("=")[::2]
            for found in re.findall(r"\[\[(.*?)\]\]", " ".join(texts))
            for word in found.split()
        )
        wait = [(b"retry-after", words["wait"].encode())] if "wait" in words else []
        once = words.get("once", "")
        if once and " ".join(texts) not in self._failed:
            self._failed.add(" ".join(texts))
            words[once] = ""
        for name, (status, code, message) in FAULTS.items():
            if name in words:
                return status, wait, error(code, message)
        if "silence" in words:
            await asyncio.sleep(5)
        if "garbage" in words:
            return 200, [], b'{"data": [{'
        return 200, [], json.dumps(self._vectors(texts, body.get("dimensions"), words)).encode()

    def _vectors(self, texts: list[str], dimensions: int | None, words: dict[str, str]) -> dict[str, Any]:
        size = dimensions or self.dimensions
        rows = [
            {"object": "embedding", "index": place, "embedding": vector(text, size)} for place, text in enumerate(texts)
        ]
        if "nan" in words:
            rows[0]["embedding"] = [float("nan")] * size
        if "zeros" in words:
            rows[0]["embedding"] = [0.0] * size
        if "short" in words:
            rows.pop()
        if "shuffled" in words:
            rows.reverse()
        tokens = sum(len(PIECE.findall(text)) for text in texts)
        return {"object": "list", "data": rows, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def vector(text: str, dimensions: int) -> list[float]:
    """Texts that share words are near; twice as long as a unit vector, which servers may send."""
    ids = [piece_id(piece.lower()) for piece in PIECE.findall(text)] or [0]
    total = sum(np.random.default_rng(number).standard_normal(dimensions) for number in ids)
    return [float(value) for value in 2 * total / np.linalg.norm(total)]


def error(code: str, message: str) -> bytes:
    return json.dumps({"error": {"message": message, "code": code, "type": "error"}}).encode()
