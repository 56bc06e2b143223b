"""Where the words of an answer come from: the generator, a text kept from before, or the articles' own words.

When the generator fails, or may cost no more today, before anything was shown, quoting takes over and says so; after
that what was written stays, and the fault is told.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings

from kb import replaying, spending
from kb.errors import ProviderError
from kb.generation import Delta, Generator, Paid, Text, get_generator, get_quoting
from kb.grounding import Prompt
from kb.replaying import Replayed

log = logging.getLogger(__name__)
INSTEAD = "Here are the articles’ own words instead."
UNUSABLE = "The model service cannot be used just now."


@dataclass(frozen=True)
class Note:
    """Who writes, when it is not the generator and not now, with a remark for the reader."""

    generator: str
    message: str
    replayed: datetime | None = None


async def deltas(prompt: Prompt) -> AsyncGenerator[Delta | Note, None]:
    """What an answer to this prompt is made of. Raises ProviderError when it cannot begin or go on."""
    generator = get_generator()
    shown = False
    try:
        async with aclosing(given(generator, prompt)) as found:
            async for delta in found:
                shown = shown or isinstance(delta, Text)
                yield delta
        return
    except ProviderError as error:
        if shown or generator.name == get_quoting().name:
            raise
        failure = error
    log.warning("quoting takes over: %s", failure)
    yield Note(get_quoting().name, f"{told(failure)} {INSTEAD}")
    async with aclosing(get_quoting().stream(prompt)) as quoted:
        async for delta in quoted:
            yield delta


def told(failure: ProviderError) -> str:
    """The fault as a reader should hear it: its first sentence; what only the operator can mend is in the log."""
    return UNUSABLE if failure.private else str(failure).split(". ")[0].rstrip(".") + "."


async def given(generator: Generator, prompt: Prompt) -> AsyncGenerator[Delta | Note, None]:
    """The generator's deltas; of one that costs money those kept, if the very same was asked before."""
    source: AsyncGenerator[Delta | Replayed, None] | AsyncGenerator[Delta, None]
    if not isinstance(generator, Paid):
        source = generator.stream(prompt)
    elif settings.ANSWER_CACHE_DAYS:
        key, make = replaying.key_of(generator, prompt), partial(spending.billed, generator, prompt)
        source = replaying.shared(key, make, anew=prompt.anew)
    else:
        source = spending.billed(generator, prompt)
    async with aclosing(source) as found:
        async for delta in found:
            yield Note(generator.name, "", delta.at) if isinstance(delta, Replayed) else delta
