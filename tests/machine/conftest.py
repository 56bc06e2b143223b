"""Real servers in temporary folders that the database server's account can enter, and that are gone afterwards."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded import EmbeddedPostgres, EmbeddedValkey, binaries


@pytest.fixture
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fn-", dir="/tmp"))  # short, and not below pytest's own closed folder
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def sockets(var: Path) -> Path:
    folder = var / "s"
    folder.mkdir()
    return folder


@pytest.fixture
def postgres(var: Path, sockets: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(var, sockets=sockets)
    yield server
    server.stop()


@pytest.fixture
def valkey(var: Path, sockets: Path) -> EmbeddedValkey:
    return EmbeddedValkey(var, sockets=sockets)


@pytest.fixture
def system_folder(var: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where root moves what the server's account could not reach otherwise."""
    folder = var / "system"
    monkeypatch.setattr(binaries, "SYSTEM_FOLDER", folder)
    return folder


@pytest.fixture
def root() -> bool:
    return os.geteuid() == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
