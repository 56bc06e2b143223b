"""What both servers of bench.streaming send: words in a steady beat, as a generator and as a bare consumer."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator

from kb.generation import Cite, Delta, Text, Usage
from kb.grounding import Prompt

PACE = float(os.environ.get("BENCH_PACE", "0.02"))  # seconds a token
TOKENS = int(os.environ.get("BENCH_TOKENS", "1000"))
WORDS = ("restore ", "a version ", "and press ", "the button ", "that says ", "so. ")


def word(number: int) -> str:
    """The token with this number; a paragraph ends now and then."""
    return "end.\n\n" if number % 80 == 79 else WORDS[number % len(WORDS)]


async def beats() -> AsyncIterator[int]:
    """Numbers from 0 on, at the times they are due; a late one is not waited for."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(TOKENS):
        yield number
        await asyncio.sleep(max(0.0, begun + (number + 1) * PACE - loop.time()))


class Metronome:
    """A generator that costs nothing but its beat, with a citation every twenty tokens."""

    name = "metronome"

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        async for number in beats():
            yield Text(word(number))
            if number % 20 == 19 and prompt.sources:
                yield Cite(prompt.sources[0].number, 0, 1)
        yield Usage("metronome", 0, 0, 0, 0, "end_turn")


async def send_all(send: object) -> None:
    at = 0
    async for number in beats():
        text = word(number)
        await send(json.dumps({"type": "token", "at": at, "text": text}, separators=(",", ":")))  # type: ignore[operator]
        at += len(text)
    await send(json.dumps({"type": "done", "at": at, "state": "answered"}, separators=(",", ":")))  # type: ignore[operator]
