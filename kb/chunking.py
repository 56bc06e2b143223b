"""An article's blocks cut and packed into pieces of about `limit` wordpieces, never across a heading. Pure.

Boundaries are defined by content: a piece that is full enough ends before a unit whose hash says so, so that after an
inserted paragraph the later boundaries fall where they fell before, and their passages need no new vectors.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from kb import sentences
from kb.markdown import Block

Count = Callable[[str], int]
Line = tuple[str, int]  # a line of text and its source line

FULL_ENOUGH = 0.5  # share of the limit from which on a piece may end early
ONE_IN = 3  # of the units that follow a piece full enough, how many begin a new one


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
class Unit:
    """What is never cut further: a block that fits, or an item, a row, a line, a sentence of one that does not.

    `before` and `after` are the lines that every piece holding such units repeats: a table's header, a listing's fences.
    """

    lines: tuple[Line, ...]
    size: int
    before: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()

    @property
    def starts_piece(self) -> bool:
        return zlib.crc32("\n".join(text for text, _ in self.lines).encode()) % ONE_IN == 0


def chunk(title: str, blocks: Sequence[Block], *, count: Count, limit: int, overlap: int) -> list[Piece]:
    """Pieces in reading order. `limit` holds for lead and body together, in wordpieces as `count` counts them.

    `overlap`: wordpieces of whole sentences that a paragraph cut in two repeats. A single word longer than the limit
    stays whole. An article without text is one piece with its title.
    """
    pieces: list[Piece] = []
    for (path, anchor), section in groupby(blocks, key=lambda block: (block.path, block.anchor)):
        lead = " > ".join([title, *path]) + "\n"
        room = max(limit - count(lead), limit // 2)
        units = [unit for block in section for unit in cut(block, count=count, room=room)]
        for packed in repeat(pack(units, room), count=count, overlap=overlap):
            pieces.append(Piece(path, anchor, lead, "\n".join(t for t, _ in packed), tuple(n for _, n in packed)))
    return pieces or [Piece((), "", "", title, (1,))]


# --- cutting a block into units


def cut(block: Block, *, count: Count, room: int) -> Iterator[Unit]:
    """The block whole if it fits; else its items, rows, lines or sentences; what is still too long, by words."""
    rows = list(zip(block.text.split("\n"), block.lines, strict=True))
    before, after = frame(block, rows)
    body = rows[1:] if block.kind == "table" and before else rows
    around = sum(count(text) for text, _ in (*before, *after))
    whole = Unit((*before, *body, *after), around + sum(count(text) for text, _ in body))
    if whole.size <= room:
        yield whole
        return
    for lines in parts(block, body):
        size = sum(count(text) for text, _ in lines)
        small = [lines] if size + around <= room else by_words(lines, count=count, room=max(1, room - around))
        yield from (Unit(tuple(part), sum(count(text) for text, _ in part), before, after) for part in small)


def frame(block: Block, rows: Sequence[Line]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """What stands around every part of a listing or a table."""
    if block.kind == "code":
        longest = max((len(run) for run in re.findall("`+", block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return ((fence + block.header, rows[0][1]),), ((fence, rows[-1][1]),)
    if block.kind == "table" and block.header and rows[0][0] == block.header:
        return (rows[0],), ()
    return (), ()


def parts(block: Block, rows: Sequence[Line]) -> Iterator[list[Line]]:
    """The parts a block may be cut into: an item with what is nested in it, a row, a line, or a sentence."""
    if block.kind == "list":
        item: list[Line] = []
        for text, number in rows:
            if item and not text.startswith(" "):
                yield item
                item = []
            item.append((text, number))
        yield item
    elif block.kind in ("code", "table"):
        yield from ([row] for row in rows)
    else:
        for text, number in rows:
            yield from ([(text[span.start : span.end], number)] for span in sentences.split(text))


def by_words(lines: Iterable[Line], *, count: Count, room: int) -> Iterator[list[Line]]:
    """The last resort: runs of words, each a part of one line, as long as there is room."""
    for text, number in lines:
        run, size = "", 0
        for word in re.findall(r"\s*\S+", text):
            more = count(word)
            if run and size + more > room:
                yield [(run.strip(), number)]
                run, size = "", 0
            run, size = run + word, size + more
        if run.strip():
            yield [(run.strip(), number)]


# --- packing units into pieces


def pack(units: Iterable[Unit], room: int) -> Iterator[list[Unit]]:
    """Units in order, as many as fit; a piece full enough ends early before a unit that starts one."""
    packed: list[Unit] = []
    size = 0
    for unit in units:
        more = unit.size + (0 if packed and continues(packed[-1], unit) else frame_size(unit))
        early = size >= FULL_ENOUGH * room and unit.starts_piece
        if packed and (size + more > room or early):
            yield packed
            packed, size = [], 0
        packed.append(unit)
        size += more
    if packed:
        yield packed


def frame_size(unit: Unit) -> int:
    return sum(len(text.split()) for text, _ in (*unit.before, *unit.after))


def continues(unit: Unit, other: Unit) -> bool:
    """Whether both are parts of the same table or listing, which then share one header or pair of fences."""
    return bool(unit.before) and unit.before == other.before


def repeat(packs: Iterable[list[Unit]], *, count: Count, overlap: int) -> Iterator[list[Line]]:
    """The lines of each piece, with headers and fences around parts, and the last sentences of the piece before."""
    last = ""
    for packed in packs:
        lines = [line for _, run in groupby(packed, key=lambda unit: (unit.before, unit.after)) for line in framed(list(run))]
        again = tail(last, count=count, overlap=overlap) if not packed[0].before else ""
        yield [(again, lines[0][1]), *lines] if again else lines
        last = lines[-1][0] if not packed[-1].before else ""


def framed(units: Sequence[Unit]) -> list[Line]:
    """Parts of one block, and sentences of one line, put together again."""
    lines: list[Line] = list(units[0].before)
    for unit in units:
        lines.extend(unit.lines)
    return [*lines, *units[0].after]


def tail(text: str, *, count: Count, overlap: int) -> str:
    """The last whole sentences of a line that have at most `overlap` wordpieces together."""
    taken = ""
    for span in reversed(sentences.split(text)) if overlap else ():
        longer = text[span.start :]
        if count(longer) > overlap:
            break
        taken = longer
    return taken
