"""Ports: free, taken, forbidden, impossible."""

import socket

import pytest

from portal.embedded import EmbeddedError
from portal.embedded.sockets import listens, require_free_port


def refusal(host: str, port: int) -> str:
    with pytest.raises(EmbeddedError) as caught:
        require_free_port(host, port)
    return str(caught.value)


def test_taken_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(("127.0.0.1", port))
        assert refusal("127.0.0.1", port) == (
            f"Port {port} is in use: stop what uses it, or choose another one (make run PORT=8123)."
        )


def test_free_port_is_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    require_free_port("127.0.0.1", port)
    assert not listens(("127.0.0.1", port))


def test_number_that_is_no_port_is_named() -> None:
    assert refusal("127.0.0.1", 70_000) == "70000 is no port: use a number from 1 to 65535."


def test_address_of_another_machine_is_named() -> None:
    assert refusal("192.0.2.1", 8000) == (
        "192.0.2.1 is no address of this machine: use 127.0.0.1, or 0.0.0.0 for every address."
    )
