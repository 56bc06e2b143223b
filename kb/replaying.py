"""What was generated once is not paid for twice: asked for again it is replayed, asked for meanwhile it is shared.

The key is the request itself, byte for byte: question, conversation, passages and their order, model and settings.
Nothing needs invalidating, and nobody gets a text whose passages they did not bring along. Source of the pattern:
single flight, with a lease and heartbeats between processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from kb.errors import ProviderError
from kb.generation import Cite, Delta, Paid, Text, Usage
from kb.grounding import Prompt, storable
from kb.models import Generation
from kb.threads import database

log = logging.getLogger(__name__)
BEAT_SECONDS = 0.3
STALE = 10.0  # seconds without a beat: its process is gone
WANTED = timedelta(seconds=2)  # since somebody elsewhere last read along
LOST = "The server that wrote this answer was stopped. What was written is kept; ask again."
Make = Callable[[], AsyncGenerator[Delta, None]]


@dataclass(frozen=True)
class Replayed:
    """What follows was written at this time."""

    at: datetime


@dataclass(frozen=True)
class Kept:
    """The row as one look finds it. `mine`: it is for the one who looked to write it."""

    runner: uuid.UUID
    state: str = Generation.State.RUNNING
    deltas: tuple[Delta, ...] = ()
    error: str = ""
    finished: datetime | None = None
    mine: bool = False


def key_of(generator: Paid, prompt: Prompt) -> str:
    """The name of all that decides what is generated; the numbers of the sources are what its citations mean."""
    numbers = [source.number for source in prompt.sources]
    given = [generator.name, generator.request(prompt), numbers]
    return hashlib.sha256(json.dumps(given, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Flight:
    """One generation written by this process, and read by every answer here that asked for the same."""

    def __init__(self, key: str, runner: uuid.UUID, make: Make) -> None:
        self.key = key
        self.runner = runner
        self.deltas: list[Delta] = []
        self.error: Exception | None = None
        self.readers = 0
        self.ended = False
        self._moved = asyncio.Event()
        self._left = asyncio.Event()
        self.writing = asyncio.create_task(self._write(make))
        self.seeing = asyncio.create_task(self._see_through())

    async def read(self, given: int = 0) -> AsyncGenerator[Delta, None]:
        """All deltas from the one with this number on, as they come; raises what ended the writing."""
        self.readers += 1
        try:
            while True:
                moved = self._moved
                while given < len(self.deltas):
                    yield self.deltas[given]
                    given += 1
                if self.ended:
                    break
                await moved.wait()
        finally:
            self.readers -= 1
            self._left.set()
        if self.error:
            raise self.error

    async def _write(self, make: Make) -> None:
        async with aclosing(make()) as deltas:
            async for delta in deltas:
                self.deltas.append(delta)
                self._move()

    async def _see_through(self) -> None:
        """Heartbeats while it is written, an end when nobody reads it any more, and the last word about it."""
        try:
            while not self.writing.done():
                await self._beat()
            if self.writing.cancelled():
                self.error = ProviderError(LOST, temporary=True)
            else:
                self.error = self.writing.exception()  # type: ignore[assignment]  # a task's is an Exception here
            await database(finish)(self.key, self.runner, tuple(self.deltas), self.error)
        except DatabaseError:
            log.warning("a generation that was written could not be kept", exc_info=True)
        finally:
            self.ended = True
            _flights().pop(self.key, None)
            self._move()

    async def _beat(self) -> None:
        """One heartbeat; the writing ends when nobody reads along. That nobody does, only the database can tell."""
        self._left.clear()
        left = asyncio.create_task(self._left.wait())
        await asyncio.wait({self.writing, left}, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        try:
            wanted = await database(beat)(self.key, self.runner, tuple(self.deltas))
        except DatabaseError:
            log.warning("a heartbeat of a generation failed", exc_info=True)
            return
        if not self.readers and not wanted:
            self.writing.cancel()
            await asyncio.wait({self.writing})

    def _move(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


async def shared(key: str, make: Make, *, anew: bool = False) -> AsyncGenerator[Delta | Replayed, None]:
    """The deltas for this key: kept ones at once, those being written as they come, otherwise new ones by `make`.

    `anew`: new ones take the place of kept ones, though several who want that at once share them. Whoever has them made
    is told what they cost; the others paid nothing. Raises ProviderError.
    """
    given, runner = 0, None
    while True:
        if (flight := _flights().get(key)) and runner in (None, flight.runner):
            async with aclosing(flight.read(given)) as deltas:
                async for delta in deltas:
                    yield free(delta)
            return
        kept = await database(look)(key, seen=runner, anew=anew and runner is None)
        if kept.mine and given:
            raise ProviderError(LOST, temporary=True)
        if kept.mine:
            flight = _flights()[key] = Flight(key, kept.runner, make)
            async with aclosing(flight.read()) as deltas:
                async for delta in deltas:
                    yield delta
            return
        if runner is None and kept.finished and not kept.error:
            yield Replayed(kept.finished)
        elif runner not in (None, kept.runner) and given:
            raise ProviderError(LOST, temporary=True)
        runner = kept.runner
        for delta in kept.deltas[given:]:
            yield free(delta)
        given = max(given, len(kept.deltas))
        if kept.error:
            raise ProviderError(kept.error, temporary=True)
        if kept.state != Generation.State.RUNNING:
            return
        await asyncio.sleep(BEAT_SECONDS)


def free(delta: Delta) -> Delta:
    """As those get it who did not pay."""
    return replace(delta, input=0, output=0, cache_read=0, cache_write=0) if isinstance(delta, Usage) else delta


# --- in worker threads


def look(key: str, *, seen: uuid.UUID | None, anew: bool = False) -> Kept:
    """The row, read along or taken: when there is none, its process is gone, it is too old, or it failed for others.

    Or when it is kept, and wanted `anew`.

    `seen`: whose writing the one who looks has waited for; that one's failure is theirs as well.
    """
    token, keep = uuid.uuid4(), settings.ANSWER_CACHE_DAYS * 86_400
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO kb_generation AS kept (key, state, runner, deltas, error)
            VALUES (%(key)s, 'running', %(token)s, '[]', '')
            ON CONFLICT (key) DO UPDATE SET state = 'running', runner = %(token)s, deltas = '[]', error = '',
              beat = now(), wanted = NULL, created = now(), finished = NULL
            WHERE kept.state = 'running' AND kept.beat < now() - make_interval(secs => %(stale)s)
              OR kept.state = 'over' AND kept.runner IS DISTINCT FROM %(seen)s
              OR kept.state = 'done' AND (%(anew)s OR kept.finished < now() - make_interval(secs => %(keep)s))
                AND kept.runner IS DISTINCT FROM %(seen)s
            """,
            {"key": key, "token": token, "seen": seen, "stale": STALE, "keep": keep, "anew": anew},
        )
        if cursor.rowcount:
            return Kept(token, mine=True)
    Generation.objects.filter(key=key, state=Generation.State.RUNNING).update(wanted=Now())
    row = Generation.objects.get(key=key)
    return Kept(row.runner, row.state, tuple(map(unpacked, row.deltas)), row.error, row.finished)


