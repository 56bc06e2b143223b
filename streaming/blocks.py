"""Which blocks of a growing Markdown text are finished: nothing that comes later can change how they read. Pure."""

from __future__ import annotations

import re

from streaming import positions

LIST_ITEM = re.compile(r"(?:[-*+•]|\(?\d{1,9}[.)])(?:\s|$)")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
FIRST_WORD = re.compile(r"\s*\S+\s")  # tells whether a line begins a list item


class Blocks:
    """The ends of the finished blocks, offsets in UTF-16 units; each begins where the one before it ends.

    A block ends at a blank line outside code, unless what follows belongs to the same list or is indented. Work is
    proportional to what is added.
    """

    def __init__(self, text: str = "") -> None:
        self.ends: list[int] = []
        self._line: list[str] = []  # what has come of it
        self._at = 0  # where the line begins
        self._fence = ""
        self._gap = 0  # behind the blank line that may have ended the block; 0 without one
        self._open = False  # whether the block holds anything yet
        self._list = False
        self.add(text)

    def add(self, text: str) -> None:
        self._line.append(text)
        if not self._gap and "\n" not in text:  # nearly every piece
            return
        *closed, last = "".join(self._line).split("\n")
        for line in closed:
            self._begin(line)
            self._close(line)
        self._line = [last]
        if self._gap and FIRST_WORD.match(last):
            self._begin(last)

    def _begin(self, line: str) -> None:
        """A line that holds something, after a gap: it goes on with the block, or ends it."""
        if self._fence or not line.strip():
            return
        item = bool(LIST_ITEM.match(line))
        if self._gap and not line[0].isspace() and not (item and self._list):
            self.ends.append(self._gap)
            self._open = False
        self._gap = 0
        if not self._open:
            self._open, self._list = True, item

    def _close(self, line: str) -> None:
        self._at += positions.length(line) + 1
        fence = FENCE.match(line)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not line.strip().strip(self._fence[0]):
                self._fence = ""
        elif fence:
            self._fence = fence[1]
        elif not line.strip() and self._open:
            self._gap = self._at
