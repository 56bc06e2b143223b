"""HTML inside of Markdown, which pages here would show as text: written as Markdown, or left out and noted."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from bs4 import BeautifulSoup
from bs4.element import Tag
from markdown_it import MarkdownIt
from markdownify import MarkdownConverter

from kb import linking, markdown

NEAR = 500  # characters looked at on each side of a line break
MOST_BLOCKS = 2_000  # of HTML in one text: each costs about a millisecond
DEEPEST = 150  # elements inside each other; lxml drops what is deeper than 256
BLOCKS = "address|article|aside|blockquote|center|details|div|dl|dd|dt|figure|figcaption|footer|form|h[1-6]|header|hr"
BLOCKS += "|iframe|li|main|nav|noscript|ol|p|pre|script|section|style|summary|svg|table|tbody|td|th|thead|tr|ul|video"
INLINE = "a|abbr|b|big|br|button|cite|code|del|em|font|i|img|input|ins|kbd|label|mark|q|s|samp|small|span|strike|strong"
INLINE += "|sub|sup|u|var|wbr"
TAG = re.compile(rf"(?<!\\)</?(?P<name>{BLOCKS}|{INLINE})(?=[\s/>])(?P<rest>[^<>]{{0,2000}})>", re.IGNORECASE)
BLOCK_STARTS = re.compile(rf"\s*</?(?:{BLOCKS}|{INLINE})[\s/>]", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
LOST = {"iframe", "script", "style", "form", "input", "button", "svg", "video", "audio", "object", "embed", "select"}
HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
PAIR = {"b": "**", "strong": "**", "i": "*", "em": "*", "s": "~~", "del": "~~", "strike": "~~"}
CODE = {"kbd", "code", "samp"}

HTML = MarkdownIt("gfm-like", {"html": True, "linkify": False, "maxNesting": 100})
HTML.core.ruler.enableOnly(["normalize", "block"])  # only blocks are looked at
OPTIONS: dict[str, Any] = {
    "heading_style": "atx",
    "bullets": "-",
    "newline_style": "backslash",
    "table_infer_header": True,
}


class TooMuch(Exception):
    """HTML that nobody wrote by hand."""


def tidy(source: str) -> tuple[str, tuple[str, ...]]:
    """The source without HTML, and what was lost, a sentence each. Code is left alone."""
    if len(source) > markdown.MAX_SOURCE or not TAG.search(source):
        return source, ()
    lost: Counter[str] = Counter()
    lines = source.split("\n")
    try:
        found = list(regions(source, lines))
        if len(found) > MOST_BLOCKS:
            raise TooMuch
        for first, end, indent in reversed(found):
            made = from_html("\n".join(line[indent:] for line in lines[first:end]), lost)
            lines[first:end] = [" " * indent + line if line else "" for line in made.split("\n")] if made else [""]
    except (TooMuch, RecursionError):
        return source, ("Its HTML is nested too deeply, or in too many pieces, so it was left as it is.",)
    made = "\n".join(lines)
    made = outside_code(made, lambda text: inline(text, lost))
    return made.strip("\n"), tuple(told(lost))


def told(lost: Counter[str]) -> Iterator[str]:
    if lost:
        named = ", ".join(f"{name} ({times})" if times > 1 else name for name, times in sorted(lost.items()))
        yield f"HTML that Markdown does not have was left out: {named}."


def regions(source: str, lines: list[str]) -> Iterator[tuple[int, int, int]]:
    """(first line, line after the last, indentation) of each block of HTML; a table ends where it is closed."""
    done, closes = 0, True
    for token in HTML.parse(source):
        if token.type != "html_block" or not token.map or token.map[0] < done or not BLOCK_STARTS.match(token.content):
            continue
        first, end = token.map
        indent = len(lines[first]) - len(lines[first].lstrip(" "))
        if lines[first][indent:][:1] != "<":
            continue  # in a quote: rare, and left as text
        if closes and "<table" in token.content.lower():
            closed = end_of_table(lines, first, end)
            closes, end = closed > 0, closed or end
        done = end
        yield first, end, indent


def end_of_table(lines: list[str], first: int, end: int) -> int:
    """The line after a table's last, 0 when it has none: then no later one is looked for, so that this stays linear."""
    open_tables = 0
    for place in range(first, len(lines)):
        line = lines[place].lower()
        open_tables += line.count("<table") - line.count("</table")
        if open_tables <= 0 and place + 1 >= end:
            return place + 1
    return 0


class Writer(MarkdownConverter):
    """markdownify, with what it does not know: keys, folded parts, frames."""

    def convert_summary(self, element: Any, text: str, parent_tags: Any) -> str:
        return f"\n\n**{text.strip()}**\n\n" if text.strip() else ""

    def convert_td(self, element: Any, text: str, parent_tags: Any) -> str:
        return str(super().convert_td(element, text.replace("|", "\\|"), parent_tags))  # type: ignore[misc]  # left out of its types

    def convert_th(self, element: Any, text: str, parent_tags: Any) -> str:
        return str(super().convert_th(element, text.replace("|", "\\|"), parent_tags))  # type: ignore[misc]  # left out of its types

    def convert_kbd(self, element: Any, text: str, parent_tags: Any) -> str:
        return f"`{text.strip()}`" if text.strip() and "`" not in text else text


