"""`manage.py up` and `down` on an empty folder: everything starts, everything ends, a kill costs nothing."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from portal.embedded import EmbeddedValkey
from tests.machine.conftest import free_port
from tests.machine.files import ROOT

UNSET = ("DATABASE_URL", "BROKER_URL", "DATABASE_NAME")


class Site:
    """A folder of data and the `up` that runs on it."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in UNSET},
            "FOOTNOTE_VAR": str(var),
            "EMBEDDER": "kb.providers.fake.FakeEmbedder",
            "DEBUG": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def manage(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def up(self) -> tuple["subprocess.Popen[str]", str]:
        """Start it and read on until it is there; the process, and all it has said so far."""
        process = self.manage("up", "--port", str(self.port))
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "log in as reader" in line:
                return process, said
        raise AssertionError(said)

    def page(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    def running(self) -> dict[int, str]:
        """What runs with this folder in its command line or environment: servers, worker, website; pid to command."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
                if command and str(self.var).encode() in command + environment:
                    found[int(folder.name)] = command.replace(b"\0", b" ").decode()
        return found

    def processes(self) -> list[str]:
        return list(self.running().values())

    def worker(self) -> int:
        """The worker's pid; its scheduler, a child of it, has the same command line and came later."""
        return min(pid for pid, command in self.running().items() if "celery" in command)

    def wait_until_empty(self) -> None:
        deadline = time.monotonic() + 20
        while any("postgres" not in command for command in self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(f"/tmp/fn-up-{os.getpid()}")
    folder.mkdir(mode=0o755)
    found = Site(folder)
    yield found
    found.manage("down").communicate(timeout=60)
    subprocess.run(["rm", "-rf", str(folder), str(EmbeddedValkey(folder).socket.parent)], check=True)


@pytest.mark.timeout(240)
def test_one_command_brings_everything_up_and_down_again(site: Site) -> None:
    process, said = site.up()
    steps = re.findall(r"^up {7}\| (.+) ready after [\d.]+ s$", said, re.MULTILINE)
    assert steps[:3] == ["PostgreSQL", "migrations", "demo content"]
    assert sorted(steps[3:]) == ["valkey", "web", "worker"]
    assert f"Footnote is at http://127.0.0.1:{site.port}/ (Ctrl-C stops everything)" in said
    assert "log in as editor with footnote-demo: publishes in every collection" in said
    assert "Traceback" not in said
    assert "Footnote" in site.page("/")

    refused, _ = (second := site.manage("up", "--port", str(free_port()))).communicate(timeout=60)
    assert second.returncode == 1
    assert refused.strip().splitlines()[-1] == (
        "CommandError: Footnote already runs from this folder "
        f"at http://127.0.0.1:{site.port}/ (process {process.pid}): "
        "stop that one with `manage.py down`, or set FOOTNOTE_VAR to another folder."
    )

    stopped, _ = (down := site.manage("down")).communicate(timeout=60)
    rest, _ = process.communicate(timeout=60)
    assert (down.returncode, stopped.strip()) == (0, "Stopped.")
    assert process.returncode == 0, rest
    assert re.findall(r"^up {7}\| (\w+) stopped$", rest, re.MULTILINE) == ["web", "worker", "valkey", "PostgreSQL"]
    assert site.processes() == []


@pytest.mark.timeout(240)
def test_kills_leave_nothing_that_stops_the_next_start_and_lose_nothing(site: Site) -> None:
    process, _ = site.up()
    before = site.page("/sitemap.xml")
    process.kill()
    process.communicate(timeout=60)
    site.wait_until_empty()
    assert [command for command in site.processes() if "postgres" not in command] == []

    process, said = site.up()
    assert "Traceback" not in said
    assert site.page("/sitemap.xml") == before
    os.kill(site.worker(), signal.SIGKILL)
    rest, _ = process.communicate(timeout=60)
    assert "worker ended by itself (-9): stopping the rest" in rest
    assert process.returncode == 1
    assert site.processes() == []


def test_taken_port_is_named(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said, _ = site.manage("up", "--port", str(port)).communicate(timeout=60)
    assert said.strip().splitlines()[-1] == (
        f"CommandError: Port {port} is in use: stop what uses it, or choose another one (make run PORT=8123)."
    )
    assert site.processes() == []


def test_down_with_nothing_running_says_so(site: Site) -> None:
    said, _ = site.manage("down").communicate(timeout=60)
    assert said.strip() == "Nothing was running."
