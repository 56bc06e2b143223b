"""Sentences with one error put in, made from the corpus of a set: does kb.checking mark every one of them?

A case is a sentence and its passage, one of which has been changed in one place: a number, a unit, a date, a negation,
a code or an address. Deterministic: the same corpus gives the same cases.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kb import markdown
from kb.checking import checked
from kb.evaluation.sets import LabelledSet
from kb.grounding import assemble, sentences_of
from kb.identifiers import identifiers

PASSAGE_LINES = 12
LEAST, MOST = 5, 60  # words of a sentence that is worth a case
UNITS = (
    ("KB", "MB"), ("MB", "GB"), ("GB", "TB"), ("ms", "s"), ("seconds", "minutes"), ("minutes", "hours"),
    ("hours", "days"), ("days", "weeks"), ("mm", "cm"), ("cm", "m"), ("mA", "A"), ("V", "mV"), ("Hz", "kHz"),
    ("MHz", "GHz"), ("inches", "feet"), ("characters", "words"), ("pixels", "inches"),
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DENIED = (
    ("cannot ", "can "), ("can not ", "can "), ("do not ", "do "), ("does not ", "does "), ("is not ", "is "),
    ("are not ", "are "), ("will not ", "will "), ("may not ", "may "), ("should not ", "should "), ("don't ", "do "),
)  # fmt: skip
AFFIRMED = (("can ", "cannot "), ("will ", "will not "), ("is ", "is not "), ("are ", "are not "))
ADDRESS = re.compile(r"https?://[^\s<>\"')\]]*\w/?")
NUMBER = re.compile(r"(?<![\w.,:/#-])\d{1,5}(?![\w.,:/-]|\s*\))")


@dataclass(frozen=True)
class Seeded:
    """A sentence that its passage does not support, because of one change of this kind in one of the two."""

    kind: str
    where: str
    sentence: str
    passage: str


@dataclass(frozen=True)
class Change:
    """Characters start to end of a sentence, and what stands there instead."""

    start: int
    end: int
    instead: str

    def of(self, text: str, *, at: int = 0) -> str:
        return text[: at + self.start] + self.instead + text[at + self.end :]


def seeded(corpus: Iterable[dict[str, str]], *, each: int) -> list[Seeded]:
    """At most `each` cases of a kind and place."""
    found: dict[tuple[str, str], list[Seeded]] = {}
    for passage, sentence, at in quotable(corpus):
        for kind, made in CHANGES.items():
            change = made(sentence)
            if change is None or passage.count(sentence) > 1:
                continue
            wrong, elsewhere = change.of(sentence), change.of(passage, at=at)
            found.setdefault((kind, "sentence"), []).append(Seeded(kind, "sentence", wrong, passage))
            found.setdefault((kind, "passage"), []).append(Seeded(kind, "passage", sentence, elsewhere))
    draw = random.Random(0)  # noqa: S311  # a sample, no secret
    return [case for cases in found.values() for case in draw.sample(cases, min(each, len(cases)))]


def quotable(corpus: Iterable[dict[str, str]]) -> Iterator[tuple[str, str, int]]:
    """(passage, one of its sentences, where it begins), of passages of PASSAGE_LINES lines."""
    for row in corpus:
        lines = [line for block in markdown.blocks(row["text"]) for line in block.text.splitlines()]
        for first in range(0, len(lines), PASSAGE_LINES):
            passage = "\n".join(lines[first : first + PASSAGE_LINES])
            for sentence in sentences_of(passage, (1,)):
                if LEAST <= len(sentence.text.split()) <= MOST:
                    yield passage, sentence.text, sentence.start


def another_number(sentence: str) -> Change | None:
    match = NUMBER.search(sentence)
    return Change(match.start(), match.end(), str(int(match.group()) + 1)) if match else None


def another_unit(sentence: str) -> Change | None:
    for unit, instead in UNITS:
        if match := re.search(rf"(?<=\d)(?P<gap> ?){unit}\b", sentence):
            return Change(match.start(), match.end(), match["gap"] + instead)
    return None


def another_date(sentence: str) -> Change | None:
    """The next month, or the next year."""
    if match := re.search(rf"\b({'|'.join(MONTHS)})(?= \d)", sentence):
        return Change(match.start(), match.end(), MONTHS[(MONTHS.index(match.group()) + 1) % 12])
    match = re.search(r"\b(?:19|20)\d\d(?=-\d\d-\d\d)", sentence)
    return Change(match.start(), match.end(), str(int(match.group()) + 1)) if match else None


def other_negation(sentence: str) -> Change | None:
    """A negation taken out; where there is none, one put in."""
    for without in (DENIED, AFFIRMED):
        for said, instead in without:
            if match := re.search(rf"\b{re.escape(said)}(?!only)", sentence):
                return Change(match.start(), match.end(), instead)
    return None


def another_code(sentence: str) -> Change | None:
    """An exact name with its last letter or digit changed."""
    for name in identifiers(ADDRESS.sub(" ", sentence)):
        match = re.search(rf"(?<!\w){re.escape(name)}(?![\w.-])", sentence, re.IGNORECASE)
        if match and name[-1].isalnum():
            last = match.group()[-1]
            other = str((int(last) + 1) % 10) if last.isdigit() else ("x" if last.lower() != "x" else "y")
            return Change(match.start(), match.end(), match.group()[:-1] + other)
    return None


def another_address(sentence: str) -> Change | None:
    match = ADDRESS.search(sentence)
    return Change(match.start(), match.end(), match.group().rstrip("/") + "-old") if match else None


CHANGES: dict[str, Callable[[str], Change | None]] = {
    "number": another_number,
    "unit": another_unit,
    "date": another_date,
    "negation": other_negation,
    "code": another_code,
    "address": another_address,
}


def measure(labelled: LabelledSet, *, each: int = 20) -> dict[str, Any]:
    """Seeded errors by kind and how many are marked; of quotations and honest answers, how many are marked wrongly."""
    cases = seeded(labelled.corpus, each=each)
    marked = [case for case in cases if checked(case.sentence, [case.passage]).verdict != "supported"]
    quotations = list(quotable(labelled.corpus))
    wrong = sum(checked(sentence, [passage]).verdict != "supported" for passage, sentence, _ in quotations)
    honest = [checked(sentence, passages).verdict for sentence, passages in honest_sentences(labelled)]
    return {
        "seeded": dict(Counter(case.kind for case in cases)),
        "marked": dict(Counter(case.kind for case in marked)),
        "missed": [case for case in cases if case not in set(marked)],
        "quotations": len(quotations),
        "quotations_marked": wrong,
        "honest": len(honest),
        "honest_unsupported": honest.count("unsupported"),
        "honest_weak": honest.count("weak"),
    }


def honest_sentences(labelled: LabelledSet) -> Iterator[tuple[str, Sequence[str]]]:
    """The sentences of the good answers, with the documents that are right for them."""
    texts = {row["_id"]: "\n".join((row.get("title") or "", row["text"])) for row in labelled.corpus}
    for case in labelled.cases:
        if case.answer and case.grades and case.answerable is not False:
            passages = [texts[document] for document in case.grades if document in texts]
            for sentence in assemble(case.answer):
                yield sentence.text, passages
