"""Real Celery workers, each a process group of its own, on the tests' database and the tests' broker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

OPTIONS = ("--pool", "threads", "-c", "2", "--without-gossip", "--without-mingle", "-l", "INFO")
READY_SECONDS = 60  # a busy machine takes long to import everything


class Worker:
    """One worker with its own scheduler; `kill`, `freeze` and `thaw` reach all of its processes at once."""

    def __init__(self, name: str, folder: Path, broker_url: str, **variables: str) -> None:
        self.name, self.folder = name, folder
        self.log = folder / f"{name}.log"
        self.environment = {**os.environ, **database(), "BROKER_URL": broker_url, **variables}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = (sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "portal", "worker")
        place = ("-B", "-s", str(self.folder / f"{self.name}-schedule"), "-n", f"{self.name}@%h")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, *OPTIONS, *place],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_ready(self, times: int = 1) -> None:
        wait_until(lambda: self.said(" ready.") >= times, READY_SECONDS, f"{self.name} does not get ready", self)

    def said(self, words: str) -> int:
        """How often its log has these words."""
        return self.log.read_text(errors="replace").count(words) if self.log.exists() else 0

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it as an operator would, or else for certain."""
        if self.process is None or self.process.poll() is not None:
            return
        self.thaw()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)


def database() -> dict[str, str]:
    """The variables that lead another process to the tests' database."""
    name = str(connection.settings_dict["NAME"])
    found = {"FOOTNOTE_VAR": str(settings.VAR), "DATABASE_NAME": name}
    if settings.DATABASE_URL:
        found["DATABASE_URL"] = urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()
    return found


def wait_until(condition: Callable[[], Any], seconds: float, otherwise: str, *workers: Worker) -> None:
    """Poll until it holds; when it never does, fail with these words and the ends of the workers' logs."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            ends = [f"--- {w.name}\n{w.log.read_text(errors='replace')[-3000:]}" for w in workers if w.log.exists()]
            raise AssertionError("\n".join([f"{otherwise} after {seconds} s", *ends]))
        time.sleep(0.1)
