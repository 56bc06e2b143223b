"""How far an answer has come, in memory or as its row says, and what of it one follower has not seen. No sockets."""

from __future__ import annotations

from collections.abc import Iterator

from kb import recalling, statuses
from kb.grounding import Source
from kb.models import Answer
from streaming.positions import Text
from streaming.protocol import Done, Event, Found, Piece, Status


class Progress:
    """An answer as far as it is written. `sources`: None while they are looked for. `state`: empty while it goes on."""

    def __init__(self, text: str = "", *, sources: tuple[Source, ...] | None = None, state: str = "") -> None:
        self.text = Text(text)
        self.sources = sources
        self.state = state
        self.cited = recalling.cited_in(text)

    @classmethod
    def of(cls, answer: Answer) -> Progress:
        """As the row says; reads the sources from the database."""
        sources = recalling.sources_of(answer) or None
        return cls(answer.text, sources=sources, state=answer.state if answer.is_finished else "")

    def status(self) -> str:
        found = None if self.sources is None else len(self.sources)
        return statuses.writing(found, len(self.cited), begun=len(self.text) > 0)


class Follower:
    """One reader's own position: a slow one is simply behind, and holds nothing and nobody up."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.done = False
        self._has_sources = at > 0  # whoever has text has got the sources before it
        self._status = ""

    def news(self, progress: Progress) -> Iterator[Event]:
        """What this follower has not seen yet, in the order in which it belongs."""
        if progress.sources is not None and not self._has_sources:
            self._has_sources = True
            yield Found(progress.sources)
        if not progress.state and (status := progress.status()) != self._status:
            self._status = status
            yield Status(self.at, status)
        start, text = progress.text.since(self.at)
        if text:
            self.at = len(progress.text)
            yield Piece(start, text)
        if progress.state:
            self.done = True
            yield Done(self.at, progress.state)
