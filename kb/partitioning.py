"""The child process of kb.converting: `python -m kb.partitioning FILE` prints the file's text as Markdown.

Importing a partitioner costs 4 s and 130 MB, and a hostile file can take any amount of both: never in a web process.
"""

from __future__ import annotations

import functools
import re
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

MEMORY = 2 * 1024**3  # bytes of address space, set after the imports
LONGEST = 5_000_000  # characters to print; ten times what an article may have, and little for the parent to hold
SPECIAL = re.compile(r"([\\`*_\[\]<>])")
STARTS_A_BLOCK = re.compile(r"^(\d*)(#{1,6}|[-+]|(?<=\d)[.)])(?=\s)")  # "1. " needs its backslash before the point
LIST_MARK = re.compile(r"^(?:[-•*]|\d+[.)])\s+")


def main(path: Path) -> None:
    partition = partitioner(path)
    limit_memory()
    try:
        made = markdown(partition(filename=str(path), languages=[""]))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split()) or 'no reason given'}")
    sys.stdout.write(made[:LONGEST])


def partitioner(path: Path) -> Callable[..., list[Any]]:
    """The partitioner for this kind of file, with a blank pipeline in place of a model it would download."""
    import spacy
    from unstructured.nlp import tokenize

    @functools.lru_cache(maxsize=1)
    def blank() -> Any:
        pipeline = spacy.blank("en")
        pipeline.add_pipe("sentencizer")
        return pipeline

    tokenize._get_nlp = blank
    if path.suffix.lower() == ".docx":
        from unstructured.partition.docx import partition_docx

        return partition_docx
    from unstructured.partition.html import partition_html

    return partition_html


def limit_memory() -> None:
    """Linux counts address space exactly; macOS may refuse the limit, and the time limit of the parent remains."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ValueError, OSError):
        sys.stderr.write("no memory limit on this system\n")


def markdown(elements: Iterable[Any]) -> str:
    """Elements in reading order as Markdown; inline marks and list numbers are lost in unstructured itself."""
    made: list[str] = []
    last = ""
    for element in elements:
        kind = type(element).__name__
        text = block(kind, element)
        if not text:
            continue
        made.append(("\n" if kind == last == "ListItem" else "\n\n") + text)
        last = kind
    return "".join(made).strip() + "\n" if made else ""


def block(kind: str, element: Any) -> str:
    """One element as a Markdown block; page furniture is nothing."""
    if kind in {"PageBreak", "Header", "Footer", "Image"} or not element.text.strip():
        return ""
    if kind == "Title":
        return "#" * min(6, (element.metadata.category_depth or 0) + 1) + " " + escaped(element.text)
    if kind == "ListItem":
        return "- " + escaped(LIST_MARK.sub("", element.text.strip()))
    if kind == "CodeSnippet":
        return fenced(element.text)
    if element.metadata.text_as_html:
        return table(element.metadata.text_as_html)
    return escaped(element.text)


def escaped(text: str) -> str:
    return STARTS_A_BLOCK.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", " ".join(text.split())))


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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
