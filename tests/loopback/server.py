"""The loopback server: POST /v1/messages (streamed or whole), GET /_stats, POST /_reset. A plain ASGI application.

Words in double square brackets in a question choose what happens: the names of FAULTS and MISHAPS; once=FAULT (only
the first time), wait=SECONDS (a retry-after), slow=SECONDS a piece, refuse, refuse-early, max-tokens, empty, code,
obey. Serve it with uvicorn: daphne keeps a socket open after an error.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.loopback.events import cacheable, streamed, whole
from tests.loopback.messages import Invalid, directives_of, question_of, tokens, validate

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

FAULTS = {  # instead of an answer: status, type, message
    "rate-limit": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "server-error": (500, "api_error", "Internal server error"),
    "bad-key": (401, "authentication_error", "invalid x-api-key"),
    "no-permission": (403, "permission_error", "Your API key may not use this model."),
    "no-money": (402, "billing_error", "Your credit balance is too low."),
    "no-model": (404, "not_found_error", "model: unknown"),
    "too-long": (400, "invalid_request_error", "prompt is too long: 210034 tokens > 200000 maximum"),
}
MISHAPS = {  # in the middle of an answer: after how many events
    "overloaded-early": 0,  # before any text
    "overloaded-late": 8,
    "drop-early": 0,
    "drop": 8,
    "early-end": 8,
    "garbage": 8,
    "pings": 1,  # for ever
    "pings-late": 8,
    "silence": 1,
}
PAUSE = 0.002  # seconds between two pieces
LONGEST = 600  # seconds that a silent or pinging answer stays open


class DroppedConnection(Exception):
    """Raised on purpose in the middle of an answer: the web server then cuts the connection."""


class Loopback:
    """The application, with its counters and its prompt cache."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.stats = dict.fromkeys(("requests", "answered", "failed", "cancelled", "open"), 0)
        self.last_request: dict[str, Any] = {}
        self._cached: set[str] = set()
        self._failed: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        raw = await _body(receive)
        match scope["method"], scope["path"]:
            case "POST", "/v1/messages":
                await self._messages(scope, raw, receive, send)
            case "GET", "/_stats":
                await _json(send, 200, {**self.stats, "last_request": self.last_request})
            case "POST", "/_reset":
                self.reset()
                await _json(send, 200, {})
            case _:
                await _error(send, 404, "not_found_error", "Not found")

    async def _messages(self, scope: Scope, raw: bytes, receive: Receive, send: Send) -> None:
        self.stats["requests"] += 1
        body = json.loads(raw)
        try:
            fault = self._fault(scope, body)
        except Invalid as invalid:
            self.stats["failed"] += 1
            await _error(send, 400, "invalid_request_error", str(invalid))
            return
        self.last_request = body
        if fault:
            self.stats["failed"] += 1
            await _error(send, *FAULTS[fault], wait=directives_of(question_of(body)).get("wait", ""))
        elif body.get("stream"):
            await self._stream(body, receive, send)
        else:
            self.stats["answered"] += 1
            await _json(send, 200, whole(body, self._usage(body)))

    def _fault(self, scope: Scope, body: dict[str, Any]) -> str:
        """The name of the fault that comes in place of an answer, or nothing. Raises Invalid for a bad request."""
        names = {name for name, _ in scope["headers"]}
        if not names & {b"x-api-key", b"authorization"}:
            return "bad-key"
        if b"anthropic-version" not in names:
            raise Invalid("anthropic-version: header is required")
        validate(body)
        question = question_of(body)
        directives = directives_of(question)
        once = directives.get("once", "")
        if once and question not in self._failed:
            self._failed.add(question)
            return once
        if body["model"].startswith("unknown"):
            return "no-model"
        return next((name for name in directives if name in FAULTS), "")

    async def _stream(self, body: dict[str, Any], receive: Receive, send: Send) -> None:
        """Streams until the answer is done or the client has gone."""
        self.stats["open"] += 1
        writing = asyncio.ensure_future(self._write(body, send))
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                self.stats["cancelled"] += 1
            else:
                self.stats["failed" if writing.exception() else "answered"] += 1
                writing.result()
        finally:
            self.stats["open"] -= 1
            writing.cancel()
            leaving.cancel()

    async def _write(self, body: dict[str, Any], send: Send) -> None:
        directives = directives_of(question_of(body))
        mishap = next((name for name in directives if name in MISHAPS), "")
        pause = float(directives.get("slow") or PAUSE)
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"request-id", b"req_loopback")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for count, (name, data) in enumerate(streamed(body, self._usage(body))):
            await _event(send, name, data)
            await asyncio.sleep(pause if name == "content_block_delta" else 0)
            if mishap and count == MISHAPS[mishap]:
                await _happen(mishap, send)
                break
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _usage(self, body: dict[str, Any]) -> dict[str, int]:
        """Input tokens; what asks to be cached is written to the cache by one request and read by the later ones."""
        prefix = cacheable(body)
        key = hashlib.sha256((body["model"] + prefix).encode()).hexdigest()
        size, seen = tokens(prefix) if prefix else 0, key in self._cached
        self._cached.add(key)
        return {
            "input_tokens": tokens(json.dumps(body["messages"])),
            "cache_creation_input_tokens": 0 if seen else size,
            "cache_read_input_tokens": size if seen else 0,
        }


async def _happen(mishap: str, send: Send) -> None:
    """A mishap in the middle of an answer; returning means that the body ends early, as if it were complete."""
    match mishap.removesuffix("-late").removesuffix("-early"):
        case "overloaded":
            await _event(send, "error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})
        case "drop":
            raise DroppedConnection
        case "garbage":
            await send(
                {
                    "type": "http.response.body",
                    "body": b"event: content_block_delta\ndata: {oh no\n\n",
                    "more_body": True,
                }
            )
        case "pings":
            for _ in range(LONGEST * 20):
                await _event(send, "ping", {})
                await asyncio.sleep(0.05)
        case "silence":
            await asyncio.sleep(LONGEST)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _event(send: Send, name: str, data: dict[str, Any]) -> None:
    text = f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n"
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _error(send: Send, status: int, kind: str, message: str, *, wait: str = "") -> None:
    headers = [(b"retry-after", wait.encode())] if wait else []
    await _json(send, status, {"type": "error", "error": {"type": kind, "message": message}}, headers)


async def _json(
    send: Send, status: int, body: dict[str, Any], headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    all_headers = [(b"content-type", b"application/json"), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


app = Loopback()
