"""An article's blocks cut and packed into pieces of about `limit` wordpieces, never across a heading. Pure.

Boundaries are defined by content: a section that is too long is cut at the place of least hash among those that would
do, and its parts again, so that after an edit the other cuts fall where they fell before, and their passages need no
new vectors.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

from kb import sentences
from kb.markdown import Block
from kb.sentences import Span

Count = Callable[[str], int]
Line = tuple[str, int]  # a line of text and its source line
Cutter = Callable[[str, Span], Iterator[Span]]

# Share of the room that a cut leaves on both sides at least. When a paragraph of a section of 60 pieces is changed, 1.3
# pieces are new in the mean, and more than 3 in 1 of 60 tries; at 0.4 a fifth of all pieces are small.
FULL_ENOUGH = 0.5
BEGINNING = 24  # characters
WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Piece:
    """A piece of an article. What is embedded is `lead` (title and headings) + `body`.

    `lines[i]` is the source line (1-based) of line i of the body. Code stands between fences, a cut table repeats its
    header and a cut listing its fences, as lines of the body.
    """

    path: tuple[str, ...]
    anchor: str
    lead: str
    body: str
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Frame:
    """The lines that every piece holding parts of one block repeats: a table's header, a listing's fences."""

    before: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()
    size: int = 0


@dataclass(frozen=True)
class Unit:
    """What is not cut further: the text from `start` to `end` of a block, and its wordpieces without the frame."""

    block: Block
    start: int
    end: int
    size: int
    frame: Frame

    @property
    def text(self) -> str:
        return self.block.text[self.start : self.end]


def chunk(title: str, blocks: Sequence[Block], *, count: Count, limit: int, overlap: int) -> list[Piece]:
    """Pieces in reading order.

    `count` gives the wordpieces of a text. `limit` holds for lead and body together. `overlap`: up to how many
    wordpieces of whole sentences a piece repeats from the one before it in its section, as far as the limit allows.
    An article without text is one piece with its title.
    """
    pieces: list[Piece] = []
    for (path, anchor), section in groupby(blocks, key=lambda block: (block.path, block.anchor)):
        lead = _lead(" > ".join([title, *path]), count=count, room=limit // 2)
        room = max(1, limit - count(lead))
        packs = _pack([unit for block in section for unit in _cut(block, count=count, room=room)], room)
        for units in _overlapped(packs, count=count, room=room, overlap=overlap):
            lines = _lines(units)
            pieces.append(Piece(path, anchor, lead, "\n".join(text for text, _ in lines), tuple(n for _, n in lines)))
    return pieces or [Piece((), "", "", title, (1,))]


def _lead(text: str, *, count: Count, room: int) -> str:
    """The title and the headings above a piece, on one line, cut short where they would fill most of it."""
    if count(text) > room:
        first, _ = next(_runs(text, Span(0, len(text)), count=count, room=room))
        text = text[: first.end]
    return text + "\n"


# --- cutting a block into units


def _cut(block: Block, *, count: Count, room: int) -> Iterator[Unit]:
    """The block whole if it fits; else its items, rows, lines or sentences; what is still too long, by words."""
    frame = _frame(block, count=count, room=room)
    skipped = len(block.header) + 1 if block.kind == "table" and frame.before else 0
    body = Span(skipped, len(block.text))
    for span, size in _fitting(block.text, body, CUTTERS[block.kind], count=count, room=room - frame.size):
        yield Unit(block, span.start, span.end, size, frame)


def _frame(block: Block, *, count: Count, room: int) -> Frame:
    """What stands around every part of a listing or a table; nothing when it would take most of the room."""
    before, after = "", ""
    if block.kind == "code":
        after = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
        before = after + block.header
    elif block.kind == "table" and block.text.startswith(f"{block.header}\n"):
        before = block.header
    size = count(before) + count(after)
    if not before or size > room // 2:
        return Frame()
    return Frame(((before, block.lines[0]),), ((after, block.lines[-1]),) if after else (), size)


def _fitting(
    text: str, span: Span, cutters: Sequence[Cutter], *, count: Count, room: int
) -> Iterator[tuple[Span, int]]:
    """The largest parts of text[span] that fit, with their sizes: each cutter is tried on what the one before left."""
    size = count(text[span.start : span.end])
    if size <= room:
        yield span, size
    elif cutters:
        for part in cutters[0](text, span):
            yield from _fitting(text, part, cutters[1:], count=count, room=room)
    else:
        yield from _runs(text, span, count=count, room=room)


def _items(text: str, span: Span) -> Iterator[Span]:
    """The items of a list, each with what is nested in it: a line that is not indented begins one."""
    starts = [span.start, *(match.end() for match in re.finditer(r"\n(?! )", text)), span.end + 1]
    for start, end in pairwise(starts):
        yield Span(start, end - 1)


def _rows(text: str, span: Span) -> Iterator[Span]:
    for match in re.compile(r"[^\n]+").finditer(text, span.start, span.end):
        if not match[0].isspace():
            yield Span(*match.span())


def _sentences(text: str, span: Span) -> Iterator[Span]:
    for sentence in sentences.split(text[span.start : span.end]):
        yield Span(span.start + sentence.start, span.start + sentence.end)


CUTTERS: dict[str, tuple[Cutter, ...]] = {
    "paragraph": (_rows, _sentences),
    "quote": (_rows, _sentences),
    "list": (_items, _rows, _sentences),
    "table": (_rows,),
    "code": (_rows,),
}


def _runs(text: str, span: Span, *, count: Count, room: int) -> Iterator[tuple[Span, int]]:
    """The last resort: runs of as many words as there is room for; a word too long by itself is cut by characters."""
    start, end, size = span.start, span.start, 0
    for word, more in _words(text, span, count=count, room=max(1, room)):
        if size and size + more > room:
            yield Span(start, end), size
            start, size = word.start, 0
        end, size = word.end, size + more
    if size:
        yield Span(start, end), size


def _words(text: str, span: Span, *, count: Count, room: int) -> Iterator[tuple[Span, int]]:
    for match in WORD.finditer(text, span.start, span.end):
        size = count(match[0])
        if size <= room:
            yield Span(*match.span()), size
            continue
        for start in range(match.start(), match.end(), room):
            end = min(start + room, match.end())
            yield Span(start, end), count(text[start:end])


# --- packing units into pieces


def _pack(units: Sequence[Unit], room: int) -> list[list[Unit]]:
    """Runs of units that fit, in order: what is too long is cut at its cheapest place, and so are both parts.

    Which places are cheapest is seen from the text around them alone, so an edit moves only the cuts beside it. Going
    from the top and filling piece after piece instead, every cut would depend on all before it.
    """
    packs: list[list[Unit]] = []
    waiting = [list(units)] if units else []
    while waiting:
        run = waiting.pop()
        if len(run) == 1 or _size(run) <= room:
            packs.append(run)
        else:
            place = _place(run, room)
            waiting += [run[place:], run[:place]]
    return packs


def _place(units: Sequence[Unit], room: int) -> int:
    """Where to cut: the cheapest place that leaves enough on both sides; if none does, the one nearest the middle."""
    before = list(accumulate(unit.size for unit in units))
    smaller = {place: min(before[place - 1], before[-1] - before[place - 1]) for place in range(1, len(units))}
    full = [place for place, size in smaller.items() if size >= FULL_ENOUGH * room]
    if not full:
        return max(smaller, key=lambda place: smaller[place])
    return min(full, key=lambda place: _cost(units[place - 1], units[place]))


def _size(units: Sequence[Unit]) -> int:
    """Wordpieces of a piece made of these units, with the frames that it repeats."""
    framed = (
        unit.frame.size for place, unit in enumerate(units) if not place or units[place - 1].block is not unit.block
    )
    return sum(unit.size for unit in units) + sum(framed)


def _cost(unit: Unit, following: Unit) -> tuple[bool, bool, int]:
    """How bad a cut between two units is: after "Do this:", or inside a block. Between equals a hash decides.

    It is taken of the first characters only: most edits of a paragraph leave them, and with them the cut before it.
    """
    beginning = following.text[:BEGINNING].encode()
    return unit.text.endswith(":"), unit.block is following.block, zlib.crc32(beginning)


def _overlapped(packs: Sequence[list[Unit]], *, count: Count, room: int, overlap: int) -> Iterator[list[Unit]]:
    """Each piece, with the last sentences of the one before it, up to `overlap` and as far as there is room."""
    yield from packs[:1]
    for before, units in pairwise(packs):
        size = _size(units) if overlap else 0
        repeated = _tail(before[-1], count=count, room=min(overlap, room - size))
        yield [repeated, *units] if repeated else units


def _tail(unit: Unit, *, count: Count, room: int) -> Unit | None:
    """The last whole sentences of a paragraph that have at most `room` wordpieces together."""
    start, size = unit.end, 0
    if room <= 0 or unit.block.kind not in ("paragraph", "quote"):
        return None
    for sentence in reversed(list(_sentences(unit.block.text, Span(unit.start, unit.end)))):
        more = count(unit.block.text[sentence.start : sentence.end])
        if size + more > room:
            break
        start, size = sentence.start, size + more
    return Unit(unit.block, start, unit.end, size, unit.frame) if size else None


def _lines(units: Sequence[Unit]) -> list[Line]:
    """The lines of a piece; neighbours from one block are joined as they were, inside one frame."""
    lines: list[Line] = []
    for _, run in groupby(units, key=lambda unit: id(unit.block)):
        first, *others = run
        block, end = first.block, (others or [first])[-1].end
        above = block.text.count("\n", 0, first.start)
        texts = block.text[first.start : end].split("\n")
        lines += [*first.frame.before, *zip(texts, block.lines[above:], strict=False), *first.frame.after]
    return lines
