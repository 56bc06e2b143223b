"""The tests reach nobody: every connection that would leave this machine is refused, and these tests prove it."""

import asyncio
import http.client
import socket
import urllib.request

import httpx2
import pytest

from tests.conftest import NetworkBlocked

ABROAD = "192.0.2.1"  # RFC 5737: an address for documentation, which nobody has


def test_a_connection_to_another_machine_is_refused() -> None:
    with pytest.raises(NetworkBlocked, match=f"tried to reach {ABROAD}"), socket.socket() as client:
        client.connect((ABROAD, 80))


def test_a_connection_over_ipv6_is_refused() -> None:
    with pytest.raises(NetworkBlocked), socket.socket(socket.AF_INET6) as client:
        client.connect(("2001:db8::1", 80))
