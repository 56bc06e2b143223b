"""The embedded Valkey: a broker on a socket that keeps what it was told through a kill."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import redis

from portal.embedded import EmbeddedError, EmbeddedValkey


def client(valkey: EmbeddedValkey) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(valkey.socket))


def started(valkey: EmbeddedValkey) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(valkey.argv(), stdout=subprocess.DEVNULL)
    while not valkey.is_ready():
        time.sleep(0.01)
    return server


def test_server_answers_at_its_address_and_ends_with_the_block(valkey: EmbeddedValkey) -> None:
    with valkey.running() as url:
        assert url == f"redis+socket://{valkey.socket}"
        with client(valkey) as connection:
            assert connection.ping()
    assert not valkey.is_ready()


def test_what_was_queued_survives_a_kill(valkey: EmbeddedValkey) -> None:
    with started(valkey) as server:
        with client(valkey) as connection:
            connection.rpush("queue", *range(100))
        time.sleep(1.1)  # the append-only file reaches the disk every second
        os.kill(server.pid, signal.SIGKILL)
    with valkey.running(), client(valkey) as connection:
        assert connection.llen("queue") == 100


def test_leftover_of_a_killed_supervisor_is_stopped(valkey: EmbeddedValkey) -> None:
    with started(valkey) as server:
        valkey.stop_leftover()
        assert server.wait(5) == 0
    valkey.stop_leftover()  # none: nothing happens


def test_spoilt_append_only_file_is_named(var: Path, valkey: EmbeddedValkey) -> None:
    with valkey.running(), client(valkey) as connection:
        connection.set("word", "kept")
    for part in (var / "valkey" / "appendonlydir").glob("*.incr.aof"):
        part.write_bytes(b"spoilt" * 10)
    with pytest.raises(EmbeddedError) as caught, valkey.running():
        pass
    assert str(caught.value) == (
        f"Valkey did not start: its log is {var}/valkey/server.log; "
        f"if its data are spoilt, delete {var}/valkey (no job is lost) and start again."
    )
