"""The whole product in a real browser: `manage.py up` on an empty folder, Chromium, and nothing of Django in here.

`--base-url URL` runs the tests that only read against a site that is already there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "footnote-demo"


@dataclass(frozen=True)
class Site:
    """A running Footnote: its address, and the environment of its commands (None for a site of somebody else's)."""

    url: str
    environment: dict[str, str] | None

    def manage(self, *arguments: str) -> str:
        """Run a command of this site; returns what it printed."""
        assert self.environment is not None
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"`manage.py up` ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(f"{url}/health/", timeout=2) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"The site did not come up in {seconds:.0f} s:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site under test: our own from an empty folder, or the one that --base-url names."""
    given = request.config.getoption("base_url")
    if given:
        yield Site(given.rstrip("/"), None)
        return
    folder = tmp_path_factory.mktemp("site")
    log = folder / "up.log"
    port = free_port()
    environment = {
        **os.environ,
        "FOOTNOTE_VAR": str(folder / "var"),
        "MODEL_PATH": os.environ.get("MODEL_PATH", str(ROOT / "var" / "model")),
        "ASK_LIMIT": "1000/m",
        "LOGIN_LIMIT": "1000/m/ip",
    }
    with log.open("wb") as output:
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            wait_until_up(f"http://127.0.0.1:{port}", process, log)
            yield Site(f"http://127.0.0.1:{port}", environment)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.fixture(scope="session")
def base_url(site: Site) -> str:
    return site.url


@pytest.fixture
def own_site(site: Site) -> Site:
    """For tests that write or run commands: never on a site of somebody else's."""
    if site.environment is None:
        pytest.skip("this test writes, so it runs only on a site of its own (without --base-url)")
    return site


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """Chromium as the system packages it; no browser is ever downloaded."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return {**browser_type_launch_args, "executable_path": chromium, "args": CHROMIUM}


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which an error in the console, a script that throws or a policy violation fails the test."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    expected = getattr(page, "expected_complaints", ())
    left = [line for line in complaints if not any(part in line for part in expected)]
    assert not left, f"the console complained: {left}"


@pytest.fixture
def sign_in(page: Page, site: Site) -> Callable[[str], None]:
    """Sign in as one of the demo people."""

    def enter(username: str) -> None:
        page.goto(f"{site.url}/accounts/login/")
        page.get_by_label("User name or e-mail address").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/accounts/login" not in url)

    return enter
