"""Sources to answer from, and the loopback server that stands in for the Messages API."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from kb.generation import Cite, Delta, Text
from kb.grounding import Prompt, Source, sentences_of
from kb.providers.anthropic import AnthropicGenerator
from tests.loopback.serving import LoopbackServer, serving

RESTORE = """\
Every explicit save makes a version that never changes.
To restore an older version:
1. Open the article in the editor and choose History.
2. Find the version you want and press Compare to see what differs.
3. Press Restore; the old text becomes a new version.
The version you restored is a draft until you publish it."""
INDEX = """\
After publishing, the index follows in about 2 seconds. Until then answers use the version before.
Run this to see how far it is:
```shell
python manage.py index_status --json
```"""


@pytest.fixture(scope="session")
def loopback() -> Iterator[LoopbackServer]:
    with serving() as server:
        yield server


@pytest.fixture
def anthropic(loopback: LoopbackServer, settings: Settings) -> AnthropicGenerator:
    settings.ANTHROPIC_BASE_URL = loopback.url
    settings.ANTHROPIC_API_KEY = "a-key"
    settings.ANTHROPIC_MODEL = "claude-sonnet-5-5"
    settings.ANTHROPIC_MAX_TOKENS = 500
    settings.ANTHROPIC_FIRST_TOKEN_SECONDS = 5.0
    settings.ANTHROPIC_TOTAL_SECONDS = 10.0
    return AnthropicGenerator()


def make_source(
    text: str, *, number: int = 1, title: str = "Restore a version", path: tuple[str, ...] = ("Steps",)
) -> Source:
    """A source as retrieval would number it, each line of the text on a source line of its own from 10 on."""
    return Source(
        number=number,
        article_id=number,
        slug=title.lower().replace(" ", "-"),
        title=title,
        collection="writing",
        heading_path=path,
        anchor="s-steps",
        version_id=number,
        version_number=3,
        passage_id=number,
        text=text,
        sentences=sentences_of(text, range(10, 11 + text.count("\n"))),
        score=1.0,
        updated=datetime(2026, 11, 1, tzinfo=UTC),
    )


def prompt(question: str) -> Prompt:
    return Prompt(
        question, (make_source(RESTORE), make_source(INDEX, number=2, title="How the index catches up", path=()))
    )


async def collect(stream: AsyncIterator[Delta]) -> list[Delta]:
    return [delta async for delta in stream]


def written(deltas: Sequence[Delta]) -> str:
    """The answer as it would be stored: the text with a mark for each citation."""
    parts = []
    for delta in deltas:
        if isinstance(delta, Text):
            parts.append(delta.text)
        elif isinstance(delta, Cite):
            parts.append(f"⟦{delta.source}⟧")
    return "".join(parts)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again after 10 ms instead of up to a second."""
    monkeypatch.setattr("kb.providers.anthropic.WAITS", (0.01, 0.01))
