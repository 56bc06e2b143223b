"""Answers being written in this process: claim, follow, save, stop, drain.

A stream belongs to its answer, not to a socket. Reload, second tab, no scripts, dead process: one path, `follow`. The
first follower's process claims the row and writes; followers there read from memory, those elsewhere from the row.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.auth.models import AnonymousUser

from kb import recalling, recording
from kb.models import Answer
from kb.threads import database
from streaming.progress import Follower, Progress
from streaming.protocol import Event
from streaming.writing import Assignment, Run

log = logging.getLogger(__name__)
State = Answer.State

SAVE_SECONDS = 0.3  # how much a killed process may lose
SAVE_SECONDS_EACH = 0.004  # more for each running answer: with 250 a save a second
POLL_SECONDS = 0.25  # how often a follower in another process looks at the row
LATE_SECONDS = 0.005  # followers that hear of a piece so late are under load, which
SMOOTHED = 0.02  # is the mean of about the last fifty
MERGE_SECONDS = 0.03  # how long pieces are gathered then; with the lateness, at most
MOST_MERGE_SECONDS = 0.05


class Runs:
    """The runs of one event loop, and the one saver that writes them all."""

    def __init__(self) -> None:
        self.running: dict[uuid.UUID, Run] = {}
        self.closing = False
        self.late = 0.0  # seconds by which followers are woken late: 0 while this process keeps up
        self._tasks: set[asyncio.Task[None]] = set()
        self._saver: asyncio.Task[None] | None = None

    async def follow(self, answer_id: uuid.UUID, at: int, *, block: int | None = None) -> AsyncGenerator[Event, None]:
        """Everything of this answer from position `at` (UTF-16 units) to its end, whoever writes it.

        Writes it here when nobody has begun. Raises Answer.DoesNotExist when the row is gone.
        """
        follower = Follower(at, block)
        progress = self.running.get(answer_id) or await self._look(answer_id)
        while not isinstance(progress, Run):
            for event in follower.news(progress):
                yield event
            if follower.done:
                return
            await asyncio.sleep(POLL_SECONDS)
            progress = self.running.get(answer_id) or await self._look(answer_id)
        async with aclosing(self._follow(progress, follower)) as events:
            async for event in events:
                yield event

    async def _follow(self, run: Run, follower: Follower) -> AsyncGenerator[Event, None]:
        """From memory: at once, as long as this process keeps up; when it does not, several pieces go out as one."""
        run.followers.add(follower)
        try:
            while True:
                step = run.steps
                for event in follower.news(run):
                    yield event
                if follower.done:
                    return
                if self.late > LATE_SECONDS:
                    await self._gather(run)
                if run.steps == step:
                    await run.moved.wait()
                    self._note_late(run.clock() - run.moved_at)
        finally:
            run.followers.discard(follower)

    async def _gather(self, run: Run) -> None:
        """Let pieces come together; the first one after a pause never waits."""
        seconds = min(MERGE_SECONDS + self.late, MOST_MERGE_SECONDS)
        due = run.clock() + seconds
        await asyncio.sleep(seconds)
        self._note_late(run.clock() - due)

    def _note_late(self, seconds: float) -> None:
        self.late += SMOOTHED * (seconds - self.late)

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
        for run in list(self.running.values()):
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
            await asyncio.sleep(max(SAVE_SECONDS, SAVE_SECONDS_EACH * len(self.running)))
            try:
                await self._save(list(self.running.values()))
            except Exception:
                log.exception("running answers could not be saved; trying again")

    async def _save(self, runs: list[Run]) -> None:
        tails = {run.lease: run.unsaved() for run in runs}
        held = await database(recording.save)(tails)
        for run in runs:
            run.note_saved(tails[run.lease])
            wish = held.get(run.lease)
            if wish is None:
                run.writing.cancel()
            elif wish.stop:
                run.stop()
            else:
                run.look_after(followed=wish.followed)


def look(answer_id: uuid.UUID, *, take: bool) -> tuple[Assignment | None, Progress]:
    """Claim an answer that waits (if `take`), or read how far it is; a run that died is reported as interrupted."""
    lease = recording.claim(answer_id) if take else None
    if lease is None:
        recording.mark_interrupted(answer_id)
        recording.note_follower(answer_id)
    answer = Answer.objects.select_related("asker", "previous").get(pk=answer_id)
    if lease is None:
        return None, Progress.of(answer)
    user = answer.asker or AnonymousUser()
    settled = answer.previous is not None and answer.previous.state == State.UNCLEAR
    history = recalling.history(answer, user=user)
    return Assignment(lease, answer.question, user, history, answer.anew, settled), Progress()


_runs: WeakKeyDictionary[asyncio.AbstractEventLoop, Runs] = WeakKeyDictionary()


def here() -> Runs:
    """The runs of this event loop: a server has one, every test its own."""
    return _runs.setdefault(asyncio.get_running_loop(), Runs())


def of_running_loop() -> Runs | None:
    """The runs of this event loop, if there have been any; for a signal handler, which may not begin something."""
    try:
        return _runs.get(asyncio.get_running_loop())
    except RuntimeError:
        return None
