"""A deploy: on SIGTERM the running answers are finished first, and then the server ends as it would have.

The server (daphne, uvicorn, …) has a handler of its own for the signal; ours goes around it, once the server runs.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings

from streaming import runs

log = logging.getLogger(__name__)
FLUSH_SECONDS = 0.3  # for the last frames of the answers that were finished


def drained(application: Callable[..., Any]) -> Callable[..., Any]:
    """The ASGI application, which takes over SIGTERM with its first request: servers set theirs before."""

    async def served(scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] != "lifespan" and not isinstance(signal.getsignal(signal.SIGTERM), Draining):
            Draining.install()
        return await application(scope, receive, send)

    return served


class Draining:
    """A handler of SIGTERM that lets the answers of this process finish, and then calls the one before it."""

    def __init__(self, before: Any) -> None:
        self.before = before
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def install(cls) -> None:
        """Only a program's main thread may; in another one the server is somebody's part, and not ours to end."""
        before = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is threading.main_thread() and callable(before):
            signal.signal(signal.SIGTERM, cls(before))

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The second signal does not wait for anything."""
        busy = runs.of_running_loop()
        if busy is None or not busy.running or busy.closing:
            self.before(number, frame)
        else:  # a signal interrupts the loop while it sleeps: only this wakes it
            asyncio.get_running_loop().call_soon_threadsafe(self._begin, busy, number)

    def _begin(self, busy: runs.Runs, number: int) -> None:
        task = asyncio.create_task(self._end(busy, number))
        self._tasks.add(task)

    async def _end(self, busy: runs.Runs, number: int) -> None:
        log.info("finishing %s answers, at most %s s", len(busy.running), settings.DRAIN_SECONDS)
        try:
            await busy.drain(seconds=settings.DRAIN_SECONDS)
            await asyncio.sleep(FLUSH_SECONDS)
        finally:
            self.before(number, None)