def beat(key: str, runner: uuid.UUID, deltas: Sequence[Delta]) -> bool:
    """Say that it goes on; whether somebody in another process reads along, for whom the deltas are then written."""
    row = Generation.objects.filter(key=key, runner=runner)
    row.update(beat=Now())
    wanted = row.filter(wanted__gt=Now() - WANTED)
    return bool(wanted.update(deltas=[packed(delta) for delta in deltas]))


def finish(key: str, runner: uuid.UUID, deltas: Sequence[Delta], error: Exception | None) -> None:
    """Keep what is whole; the rest only for those who wait for it now."""
    whole = not error and any(isinstance(delta, Usage) and delta.stop_reason == "end_turn" for delta in deltas)
    Generation.objects.filter(key=key, runner=runner).update(
        state=Generation.State.DONE if whole else Generation.State.OVER,
        deltas=[packed(delta) for delta in deltas],
        error=str(error or ""),
        finished=Now(),
    )


def packed(delta: Delta) -> list[Any]:
    match delta:
        case Text(text):
            return ["text", storable(text)]
        case Cite(source, start, end):
            return ["cite", source, start, end]
        case Usage():
            return ["usage", delta.model, delta.stop_reason]


def unpacked(row: list[Any]) -> Delta:
    match row:
        case ["text", text]:
            return Text(text)
        case ["cite", source, start, end]:
            return Cite(source, start, end)
        case [_, model, stop_reason]:
            return Usage(model, 0, 0, 0, 0, stop_reason)
    raise ValueError(row)


_here: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Flight]] = WeakKeyDictionary()


def _flights() -> dict[str, Flight]:
    """The generations of this event loop."""
    return _here.setdefault(asyncio.get_running_loop(), {})
