"""The shape of a quotation: which sentences of a passage belong together, and how they are written as Markdown. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kb.generation import Cite, Text
from kb.grounding import Source

LEAST_WORDS = 10  # of a unit: measured, 6 quoted units hold .59 of the words of a good answer, single short lines .42
MOST_UNITS = 6
MOST_WORDS = 120
MOST_ITEMS = 10  # of a list or rows of a table; a longer one is quoted in part
ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s")
FENCE = re.compile(r"`{3,}|~{3,}")
INDENT = 2  # spaces a level, as kb.markdown writes nested items
SIGNS = re.compile(  # what Markdown would not print as it stands
    r"\\(?=[!-/:-@\[-`{-~]|$)|`|\*(?=\S)|(?<=\S)\*|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|~(?=~)|\](?=\()|\[(?=\^)|&(?=#?\w+;)"
    r"|<(?=[A-Za-z][\w+.-]*:|[\w.+-]+@)"
)
LINE_SIGN = re.compile(r"(?P<before>\d{0,9})(?P<sign>#(?=#{0,5}\s)|>|[-+](?=\s)|(?<=\d)[.)](?=\s)|[-=](?=[-=]*\s*$))")


@dataclass(frozen=True)
class Line:
    """A line of a passage, or a whole fenced listing: its sentences first to last (exclusive), and its depth in a list."""

    kind: Literal["text", "item", "row", "code"]
    first: int
    last: int
    depth: int
    marked: bool  # begins an item, rather than going on with one


@dataclass(frozen=True)
class Unit:
    """Sentences first to last (exclusive) that are weighed as one."""

    first: int
    last: int
    words: int


def units_of(source: Source) -> list[Unit]:
    """The sentences of a passage, short ones joined to what follows until there are LEAST_WORDS words."""
    units: list[Unit] = []
    first, words = 0, 0
    for index, sentence in enumerate(source.sentences):
        words += len(sentence.text.split())
        if words >= LEAST_WORDS or index + 1 == len(source.sentences):
            units.append(Unit(first, index + 1, words))
            first, words = index + 1, 0
    return units


def window(units: Sequence[Unit], at: int, *, most_units: int = MOST_UNITS, most_words: int = MOST_WORDS) -> range:
    """The sentences around unit `at`: one unit before, the rest after."""
    first = max(0, min(at - 1, len(units) - most_units))
    while first < at - 1 or (first < at and sum(unit.words for unit in units[first : at + 1]) > most_words):
        first += 1
    last, words = at + 1, sum(unit.words for unit in units[first : at + 1])
    while last < len(units) and last - first < most_units and words + units[last].words <= most_words:
        words += units[last].words
        last += 1
    return range(units[first].first, units[last - 1].last)


def lines_of(source: Source) -> list[Line]:
    """The lines of a passage by kind; a run of items is a list, a run of rows a table."""
    lines: list[Line] = []
    start = -1
    for index, sentence in enumerate(source.sentences):
        begin = source.text.rfind("\n", 0, sentence.start) + 1
        if begin == start:
            lines[-1] = Line(lines[-1].kind, lines[-1].first, index + 1, lines[-1].depth, lines[-1].marked)
            continue
        start = begin
        lines.append(_line(source, index, begin, after=lines[-1] if lines else None))
    return [_row(source, lines, place) for place in range(len(lines))]


def whole(lines: Sequence[Line], chosen: range) -> list[Line]:
    """The lines to quote: what was chosen, with lists, tables and listings made whole and the line that introduces them."""
    picked: set[int] = set()
    runs = _runs(lines)
    for run in runs:
        touched = [place for place in run if lines[place].first < chosen.stop and lines[place].last > chosen.start]
        if touched:
            picked.update(_part(lines, run, touched))
    for run, following in zip(runs, runs[1:], strict=False):
        introduces = lines[run[-1]].kind == "text" and lines[following[0]].kind != "text"
        if introduces and picked & {run[-1], following[0]}:
            picked |= {run[-1]}
            picked.update(place for place in following[:MOST_ITEMS] if not picked & set(following))
    return [_cut(lines[place], chosen) for place in sorted(picked)]


def markdown(source: Source, lines: Sequence[Line]) -> Iterator[Text | Cite]:
    """Write lines of a source as Markdown, word for word, each sentence followed by its citation."""
    shallowest = min((line.depth for line in lines if line.kind == "item"), default=0)
    before: Line | None = None
    for line in lines:
        if before:
            yield Text(_between(before, line))
        yield from _write(source, line, "    " * (line.depth - shallowest))
        if line.kind == "row" and (before is None or before.kind != "row"):
            columns = source.text[source.sentences[line.first].start : source.sentences[line.last - 1].end].count(" | ") + 1
            yield Text("\n" + " | ".join(["---"] * columns))
        before = line


def escape(text: str, *, begins_line: bool = False) -> str:
    """Keep the signs of a plain text from being read as Markdown; `grounding.assemble` undoes it."""
    text = SIGNS.sub(r"\\\g<0>", text)
    if begins_line and (match := LINE_SIGN.match(text)):
        text = f"{match['before']}\\{text[match.start('sign') :]}"
    return text


def _line(source: Source, index: int, begin: int, *, after: Line | None) -> Line:
    text = source.sentences[index].text
    spaces = source.sentences[index].start - begin
    if FENCE.match(text):
        return Line("code", index, index + 1, 0, False)
    if ITEM.match(text):
        return Line("item", index, index + 1, spaces // INDENT, True)
    if spaces >= INDENT and after and after.kind == "item":
        return Line("item", index, index + 1, spaces // INDENT, False)
    return Line("text", index, index + 1, 0, False)


def _row(source: Source, lines: Sequence[Line], place: int) -> Line:
    """A line of text with cells whose neighbour has cells too is a row."""
    line = lines[place]
    neighbours = [*lines[max(0, place - 1) : place], *lines[place + 1 : place + 2]]
    if line.kind == "text" and _has_cells(source, line) and any(_has_cells(source, other) for other in neighbours):
        return Line("row", line.first, line.last, 0, False)
    return line


def _has_cells(source: Source, line: Line) -> bool:
    return line.kind == "text" and any(" | " in source.sentences[index].text for index in range(line.first, line.last))


def _runs(lines: Sequence[Line]) -> list[list[int]]:
    """The places of lines that belong together: a list, a table; everything else by itself."""
    runs: list[list[int]] = []
    for place, line in enumerate(lines):
        if runs and line.kind in ("item", "row") and lines[runs[-1][-1]].kind == line.kind:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _part(lines: Sequence[Line], run: list[int], touched: list[int]) -> list[int]:
    """A list or table whole when it is short enough, else from the first line chosen on; a table keeps its header."""
    if len(run) <= MOST_ITEMS:
        return run
    kept = [place for place in run if place >= touched[0]][:MOST_ITEMS]
    return sorted({run[0], *kept}) if lines[run[0]].kind == "row" else kept


def _cut(line: Line, chosen: range) -> Line:
    """Of a line of text only the sentences chosen; of one that only introduces something, its last sentence."""
    if line.kind != "text":
        return line
    first, last = max(line.first, chosen.start), min(line.last, chosen.stop)
    return Line("text", first if first < last else line.last - 1, last if first < last else line.last, 0, False)


def _between(before: Line, line: Line) -> str:
    if before.kind == line.kind == "row" or (before.kind == line.kind == "item" and line.marked):
        return "\n"
    return "\n\n"


def _write(source: Source, line: Line, indent: str) -> Iterator[Text | Cite]:
    begins = True
    for index in range(line.first, line.last):
        sentence = source.sentences[index]
        if line.kind == "code":
            yield Text(sentence.text + "\n")
        else:
            gap = "" if begins else source.text[source.sentences[index - 1].end : sentence.start]
            yield Text((indent if begins else gap) + escape(sentence.text, begins_line=begins and line.kind != "item"))
        yield Cite(source.number, index, index + 1)
        begins = False
