"""Grounding: numbered sources, the prompt, and an answer cut into its sentences. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kb.sentences import Span, split

__all__ = [
    "AnswerSentence",
    "Prompt",
    "Sentence",
    "Source",
    "Turn",
    "assemble",
    "plain",
    "sentences_of",
]

MARK = re.compile(r"⟦(\d{1,4})⟧")
FENCED = re.compile(
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??[ ]{0,3}(?P=fence)[`~]*[ \t]*$", re.MULTILINE | re.DOTALL
)
LIST_MARKER = re.compile(r"(?:[-*+•]|\(?(?:\d{1,3}|[a-z])[.)])")
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a source: a range of characters in `Source.text` and the source line of the block it stands in."""

    start: int
    end: int
    text: str
    line: int


@dataclass(frozen=True)
class Source:
    """A numbered passage, as reader and generator see it."""

    number: int
    article_id: int
    slug: str
    title: str
    collection: str
    heading_path: tuple[str, ...]
    anchor: str
    version_id: int
    version_number: int
    passage_id: int
    text: str
    sentences: tuple[Sentence, ...]
    score: float
    updated: datetime


@dataclass(frozen=True)
class Turn:
    """An earlier question of the conversation, and what was answered."""

    question: str
    answer: str


@dataclass(frozen=True)
class Prompt:
    """All that a generator may use: the question, the sources, and the conversation so far.

    `searched`: the question as it was looked for, made to stand alone; empty when that is the same. `task`: to answer
    it, or to make it stand alone. `anew`: whatever was generated for the same before is not wanted again.
    """

    question: str
    sources: tuple[Source, ...]
    history: tuple[Turn, ...] = ()
    searched: str = ""
    task: Literal["answer", "standalone"] = "answer"
    anew: bool = False


@dataclass(frozen=True)
class AnswerSentence:
    """A sentence of an answer as a reader sees it, and the numbers of the sources cited for it, in `marks` marks."""

    text: str
    citations: tuple[int, ...]
    marks: int = 0


def storable(text: str) -> str:
    """As PostgreSQL keeps it: no NUL, no half of a surrogate pair. The same length in any unit."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def sentences_of(text: str, lines: Sequence[int]) -> tuple[Sentence, ...]:
    """The citable sentences of a passage; a fenced code block is one, and so is a line (list item, table row, heading).

    `lines[i]` is the source line of line i of `text`, both as the chunker gives them.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return tuple(
        Sentence(
            span.start,
            span.end,
            text[span.start : span.end],
            lines[min(bisect_right(starts, span.start), len(lines)) - 1],
        )
        for span in _spans(text)
        if re.search(r"\w", text[span.start : span.end])
    )


def assemble(text: str) -> list[AnswerSentence]:
    """Cut the stored text of an answer (Markdown with marks ⟦n⟧) into its sentences with the sources each cites.

    A mark that stands alone on its line, as after code, belongs to the sentence before it.
    """
    sentences: list[AnswerSentence] = []
    for span in _spans(text):
        marked = text[span.start : span.end]
        numbers = [int(number) for number in MARK.findall(marked)]
        words = _as_read(marked)
        if re.search(r"\w", words):
            sentences.append(_cited(words, numbers))
        elif numbers and sentences:
            last = sentences.pop()
            sentences.append(_cited(last.text, [*last.citations, *numbers], marks=last.marks + len(numbers)))
    return sentences


def plain(text: str) -> str:
    """The text of an answer without its citation marks."""
    return MARK.sub("", text)


def _cited(words: str, numbers: Sequence[int], *, marks: int | None = None) -> AnswerSentence:
    return AnswerSentence(words, tuple(dict.fromkeys(numbers)), len(numbers) if marks is None else marks)


def _as_read(marked: str) -> str:
    """A sentence without marks and without the backslashes that keep its signs from being read as Markdown."""
    words = plain(marked).strip()
    return words if FENCED.match(words) else ESCAPE.sub(r"\1", words)


def _spans(text: str) -> Iterator[Span]:
    """Sentences of a Markdown or plain text; a fenced code block is one, and list markers belong to their item."""
    position = 0
    for block in FENCED.finditer(text):
        yield from _joined(text, position, block.start())
        yield Span(block.start(), block.end())
        position = block.end()
    yield from _joined(text, position, len(text))


def _joined(text: str, start: int, end: int) -> Iterator[Span]:
    """Sentences of text[start:end], a list marker that the splitter set apart joined to what follows it on its line."""
    marker: Span | None = None
    for found in split(text[start:end]):
        span = Span(start + found.start, start + found.end)
        if marker and "\n" in text[marker.end : span.start]:
            yield marker
        elif marker:
            span = Span(marker.start, span.end)
        marker = span if LIST_MARKER.fullmatch(text, span.start, span.end) else None
        if not marker:
            yield span
    if marker:
        yield marker
