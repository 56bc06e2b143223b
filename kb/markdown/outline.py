"""A parsed article as its headings' anchors and the addresses that its links and images lead to, in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from kb.markdown.parser import parse, plain


@dataclass(frozen=True)
class Target:
    """Where a link or an image leads, as the parser has it, with the words of the link and its line (1-based)."""

    address: str
    words: str
    line: int
    is_image: bool = False


@dataclass(frozen=True)
class Outline:
    anchors: tuple[str, ...]
    targets: tuple[Target, ...]


def outline(source: str) -> Outline:
    """The anchors and targets of an article. Raises ValueError as `parse` does."""
    tokens = parse(source)
    anchors = tuple(str(token.attrGet("id")) for token in tokens if token.type == "heading_open")
    return Outline(anchors, tuple(_targets(tokens)))


def _targets(tokens: Sequence[Token]) -> Iterator[Target]:
    line = 1
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "inline":
            yield from _inline(token.children or [], line)


def _inline(children: Sequence[Token], line: int) -> Iterator[Target]:
    for place, child in enumerate(children):
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type == "image":
            yield Target(str(child.attrGet("src")), plain(child.children or []), line, is_image=True)
        elif child.type == "link_open":
            end = next((at for at in range(place, len(children)) if children[at].type == "link_close"), len(children))
            yield Target(str(child.attrGet("href") or ""), plain(children[place:end]), line)
