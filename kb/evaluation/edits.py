"""An edit history, read from a file: what an editor did to which file, in order."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from kb import importing, markdown
from kb.evaluation.sets import EvaluationError
from kb.markdown import MAX_SOURCE
from kb.publishing import Content

Operation = Literal["A", "M", "R", "D"]
OPERATIONS: dict[str, Operation] = {"A": "A", "M": "M", "R": "R", "D": "D"}


@dataclass(frozen=True)
class Edit:
    """One edit: A adds a file, M changes it, R renames it from `old_path`, D deletes it (and has no content)."""

    operation: Operation
    path: str
    old_path: str
    content: Content | None


def read(file: Path, limit: int | None = None) -> Iterator[Edit]:
    """The edits of a file of JSON lines {op, path, old_path, text}, gzipped or not. Raises EvaluationError."""
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if limit is not None and number > limit:
                    return
                yield edit(line, f"{file.name}, line {number},")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise EvaluationError(f"{file} cannot be read: {error}") from error


def edit(line: str, place: str) -> Edit:
    try:
        row: dict[str, Any] = json.loads(line)
        operation, path = OPERATIONS[row["op"]], str(row["path"])
        text = "" if operation == "D" else str(row["text"])
    except json.JSONDecodeError as error:
        raise EvaluationError(f"{place} is not JSON: {error.msg}.") from error
    except (KeyError, TypeError) as error:
        raise EvaluationError(f"{place} is no edit: it needs op (A, M, R or D), path and text.") from error
    if len(text) > MAX_SOURCE:
        raise EvaluationError(f"{place} has {len(text):,} characters; an article has at most {MAX_SOURCE:,}.")
    return Edit(operation, path, str(row.get("old_path") or ""), None if operation == "D" else content(text, path))


def content(text: str, path: str) -> Content:
    """An article as the import of this file makes it; front matter that cannot be read says nothing."""
    fields, source = markdown.split_front_matter(text.replace("\0", ""))
    try:
        meta = importing.front_matter(fields)
    except importing.Unreadable:
        meta = {}
    title, source = importing.titled(meta, source.strip("\n"), PurePosixPath(path).stem)
    return Content(title[:200], source).clean()
