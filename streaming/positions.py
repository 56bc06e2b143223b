"""Positions in a stream: offsets in UTF-16 units, as browsers count, so that a resume is a slice. Pure."""

from __future__ import annotations

CODEC = "utf-16-le"  # two bytes a unit, without a byte-order mark
LOW_SURROGATES = range(0xDC00, 0xE000)


class Text:
    """A growing text that can be cut at any UTF-16 offset in time proportional to the cut."""

    def __init__(self, text: str = "") -> None:
        self._units = bytearray(text.encode(CODEC, "replace"))

    def __len__(self) -> int:
        """The length in UTF-16 units."""
        return len(self._units) // 2

    def __str__(self) -> str:
        return self._units.decode(CODEC)

    def add(self, text: str) -> None:
        # A lone surrogate cannot be stored or sent; it becomes "?", one unit as before, so that no offset moves.
        self._units += text.encode(CODEC, "replace")

    def since(self, at: int) -> tuple[int, str]:
        """The text from `at` on, and where it really begins: a position inside a character moves to its start."""
        start = self.start_of_character(max(0, min(at, len(self))))
        return start, self._units[2 * start :].decode(CODEC)

    def between(self, start: int, end: int) -> str:
        """The text of a block; its borders never stand inside a character."""
        return self._units[2 * start : 2 * end].decode(CODEC)

    def start_of_character(self, at: int) -> int:
        unit = int.from_bytes(self._units[2 * at : 2 * at + 2], "little")
        return at - 1 if unit in LOW_SURROGATES else at


def length(text: str) -> int:
    """How many UTF-16 units a text has."""
    return len(text.encode(CODEC, "surrogatepass")) // 2
