"""The services of docker-compose.yml without an engine: their own commands, production settings, one proxy in front."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portal.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.machine.conftest import free_port
from tests.machine.files import OURS, ROOT
from tests.machine.proxying import NGINX, configured, listens_at

HOST = "help.example.org"
LASTING = ("pages", "ask", "worker", "beat")


@dataclass
class Services:
    """The running services: ports by name, and the environment their commands run in."""

    var: Path
    environment: dict[str, str]
    pages: int = field(default_factory=free_port)
    ask: int = field(default_factory=free_port)
    proxy: int = field(default_factory=free_port)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def here(self, word: str) -> str:
        """One word of a command of docker-compose.yml, with this machine's addresses."""
        changes = {"8000": str(self.pages), "8001": str(self.ask), "0.0.0.0": "127.0.0.1"}
        return changes.get(word, word).replace("/tmp/", f"{self.var}/")

    def command(self, name: str) -> list[str]:
        command = [self.here(word) for word in OURS[name]["command"]]
        return [*command, "--bind", f"127.0.0.1:{self.pages}"] if name == "pages" else command

    def start(self, name: str) -> None:
        with (self.var / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                self.command(name), cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def log(self, name: str) -> str:
        return (self.var / f"{name}.log").read_text()

    def run(self, *command: str) -> int:
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, check=False).returncode

    def is_healthy(self, name: str) -> bool:
        kind, *command = OURS[name]["healthcheck"]["test"]
        words = [self.here(word).replace("$$", "$") for word in command]
        return self.run(*(["sh", "-c", *words] if kind == "CMD-SHELL" else words)) == 0

    def wait_until_healthy(self, name: str) -> None:
        deadline = time.monotonic() + 90
        while not self.is_healthy(name):
            assert self.running[name].poll() is None, self.log(name)
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.5)


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """Everything that `docker compose up` starts, in its order."""
    folder = Path(f"/tmp/fn-services-{os.getpid()}")
    folder.mkdir(mode=0o755)
    postgres = EmbeddedPostgres(folder)
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["rm", "-rf", str(folder)], check=True)
        postgres.ensure()
        stack.callback(postgres.stop)
        found = Services(folder, environment(folder, broker=stack.enter_context(EmbeddedValkey(folder).running())))
        for command in (OURS["migrate"]["command"], ["python", "manage.py", "collectstatic", "--noinput"]):
            subprocess.run(command, cwd=ROOT, env=found.environment, stdout=subprocess.DEVNULL, check=True)
        for name in LASTING:
            found.start(name)
            stack.callback(found.running[name].kill)
        proxy = configured(folder, pages=found.pages, ask=found.ask, listen=found.proxy)
        nginx = stack.enter_context(subprocess.Popen([NGINX, "-c", str(proxy), "-g", "daemon off;"]))
        stack.callback(nginx.terminate)
        while not listens_at(found.proxy):
            time.sleep(0.05)
        yield found


def environment(folder: Path, *, broker: str) -> dict[str, str]:
    """As in docker-compose.yml, except for where things are."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOSTNAME": os.uname().nodename,
        "DEBUG": "0",
        "SECRET_KEY": "of-this-test-only-" + "0" * 50,
        "ALLOWED_HOSTS": HOST,
        "FOOTNOTE_VAR": str(folder),
        "BROKER_URL": broker,
        "EMBEDDER": "kb.providers.fake.FakeEmbedder",
    }


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", LASTING)
def test_command_of_the_service_runs_and_its_health_check_passes(services: Services, name: str) -> None:
    services.wait_until_healthy(name)


@pytest.mark.parametrize("path", ["/", "/ask/"])
def test_pages_come_through_the_proxy_in_production_settings(services: Services, path: str) -> None:
    for name in ("pages", "ask"):
        services.wait_until_healthy(name)
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
    address = f"http://127.0.0.1:{services.proxy}"
    with urllib.request.urlopen(urllib.request.Request(address + path, headers=headers), timeout=20) as answer:
        page = answer.read().decode()
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    style = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)
    assert style, page
    with urllib.request.urlopen(urllib.request.Request(address + style[1], headers=headers), timeout=20) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_wrong_host_is_refused_through_the_proxy(services: Services) -> None:
    services.wait_until_healthy("pages")
    asked = urllib.request.Request(f"http://127.0.0.1:{services.proxy}/", headers={"Host": "elsewhere.example.org"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=20)
    assert refused.value.code == 400
    refused.value.close()


def test_health_check_fails_where_nothing_answers(services: Services) -> None:
    assert services.run("python", "deploy/healthy.py", str(free_port()), "/health/") != 0


@pytest.mark.timeout(120)
def test_services_end_cleanly_when_they_are_told_to(services: Services) -> None:
    for name in LASTING:
        services.running[name].terminate()
    assert {name: services.running[name].wait(60) for name in LASTING} == dict.fromkeys(LASTING, 0)
