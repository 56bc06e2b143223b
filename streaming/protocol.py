"""The wire, without sockets: parse(text) → Follow | Stop; render(event) → frame; and how fast a socket may talk.

Frames are JSON objects with a `type`. `at` is an offset in the answer's text in UTF-16 units, as browsers count.

    browser → server   follow {at, block}   send everything from this position on; asked again, the newer one counts.
                                            `block` (or `at`): where the first block begins that is not rendered yet
                       stop {}              stop writing (only for the one who asked)
                       beat {at}            the answer to a beat: what came before it has arrived
    server → browser   sources {at, html, count, searched}   before the first word, when followed from 0
                       token {at, text}            text that belongs at this position; overlaps never differ
                       block {at, end, html}       the text from at to end, all of it sent before, finished and safe
                       status {at, text}           the status line, at boundaries
                       beat {at}                   are you there? answer with the same
                       done {at, state}            nothing more will come; the page has the checked answer
                       error {message, retry}      the last wish was not understood, or not allowed; `retry`: seconds

A beat goes out every BEAT_SECONDS, and after every WINDOW bytes. A browser that hears nothing for long opens a new
socket; a server that hears nothing for HALF_OPEN_SECONDS closes. With MOST_BEATS unanswered nothing more is sent, so
that a slow reader holds no memory; once it answers, it catches up from the text in one piece.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from kb.grounding import Source

LONGEST_FRAME = 2048  # bytes
MOST_FRAMES = 20
WITHIN_SECONDS = 10.0
LONGEST_TEXT = 2**31

BEAT_SECONDS = 15.0
HALF_OPEN_SECONDS = 45.0
IDLE_SECONDS = 30.0  # a socket that never follows is closed
WINDOW = 16_384  # bytes
MOST_BEATS = 4  # unanswered

GONE = 4404  # there is nothing at this address for this reader
TOO_LONG = 4409  # an application may close with 1000 or a code of its own from 3000 on, not with the standard 1009
IDLE = 4408
TOO_FAST = 4429
BROKEN = 4500

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Follow:
    at: int
    block: int | None = None


@dataclass(frozen=True)
class Stop:
    pass


@dataclass(frozen=True)
class Beat:
    at: int


class ProtocolError(Exception):
    """A frame that cannot be understood; the message is for whoever writes a client."""


@dataclass(frozen=True)
class Found:
    """The sources, before the first word, and what was searched for, where that is not the question itself."""

    sources: tuple[Source, ...]
    searched: str = ""


@dataclass(frozen=True)
class Piece:
    """Text that belongs at this position; followers who are as far share it, and with it the frame."""

    at: int
    text: str

    @cached_property
    def frame(self) -> str:
        """As frame() gives it; a string alone is encoded many times faster than an object, and this is one a word."""
        return f'{{"type":"token","at":{self.at},"text":{_encoder.encode(self.text)}}}'


@dataclass(frozen=True)
class Block:
    """A block that is finished: its text from `at` to `end`, which was sent before, to be shown as HTML."""

    at: int
    end: int
    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Status:
    at: int
    text: str


@dataclass(frozen=True)
class Done:
    """The stream has ended at this position, in this state."""

    at: int
    state: str


Event: TypeAlias = Found | Piece | Block | Status | Done


def parse(text: str) -> Follow | Stop | Beat:
    """What a browser asks for. Raises ProtocolError."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("A frame is a JSON object; this is not JSON.") from error
    match frame:
        case {"type": "follow", "at": at, "block": block} if _is_position(at) and _is_position(block):
            return Follow(at, block)
        case {"type": "follow", "at": at} if _is_position(at) and "block" not in frame:
            return Follow(at)
        case {"type": "follow"}:
            raise ProtocolError("“follow” needs “at”: a whole number from 0 on.")
        case {"type": "beat", "at": at} if _is_position(at):
            return Beat(at)
        case {"type": "stop"}:
            return Stop()
        case _:
            raise ProtocolError("A frame is an object whose “type” is “follow”, “stop” or “beat”.")


def _is_position(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LONGEST_TEXT


def render(event: Event, *, html: str = "") -> str:
    """The frame for an event; `html` is the list of sources or the block, rendered as on the page."""
    match event:
        case Piece():
            return event.frame
        case Found(sources, searched):
            return frame("sources", at=0, html=html, count=len(sources), searched=searched)
        case Block(at, end):
            return frame("block", at=at, end=end, html=html)
        case Status(at, text):
            return frame("status", at=at, text=text)
        case Done(at, state):
            return frame("done", at=at, state=state)


def frame(kind: str, **fields: Any) -> str:
    return _encoder.encode({"type": kind, **fields})


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


class Flow:
    """How much a socket has been sent that its browser has not said it has."""

    def __init__(self, now: float) -> None:
        self.heard = now  # seconds of any steady clock
        self._bytes = 0
        self._unanswered = 0
        self._room = asyncio.Event()
        self._room.set()

    def is_beat_due(self, size: int) -> bool:
        """Count what was sent; whether a beat should go behind it, and then count that."""
        self._bytes += size
        if self._bytes < WINDOW:
            return False
        self._bytes = 0
        self._unanswered += 1
        if self._unanswered >= MOST_BEATS:
            self._room.clear()
        return True

    def answered(self) -> None:
        self._unanswered = max(0, self._unanswered - 1)
        self._room.set()

    async def room(self) -> None:
        """Wait until more may be sent."""
        await self._room.wait()
