"""The shape of a quotation: which sentences of a passage belong together, and how these become Markdown. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from kb.generation import Cite, Text
from kb.grounding import Source

LEAST_WORDS = 10  # of a unit: measured, 6 quoted units hold .59 of the words of a good answer, single short lines .42
MOST_UNITS = 6
MOST_WORDS = 120
MOST_TORN = 3  # lines added at either end so that a quotation does not begin or stop in mid-sentence
MOST_ITEMS = 10  # of a list or rows of a table; a longer one is quoted in part
ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s")
FENCE = re.compile(r"`{3,}|~{3,}")
CODE = re.compile(r"`[^`\n]+`")  # as kb.markdown writes a line of code inside of a list
SENTENCE_END = re.compile(r"[.!?:…;。！？][\"'”’»)\]]*$")
IMAGE = "Image: "  # how kb.markdown writes a picture
CONTENTS = re.compile(  # what stands before a list of links to read
    r"\W*(?:(?:in|on) this (?:article|page|section|guide)|(?:table of )?contents|see also|related|learn more"
    r"|further reading|next steps|jump to)\b[^.!?]{0,40}$",
    re.IGNORECASE,
)
INDENT = 2  # spaces a level, as kb.markdown writes nested items
SIGNS = re.compile(  # what Markdown would not print as it stands
    r"\\(?=[!-/:-@\[-`{-~]|$)|`|\*(?=\S)|(?<=\S)\*|(?<![^\W_])_|_(?![^\W_])|~(?=~)|\](?=\()|\[(?=\^)|&(?=#?\w+;)"
    r"|<(?=[A-Za-z][\w+.-]*:|[\w.+-]+@)"
)
LINE_SIGN = re.compile(r"(?P<before>\d{0,9})(?P<sign>#(?=#{0,5}\s)|>|[-+*](?=\s)|(?<=\d)[.)](?=\s)|[-=](?=[-=]*\s*$))")


@dataclass(frozen=True)
class Line:
    """A line of a passage, or a whole fenced listing: sentences first to last (exclusive), and the depth in a list."""

    kind: Literal["text", "item", "row", "code"]
    first: int
    last: int
    depth: int
    marked: bool = False  # begins an item, rather than going on with one
    ends: bool = True  # has an end of its own; imported lines may stop in the middle of a sentence


@dataclass(frozen=True)
class Unit:
    """Sentences first to last (exclusive) that are weighed as one."""

    first: int
    last: int
    words: int


def units_of(source: Source) -> list[Unit]:
    """The sentences of a passage, short ones joined to what follows until there are LEAST_WORDS words.

    The end of a list is the end of a unit.
    """
    units: list[Unit] = []
    first, words = 0, 0
    ends = {after.first for line, after in pairwise(lines_of(source)) if line.kind == "item" and after.kind != "item"}
    for index, sentence in enumerate(source.sentences):
        if index in ends and words:
            units.append(Unit(first, index, words))
            first, words = index, 0
        words += len(sentence.text.split())
        if words >= LEAST_WORDS or index + 1 == len(source.sentences):
            units.append(Unit(first, index + 1, words))
            first, words = index + 1, 0
    return units


def is_contents(source: Source, unit: Unit) -> bool:
    """Whether a unit is "In this article" or of the list under it: items without an end, as titles have none."""
    lines = lines_of(source)
    at = next(place for place, line in enumerate(lines) if line.first <= unit.first < line.last)
    while at > 0 and lines[at].kind == "item":
        at -= 1
    heading = source.sentences[lines[at].first].text
    return CONTENTS.match(heading) is not None


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
            lines[-1] = replace(lines[-1], last=index + 1, ends=_ends(sentence.text))
            continue
        start = begin
        lines.append(_line(source, index, begin, after=lines[-1] if lines else None))
    return [_row(source, lines, place) for place in range(len(lines))]


def whole(lines: Sequence[Line], chosen: range) -> list[Line]:
    """The lines to quote: what was chosen, with lists, tables and listings whole, and the line that introduces them."""
    picked: set[int] = set()
    runs = _runs(lines)
    for run in runs:
        touched = [place for place in run if lines[place].first < chosen.stop and lines[place].last > chosen.start]
        if touched:
            picked.update(_part(lines, run, touched))
    for run, following in pairwise(runs):
        introduces = lines[run[-1]].kind == "text" and lines[following[0]].kind != "text"
        if introduces and picked & {run[-1], following[0]}:
            picked |= {run[-1]}
            picked.update(place for place in following[:MOST_ITEMS] if not picked & set(following))
    picked.update(_torn(lines, min(picked), max(picked)))
    return [_cut(lines[place], chosen) for place in sorted(picked)]


def markdown(source: Source, lines: Sequence[Line]) -> Iterator[Text | Cite]:
    """Write lines of a source as Markdown, word for word, each sentence followed by its citation.

    Lines that stop in the middle of a sentence, as imported ones do, become one paragraph and share a citation.
    """
    shallowest = min((line.depth for line in lines if line.kind == "item"), default=0)
    broken: int | None = None  # the first sentence of lines that wait for the end of theirs
    for place, line in enumerate(lines):
        if place and broken is None:
            yield Text(_between(lines[place - 1], line))
        going_on = _goes_on(line, lines[place + 1 :])
        indent = "    " * (line.depth - shallowest)
        yield from _write(source, line, indent, cited_from=broken, cited=not going_on)
        if line.kind == "row" and (place == 0 or lines[place - 1].kind != "row"):
            yield Text("\n" + " | ".join(["---"] * (_written(source, line).count(" | ") + 1)))
        if going_on:
            yield Text(" ")
        broken = (line.last - 1 if broken is None or line.last - line.first > 1 else broken) if going_on else None


def escape(text: str, *, begins_line: bool = False) -> str:
    """Keep the signs of a plain text from being read as Markdown; `grounding.assemble` undoes it."""
    text = SIGNS.sub(r"\\\g<0>", text)
    if begins_line and (match := LINE_SIGN.match(text)):
        text = f"{match['before']}\\{text[match.start('sign') :]}"
    return text


def _line(source: Source, index: int, begin: int, *, after: Line | None) -> Line:
    text = source.sentences[index].text
    depth = (source.sentences[index].start - begin) // INDENT
    if FENCE.match(text):
        return Line("code", index, index + 1, 0)
    if ITEM.match(text):
        return Line("item", index, index + 1, depth, marked=True)
    if depth and after and after.kind == "item":
        return Line("item", index, index + 1, depth)
    return Line("text", index, index + 1, 0, ends=_ends(text))


def _ends(text: str) -> bool:
    return bool(SENTENCE_END.search(text)) or text.startswith(IMAGE)


def _row(source: Source, lines: Sequence[Line], place: int) -> Line:
    """A line of text with cells whose neighbour has cells too is a row."""
    line = lines[place]
    neighbours = [*lines[max(0, place - 1) : place], *lines[place + 1 : place + 2]]
    if line.kind == "text" and _has_cells(source, line) and any(_has_cells(source, other) for other in neighbours):
        return replace(line, kind="row")
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


def _torn(lines: Sequence[Line], first: int, last: int) -> Iterator[int]:
    """The lines that begin what the first line goes on with, and those that end what the last one began."""
    for place in range(first - 1, max(-1, first - 1 - MOST_TORN), -1):
        if not _goes_on(lines[place], lines[place + 1 :]):
            break
        yield place
    for place in range(last, min(len(lines) - 1, last + MOST_TORN)):
        if not _goes_on(lines[place], lines[place + 1 :]):
            break
        yield place + 1


def _cut(line: Line, chosen: range) -> Line:
    """Of a line of text only the sentences chosen; of one that introduces or ends something, the nearest sentence."""
    if line.kind != "text":
        return line
    first, last = max(line.first, chosen.start), min(line.last, chosen.stop)
    if first < last:
        return replace(line, first=first, last=last, ends=line.ends or last < line.last)
    if line.first >= chosen.stop:
        return replace(line, last=line.first + 1, ends=line.ends or line.last > line.first + 1)
    return replace(line, first=line.last - 1)


def _between(before: Line, line: Line) -> str:
    if before.kind == line.kind == "row" or (before.kind == line.kind == "item" and line.marked):
        return "\n"
    return "\n\n"


def _goes_on(line: Line, following: Sequence[Line]) -> bool:
    """Whether the sentence at the end of a line of text goes on in the next line of the passage."""
    return (
        line.kind == "text" == (following[0].kind if following else "")
        and not line.ends
        and following[0].first == line.last
    )


def _written(source: Source, line: Line) -> str:
    return source.text[source.sentences[line.first].start : source.sentences[line.last - 1].end]


def _write(source: Source, line: Line, indent: str, *, cited_from: int | None, cited: bool) -> Iterator[Text | Cite]:
    """A line's sentences, each with its citation; the first's reaches back to `cited_from`, the last's may wait."""
    for index in range(line.first, line.last):
        sentence = source.sentences[index]
        begins = index == line.first
        if line.kind == "code":
            yield Text(sentence.text + "\n")
        else:
            gap = indent if begins else source.text[source.sentences[index - 1].end : sentence.start]
            begins_line = begins and line.kind != "item"
            is_code = CODE.fullmatch(sentence.text)
            yield Text(gap + (sentence.text if is_code else escape(sentence.text, begins_line=begins_line)))
        if cited or index + 1 < line.last:
            yield Cite(source.number, index if cited_from is None or not begins else cited_from, index + 1)
