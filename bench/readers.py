"""Many readers of one server in one process: a client that only counts, so that it is not what is measured."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import time
from dataclasses import dataclass, field

CONNECT_SECONDS = 60.0


@dataclass
class Reader:
    """What one socket received: when each frame with text came (seconds), and the bytes of all frames."""

    tokens: list[float] = field(default_factory=list)
    asked: float = 0.0
    sources: float = 0.0
    frames: int = 0
    size: int = 0
    text: int = 0  # bytes of text
    done: bool = False

    def take(self, payload: bytes) -> None:
        now = time.perf_counter()
        self.frames += 1
        self.size += len(payload)
        if payload.startswith(b'{"type":"token"'):
            self.tokens.append(now)
            self.text += len(json.loads(payload)["text"].encode())
        elif payload.startswith(b'{"type":"sources"'):
            self.sources = now
            self.size -= len(payload)  # the list of sources is no text of the answer
        elif payload.startswith(b'{"type":"done"'):
            self.done = True


async def read(host: str, path: str, reader: Reader, *, cookie: str = "") -> None:
    """Follow an answer to its end; cancel to leave."""
    name, port = host.split(":")
    stream, out = await asyncio.wait_for(asyncio.open_connection(name, int(port)), CONNECT_SECONDS)
    try:
        key = base64.b64encode(os.urandom(16)).decode()
        out.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: {cookie}\r\n\r\n".encode()
        )
        head = await asyncio.wait_for(stream.readuntil(b"\r\n\r\n"), CONNECT_SECONDS)
        if b" 101 " not in head.split(b"\r\n")[0] + b" ":
            raise ConnectionError(head.decode())
        reader.asked = time.perf_counter()
        send(out, b'{"type":"follow","at":0}')
        while not reader.done:
            opcode, payload = await frame(stream)
            if opcode == 8:
                return
            if payload.startswith(b'{"type":"beat"'):
                send(out, payload)
            reader.take(payload)
    finally:
        out.close()


async def frame(stream: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next frame: its opcode and payload. Source: RFC 6455, section 5.2; servers mask nothing."""
    first, second = await stream.readexactly(2)
    size = second & 127
    if size == 126:
        (size,) = struct.unpack(">H", await stream.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack(">Q", await stream.readexactly(8))
    return first & 15, await stream.readexactly(size)


def send(out: asyncio.StreamWriter, payload: bytes) -> None:
    """A text frame; a client's is masked, here with zeros."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack(">BH", 0xFE, len(payload))
    out.write(b"\x81" + size + b"\0\0\0\0" + payload)
