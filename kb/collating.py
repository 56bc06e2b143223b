"""Two versions as readers see them: block beside block, the words that differ marked in the rendered text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import groupby
from typing import Literal

from kb import diffing, markdown
from kb.diffing import Part

Kind = Literal["same", "changed", "restyled", "added", "removed", "fold"]

TAG = re.compile(r'(<(?:"[^"]*"|[^">])*>)')
BREAK = re.compile(r"[\r\n]")
BESIDE = 1  # unchanged blocks shown around a change


@dataclass(frozen=True)
class Pair:
    """A block of the old version beside one of the new, as safe HTML; "restyled": other marks on the same words."""

    kind: Kind
    old: str = ""
    new: str = ""
    folded: int = 0


def collate(old: str, new: str) -> list[Pair]:
    """The whole comparison, top to bottom; blocks far from any change are folded."""
    before, after = markdown.pieces(old), markdown.pieces(new)
    lines = ("\n".join(map(flat, side)) for side in (before, after))
    rows = diffing.rows(*lines, context=len(before) + len(after))
    return list(fold([pair(row, before, after) for row in rows]))


def flat(piece: str) -> str:
    """A block's text on one line, character by character as its HTML has it; never empty."""
    return BREAK.sub(" ", "".join(unescape(text) for text in TAG.split(piece)[::2])) or " "


def pair(row: diffing.Row, before: Sequence[str], after: Sequence[str]) -> Pair:
    old = before[row.old_number - 1] if row.old_number else ""
    new = after[row.new_number - 1] if row.new_number else ""
    if row.kind == "changed":
        return Pair("changed", marked(old, row.old, "del"), marked(new, row.new, "ins"))
    if row.kind == "same" and old != new:
        return Pair("restyled", old, new)
    return Pair(row.kind, old, new)


def marked(piece: str, parts: Sequence[Part], name: str) -> str:
    """The block with its changed words in an element of this name. Tags stay as they are, so what was safe is safe."""
    changed = [part.changed for part in parts for _ in part.text]
    made, at = [], 0
    for place, text in enumerate(TAG.split(piece)):
        if place % 2:
            made.append(text)
            continue
        plain = unescape(text)
        made += runs(plain, changed[at : at + len(plain)], name)
        at += len(plain)
    return "".join(made)


def runs(text: str, changed: Sequence[bool], name: str) -> Iterator[str]:
    for is_changed, run in groupby(zip(text, changed, strict=False), key=lambda pair: pair[1]):
        words = "".join(character for character, _ in run)
        wraps = is_changed and not words.isspace()  # between the items of a list nothing but items may stand
        yield f"<{name}>{escape(words)}</{name}>" if wraps else escape(words)


def fold(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Leave out unchanged blocks farther than BESIDE from any change."""
    changes = [place for place, one in enumerate(pairs) if one.kind != "same"]
    near = {place + away for place in changes for away in range(-BESIDE, BESIDE + 1)}
    for is_near, run in groupby(range(len(pairs)), key=lambda place: place in near):
        shown = [pairs[place] for place in run]
        if is_near or len(shown) == 1:
            yield from shown
        else:
            yield Pair("fold", folded=len(shown))
