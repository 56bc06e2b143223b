"""Links and images in a Markdown text, changed by whoever knows where they lead now. Code is left alone. Pure."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote

from kb import markdown

# Each alternative begins with another character, so that no hostile line makes these slow.
LINK = re.compile(
    r"(?<!\\)(?P<image>!?)\[(?P<text>(?:\\.|[^\[\]\\\n]|\[[^\[\]\n]*\])*)\]"
    r"\((?P<target><[^<>\n]*>|(?:[^()<>\s]|\([^()\s]*\))+)(?P<rest>(?:[ \t][^)\n]*)?)\)"
)
DEFINITION = re.compile(r"^(?P<start> {0,3}\[(?!\^)[^\[\]\n]+\]:[ \t]*)(?P<target><[^<>\n]*>|[^<>\s]+)", re.MULTILINE)
INLINE_CODE = re.compile(r"(?<!`)(?P<ticks>`{1,9})(?!`)[^\n]{1,2000}?(?<!`)(?P=ticks)(?!`)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|[/#?]", re.IGNORECASE)
LINE = re.compile(r"[^\n]*\n|[^\n]+")

Change = Callable[[str], str | None]


def rewrite(source: str, *, link: Change, image: Change) -> str:
    """Each link's and each image's target changed. None leaves a link as it is, and of an image its description.

    An image whose target comes back as it was stays as it is.
    """

    def inline(match: re.Match[str]) -> str:
        target = plain(match["target"])
        if match["image"]:
            address = image(target)
            if address is None:
                return f"*{match['text'].strip()}*" if match["text"].strip() else ""
            if address == target:
                return match[0]
            return f"![{match['text']}]({address}{match['rest']})"
        text = replace(match["text"], inline)  # an image as the text of a link
        return f"[{text}]({link(target) or match['target']}{match['rest']})"

    def definition(match: re.Match[str]) -> str:
        return match["start"] + (link(plain(match["target"])) or match["target"])

    return outside_code(source, lambda text: DEFINITION.sub(definition, replace(text, inline)))


def retarget(source: str, old: str, new: str) -> str:
    """The links and images that lead to `old` lead to `new`; all else is left to the letter."""

    def inline(match: re.Match[str]) -> str:
        text = replace(match["text"], inline)  # an image as the text of a link
        target = new if plain(match["target"]) == plain(old) else match["target"]
        return f"{match['image']}[{text}]({target}{match['rest']})"

    def definition(match: re.Match[str]) -> str:
        return match["start"] + (new if plain(match["target"]) == plain(old) else match["target"])

    return outside_code(source, lambda text: DEFINITION.sub(definition, replace(text, inline)))


def plain(target: str) -> str:
    """A link's target without its marks: `<a file.md>` and `a%20file.md` are both "a file.md"."""
    return unquote(target.removeprefix("<").removesuffix(">"))


def is_elsewhere(target: str) -> bool:
    """Whether a target names another site, a page of this one or a place in the same text: no file nearby."""
    return not target or ELSEWHERE.match(target) is not None


def resolve(path: str, target: str) -> str | None:
    """A target seen from the file at `path`, as a path inside the folder ("" is the folder); None outside of it."""
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / target).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def outside_code(source: str, change: Callable[[str], str]) -> str:
    """Change a Markdown text everywhere but in its code blocks."""
    if "](" not in source and "]:" not in source:
        return source
    code = markdown.code_lines(source)
    made: list[str] = []
    lines = enumerate(LINE.findall(source), 1)
    for is_code, group in itertools.groupby(lines, key=lambda numbered: numbered[0] in code):
        text = "".join(line for _, line in group)
        made.append(text if is_code else change(text))
    return "".join(made)


def replace(text: str, change: Callable[[re.Match[str]], str]) -> str:
    """Change the links of a text, but for what begins inside inline code."""
    code = [span for match in INLINE_CODE.finditer(text) for span in match.span()]

    def outside(match: re.Match[str]) -> str:
        inside = bisect.bisect_right(code, match.start()) % 2
        return match[0] if inside else change(match)

    return LINK.sub(outside, text)
