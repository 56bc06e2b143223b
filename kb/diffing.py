"""What changed between two texts: rows for a side-by-side view, word by word, with unchanged runs folded. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "changed", "added", "removed", "fold"]

WORDS = re.compile(r"\s+|\w+|[^\w\s]")
ALIKE = 0.5  # of two lines, from which on they are shown as one line that changed
MANY = 200  # lines: a longer replaced run is paired in order, for comparing each with each would be quadratic


@dataclass(frozen=True)
class Part:
    """A run of a line, changed or not."""

    text: str
    changed: bool


@dataclass(frozen=True)
class Row:
    """A line of the old text beside a line of the new one; "fold" stands for `folded` unchanged lines left out."""

    kind: Kind
    old_number: int | None
    new_number: int | None
    old: tuple[Part, ...] = ()
    new: tuple[Part, ...] = ()
    folded: int = 0


def rows(old: str, new: str, *, context: int = 3) -> list[Row]:
    """The whole comparison, top to bottom, with `context` unchanged lines around each change."""
    before, after = old.splitlines(), new.splitlines()
    found: list[Row] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            found += [same(before[i], i + 1, j + 1) for i, j in zip(range(i1, i2), range(j1, j2), strict=True)]
        else:
            found += replaced(before[i1:i2], after[j1:j2], i1, j1)
    return list(fold(found, context))


def same(line: str, old_number: int, new_number: int) -> Row:
    parts = (Part(line, False),)
    return Row("same", old_number, new_number, parts, parts)


def replaced(before: Sequence[str], after: Sequence[str], old_from: int, new_from: int) -> Iterator[Row]:
    """Lines that were replaced by others: those that are alike stand beside each other."""
    at_old = at_new = 0
    for i, j in [*pairs(before, after), (len(before), len(after))]:
        for k in range(at_old, i):
            yield Row("removed", old_from + k + 1, None, old=(Part(before[k], True),))
        for k in range(at_new, j):
            yield Row("added", None, new_from + k + 1, new=(Part(after[k], True),))
        if i < len(before) and j < len(after):
            left, right = words(before[i], after[j])
            yield Row("changed", old_from + i + 1, new_from + j + 1, left, right)
        at_old, at_new = i + 1, j + 1


def pairs(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Places of lines that are alike, in order on both sides; each new line takes the first old one that fits."""
    if max(len(before), len(after)) > MANY:
        return [(i, i) for i in range(min(len(before), len(after))) if alike(before[i], after[i])]
    found: list[tuple[int, int]] = []
    start = 0
    for j, line in enumerate(after):
        match = next((i for i in range(start, len(before)) if alike(before[i], line)), None)
        if match is not None:
            found.append((match, j))
            start = match + 1
    return found


def alike(old: str, new: str) -> bool:
    """Whether two lines share enough words, by the bag of their words."""
    left, right = WORDS.findall(old), WORDS.findall(new)
    if not old.strip() or not new.strip():
        return False
    return SequenceMatcher(None, left, right, autojunk=False).quick_ratio() >= ALIKE


def words(old: str, new: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both lines as runs of words, with what differs marked."""
    left, right = WORDS.findall(old), WORDS.findall(new)
    old_parts, new_parts = [], []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if i1 < i2:
            old_parts.append(Part("".join(left[i1:i2]), kind != "equal"))
        if j1 < j2:
            new_parts.append(Part("".join(right[j1:j2]), kind != "equal"))
    return tuple(old_parts), tuple(new_parts)


def fold(found: Sequence[Row], context: int) -> Iterator[Row]:
    """Leave out unchanged lines farther than `context` from any change."""
    changed = [place for place, row in enumerate(found) if row.kind != "same"]
    near = {place + away for place in changed for away in range(-context, context + 1)}
    hidden: list[Row] = []
    for place, row in enumerate(found):
        if place in near:
            yield from folded(hidden)
            hidden = []
            yield row
        else:
            hidden.append(row)
    yield from folded(hidden)


def folded(hidden: Sequence[Row]) -> Iterator[Row]:
    if len(hidden) == 1:
        yield hidden[0]
    elif hidden:
        yield Row("fold", hidden[0].old_number, hidden[0].new_number, folded=len(hidden))
