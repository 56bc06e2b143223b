"""Several programs as one, with real programs: order, endings, kills."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.embedded import EmbeddedError
from portal.embedded import leash as leash_module
from portal.embedded.processes import command_line
from portal.embedded.supervision import Service, supervise

# Says "ready", works until SIGTERM, and notes in a file when it ended.
WORKING = """
import signal, sys, time
def end(*_):
    open(sys.argv[2], "a").write(sys.argv[1] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
SUPERVISOR = """
import asyncio, sys
from portal.embedded.processes import command_line
from portal.embedded.supervision import Service, supervise
service = Service("one", [sys.executable, "-c", sys.argv[1], "one", sys.argv[2]], ready="ready")
sys.exit(asyncio.run(supervise([[service]], on_ready=lambda: print("all ready", flush=True))))
"""


def service(name: str, notes: Path, *, code: str = WORKING) -> Service:
    return Service(name, [sys.executable, "-S", "-c", code, name, str(notes)], ready="ready")


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def wait_for(notes: Path) -> str:
    deadline = time.monotonic() + 10
    while not (notes.exists() and notes.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return notes.read_text()


async def test_stop_ends_the_services_in_the_opposite_order_of_their_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes"
    stages = [[service("broker", notes)], [service("worker", notes), service("web", notes)]]
    assert await supervise(stages, on_ready=ask_to_stop) == 0
    assert notes.read_text() == "web worker broker "
    assert "worker   | ready" in capsys.readouterr().out


async def test_service_that_ends_takes_the_others_along(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes"
    short = service(
        "worker", notes, code="import time; print('ready', flush=True); time.sleep(0.3); raise SystemExit(3)"
    )
    assert await supervise([[service("broker", notes)], [short]], on_ready=lambda: None) == 1
    assert notes.read_text() == "broker "
    assert "worker ended by itself (3): stopping the rest" in capsys.readouterr().out


async def test_service_that_never_gets_ready_is_an_error(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    broken = service("web", notes, code="import sys; sys.exit('no such module')")
    with pytest.raises(EmbeddedError, match=r"The web ended before it was ready: see its lines above\."):
        await supervise([[service("broker", notes)], [broken]], on_ready=lambda: None)
    assert notes.read_text() == "broker "


async def test_signal_during_the_start_stops_what_has_started(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    slow = service("web", notes, code="import time; time.sleep(60)")
    asyncio.get_running_loop().call_later(0.5, ask_to_stop)
    assert await supervise([[service("broker", notes)], [slow]], on_ready=lambda: None) == 0
    assert notes.read_text() == "broker "


async def test_grandchildren_and_very_long_lines_are_no_obstacle(tmp_path: Path) -> None:
    code = "import subprocess, time; print('x' * 300_000, flush=True); child = subprocess.Popen(['sleep', '60']); "
    code += "open(__import__('sys').argv[2], 'w').write(str(child.pid)); print('ready', flush=True); time.sleep(60)"
    assert await supervise([[service("web", tmp_path / "pid", code=code)]], on_ready=ask_to_stop) == 0
    assert not command_line(int((tmp_path / "pid").read_text()))


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, WORKING, str(notes)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        assert any("all ready" in line for line in supervisor.stdout)
        supervisor.kill()
    assert wait_for(notes) == "one "


def test_leash_for_other_systems_ends_the_child_of_a_dead_parent(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    leashed = [sys.executable, leash_module.__file__, sys.executable, "-S", "-c", WORKING, "one", str(notes)]
    starter = f"import subprocess, time; subprocess.Popen({leashed!r}); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-S", "-c", starter], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
    assert wait_for(notes) == "one "


def test_leash_for_other_systems_passes_signals_on(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    leashed = [sys.executable, leash_module.__file__, sys.executable, "-S", "-c", WORKING, "one", str(notes)]
    with subprocess.Popen(leashed, stdout=subprocess.PIPE, text=True) as leash:
        assert leash.stdout is not None
        assert leash.stdout.readline() == "ready\n"
        leash.terminate()
        assert leash.wait(10) == 0
    assert notes.read_text() == "one "
