"""Where sentences begin and end in a plain text, for citations, for late pooling and for cutting long paragraphs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A run of sentence-ending marks with what closes over it (quotes, brackets, emphasis, citation marks), then white
# space. The look-behind and the possessive quantifiers keep hostile runs of dots or quotes linear.
END = re.compile(r"(?<![.!?:…])[.!?:…]++(?:[\"'”’»)\]*_]|⟦\d{1,4}⟧)*+(?P<gap>\s++)")
END_WITHOUT_SPACE = re.compile(r"(?<![。！？])[。！？]++[」』”’）]*+(?P<gap>\s*+)(?=\S)")
CODE = re.compile(r"`[^`]++`")
OPENERS = "\"'“‘«„([{*_`¿¡#"
ABBREVIATION = re.compile(r"(?:approx|cf|dept|dr|esp|etc|incl|mr|mrs|ms|mt|prof|resp|sr|st|vs)\.", re.IGNORECASE)
BEFORE_NUMBER = re.compile(r"(?:ch|eq|fig|no|nos|nr|p|pp|para|pt|ref|sec|v|ver|vol)\.", re.IGNORECASE)
DOTTED = re.compile(r"(?:[^\W\d_]\.)+", re.UNICODE)  # "e.g.", "U.S.", and the initial of a name
MARKER = re.compile(r"\(?(?:\d{1,3}|[a-z])[.)]")  # "3." and "b)" number a step; they do not end one
NEAR = 80  # characters looked at before or after a mark; looking at the whole line would be quadratic
WORDS_BEFORE_COLON = 4  # "Note: Do this" is one sentence; "There are three ways to do it: Open …" is two


@dataclass(frozen=True)
class Span:
    """A sentence as a range of characters: text[start:end], without white space at either end."""

    start: int
    end: int


def split(text: str) -> list[Span]:
    """Cut a plain text into sentences; a line (list item, table row, line of code) is never joined to the next.

    The spans are in order, do not overlap, and hold every character that is not white space.
    """
    spans: list[Span] = []
    offset = 0
    for line in text.split("\n"):
        spans.extend(Span(offset + start, offset + end) for start, end in _sentences(line))
        offset += len(line) + 1
    return spans


def _sentences(line: str) -> Iterator[tuple[int, int]]:
    start = len(line) - len(line.lstrip())
    stop = len(line.rstrip())
    for end, following in _gaps(line):
        if end > start and following < stop and _is_break(line, start, end, following):
            yield start, end
            start = following
    if start < stop:
        yield start, stop


def _gaps(line: str) -> list[tuple[int, int]]:
    """The places where a sentence may end, outside inline code: (end of one, start of the next)."""
    gaps = [match.span("gap") for match in END.finditer(line)]
    if not line.isascii():
        gaps = sorted({*gaps, *(match.span("gap") for match in END_WITHOUT_SPACE.finditer(line))})
    if not gaps or "`" not in line:
        return gaps
    code = [match.span() for match in CODE.finditer(line)]
    outside: list[tuple[int, int]] = []
    position = 0
    for gap in gaps:
        while position < len(code) and code[position][1] <= gap[0]:
            position += 1
        if position == len(code) or gap[0] < code[position][0]:
            outside.append(gap)
    return outside


def _is_break(line: str, start: int, end: int, following: int) -> bool:
    """Whether the mark that closes line[start:end] ends a sentence, given what follows it."""
    mark = line[max(start, end - NEAR) : end].rstrip("\"'”’»)]*_⟦⟧0123456789」』）")[-1:]
    if mark and mark in "。！？":
        return True
    if not _can_start(line, following):
        return False
    if mark == ":":
        return not line[following].isdigit() and _has_words(line[start : min(end, start + NEAR)])
    return mark != "." or not _is_abbreviation(line, start, end, following)


def _can_start(line: str, position: int) -> bool:
    """Whether a sentence can begin here: upper case, a digit, a script without case, or a name such as iPhone."""
    while position < len(line) and line[position] in OPENERS:
        position += 1
    word = line[position : position + 24].split(" ", 1)[0]
    if not word or word[0] in ".,;:!?)]}":
        return False
    return not word[0].islower() or any(character.isupper() for character in word[1:])


def _has_words(text: str) -> bool:
    return len(text.split()) >= WORDS_BEFORE_COLON


def _is_abbreviation(line: str, start: int, end: int, following: int) -> bool:
    """Whether the full stop before `end` belongs to its word: an abbreviation, an initial or the number of a step."""
    begin = max(line.rfind(" ", start, end), line.rfind("\t", start, end), start - 1) + 1
    token = line[begin:end]
    if MARKER.fullmatch(token):
        return begin == start or line[max(start, begin - NEAR) : begin].rstrip()[-1:] in (":", ";")
    word = token.lstrip(OPENERS)
    if DOTTED.fullmatch(word):
        return word != "I."
    if ABBREVIATION.fullmatch(word):
        return True
    return line[following].isdigit() and BEFORE_NUMBER.fullmatch(word) is not None
