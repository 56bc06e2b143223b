"""HTML and DOCX by unstructured: its elements in reading order, as Markdown. Runs in the child process."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

SPECIAL = re.compile(r"([\\`*_\[\]<>])")
STARTS_A_BLOCK = re.compile(r"^(\d*)(#{1,6}|[-+]|(?<=\d)[.)])(?=\s)")  # "1. " needs its backslash before the point
LIST_MARK = re.compile(r"^(?:[-•*]|\d+[.)])\s+")
EMPHASIS = {"b": "**", "strong": "**", "i": "*", "em": "*"}
SAFE_SIGNS = "/:?#&=%+@,;~.-_!$"
SAFE = re.compile(r"(?!javascript:|data:|vbscript:)[^\s<>]+", re.IGNORECASE)


def reader(suffix: str) -> Callable[[Path], tuple[str, list[str]]]:
    """What reads a file of this kind: its text as Markdown, and what was lost."""
    partition = partitioner(suffix)

    def read(path: Path) -> tuple[str, list[str]]:
        elements = partition(filename=str(path), languages=[""])
        return markdown(elements), lost(elements)

    return read


def partitioner(suffix: str) -> Callable[..., list[Any]]:
    """The partitioner for this kind of file, with a blank pipeline in place of a model it would download."""
    import spacy
    from unstructured.nlp import tokenize

    @functools.lru_cache(maxsize=1)
    def blank() -> Any:
        pipeline = spacy.blank("en")
        pipeline.add_pipe("sentencizer")
        return pipeline

    tokenize._get_nlp = blank
    if suffix == ".docx":
        from unstructured.partition.docx import partition_docx

        return partition_docx
    from unstructured.partition.html import partition_html

    return partition_html


def markdown(elements: Iterable[Any]) -> str:
    """Elements in reading order as Markdown; list numbers are lost in unstructured itself."""
    made: list[str] = []
    last = ""
    for element in elements:
        kind = type(element).__name__
        text = block(kind, element)
        if not text:
            continue
        made.append(("\n" if kind == last == "ListItem" else "\n\n") + text)
        last = kind
    return "".join(made).strip("\n") + "\n" if made else ""


def lost(elements: Iterable[Any]) -> list[str]:
    """What an element had that Markdown here has not, a sentence each."""
    merged = sum("colspan" in (e.metadata.text_as_html or "") for e in elements)
    return [f"Merged cells of {merged} table{'' if merged == 1 else 's'} were divided."] if merged else []


def block(kind: str, element: Any) -> str:
    """One element as a Markdown block; page furniture is nothing."""
    if kind == "Image":
        return image(element)
    if kind in {"PageBreak", "Header", "Footer"} or not element.text.strip():
        return ""
    depth = element.metadata.category_depth or 0
    if kind == "Title":
        return "#" * min(6, depth + 1) + " " + marked(element.text, element.metadata)
    if kind == "ListItem":
        return (
            "  " * max(0, min(depth, 9) - 1) + "- " + marked(LIST_MARK.sub("", element.text.strip()), element.metadata)
        )
    if kind == "CodeSnippet":
        return fenced(element.text)
    if element.metadata.text_as_html:
        return table(element.metadata.text_as_html)
    return marked(element.text, element.metadata)


def image(element: Any) -> str:
    address = element.metadata.image_url or ""
    return f"![{escaped(element.text or '')}](<{address}>)" if SAFE.fullmatch(address) else ""


def marked(text: str, metadata: Any) -> str:
    """A text with its links and emphasis, which unstructured names by their words, in order, without their places."""
    links = zip(metadata.link_texts or [], metadata.link_urls or [], strict=False)
    emphasis = zip(metadata.emphasized_text_contents or [], metadata.emphasized_text_tags or [], strict=False)
    waiting = [
        [(" ".join(words.split()), f"]({quote(url, safe=SAFE_SIGNS)})") for words, url in links if SAFE.fullmatch(url)],
        [(" ".join(words.split()), EMPHASIS.get(tag, "")) for words, tag in emphasis],
    ]
    made, rest = "", " ".join(text.split())
    while any(waiting):
        place, marks = min((rest.find(marks[0][0]), number) for number, marks in enumerate(waiting) if marks)
        words, mark = waiting[marks].pop(0)
        if place >= 0 and words:
            made += special(rest[:place]) + (mark if marks else "[") + special(words) + mark
            rest = rest[place + len(words) :]
    return STARTS_A_BLOCK.sub(r"\1\\\2", made + special(rest))


def special(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def escaped(text: str) -> str:
    return STARTS_A_BLOCK.sub(r"\1\\\2", special(" ".join(text.split())))


def fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.strip(chr(10))}\n{fence}"


def table(markup: str) -> str:
    """An HTML table as a pipe table: the first row is its header, short rows are filled up."""
    from lxml import html

    cells = [
        [escaped(cell.text_content()).replace("|", "\\|") for cell in row.xpath("./td|./th")]
        for row in html.fromstring(markup).iter("tr")
    ]
    rows = [row for row in cells if row]
    if not rows:
        return ""
    width = max(map(len, rows))
    filled = [row + [""] * (width - len(row)) for row in rows]
    head, *body = ["| " + " | ".join(row) + " |" for row in filled]
    return "\n".join([head, "| " + " | ".join(["---"] * width) + " |", *body])
