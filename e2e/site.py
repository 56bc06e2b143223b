"""A running Footnote: `manage.py up` on an empty folder, or one more web process on the data of such a site."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 170.0
STOP_SECONDS = 30.0


class SiteError(Exception):
    """A process did not start; the message ends with what it printed."""


@dataclass(frozen=True)
class Site:
    """A site: its address, and the environment of its commands (None for a site of somebody else's)."""

    url: str
    environment: Mapping[str, str] | None

    def manage(self, *arguments: str) -> str:
        """Run a command of this site; returns what it printed."""
        if self.environment is None:
            raise SiteError("Commands run only on a site of our own.")
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SiteError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def own(folder: Path) -> Iterator[Site]:
    """The whole product on an empty folder, with the demo content and the demo people."""
    port = free_port()
    environment = {
        **os.environ,
        "FOOTNOTE_VAR": str(folder / "var"),
        "MODEL_PATH": os.environ.get("MODEL_PATH", str(ROOT / "var" / "model")),
        "ASK_LIMIT": "1000/m",
        "ADDRESS_LIMIT": "1000/m",
        "ANSWERS_AT_ONCE": "1000",
        "LOGIN_LIMIT": "1000/m/ip",
        "QUOTING_PACE": "0.03",  # slow enough to be seen
    }
    with process(["manage.py", "up", "--port", str(port)], environment, folder / "up.log", port=port) as url:
        yield Site(url, environment)


@contextmanager
def another_web(site: Site, folder: Path, **settings: str) -> Iterator[Site]:
    """One more web process on the data of a site of our own, with other settings."""
    if site.environment is None:
        raise SiteError("Only a site of our own can get one more web process.")
    port = free_port()
    environment = {**site.environment, **settings}
    command = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "portal.asgi:application"]
    with process(command, environment, folder / f"web-{port}.log", port=port) as url:
        yield Site(url, environment)


@contextmanager
def process(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, port: int, path: str = "/health/"
) -> Iterator[str]:
    """A Python process that serves HTTP on this port; gives its address when it answers there. Raises SiteError."""
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        wait_until_up(url + path, running, log)
        yield url
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def wait_until_up(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running.poll() is not None:
            raise SiteError(f"{running.args!r} ended with {running.returncode}:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise SiteError(f"Nothing answered at {url} in {START_SECONDS:.0f} s:\n{log.read_text()[-4000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
