"""The long proof of `make proof`: a hundred answers, each cut in one of the ways a reader's network and a server can.

A reader here does what the page's script does: it keeps its text and its position, and follows anew from there. Two
servers and no stickiness: each connection may reach another one, as behind a proxy.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import websockets

from kb.models import Answer
from streaming import runs
from tests.streaming.conftest import QUESTION, SESSION, row
from tests.streaming.test_daphne import Site, daphne

pytestmark = pytest.mark.proof
ROUNDS = {"cut socket": 30, "reload": 20, "second tab": 15, "bounce": 15, "stop elsewhere": 15, "kill -9": 5}
FASTER = {"QUOTING_PACE": "0.14", "RUN_STALE_SECONDS": "2", "SOCKETS_AT_ONCE": "1000", "ANSWERS_AT_ONCE": "1000"}


@dataclass
class Reader:
    """What a page has: the text in UTF-16 units, the state at the end, and how many units came more than once."""

    units: bytes = b""
    blocks: int = 0
    state: str = ""
    twice: int = 0
    seen: list[int] = field(default_factory=list)

    @property
    def at(self) -> int:
        return len(self.units) // 2

    @property
    def text(self) -> str:
        return self.units.decode("utf-16-le")

    def take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "token":
            assert frame["at"] <= self.at, f"a gap at {self.at}: {frame}"
            fresh = frame["text"].encode("utf-16-le")
            known = 2 * (self.at - frame["at"])
            assert self.units[2 * frame["at"] :] == fresh[:known], "what came twice differs"
            self.twice += known // 2
            self.units += fresh[known:]
        elif frame["type"] == "block":
            assert self.blocks == frame["at"] <= frame["end"] <= self.at, f"a block out of order: {frame}"
            self.blocks = frame["end"]
        elif frame["type"] == "done":
            assert frame["at"] == self.at
            self.state = frame["state"]


@pytest.fixture
def sites(ask: Callable[..., Answer], tmp_path: Path) -> Iterator[list[Site]]:
    with ExitStack() as stack:
        yield [stack.enter_context(daphne(tmp_path, **FASTER)) for _ in range(2)]


async def follow(site: Site, answer: Answer, reader: Reader, *, pieces: int = 0) -> None:
    """Follow from where the reader is, to the end or for so many pieces of text; then the socket is cut off."""
    headers = {"Cookie": f"sessionid={SESSION}"}
    address = f"ws://{site.host}/ws/answers/{answer.pk}/"
    with suppress(OSError, websockets.WebSocketException):
        async with websockets.connect(address, additional_headers=headers, origin=f"http://{site.host}") as wire:
            await wire.send(json.dumps({"type": "follow", "at": reader.at, "block": reader.blocks}))
            heard = 0
            async for message in wire:
                reader.take(json.loads(message))
                heard += '"token"' in str(message)
                if reader.state or (pieces and heard >= pieces):
                    wire.transport.abort()
                    return


async def to_the_end(sites: Sequence[Site], answer: Answer, reader: Reader) -> None:
    async with asyncio.timeout(60):
        while not reader.state:
            await follow(random.choice(sites), answer, reader)
            await asyncio.sleep(0.05)


async def one(kind: str, sites: Sequence[Site], answer: Answer) -> list[Reader]:
    """One answer, cut in this way; every reader of it at the end."""
    reader, other = Reader(), Reader()
    match kind:
        case "cut socket":
            while not reader.state and reader.at < 400:
                await follow(sites[0], answer, reader, pieces=random.randint(1, 6))
        case "reload":
            await follow(sites[0], answer, Reader(), pieces=random.randint(1, 12))
        case "second tab":
            await follow(sites[0], answer, reader, pieces=random.randint(1, 8))
            await asyncio.gather(to_the_end(sites[:1], answer, reader), to_the_end(sites[:1], answer, other))
        case "bounce":
            while not reader.state:
                await follow(random.choice(sites), answer, reader, pieces=random.randint(1, 5))
        case "stop elsewhere":
            watching = asyncio.create_task(to_the_end(sites[:1], answer, reader))
            await follow(sites[1], answer, other, pieces=random.randint(1, 6))
            await stop(sites[1], answer)
            await watching
        case "kill -9":
            await follow(sites[0], answer, reader, pieces=random.randint(2, 8))
            sites[0].process.kill()
            await to_the_end(sites[1:], answer, reader)
            return [reader]
    await to_the_end(sites, answer, reader)
    return [reader] if not other.at else [reader, other]


async def stop(site: Site, answer: Answer) -> None:
    headers = {"Cookie": f"sessionid={SESSION}"}
    address = f"ws://{site.host}/ws/answers/{answer.pk}/"
    async with websockets.connect(address, additional_headers=headers, origin=f"http://{site.host}") as wire:
        await wire.send('{"type":"stop"}')
        await asyncio.sleep(0.3)


async def test_a_hundred_cut_answers_are_byte_exact_or_an_honest_partial(
    ask: Callable[..., Answer], sites: list[Site], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random.seed(20261123)
    exact: Counter[str] = Counter()
    states: Counter[str] = Counter()
    twice = 0
    for kind, rounds in ROUNDS.items():
        for _ in range(rounds):
            with ExitStack() as stack:
                here = sites
                if kind == "kill -9":
                    here = [stack.enter_context(daphne(tmp_path, **FASTER)), sites[1]]
                answer = await runs.database(ask)(QUESTION)
                readers = await one(kind, here, answer)
            stored = await row(answer)
            ended = {reader.state for reader in readers if reader.state}
            honest = stored.text.startswith(readers[0].text) or readers[0].text.startswith(stored.text)
            same = all(stored.text.startswith(one.text) for one in readers) and readers[0].text == stored.text
            exact[kind] += ended == {stored.state} and (same or (kind == "kill -9" and honest))
            states[f"{kind}: {stored.state}"] += 1
            twice += sum(one.twice for one in readers)
    with capsys.disabled():
        print("\nbyte-exact at the end, of so many cut answers")
        for kind, rounds in ROUNDS.items():
            print(f"  {kind:15} {exact[kind]:3} of {rounds}")
        print(f"  {'all':15} {exact.total():3} of {sum(ROUNDS.values())}; characters sent twice: {twice}")
        print(f"  {dict(states)}")
    assert exact == Counter(ROUNDS)
    assert twice == 0
    assert states["stop elsewhere: stopped"] >= ROUNDS["stop elsewhere"] - 3  # a stop may come too late
    assert states["kill -9: interrupted"] + states["kill -9: answered"] == ROUNDS["kill -9"]
