"""What changed between two texts: rows for a side-by-side view, word by word, with unchanged runs folded. Pure."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal

Kind = Literal["same", "changed", "added", "removed", "fold"]
Place = tuple[int, int]  # of a line in the old text and of its counterpart in the new one

WORDS = re.compile(r"\s+|\w+|[^\w\s]")
ALIKE = 0.5  # share of words in common from which on two lines are shown as one line that changed
BLANKS = 0.1  # the likeness of two blank lines: enough to pair them, never instead of others
# Beyond these a comparison is coarser, so that no two articles take longer than about a second: difflib's time grows
# with the product of the lengths, and with how often things repeat.
MANY_LINES = 250_000  # product of the numbers of lines between two anchors
MANY_WORDS = 200_000  # pairs of equal words in two lines
MANY_PAIRS = 40_000  # pairs of replaced lines that are compared
MIN_SLICE = 20  # lines


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

    @property
    def inline(self) -> list[tuple[str, str]]:
        """Both lines as one: runs that are "same", "removed" or "added", what was removed first."""
        made: list[tuple[str, str]] = []
        old, new = list(self.old[::-1]), list(self.new[::-1])
        while old or new:
            if old and (old[-1].changed or not new):
                made.append(("removed", old.pop().text))
            elif new and (new[-1].changed or not old):
                made.append(("added", new.pop().text))
            else:
                made.append(("same", _take(old, new)))
        return made


def _take(old: list[Part], new: list[Part]) -> str:
    """The text with which both runs begin, taken from both; each is the last of its list."""
    size = min(len(old[-1].text), len(new[-1].text))
    text = old[-1].text[:size]
    for parts in (old, new):
        rest = parts.pop().text[size:]
        if rest:
            parts.append(Part(rest, False))
    return text


def rows(old: str, new: str, *, context: int = 3) -> list[Row]:
    """The whole comparison, top to bottom, with `context` unchanged lines around each change."""
    before, after = _lines(old), _lines(new)
    found: list[Row] = []
    from_old = from_new = 0
    for i, j in [*equal(before, after), (len(before), len(after))]:
        found += _replaced(before[from_old:i], after[from_new:j], from_old, from_new)
        if i < len(before):
            parts = (Part(before[i], False),)
            found.append(Row("same", i + 1, j + 1, parts, parts))
        from_old, from_new = i + 1, j + 1
    return list(_fold(found, context))


def counted(old: str, new: str) -> tuple[int, int]:
    """How many words were added and removed, wherever they stand: text that only moved counts as neither."""
    before, after = Counter(re.findall(r"\w+", old)), Counter(re.findall(r"\w+", new))
    return (after - before).total(), (before - after).total()


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


# --- which lines are equal


def equal(before: Sequence[str], after: Sequence[str]) -> list[Place]:
    """The places of lines that are equal, in order: first those that occur once on each side, then those between."""
    found: list[Place] = []
    ends: list[Place] = [(-1, -1), *_anchors(before, after), (len(before), len(after))]
    for (i, j), (next_i, next_j) in pairwise(ends):
        found += _between(before[i + 1 : next_i], after[j + 1 : next_j], i + 1, j + 1)
        found.append((next_i, next_j))
    return found[:-1]


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[Place]:
    """The longest run of lines in the same order among those that occur once on each side (patience diff)."""
    once_before, once_after = Counter(before), Counter(after)
    places = {line: j for j, line in enumerate(after)}
    common = [(i, places[line]) for i, line in enumerate(before) if once_before[line] == once_after[line] == 1]
    tails: list[int] = []  # the least last place of an increasing run of each length
    ends: list[int] = []  # where in `common` that run ends
    previous: list[int] = []
    for place, (_, j) in enumerate(common):
        length = bisect_left(tails, j)
        previous.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        ends[length : length + 1] = [place]
    run: list[Place] = []
    place = ends[-1] if ends else -1
    while place >= 0:
        run.append(common[place])
        place = previous[place]
    return run[::-1]


def _between(before: Sequence[str], after: Sequence[str], from_old: int, from_new: int) -> Iterator[Place]:
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        yield from_old + start, from_new + start
        start += 1
    before, after = before[start:], after[start:]
    stop = 0
    while stop < min(len(before), len(after)) and before[-stop - 1] == after[-stop - 1]:
        stop += 1
    old_end, new_end = len(before) - stop, len(after) - stop
    if old_end * new_end <= MANY_LINES:
        matcher = SequenceMatcher(lambda line: not line.strip(), before[:old_end], after[:new_end], autojunk=False)
        for i, j, size in matcher.get_matching_blocks():
            for k in range(size):
                yield from_old + start + i + k, from_new + start + j + k
    for k in range(stop):
        yield from_old + start + old_end + k, from_new + start + new_end + k


# --- lines that were replaced by others


def _replaced(before: Sequence[str], after: Sequence[str], from_old: int, from_new: int) -> Iterator[Row]:
    """Lines that are alike stand beside each other; the others stand alone."""
    at_old = at_new = 0
    for i, j in [*_pairs(before, after), (len(before), len(after))]:
        for k in range(at_old, i):
            yield Row("removed", from_old + k + 1, None, old=(Part(before[k], True),))
        for k in range(at_new, j):
            yield Row("added", None, from_new + k + 1, new=(Part(after[k], True),))
        if i < len(before):
            kind: Kind = "same" if before[i] == after[j] else "changed"
            yield Row(kind, from_old + i + 1, from_new + j + 1, *_words(before[i], after[j]))
        at_old, at_new = i + 1, j + 1


def _pairs(before: Sequence[str], after: Sequence[str]) -> Iterator[Place]:
    """The pairs of lines that are alike, in order on both sides. Long runs are paired slice by slice."""
    longest = max(len(before), len(after))
    slices = -(-longest // max(MIN_SLICE, MANY_PAIRS // longest)) if before and after else 0
    for k in range(slices):
        old, new = (range(len(x) * k // slices, len(x) * (k + 1) // slices) for x in (before, after))
        for i, j in _best_pairs([_bag(before[i]) for i in old], [_bag(after[j]) for j in new]):
            yield old[i], new[j]


def _best_pairs(before: Sequence[frozenset[str]], after: Sequence[frozenset[str]]) -> list[Place]:
    """The pairs, in order on both sides, whose likeness adds up to the most (Needleman and Wunsch, gaps free)."""
    best = [[0.0] * (len(after) + 1)]
    for old in before:
        above, row = best[-1], [0.0]
        for j, new in enumerate(after):
            row.append(max(above[j + 1], row[j], above[j] + _likeness(old, new)))
        best.append(row)
    found: list[Place] = []
    i, j = len(before), len(after)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append((i, j))
    return found[::-1]


def _bag(line: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", line) or line.split())


def _likeness(old: frozenset[str], new: frozenset[str]) -> float:
    """The share of words in common (Dice); 0 when too small to call the lines one that changed."""
    if not old and not new:
        return BLANKS
    share = 2 * len(old & new) / (len(old) + len(new))
    return share if share >= ALIKE else 0.0


def _words(old: str, new: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both lines as runs of words, with what differs marked; a space between two changed words counts as changed."""
    if old == new:
        return (Part(old, False),), (Part(new, False),)
    left, right = WORDS.findall(old), WORDS.findall(new)
    often = Counter(right)
    if sum(often[word] for word in left if not word.isspace()) > MANY_WORDS:
        return (Part(old, True),), (Part(new, True),)
    old_parts: list[Part] = []
    new_parts: list[Part] = []
    opcodes = SequenceMatcher(str.isspace, left, right, autojunk=False).get_opcodes()
    for place, (kind, i1, i2, j1, j2) in enumerate(opcodes):
        lone_space = kind == "equal" and 0 < place < len(opcodes) - 1 and "".join(left[i1:i2]).isspace()
        _add(old_parts, "".join(left[i1:i2]), kind != "equal" or lone_space)
        _add(new_parts, "".join(right[j1:j2]), kind != "equal" or lone_space)
    return tuple(old_parts), tuple(new_parts)


def _add(parts: list[Part], text: str, changed: bool) -> None:
    if parts and parts[-1].changed == changed:
        text = parts.pop().text + text
    if text:
        parts.append(Part(text, changed))


def _fold(found: Sequence[Row], context: int) -> Iterator[Row]:
    """Leave out unchanged lines farther than `context` from any change; a lone one is not worth a fold."""
    near = {
        place + away for place, row in enumerate(found) if row.kind != "same" for away in range(-context, context + 1)
    }
    hidden: list[Row] = []
    for place, row in enumerate(found):
        if place not in near:
            hidden.append(row)
            continue
        yield from _folded(hidden)
        hidden = []
        yield row
    yield from _folded(hidden)


def _folded(hidden: Sequence[Row]) -> Iterator[Row]:
    if len(hidden) > 1:
        yield Row("fold", hidden[0].old_number, hidden[0].new_number, folded=len(hidden))
    else:
        yield from hidden
