"""Answers being written in this process: claim, follow, save, stop, drain.

A stream belongs to its answer, not to a socket. Reload, second tab, no scripts, dead process: one path, `follow`. The
first follower's process claims the row and writes; followers there read from memory, those elsewhere from the row.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db import connections

from kb import answering, recalling, recording
from kb.answering import Answered, Failed, Refused, Sources, Token
from kb.grounding import Source, Turn
from kb.models import Answer
from kb.permissions import Reader
from kb.recording import Lease
from streaming.progress import Follower, Progress
from streaming.protocol import Event

log = logging.getLogger(__name__)
State = Answer.State
Given = ParamSpec("Given")
Result = TypeVar("Result")

SAVE_SECONDS = 0.3  # how much a killed process may lose
POLL_SECONDS = 0.25  # how often a follower in another process looks at the row
FAULT = "The answer could not be written, through a fault on our side. What was written is kept; ask again."


def database(work: Callable[Given, Result]) -> Callable[Given, Coroutine[Any, Any, Result]]:
    """Run in a worker thread, which gives its connection back at once; not on the one thread that all would share."""

    def worker(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return work(*args, **kwargs)
        finally:
            connections.close_all()

    return sync_to_async(worker, thread_sensitive=False)


@dataclass(frozen=True)
class Assignment:
    """What a run needs to know: its lease, the question, who asks, and the conversation so far."""

    lease: Lease
    question: str
    user: Reader
    history: tuple[Turn, ...]


class Run(Progress):
    """An answer that this process writes. Followers wait for `moved`, which is a new event after every step."""

    def __init__(self, assignment: Assignment) -> None:
        super().__init__()
        self.assignment = assignment
        self.lease = assignment.lease
        self.moved = asyncio.Event()
        self.saved = 0  # UTF-16 units
        self.stopping = False
        self.writing: asyncio.Task[Answered | Refused | Failed] = asyncio.create_task(self._write())

    async def _write(self) -> Answered | Refused | Failed:
        """Take the events of the answer; its last one is the result."""
        asked = self.assignment
        async with aclosing(answering.answer(asked.question, user=asked.user, history=asked.history)) as events:  # type: ignore[type-var]  # it is an async generator
            async for event in events:
                match event:
                    case Sources(sources):
                        self._found(sources)
                        await database(recording.record_sources)(self.lease, sources)
                    case Token(text=text):
                        self._add(text)
                        await asyncio.sleep(0)  # a generator that never waits would keep every follower from reading
                    case _:
                        return event
        raise RuntimeError("An answer ended without its last event.")

    def _found(self, sources: tuple[Source, ...]) -> None:
        self.sources = sources
        self._move()

    def _add(self, text: str) -> None:
        self.text.add(storable(text))
        self.cited |= recalling.cited_in(text)  # a mark always comes in one piece
        self._move()

    def _move(self) -> None:
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()

    def stop(self) -> None:
        """End the writing, and with it the call to the model; what was written is kept."""
        self.stopping = True
        self.writing.cancel()

    def end(self, state: str) -> None:
        self.state = state
        self._move()

    def outcome(self) -> tuple[str, dict[str, Any]]:
        """The state in which the writing ended, and what else belongs into the row."""
        if self.writing.cancelled():
            return (State.STOPPED if self.stopping else State.INTERRUPTED), {}
        if error := self.writing.exception():
            log.error("answer %s could not be written", self.lease.answer_id, exc_info=error)
            return State.FAILED, {"message": FAULT}
        return ending(self.writing.result())


def ending(event: Answered | Refused | Failed) -> tuple[str, dict[str, Any]]:
    """An answer's last event as its state and the fields of its row."""
    match event:
        case Answered():
            sentences = [asdict(sentence) | {"text": storable(sentence.text)} for sentence in event.sentences]
            told = {"sentences": sentences, "generator": event.generator, "usage": event.usage}
            return State.ANSWERED, told | {"timings": event.timings, "message": event.message}
        case Refused(message, nearest, timings):
            return State.REFUSED, {"message": message, "nearest": list(nearest), "timings": timings}
        case Failed(message, timings):
            return State.FAILED, {"message": message, "timings": timings}


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL, and one of them would fail the save of every running answer. Same length in any unit."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


