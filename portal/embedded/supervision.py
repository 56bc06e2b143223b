"""Several programs as one: started in order, watched, stopped in the opposite order, nothing left behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

from portal.embedded.errors import EmbeddedError
from portal.embedded.leash import ON_LINUX, follow_parent, leashed

START_SECONDS = 120.0  # six is usual; a machine that builds something else beside needs more
STOP_SECONDS = 15.0  # a worker may finish the job in hand; the outbox repeats what is cut short
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def say(name: str, line: str) -> None:
    """One line of output under the name of who says it; a closed terminal must not stop the stopping."""
    with suppress(OSError):
        sys.stdout.write(f"{name:9}| {line}\n")
        sys.stdout.flush()


class Service:
    """One program and how to know that it is ready: a probe, or words in its output."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        ready: Callable[[], bool] | str,
        hint: str = "",
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.name = name
        self.argv = argv
        self.stop_seconds = stop_seconds
        self.hint = hint or "see its lines above."
        self._probe = ready if callable(ready) else self._has_said
        self._words = "" if callable(ready) else ready
        self._said = False
        self._started = 0.0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it in a session of its own: Ctrl-C reaches the supervisor only."""
        self._started = time.monotonic()
        self._process = await asyncio.create_subprocess_exec(
            *leashed(self.argv),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=follow_parent if ON_LINUX else None,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._relaying = asyncio.create_task(self._relay())

    async def until_ready(self) -> None:
        while not self._probe():
            if self.process.returncode is not None:
                raise EmbeddedError(f"The {self.name} ended before it was ready: {self.hint}")
            if time.monotonic() - self._started > START_SECONDS:
                raise EmbeddedError(f"The {self.name} was not ready after {START_SECONDS:.0f} s: {self.hint}")
            await asyncio.sleep(0.05)
        say("up", f"{self.name} ready after {time.monotonic() - self._started:.1f} s")

    @property
    def process(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process

    async def ended(self) -> int:
        """Wait for its end; its exit code. `wait()` would wait for its children too, while they hold its output."""
        while self.process.returncode is None:
            await asyncio.sleep(0.05)
        return self.process.returncode

    async def stop(self) -> None:
        """Ask it to end, and make it after a while; then whatever is left of its process group."""
        if self._process is None:
            return
        if self.process.returncode is None:
            self.process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), self.stop_seconds)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.wait([self._relaying], timeout=2)
        say("up", f"{self.name} stopped")

    def _has_said(self) -> bool:
        return self._said

    async def _relay(self) -> None:
        assert self.process.stdout is not None
        async for raw in _lines(self.process.stdout):
            line = raw.decode(errors="replace").rstrip()
            self._said = self._said or (bool(self._words) and self._words in line)
            say(self.name, line)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The stream's lines; one too long for its buffer comes in pieces instead of ending the relay."""
    while not stream.at_eof():
        try:
            yield await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            if end.partial:
                yield end.partial
        except asyncio.LimitOverrunError as overrun:
            yield await stream.readexactly(overrun.consumed)


async def supervise(stages: Sequence[Sequence[Service]], *, on_ready: Callable[[], None]) -> int:
    """Run the services, stage after stage, until a stop signal (0) or until one of them ends by itself (1)."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    running = asyncio.create_task(_run(stages, on_ready=on_ready))
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
        return running.result() if running.done() else 0
    finally:
        asked.cancel()
        running.cancel()
        with suppress(asyncio.CancelledError, EmbeddedError):
            await running
        for service in reversed(_flat(stages)):
            await service.stop()


async def _run(stages: Sequence[Sequence[Service]], *, on_ready: Callable[[], None]) -> int:
    for stage in stages:
        for service in stage:
            await service.start()
        await asyncio.gather(*(service.until_ready() for service in stage))
    on_ready()
    ends = {asyncio.create_task(service.ended()): service for service in _flat(stages)}
    done, _pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in done:
        say("up", f"{ends[end].name} ended by itself ({end.result()}): stopping the rest")
    return 1


def _flat(stages: Sequence[Sequence[Service]]) -> list[Service]:
    return [service for stage in stages for service in stage]
