"""Two texts that grew out of one: both changes in one text where they do not touch, both readings where they do. Pure.

A change is a run of lines of the common text and what stands there instead. Two changes touch when their runs overlap,
or when both insert at one place; then the same is tried sentence by sentence. What is left is marked in plain words,
for a person to choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kb import diffing

MARK = "⚠⚠⚠"  # begins a line; no text of an article does
PIECE = re.compile(r"[^.!?\n]*(?:[.!?]+(?=\s)|\n|\Z)[ \t]*\n?|[^\n]+")


@dataclass(frozen=True)
class Merged:
    """The text with both changes, and how many places a person has to decide."""

    text: str
    conflicts: int


@dataclass(frozen=True)
class Change:
    """Instead of base[start:end] stands `new`."""

    start: int
    end: int
    new: tuple[str, ...]


@dataclass(frozen=True)
class Region:
    """A run of the common text that was changed, as both sides have it; None: by one side only, or alike."""

    agreed: tuple[str, ...] | None
    base: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    yours: tuple[str, ...] = ()


def merge(base: str, theirs: str, yours: str, *, their_name: str) -> Merged:
    """Both changes of a text. `their_name` stands before their reading where the two touch."""
    made: list[str] = []
    conflicts = 0
    for region in regions(lines(base), lines(theirs), lines(yours)):
        agreed = region.agreed if region.agreed is not None else by_sentence(region)
        if agreed is None:
            conflicts += 1
            agreed = marked(region, their_name)
        made += agreed
    return Merged("".join(made).removesuffix("\n"), conflicts)


def undecided(text: str) -> list[int]:
    """The lines (1-based) that still ask a person to choose."""
    return [number for number, line in enumerate(text.split("\n"), 1) if line.startswith(MARK)]


def lines(text: str) -> list[str]:
    """Each with its end, the last one too, so that lines can be put together in any order."""
    return [f"{line}\n" for line in text.split("\n")]


def marked(region: Region, their_name: str) -> tuple[str, ...]:
    return (
        f"{MARK} {their_name}{': nothing, this was removed' if not region.theirs else ':'}\n",
        *region.theirs,
        f"{MARK} You{': nothing, this was removed' if not region.yours else ':'}\n",
        *region.yours,
        f"{MARK} Keep one of the two, or make one of both; then remove the three lines with this sign.\n",
    )


def by_sentence(region: Region) -> tuple[str, ...] | None:
    """The same for the sentences of a few lines; None when the changes touch there, too."""
    sides = ("".join(side) for side in (region.base, region.theirs, region.yours))
    found = list(regions(*([piece for piece in PIECE.findall(side) if piece] for side in sides)))
    agreed = [part.agreed for part in found if part.agreed is not None]
    return tuple(piece for part in agreed for piece in part) if len(agreed) == len(found) else None


def regions(base: Sequence[str], theirs: Sequence[str], yours: Sequence[str]) -> Iterator[Region]:
    """The common text from top to bottom, with what became of it."""
    place = 0
    for start, end, left, right in touching(changes(base, theirs), changes(base, yours)):
        yield Region(tuple(base[place:start]))
        place = end
        before = tuple(base[start:end])
        one, other = applied(base, start, end, left), applied(base, start, end, right)
        if not right or one == other:
            yield Region(one)
        elif not left:
            yield Region(other)
        else:
            yield Region(None, before, one, other)
    yield Region(tuple(base[place:]))


def changes(base: Sequence[str], other: Sequence[str]) -> list[Change]:
    equal = [(-1, -1), *diffing.equal(base, other), (len(base), len(other))]
    return [
        Change(i + 1, next_i, tuple(other[j + 1 : next_j]))
        for (i, j), (next_i, next_j) in pairwise(equal)
        if next_i - i > 1 or next_j - j > 1
    ]


def touching(theirs: list[Change], yours: list[Change]) -> Iterator[tuple[int, int, list[Change], list[Change]]]:
    """Runs of the common text in which changes of the two sides touch, or a change of one side stands alone."""
    waiting = sorted([(one, 0) for one in theirs] + [(one, 1) for one in yours], key=lambda pair: pair[0].start)
    while waiting:
        first, side = waiting.pop(0)
        start, end = first.start, first.end
        group: tuple[list[Change], list[Change]] = ([], [])
        group[side].append(first)
        while waiting and (waiting[0][0].start < end or waiting[0][0].start == waiting[0][0].end == start == end):
            following, side = waiting.pop(0)
            group[side].append(following)
            end = max(end, following.end)
        yield start, end, *group


def applied(base: Sequence[str], start: int, end: int, made: list[Change]) -> tuple[str, ...]:
    found: list[str] = []
    for change in made:
        found += [*base[start : change.start], *change.new]
        start = change.end
    return (*found, *base[start:end])
