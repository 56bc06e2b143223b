"""PDF by pypdfium2: lines with size and place, put together as paragraphs and headings. Runs in the child process.

A PDF knows letters and places, no structure. Larger letters than those of the body are headings; a wider gap than
between lines begins a paragraph; lines that stand at the edge of most pages are page furniture.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import pypdfium2.raw as raw

from kb.converting.documents import ConversionError
from kb.converting.elements import escaped

MOST_PAGES = 2_000
MOST_CHARACTERS = 5_000_000
LARGER = 1.15  # times the body's size: a heading
LONGEST_HEADING = 150  # characters
WIDER = 1.6  # times the size: the distance of two lines that belong to different paragraphs
LEVELS = 3
LIST_MARK = re.compile(r"(?:[•◦▪‣·*–-]|(\d{1,3})[.)])\s+(?=\S)")  # the signs that PDFs have


@dataclass(frozen=True)
class Line:
    text: str
    size: float
    bottom: float


def read(path: Path) -> tuple[str, list[str]]:
    """The text as Markdown, and what was lost. Raises ConversionError."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise ConversionError("The PDF is encrypted: save it without a password.") from error
        raise ConversionError("The file is no PDF, or it is damaged or cut off.") from error
    if len(document) > MOST_PAGES:
        raise ConversionError(f"The PDF has {len(document):,} pages; at most {MOST_PAGES:,} are read. Divide it.")
    pages, pictures = [], 0
    for page in document:
        pages.append(list(lines(page)))
        pictures += sum(1 for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]))
        page.close()
    if not any(pages):
        raise ConversionError(
            f"The PDF holds no text, only pictures of its {len(pages):,} pages: run text recognition first."
        )
    body, furniture = without_furniture(pages)
    return markdown(body), list(notes(pictures, furniture))


def notes(pictures: int, furniture: int) -> Iterator[str]:
    yield "A PDF has no structure: check headings, lists and tables."
    if pictures:
        yield f"{pictures:,} picture{' was' if pictures == 1 else 's were'} left out."
    if furniture:
        yield f"{furniture:,} lines that repeat at the edges of pages were left out."


def lines(page: pypdfium2.PdfPage) -> Iterator[Line]:
    text = page.get_textpage()
    place = 0
    for line in text.get_text_range().split("\r\n"):
        shown = " ".join(line.replace("\ufffe", "\u00ad").split())
        first = place + len(line) - len(line.lstrip())
        place += len(line) + 2
        if shown:
            _, bottom, _, top = text.get_charbox(min(first, text.count_chars() - 1), loose=True)
            yield Line(shown, round(top - bottom), bottom)
    text.close()


def without_furniture(pages: Sequence[Sequence[Line]]) -> tuple[list[list[Line]], int]:
    """The pages without the first and last lines that most of them share but for their numbers, and how many went."""
    edges = Counter(
        key for page in pages for key in {masked(line) for line in (*page[:2], *page[-2:])} if len(pages) >= 3
    )
    shared = {key for key, times in edges.items() if times > len(pages) / 2}
    kept = [
        [line for n, line in enumerate(page) if 2 <= n < len(page) - 2 or masked(line) not in shared] for page in pages
    ]
    return kept, sum(map(len, pages)) - sum(map(len, kept))


def masked(line: Line) -> str:
    return re.sub(r"\d+", "0", line.text)


def markdown(pages: Sequence[Sequence[Line]]) -> str:
    """Paragraphs under headings; a document of several pages without headings gets one for each page."""
    levels = heading_levels([line for page in pages for line in page])
    made: list[str] = []
    for number, page in enumerate(pages, 1):
        if not levels and len(pages) > 1 and page:
            made.append(f"## Page {number}")
        for group in paragraphs(page, levels):
            part = block(group, levels)
            if made and continues(made[-1], group, levels):
                made[-1] = joined(made[-1], part)
            else:
                made.append(part)
    return re.sub(r"(?m)^((?:- |\d+\. ).*)\n\n(?=- |\d+\. )", r"\1\n", "\n\n".join(made)[:MOST_CHARACTERS]) + "\n"


def heading_levels(every: Sequence[Line]) -> dict[float, int]:
    """The sizes of headings, the largest first as level 1."""
    amount: Counter[float] = Counter()
    for line in every:
        amount[line.size] += len(line.text)
    body = amount.most_common(1)[0][0] if amount else 0
    sizes = {line.size for line in every if line.size > LARGER * body and len(line.text) <= LONGEST_HEADING}
    return {size: min(LEVELS, place) for place, size in enumerate(sorted(sizes, reverse=True), 1)}


def paragraphs(page: Sequence[Line], levels: dict[float, int]) -> Iterator[list[Line]]:
    group: list[Line] = []
    for line in page:
        if group and begins(group[-1], line, levels):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def begins(before: Line, line: Line, levels: dict[float, int]) -> bool:
    """Whether a line begins a new paragraph, heading or list item."""
    if (before.size in levels or line.size in levels) and before.size != line.size:
        return True
    distance = before.bottom - line.bottom
    return distance < 0 or distance > WIDER * line.size or LIST_MARK.match(line.text) is not None


def block(group: Sequence[Line], levels: dict[float, int]) -> str:
    text = ""
    for line in group:
        text = joined(text, line.text)
    if group[0].size in levels:
        return "#" * levels[group[0].size] + " " + escaped(text)
    mark = LIST_MARK.match(text)
    if mark:
        return (f"{mark[1]}. " if mark[1] else "- ") + escaped(text[mark.end() :])
    return escaped(text)


def continues(before: str, group: Sequence[Line], levels: dict[float, int]) -> bool:
    """Whether a paragraph goes on that the end of a page, or a column, had cut."""
    plain = not before.startswith("#") and group[0].size not in levels
    return plain and group[0].text[0].islower() and not before.endswith((".", "!", "?", ":", "|"))


def joined(before: str, after: str) -> str:
    """Two lines as one; a word that was divided with a soft hyphen is made whole."""
    if before.endswith("\u00ad"):
        return before[:-1] + after
    return f"{before} {after}" if before else after
