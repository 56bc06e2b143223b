"""How far an answer has come, in memory or as its row says, and what of it one follower has not seen. No sockets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from kb import recalling, statuses
from kb.grounding import Source
from kb.models import Answer
from streaming.blocks import Blocks
from streaming.positions import Text
from streaming.protocol import Block, Done, Event, Found, Piece, Status


class Progress:
    """An answer as far as it is written. `sources`: None while they are looked for. `state`: empty while it goes on."""

    def __init__(
        self, text: str = "", *, sources: tuple[Source, ...] | None = None, searched: str = "", state: str = ""
    ) -> None:
        self.text = Text(text)
        self.blocks = Blocks(text)
        self.sources = sources
        self.searched = searched
        self.state = state
        self.cited = recalling.cited_in(text)
        self.status = self._writing()
        self._latest: tuple[int, int, Piece] | None = None

    @classmethod
    def of(cls, answer: Answer) -> Progress:
        """As the row says; reads the sources from the database."""
        sources = recalling.sources_of(answer) or None
        state = answer.state if answer.is_finished else ""
        return cls(answer.text, sources=sources, searched=answer.searched, state=state)

    def found(self, sources: tuple[Source, ...], searched: str) -> None:
        self.sources, self.searched = sources, searched
        self.status = self._writing()

    def add(self, text: str) -> None:
        begins = not len(self.text)
        self.text.add(text)
        self.blocks.add(text)
        if begins or "⟧" in text:  # a mark always comes in one piece
            self.cited |= recalling.cited_in(text)
            self.status = self._writing()

    def check(self) -> None:
        self.status = statuses.CHECKING

    def since(self, at: int) -> Piece | None:
        """The text from `at` on, if there is any; followers who are equally far get the same piece."""
        end = len(self.text)
        if at >= end:
            return None
        if self._latest is None or self._latest[:2] != (at, end):
            self._latest = at, end, Piece(*self.text.since(at))
        return self._latest[2]

    def _writing(self) -> str:
        found = None if self.sources is None else len(self.sources)
        return statuses.writing(found, len(self.cited), begun=len(self.text) > 0)


class Follower:
    """One reader's own position: a slow one is simply behind, and holds nothing and nobody up."""

    def __init__(self, at: int, block: int | None = None) -> None:
        self.at = at
        self.block = at if block is None else block  # where the first block begins that is not rendered there yet
        self.done = False
        self._has_sources = at > 0  # whoever has text has got the sources before it
        self._status = ""

    def news(self, progress: Progress) -> Iterator[Event]:
        """What this follower has not seen yet, in the order in which it belongs."""
        if progress.sources is not None and not self._has_sources:
            self._has_sources = True
            yield Found(progress.sources, progress.searched)
        if not progress.state and progress.status != self._status:
            self._status = progress.status
            yield Status(self.at, progress.status)
        if piece := progress.since(self.at):
            self.at = len(progress.text)
            yield piece
        if progress.state:
            self.done = True
            yield Done(self.at, progress.state)
        else:  # at the end comes the whole page, checked
            yield from self._finished(progress)

    def _finished(self, progress: Progress) -> Iterator[Block]:
        for end in progress.blocks.ends[bisect_right(progress.blocks.ends, self.block) :]:
            yield Block(self.block, end, progress.text.between(self.block, end), progress.sources or ())
            self.block = end
