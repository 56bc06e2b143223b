"""The wire, without sockets: parse(text) → Follow | Stop; render(event) → frame; and how fast a socket may talk.

Frames are JSON objects with a `type`. `at` is an offset in the answer's text in UTF-16 units, as browsers count.

    browser → server   follow {at}      send everything from this position on; asked again, the newer one counts
                       stop {}          stop writing (only for the one who asked)
    server → browser   sources {at, html, count}   before the first word, when followed from 0
                       token {at, text}            text that belongs at this position; overlaps never differ
                       status {at, text}           the status line, at boundaries
                       done {at, state}            nothing more will come; the page has the checked answer
                       error {message}             the last frame from the browser was not understood, or not allowed
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any, TypeAlias

from kb.grounding import Source

LONGEST_FRAME = 2048  # bytes
MOST_FRAMES = 20
WITHIN_SECONDS = 10.0
LONGEST_TEXT = 2**31

GONE = 4404  # there is nothing at this address for this reader
TOO_LONG = 4409  # an application may close with 1000 or a code of its own from 3000 on, not with the standard 1009
TOO_FAST = 4429
BROKEN = 4500


@dataclass(frozen=True)
class Follow:
    at: int


@dataclass(frozen=True)
class Stop:
    pass


class ProtocolError(Exception):
    """A frame that cannot be understood; the message is for whoever writes a client."""


@dataclass(frozen=True)
class Found:
    """The sources, before the first word."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Piece:
    """Text that belongs at this position."""

    at: int
    text: str


@dataclass(frozen=True)
class Status:
    at: int
    text: str


@dataclass(frozen=True)
class Done:
    """The stream has ended at this position, in this state."""

    at: int
    state: str


Event: TypeAlias = Found | Piece | Status | Done


def parse(text: str) -> Follow | Stop:
    """What a browser asks for. Raises ProtocolError."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("A frame is a JSON object; this is not JSON.") from error
    match frame:
        case {"type": "follow", "at": int(at)} if not isinstance(at, bool) and 0 <= at <= LONGEST_TEXT:
            return Follow(at)
        case {"type": "follow"}:
            raise ProtocolError("“follow” needs “at”: a whole number from 0 on.")
        case {"type": "stop"}:
            return Stop()
        case _:
            raise ProtocolError("A frame is an object whose “type” is “follow” or “stop”.")


def render(event: Event, *, html: str = "") -> str:
    """The frame for an event; `html` is the list of sources, rendered as on the page."""
    match event:
        case Found(sources):
            return frame("sources", at=0, html=html, count=len(sources))
        case Piece(at, text):
            return frame("token", at=at, text=text)
        case Status(at, text):
            return frame("status", at=at, text=text)
        case Done(at, state):
            return frame("done", at=at, state=state)


def frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"))


class Pace:
    """How often a socket may send: at most MOST_FRAMES within WITHIN_SECONDS."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def allows(self, now: float) -> bool:
        """Whether one more at this time (seconds of any steady clock) is within the limit; counts it."""
        while self._times and self._times[0] <= now - WITHIN_SECONDS:
            self._times.popleft()
        self._times.append(now)
        return len(self._times) <= MOST_FRAMES
