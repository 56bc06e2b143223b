"""Labelled sets: a corpus, questions about it, and which documents answer them, read from a folder.

Sets come from anywhere, so nothing is taken for granted: what can be read is read, and what cannot is named with its
line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from kb import following
from kb.grounding import Turn
from kb.markdown import MAX_SOURCE
from kb.metrics import Grades

ANSWERABLE = {"ANSWERABLE": True, "PARTIAL": True, "UNANSWERABLE": False}  # "UNDERSPECIFIED" is neither


class EvaluationError(Exception):
    """A set that cannot be read, or a database that cannot be made, in a sentence for people."""


@dataclass(frozen=True)
class Case:
    """A question, the articles that answer it, and what else its set says about it.

    `answer`: a good answer in words. `answerable`: whether the corpus answers it at all; None where nobody has said.
    """

    key: str
    question: str
    grades: Grades
    answer: str = ""
    answerable: bool | None = None
    history: tuple[Turn, ...] = ()

    @property
    def searched(self) -> str:
        """What search is asked, as it is for readers: a follow-up with the words that it leans on."""
        return following.standalone(self.question, self.history)


@dataclass(frozen=True)
class LabelledSet:
    """corpus.jsonl, queries.jsonl (or tasks.jsonl) and qrels.tsv of a folder."""

    name: str
    corpus: list[dict[str, str]]
    cases: list[Case]


def load(folder: Path) -> LabelledSet:
    """Read a folder. Labels may be absent; the corpus and the questions may not. Raises EvaluationError."""
    corpus = load_corpus(folder)
    qrels = read_qrels(folder / "qrels.tsv")
    told = folder / "queries.jsonl"
    file = told if told.exists() else folder / "tasks.jsonl"
    rows = distinct(json_lines(file), file)
    if not rows:
        raise EvaluationError(f"{file.name} in {folder} holds no question.")
    return LabelledSet(folder.name, corpus, [case_of(key, row, qrels.get(key, {}), file) for key, row in rows.items()])


def case_of(key: str, row: dict[str, Any], grades: Grades, file: Path) -> Case:
    """A line of queries.jsonl (`text`, perhaps `answer`) or of tasks.jsonl (`conversation`, `reference_answer`)."""
    try:
        said = list(row.get("conversation") or ())
        last = max((place for place, turn in enumerate(said) if turn["speaker"] == "user"), default=0)
        question, history = str(said[last]["text"] if said else row["text"]), turns(said[:last])
    except (KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{file.name}: “{key}” has no question: neither “text” nor a “conversation” of turns, each with “speaker” "
            "and “text”."
        ) from error
    return Case(
        key=key,
        question=question,
        grades=grades,
        answer=str(row.get("answer") or row.get("reference_answer") or ""),
        answerable=ANSWERABLE.get(str(row.get("answerability", "")).upper()),
        history=history,
    )


def turns(said: Sequence[dict[str, Any]]) -> tuple[Turn, ...]:
    """What was said before the last question, a question with its answer each."""
    return tuple(
        Turn(str(asked["text"]), str(told["text"]))
        for asked, told in pairwise(said)
        if asked["speaker"] == "user" and told["speaker"] != "user"
    )


def load_corpus(folder: Path) -> list[dict[str, str]]:
    """The documents of a folder alone: `_id`, `title` and `text` of each, both texts perhaps empty.

    Raises EvaluationError.
    """
    rows = distinct(json_lines(folder / "corpus.jsonl"), folder / "corpus.jsonl")
    if not rows:
        raise EvaluationError(f"corpus.jsonl in {folder} holds no document.")
    return [{"_id": key, "title": sound(row.get("title")), "text": sound(row.get("text"))} for key, row in rows.items()]


def sound(text: object) -> str:
    """A text as PostgreSQL takes it: no NUL, no half of a surrogate pair; nothing where there is none."""
    return str(text or "").replace("\0", "").encode(errors="replace").decode()


def parts(text: str) -> Iterator[str]:
    """A text in parts of which each can be an article, cut at line ends where there are any."""
    while len(text) > MAX_SOURCE:
        end = text.rfind("\n", 1, MAX_SOURCE)
        end = MAX_SOURCE if end < 0 else end
        yield text[:end]
        text = text[end:]
    yield text


def distinct(rows: Iterator[tuple[int, dict[str, Any]]], file: Path) -> dict[str, dict[str, Any]]:
    """The rows by their ids; one that comes twice, all the same, counts once. Raises EvaluationError."""
    made: dict[str, dict[str, Any]] = {}
    for number, row in rows:
        if row.get("_id") in (None, ""):
            raise EvaluationError(f"{file.name}, line {number}, has no “_id”.")
        key = str(row["_id"])
        if made.setdefault(key, row) != row:
            raise EvaluationError(
                f"{file.name}, line {number}: another line has the _id “{key}”, too. Make them differ."
            )
    return made


def json_lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, object) of each line that is not empty. Raises EvaluationError."""
    if not file.exists():
        raise EvaluationError(f"There is no {file.name} in {file.parent}: a set needs corpus.jsonl and queries.jsonl.")
    for number, line in enumerate(lines_of(file), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise EvaluationError(f"{file.name}, line {number}, is not JSON: {error.msg}.") from error
        if not isinstance(row, dict):
            raise EvaluationError(f"{file.name}, line {number}, is not an object with fields.")
        yield number, row


def lines_of(file: Path) -> Iterator[str]:
    """The lines of a text file, with or without a byte-order mark. Raises EvaluationError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield from lines
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{file.name} is not UTF-8 text: save it in that encoding.") from error


def read_qrels(file: Path) -> dict[str, dict[str, float]]:
    """query id → corpus id → grade, of three columns or TREC's four; grades of 0 are no labels.

    Raises EvaluationError.
    """
    made: dict[str, dict[str, float]] = {}
    if not file.exists():
        return made
    for number, line in enumerate(lines_of(file), 1):
        columns = [part.strip() for part in line.rstrip("\r\n").split("\t")]
        if len(columns) not in (3, 4):
            columns = line.split()
        if not columns or (number == 1 and grade_of(columns[-1]) is None):  # an empty line; the names of the columns
            continue
        grade = grade_of(columns[-1])
        if len(columns) not in (3, 4) or grade is None:
            raise EvaluationError(f"{file.name}, line {number}, is not “query-id, corpus-id, score”, parted by tabs.")
        if grade > 0:
            made.setdefault(columns[0], {})[columns[-2]] = grade
    return made


def grade_of(text: str) -> float | None:
    """A finite number; None for anything else."""
    try:
        grade = float(text)
    except ValueError:
        return None
    return grade if math.isfinite(grade) else None
