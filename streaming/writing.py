"""One answer while this process writes it: its text, who follows it, and the state and fields it ends with."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from kb import answering, recording
from kb.answering import Answered, Checking, Ending, Failed, Refused, Sources, Token, Unclear
from kb.grounding import Turn
from kb.models import Answer
from kb.permissions import Reader
from kb.recording import Lease, Tail
from kb.threads import database
from streaming import positions
from streaming.progress import Follower, Progress

log = logging.getLogger(__name__)
State = Answer.State

BURST_SECONDS = 0.001  # tokens that come closer have not waited for anything
TOO_LONG = "Writing the answer took too long, so it was stopped."
ABANDONED = "Nobody was reading any more, so the writing was stopped."
FAULT = "The answer could not be written, through a fault on our side. What was written is kept; ask again."


@dataclass(frozen=True)
class Assignment:
    """What a run needs to know: its lease, the question, who asks, and the conversation so far."""

    lease: Lease
    question: str
    user: Reader
    history: tuple[Turn, ...]
    anew: bool
    settled: bool  # what is meant: nothing is asked back


class Run(Progress):
    """An answer that this process writes. Followers wait for `moved`; `steps` tells them whether they missed one."""

    def __init__(self, assignment: Assignment) -> None:
        super().__init__()
        self.assignment = assignment
        self.lease = assignment.lease
        self.moved = asyncio.Event()
        self.steps = 0
        self.clock = asyncio.get_running_loop().time
        self._saved = 0  # how much of the text is in the row: UTF-16 units
        self._saved_characters = 0  # the same, as the database counts
        self.stopping = False
        self.message = ""
        self.followers: set[Follower] = set()
        self.started = self.seen = self.moved_at = self.clock()
        self.writing: asyncio.Task[Ending] = asyncio.create_task(self._write())

    async def _write(self) -> Ending:
        """Take the events of the answer; its last one is the result."""
        asked = self.assignment
        answer = answering.answer(
            asked.question, user=asked.user, history=asked.history, anew=asked.anew, settled=asked.settled
        )
        async with aclosing(answer) as events:  # type: ignore[type-var]  # it is an async generator
            async for event in events:
                match event:
                    case Sources(sources, searched, told):
                        self.found(sources, searched)
                        self._move()
                        await database(recording.record_sources)(self.lease, sources, searched=searched, told=told)
                    case Token(text=text):
                        before = self.moved_at
                        self.add(text)
                        self._move()
                        if self.moved_at - before < BURST_SECONDS:
                            await asyncio.sleep(0)  # a generator that never waits would keep followers from reading
                    case Checking():
                        self.check()
                        self._move()
                    case _:
                        return event
        raise RuntimeError("An answer ended without its last event.")

    def _move(self) -> None:
        self.moved_at = self.clock()
        self.steps += 1
        self.moved.set()
        self.moved.clear()  # whoever waits is woken all the same

    def unsaved(self) -> Tail:
        """What was added since the last save that succeeded."""
        return Tail(self._saved_characters, self.text.since(self._saved)[1])

    def note_saved(self, tail: Tail) -> None:
        self._saved += positions.length(tail.text)
        self._saved_characters += len(tail.text)

    def stop(self, message: str = "") -> None:
        """End the writing, and with it the call to the model; what was written is kept."""
        self.stopping = True
        self.message = self.message or message
        self.writing.cancel()

    def look_after(self, *, followed: bool) -> None:
        """Stop what takes too long, and what nobody follows any more. `followed`: from another process, lately."""
        now = self.clock()
        if self.followers or followed:
            self.seen = now
        if now - self.started > settings.RUN_LONGEST_SECONDS:
            self.stop(TOO_LONG)
        elif now - self.seen > settings.RUN_ABANDONED_SECONDS:
            self.stop(ABANDONED)

    def end(self, state: str) -> None:
        self.state = state
        self._move()

    def outcome(self) -> tuple[str, dict[str, Any]]:
        """The state in which the writing ended, and what else belongs into the row."""
        if self.writing.cancelled():
            return (State.STOPPED if self.stopping else State.INTERRUPTED), {"message": self.message}
        if error := self.writing.exception():
            log.error("answer %s could not be written", self.lease.answer_id, exc_info=error)
            return State.FAILED, {"message": FAULT}
        return ending(self.writing.result())


def ending(event: Ending) -> tuple[str, dict[str, Any]]:
    """An answer's last event as its state and the fields of its row."""
    match event:
        case Answered():
            sentences = [asdict(sentence) for sentence in event.sentences]
            told: dict[str, Any] = {"sentences": sentences, "generator": event.generator, "usage": event.usage}
            told |= {"timings": event.timings, "message": event.message, "replayed": event.replayed}
            return State.ANSWERED, told
        case Refused(message, nearest, timings):
            return State.REFUSED, {"message": message, "nearest": list(nearest), "timings": timings}
        case Unclear(message, articles, timings):
            return State.UNCLEAR, {"message": message, "nearest": list(articles), "timings": timings}
        case Failed(message, timings, usage):
            return State.FAILED, {"message": message, "timings": timings, "usage": usage}
