"""deploy/nginx.conf: passes nginx's own check, and a real nginx with it does what it says."""

import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.machine.proxying import NGINX, configured, listens_at


class Echo(BaseHTTPRequestHandler):
    """A server that says who it is and which headers reached it; /ask/slow/ comes in two parts."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        parts = ["first", "second"] if "slow" in self.path else [self.server.seen(self)]  # type: ignore[attr-defined] # set below
        for part in parts:
            self.wfile.write(f"{len(part):x}\r\n{part}\r\n".encode())
            self.wfile.flush()
            time.sleep(0.5 if len(parts) > 1 else 0)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


class EchoServer(ThreadingHTTPServer):
    """One of the two servers behind the proxy."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.name = name
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def seen(self, request: BaseHTTPRequestHandler) -> str:
        return json.dumps({"server": self.name, **{name.lower(): value for name, value in request.headers.items()}})


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(tmp_path_factory.mktemp("nginx")) as port:
        yield port


@contextmanager
def running(folder: Path, *, is_behind: bool = False) -> Iterator[int]:
    """The port of an nginx with our configuration: only addresses and temporary folders are replaced."""
    with EchoServer("pages") as pages, EchoServer("ask") as ask, socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
        free.close()
        configuration = configured(
            folder, pages=pages.server_port, ask=ask.server_port, listen=port, is_behind=is_behind
        )
        with subprocess.Popen([NGINX, "-c", str(configuration), "-g", "daemon off;"]) as nginx:
            while nginx.poll() is None and not listens_at(port):
                time.sleep(0.02)
            yield port
            nginx.terminate()
        pages.shutdown()
        ask.shutdown()


def get(port: int, path: str, **headers: str) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers={"Host": "help.example.org", **named})
    seen: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return seen


def test_configuration_passes_the_check_of_nginx(tmp_path: Path) -> None:
    configuration = configured(tmp_path, pages=1, ask=2, listen=3)
    checked = subprocess.run([NGINX, "-t", "-c", str(configuration)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr.replace("nginx.conf", "").replace('the "user" directive', "")


@pytest.mark.parametrize(
    ("path", "server"),
    [(path, "pages") for path in ("/", "/search/?q=ask", "/askew/", "/editor/", "/article/ask/")]
    + [(path, "ask") for path in ("/ask/", "/ask", "/answers/4/", "/ws/answers/4/")],
)
def test_only_what_streams_goes_to_the_streaming_server(port: int, path: str, server: str) -> None:
    assert get(port, path)["server"] == server


@pytest.mark.parametrize("path", ["/", "/ask/"])
def test_servers_learn_who_asked_for_what(port: int, path: str) -> None:
    seen = get(port, path, X_Forwarded_For="203.0.113.9")
    assert seen["host"] == "help.example.org"
    assert seen["x-forwarded-for"] == "127.0.0.1"  # what a client claims is not passed on: limits count by it
    assert seen["x-forwarded-proto"] == "http"
    assert get(port, path, X_Forwarded_Proto="https")["x-forwarded-proto"] == "https"
    assert get(port, path, X_Forwarded_Proto="gopher")["x-forwarded-proto"] == "http"


def test_behind_a_proxy_of_ours_it_is_believed_about_the_reader(tmp_path: Path) -> None:
    with running(tmp_path, is_behind=True) as port:
        for path in ("/", "/ask/"):
            for reader in ("203.0.113.9", "10.1.2.3"):  # what stands before is a claim
                seen = get(port, path, X_Forwarded_For=f"198.51.100.7, {reader}")
                assert seen["x-forwarded-for"] == reader


def test_upgrade_reaches_the_streaming_server_and_no_other(port: int) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "websocket"}
    seen = get(port, "/ws/answers/4/", **asked)
    assert (seen["connection"], seen["upgrade"]) == ("upgrade", "websocket")
    assert "upgrade" not in get(port, "/", **asked)
    assert get(port, "/ask/").get("connection") != "upgrade"


def test_streams_are_not_held_back(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/ask/slow/")
    answer = connection.getresponse()
    started = time.monotonic()
    assert answer.read(5) == b"first"
    assert time.monotonic() - started < 0.4
    assert answer.read() == b"second"
    connection.close()


def test_health_of_the_proxy_itself_needs_no_server_behind_it(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/proxy-health")
    assert connection.getresponse().status == 200
    connection.close()
