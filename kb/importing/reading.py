"""One file as an article to be: its front matter, title and text, whatever kind of file it is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Self

import yaml
from django.utils.text import slugify

from kb import converting, markdown
from kb.importing import tidying
from kb.importing.folders import MARKDOWN, READABLE, Unreadable
from kb.publishing import Content

LONGEST_FRONT_MATTER = 20_000  # characters; nested brackets make YAML's parser slow and deep
HEADING = re.compile(r"\s*# +(?P<title>[^\n]*)")
SIGNS = re.compile(r"([\\`*_\[\]<>#|~])")  # that mean something in Markdown
LIST_MARK = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]+(?=\S)")
SHORT = 60  # characters: a shorter line of a plain text ends where it was meant to end
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
EXACT = "footnote"  # the field by which a file says that an export made it: its text is taken as it is


@dataclass(frozen=True)
class Parsed:
    """One file as an article to be. `identity`: by what it is found again; empty fields: the file does not say."""

    path: str
    content: Content
    slug: str
    identity: str
    tags: tuple[str, ...] = ()
    position: int = 0
    collection: str = ""
    audience: str = ""
    state: str = ""
    owner: str = ""
    review: str = ""
    draft: bool = False  # the text that is worked on beside a published one
    exact: bool = False  # an export made it
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        fields: dict[str, Any] = {**stored, "content": Content(**stored["content"])}
        fields |= {name: tuple(stored[name]) for name in ("tags", "notes")}
        return cls(**fields)


def parse(path: str, data: bytes, converter: converting.Converter) -> Parsed:
    """Read one file. Raises Unreadable, ConversionError, or ValidationError about what its fields say."""
    meta, source, notes = read(path, data, converter)
    if not source.strip() and not scalar(meta, "title"):
        raise Unreadable("The file is empty.")
    stem = PurePosixPath(path).stem
    exact = bool(scalar(meta, EXACT))
    if exact:
        title, source = scalar(meta, "title"), source.removeprefix("\n").removesuffix("\n")
    else:
        title, source = titled(meta, source.strip("\n"), stem)
        source, lost = tidying.tidy(source) if suffix_of(path) in MARKDOWN else (source, ())
        notes = (*notes, *lost)
    language = scalar(meta, "language") or scalar(meta, "lang") or "en"
    position = scalar(meta, "position")
    said = {name: scalar(meta, name)[:120] for name in ("collection", "audience", "state", "owner", "review")}
    return Parsed(
        path=path,
        content=Content(title, source, scalar(meta, "summary") or scalar(meta, "description"), language).clean(),
        slug=slugify(scalar(meta, "slug") or stem)[:150] or slugify(title)[:150] or "article",
        identity=(scalar(meta, "id") or scalar(meta, "external_id") or path)[-300:],
        tags=as_tags(meta.get("tags")),
        position=int(position) if re.fullmatch("[0-9]{1,6}", position) else 0,
        collection=said["collection"],
        audience=said["audience"],
        state=said["state"],
        owner=said["owner"],
        review=said["review"],
        draft=exact and scalar(meta, "draft") == "True",
        exact=exact,
        notes=notes,
    )


def titled(meta: Mapping[str, Any], source: str, stem: str) -> tuple[str, str]:
    """The title, of the front matter, the first heading or the file's name; and the text without a heading like it."""
    heading = HEADING.match(source)
    named = heading["title"].strip().rstrip("#").strip() if heading else ""
    title = scalar(meta, "title") or named or stem.replace("-", " ").replace("_", " ")
    if heading and named == title.strip():
        source = source[heading.end() :].lstrip("\n")
    return title, source


def read(path: str, data: bytes, converter: converting.Converter) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """Front matter, Markdown, and what was lost."""
    suffix = suffix_of(path)
    if suffix in converting.SUFFIXES:
        made = converter.convert(data, suffix)
        return {}, made.text.strip("\n"), made.notes
    if suffix not in READABLE:
        raise Unreadable(f"A file of this kind is not read: only {', '.join(sorted(READABLE))} are.")
    text, notes = decoded(data)
    if suffix not in MARKDOWN:
        return {}, plain(text), notes
    fields, source = markdown.split_front_matter(text)
    return front_matter(fields), source, notes


def suffix_of(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """UTF-8, or UTF-16 that says so; anything else could only be guessed."""
    encoding = MARKS.get(data[:2])
    if encoding:
        try:
            return data.decode(encoding), ("The file was UTF-16; it is UTF-8 here.",)
        except UnicodeDecodeError as error:
            raise Unreadable("The file begins like UTF-16 and is not: save it as UTF-8.") from error
    if b"\0" in data:
        raise Unreadable("The file holds NUL bytes, so it is not a text.")
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        raise Unreadable(f"The file is not UTF-8 (byte {error.start:,}): save it as UTF-8.") from error


def plain(text: str) -> str:
    """A text without any marks as Markdown that shows it so: paragraphs, lists, and lines where they are short."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    made = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        mark = LIST_MARK.match(line)
        start = mark.end() if mark else 0
        shown = line if "://" in line else line[:start] + SIGNS.sub(r"\\\1", line[start:])
        goes_on = bool(line and following and len(line) < SHORT) and not LIST_MARK.match(following)
        made.append(shown + "\\" if goes_on else shown)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(made)).strip("\n")


def front_matter(fields: str) -> dict[str, Any]:
    if len(fields) > LONGEST_FRONT_MATTER:
        raise Unreadable(f"The front matter has {len(fields):,} characters; at most {LONGEST_FRONT_MATTER:,} are read.")
    try:
        meta = yaml.safe_load(fields.strip().removeprefix("---").removesuffix("---")) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"The front matter is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(meta, dict):
        raise Unreadable("The front matter is not a list of names and values.")
    return meta


def scalar(meta: Mapping[str, Any], name: str) -> str:
    """A field of the front matter as text; a list or a mapping is none (and a hostile one may be endless)."""
    value = meta.get(name)
    return text_of(value) if isinstance(value, str | int | float | date) else ""


def text_of(value: object) -> str:
    """As the database can hold it: without NUL and halves of signs."""
    return str(value).replace("\0", "").encode(errors="ignore").decode().strip()


def as_tags(value: object) -> tuple[str, ...]:
    values = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    tags = (text_of(tag)[:40] for tag in values if isinstance(tag, str | int | float))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