def from_html(fragment: str, lost: Counter[str]) -> str:
    """A block of HTML as Markdown; an element that is open at its end goes on in the next block."""
    depth = deepest = 0
    for tag in TAG.finditer(fragment):
        depth += -1 if tag[0].startswith("</") else 1
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise TooMuch
    soup = BeautifulSoup(fragment, "lxml")
    for element in soup.find_all(True):
        if isinstance(element, Tag) and not element.decomposed:
            drop(element, lost)
    made = str(Writer(**OPTIONS).convert_soup(soup))
    made = re.sub(r"[ \t]+$", "", made, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", made).strip("\n ")


def drop(element: Tag, lost: Counter[str]) -> None:
    """Take out what readers do not see, and what Markdown does not have; of a frame its address stays."""
    if HIDDEN.search(str(element.get("style", ""))):
        lost["hidden text"] += 1
        element.decompose()
    elif element.name in LOST:
        lost[element.name] += 1
        address = str(element.get("src", ""))
        if element.name in {"iframe", "video", "audio", "embed"} and address.startswith(("https://", "http://", "//")):
            link = BeautifulSoup("", "lxml").new_tag("a", href=address)
            link.string = str(element.get("title") or address)
            element.replace_with(link)
        elif element.name == "form":
            element.unwrap()
        else:
            element.decompose()


def outside_code(source: str, change: Callable[[str], str]) -> str:
    """Change a text everywhere but in code blocks and inline code."""
    code = markdown.code_lines(source)
    made: list[str] = []
    waiting: list[str] = []
    for number, line in enumerate(source.split("\n"), 1):
        if number in code:
            made += [change("\n".join(waiting))] * bool(waiting) + [line]
            waiting = []
        else:
            waiting.append(line)
    return "\n".join(made + [change("\n".join(waiting))] * bool(waiting))


def inline(text: str, lost: Counter[str]) -> str:
    """HTML in a line of Markdown, from the inside out; its text is Markdown already."""
    if not TAG.search(text):
        return text
    text = replaced(BREAK, text, line_break)
    text = replaced(IMAGE, text, lambda tag: picture(attributes(tag[1])))
    for _ in range(3):
        text = replaced(ELEMENT, text, lambda element: written(element["name"].lower(), element, lost))
    return replaced(TAG, text, lambda tag: stray(tag, lost))


BREAK = re.compile(r"(?<!\\)<br\s*/?>[ \t]*(?P<end>\n?)", re.IGNORECASE)
IMAGE = re.compile(r"(?<!\\)<img(?=[\s/])([^<>]{0,2000})>", re.IGNORECASE)
ELEMENT = re.compile(
    rf"(?<!\\)<(?P<name>{INLINE})(?=[\s>])(?P<rest>[^<>]{{0,2000}})>(?P<text>[^<>]{{0,2000}})</(?P=name)\s*>",
    re.IGNORECASE,
)


def replaced(pattern: re.Pattern[str], text: str, change: Callable[[re.Match[str]], str]) -> str:
    code = [place for match in linking.INLINE_CODE.finditer(text) for place in match.span()]
    return pattern.sub(lambda match: match[0] if bisect_right(code, match.start()) % 2 else change(match), text)


def line_break(tag: re.Match[str]) -> str:
    """A hard break; in a table, in a heading and at the end of a paragraph there is none."""
    text, start = tag.string, max(0, tag.start() - NEAR)
    line = text[start : tag.start()].rpartition("\n")[2].lstrip()
    rest = text[tag.end() : tag.end() + NEAR].partition("\n")[0]
    if line.startswith(("|", "#")) or "|" in rest:
        return " " + tag["end"]
    return "\\\n" if line and rest.strip() else tag["end"]


def attributes(rest: str) -> dict[str, str]:
    found = ATTRIBUTE.findall(rest)
    return {name.lower(): html.unescape(double or single or bare) for name, double, single, bare in found}


def picture(fields: dict[str, str]) -> str:
    address = fields.get("src", "").strip()
    return f"![{fields.get('alt', '').strip()}]({bracketed(address)})" if address else ""


def bracketed(address: str) -> str:
    """An address as it can stand between parentheses."""
    return re.sub(r"[\s()<>]", lambda sign: f"%{ord(sign[0]):02X}", address)


def written(name: str, element: re.Match[str], lost: Counter[str]) -> str:
    text, fields = element["text"], attributes(element["rest"])
    if name in PAIR and text.strip():
        mark = PAIR[name]
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        return f"{before}{mark}{text.strip()}{mark}{after}"
    if name in CODE and text.strip():
        return text if "`" in text else f"`{html.unescape(text).strip()}`"
    if name == "a" and fields.get("href") and text.strip():
        return f"[{text.strip()}]({bracketed(fields['href'].strip())})"
    if name in LOST:
        lost[name] += 1
    return text


def stray(tag: re.Match[str], lost: Counter[str]) -> str:
    """A tag alone: what it surrounds stays."""
    name = tag["name"].lower()
    if name in LOST and not tag[0].startswith("</"):
        lost[name] += 1
    return ""
