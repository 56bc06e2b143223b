"""Generation: what a generator gives, piece by piece, and which one this help center uses."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast, runtime_checkable

from django.conf import settings
from django.utils.module_loading import import_string

from kb.grounding import Prompt


@dataclass(frozen=True)
class Text:
    """The next piece of the answer, Markdown."""

    text: str


@dataclass(frozen=True)
class Cite:
    """What was just written rests on sentences start to end (exclusive) of the source with this number."""

    source: int
    start: int
    end: int


@dataclass(frozen=True)
class Usage:
    """What one call of the model cost, in tokens; one for each call, so add them up.

    `input` counts neither `cache_read` nor `cache_write`. `stop_reason` is the model's own word, None if cut off.
    """

    model: str
    input: int
    output: int
    cache_read: int
    cache_write: int
    stop_reason: str | None


Delta = Text | Cite | Usage


class Generator(Protocol):
    """Writes an answer from a prompt.

    `stream` raises kb.errors.ProviderError when it cannot begin or go on; what was given before stays valid, and a
    `Usage` comes before the error if the call was billed. Closing or cancelling the iterator ends the model's call.
    """

    name: str

    def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]: ...


@runtime_checkable
class Paid(Generator, Protocol):
    """A generator whose calls cost money, so they are counted, limited, and not made twice for the same request."""

    def request(self, prompt: Prompt) -> dict[str, Any]:
        """All that is sent, and so all that decides the answer: `model`, `max_tokens`, the messages … as JSON."""


@cache
def get_generator() -> Generator:
    """The generator that settings.GENERATOR names, one for the process."""
    return cast(Generator, import_string(settings.GENERATOR)())


@cache
def get_quoting() -> Generator:
    """The generator that needs nobody else, and takes over when another one fails."""
    return cast(Generator, import_string("kb.providers.quoting.QuotingGenerator")())
