"""Follow-up questions made to stand alone before anything is looked for: by the model, where one is paid for.

Without a model, or when it fails, is too slow or may cost no more today, the rule of kb.following does it. What the
model gives is used for searching alone, and shown; the answer is written to the question as it was asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing

from django.conf import settings

from kb import drafting, following
from kb.errors import ProviderError
from kb.generation import Paid, Text, Usage, get_generator
from kb.grounding import Prompt, Turn

log = logging.getLogger(__name__)
SECONDS = 5.0  # for a reader who waits and sees nothing yet


async def standalone(question: str, history: Sequence[Turn]) -> tuple[str, tuple[Usage, ...]]:
    """What to search for, and what finding that out has cost."""
    generator = get_generator()
    by_rule = following.standalone(question, history)
    if not history or not isinstance(generator, Paid):
        return by_rule, ()
    calls: list[Usage] = []
    try:
        async with asyncio.timeout(SECONDS):
            text = await written(generator, Prompt(question, (), tuple(history), task="standalone"), calls)
    except (ProviderError, TimeoutError) as error:
        log.warning("a follow-up is made to stand alone by rule: %s", str(error) or "the model was too slow")
        return by_rule, tuple(calls)
    return text if 0 < len(text) <= settings.QUESTION_LIMIT else by_rule, tuple(calls)


async def written(generator: Paid, prompt: Prompt, calls: list[Usage]) -> str:
    """The question that the model gives, on one line and without quotation marks around it."""
    parts = []
    async with aclosing(drafting.given(generator, prompt)) as deltas:
        async for delta in deltas:
            if isinstance(delta, Text):
                parts.append(delta.text)
            elif isinstance(delta, Usage):
                calls.append(delta)
    return " ".join("".join(parts).split()).strip('"“”„«»')
