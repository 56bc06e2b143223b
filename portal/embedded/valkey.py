"""The embedded Valkey of one data folder: Celery's broker on a Unix socket, with an append-only file."""

import hashlib
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from portal.embedded.binaries import valkey_program
from portal.embedded.errors import EmbeddedError, readable_errors
from portal.embedded.sockets import SOCKETS, check_length, claim


class EmbeddedValkey:
    """Valkey below `var`; it loses nothing that matters, for the jobs themselves are rows in the database."""

    def __init__(self, var: Path, *, sockets: Path = SOCKETS) -> None:
        self.home = Path(var).resolve() / "valkey"
        self._sockets = sockets

    @cached_property
    def socket(self) -> Path:
        identity = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        path = self._sockets / f"footnote-{identity}-valkey" / "socket"
        check_length(path)
        return path

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def url(self) -> str:
        """The broker's address as Celery writes it."""
        return f"redis+socket://{self.socket}"

    def is_ready(self) -> bool:
        """Whether it answers; it listens before it has read its file, which may still end it."""
        return self._ask(b"PING\r\n").startswith(b"+PONG")

    def argv(self) -> list[str]:
        """The server in the foreground, its folders made."""
        with readable_errors(self.home):
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        claim(self.socket.parent)
        place = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--dir", str(self.home)]
        return [str(valkey_program()), *place, "--appendonly", "yes", "--save", "", "--logfile", str(self.log)]

    def hint(self) -> str:
        """What to do when it does not start."""
        return f"its log is {self.log}; if its data are spoilt, delete {self.home} (no job is lost) and start again."

    def stop_leftover(self) -> None:
        """End a server whose supervisor was killed: two on one append-only file would spoil it."""
        self._ask(b"SHUTDOWN NOSAVE FORCE\r\n")  # the append-only file is flushed first

    @contextmanager
    def running(self) -> Iterator[str]:
        """Run the server while the block runs (for tests and single commands); yields its address."""
        with subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
            try:
                self._await(server)
                yield self.url()
            finally:
                server.terminate()
                server.wait()
                with suppress(OSError):
                    self.socket.parent.rmdir()

    def _await(self, server: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + 30
        while not self.is_ready():
            if server.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedError(f"Valkey did not start: {self.hint()}")
            time.sleep(0.02)

    def _ask(self, command: bytes) -> bytes:
        """The start of its answer; nothing when there is no server, or when it ends instead of answering."""
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.settimeout(5)
            client.connect(str(self.socket))
            client.sendall(command)
            return client.recv(100)
        return b""
