"""The tests reach nobody: whatever would leave this machine is refused, by whichever way it goes."""

from __future__ import annotations

import asyncio
import socket
import traceback
import urllib.request
from collections.abc import Callable

import pytest
from anthropic import Anthropic, APIConnectionError

from tests.conftest import NetworkBlocked

ABROAD = "192.0.2.1"  # RFC 5737: an address for documentation, which nobody has


def connect() -> None:
    with socket.socket() as client:
        client.connect((ABROAD, 80))


def connect_quietly() -> None:
    with socket.socket() as client:
        client.connect_ex((ABROAD, 80))


def connect_over_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as client:
        client.connect(("2001:db8::1", 80))


def send_a_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"hello", (ABROAD, 53))


def look_up_a_name() -> None:
    socket.create_connection(("example.org", 80))


def open_an_address() -> None:
    urllib.request.urlopen(f"http://{ABROAD}/", timeout=1)


def connect_in_a_loop() -> None:
    asyncio.run(asyncio.open_connection(ABROAD, 80))


@pytest.mark.parametrize(
    "way",
    [connect, connect_quietly, connect_over_ipv6, send_a_datagram, look_up_a_name, open_an_address, connect_in_a_loop],
)
def test_no_way_leads_off_this_machine(way: Callable[[], None]) -> None:
    with pytest.raises(NetworkBlocked, match="Tests may not leave this machine"):
        way()


def test_the_real_client_of_the_model_service_is_stopped_too() -> None:
    client = Anthropic(api_key="never-sent", max_retries=0)
    with client, pytest.raises((APIConnectionError, NetworkBlocked)) as caught:
        client.messages.create(model="none", max_tokens=1, messages=[{"role": "user", "content": "hello"}])
    assert "NetworkBlocked" in "".join(traceback.format_exception(caught.value))


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