class Runs:
    """The runs of one event loop, and the one saver that writes them all."""

    def __init__(self) -> None:
        self.running: dict[uuid.UUID, Run] = {}
        self.closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._saver: asyncio.Task[None] | None = None

    async def follow(self, answer_id: uuid.UUID, at: int) -> AsyncGenerator[Event, None]:
        """Everything of this answer from position `at` (UTF-16 units) to its end, whoever writes it.

        Writes it here when nobody has begun. Raises Answer.DoesNotExist when the row is gone.
        """
        follower = Follower(at)
        progress = self.running.get(answer_id) or await self._look(answer_id)
        while True:
            moved = progress.moved if isinstance(progress, Run) else None
            for event in follower.news(progress):
                yield event
            if follower.done:
                return
            if moved:
                await moved.wait()
            else:
                await asyncio.sleep(POLL_SECONDS)
                progress = self.running.get(answer_id) or await self._look(answer_id)

    async def complete(self, answer_id: uuid.UUID, *, seconds: float) -> None:
        """Follow to the end, for a reader without scripts; after so many seconds give up waiting, not writing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(self.follow(answer_id, 0)) as events:
                async for _ in events:
                    pass

    async def stop(self, answer_id: uuid.UUID) -> None:
        """Stop an answer here at once; in another process its saver reads the request within SAVE_SECONDS."""
        if run := self.running.get(answer_id):
            run.stop()
        await database(recording.request_stop)(answer_id)

    async def drain(self, *, seconds: float) -> None:
        """Before this process ends: begin nothing, let what runs finish, and interrupt what takes longer."""
        self.closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for run in self.running.values():
            run.writing.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _look(self, answer_id: uuid.UUID) -> Progress:
        """A run begun here if nobody had begun it; otherwise what the row says."""
        assignment, progress = await database(look)(answer_id, take=not self.closing)
        return self._begin(assignment) if assignment else progress

    def _begin(self, assignment: Assignment) -> Run:
        run = self.running[assignment.lease.answer_id] = Run(assignment)
        self._start(self._see_through(run))
        if self._saver is None or self._saver.done():
            self._saver = self._start(self._save_all())
        return run

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _see_through(self, run: Run) -> None:
        """Wait until the writing has ended in whichever way, and write that down."""
        await asyncio.wait({run.writing})
        state, fields = run.outcome()
        try:
            kept = await database(recording.finish)(run.lease, state, text=str(run.text), fields=fields)
        except Exception:
            log.exception("the end of answer %s could not be stored", run.lease.answer_id)
            kept = False
        del self.running[run.lease.answer_id]
        run.end(state if kept else State.INTERRUPTED)

    async def _save_all(self) -> None:
        """The one saver: all texts in one statement, and back from it who asked to stop and whose lease is lost."""
        while self.running:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                await self._save(list(self.running.values()))
            except Exception:
                log.exception("running answers could not be saved; trying again")

    async def _save(self, runs: list[Run]) -> None:
        lengths = {run.lease: len(run.text) for run in runs}
        texts = {run.lease: str(run.text) if len(run.text) > run.saved else None for run in runs}
        held = await database(recording.save)(texts)
        for run in runs:
            run.saved = lengths[run.lease]
            if run.lease not in held:
                run.writing.cancel()
            elif held[run.lease]:
                run.stop()


def look(answer_id: uuid.UUID, *, take: bool) -> tuple[Assignment | None, Progress]:
    """Claim an answer that waits (if `take`), or read how far it is; a run that died is reported as interrupted."""
    lease = recording.claim(answer_id) if take else None
    if lease is None:
        recording.mark_interrupted(answer_id)
    answer = Answer.objects.select_related("asker").get(pk=answer_id)
    if lease is None:
        return None, Progress.of(answer)
    user = answer.asker or AnonymousUser()
    return Assignment(lease, answer.question, user, recalling.history(answer, user=user)), Progress()


_runs: WeakKeyDictionary[asyncio.AbstractEventLoop, Runs] = WeakKeyDictionary()


def here() -> Runs:
    """The runs of this event loop: a server has one, every test its own."""
    return _runs.setdefault(asyncio.get_running_loop(), Runs())
