"""Runs the loopback server in a thread, on a port of its own, for as long as a test needs it."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from tests.loopback.server import Loopback


@dataclass(frozen=True)
class LoopbackServer:
    """A running server: give `url` to ANTHROPIC_BASE_URL, and any key to ANTHROPIC_API_KEY."""

    url: str

    def stats(self) -> dict[str, Any]:
        """Counts of requests: answered, failed, cancelled by the client, still open; and the last request's body."""
        with urllib.request.urlopen(f"{self.url}/_stats", timeout=5) as response:
            stats: dict[str, Any] = json.load(response)
        return stats

    def wait_for(self, **counts: int) -> dict[str, Any]:
        """The counts, as soon as they are as given, or after two seconds."""
        deadline = time.monotonic() + 2
        while True:
            stats = self.stats()
            if all(stats[name] == count for name, count in counts.items()) or time.monotonic() > deadline:
                return stats
            time.sleep(0.02)


@contextmanager
def serving(application: Any = None, *, port: int = 0) -> Iterator[LoopbackServer]:
    """The Messages API, or another application, on 127.0.0.1; port 0 takes a free one."""
    config = uvicorn.Config(
        application or Loopback(), host="127.0.0.1", port=port, log_level="critical", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="loopback", daemon=True)
    thread.start()
    try:
        yield LoopbackServer(f"http://127.0.0.1:{_port(server, thread)}")
    finally:
        server.should_exit = True
        thread.join(timeout=5)


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("The loopback server did not start.")
        time.sleep(0.01)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port
