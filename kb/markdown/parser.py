"""The one parse: Markdown tokens with our anchors, block ids, safe links and shifted headings already on them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from kb.markdown.comments import comments_plugin

MAX_SOURCE = 500_000  # characters; a whole book is about a million
MAX_INLINE = 20_000  # characters of one paragraph: inline parsing can be quadratic, so a longer one stays plain
OUTSIDE = "noopener noreferrer nofollow"
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
# Fields between two lines of dashes at the very top. A rule followed by prose is a rule, not front matter.
FRONT_MATTER = re.compile(r"---[ \t]*\n(?:---|[\w-]+[ \t]*:[^\n]*\n(?:[^\n]*\n)*?---)[ \t]*(?:\n|\Z)")
# An image of ours says how large it is, so that a page leaves the room for it and nothing moves when it arrives.
SIZED = re.compile(r"/images/[0-9a-f]{32}/[a-z0-9_-]*-(\d{1,4})x(\d{1,4})\.[a-z]{3,4}")
TASK = re.compile(r"\[([ xX])\][ \t]+")
SLUG_LENGTH = 64


def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": True, "typographer": False, "maxNesting": 100}  # at 20, deep lists vanish
    md = MarkdownIt("gfm-like", options)
    md.use(footnote_plugin).use(comments_plugin)
    md.core.ruler.at("inline", _parse_inline)
    if md.linkify is not None:
        md.linkify.set({"fuzzy_link": False})  # otherwise manage.py and README.md link to hosts in Paraguay and Moldova
    return md


def _parse_inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if len(token.content) > MAX_INLINE:
            token.children.append(Token("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)


MD = _parser()


def parse(source: str) -> list[Token]:
    """Parse an article's source; front matter is skipped, and every line keeps its number.

    Opening tokens that get an id in the HTML carry the line of that id as meta["line"] (1-based); heading_close carries
    meta["title"]. Raises ValueError when the source is longer than MAX_SOURCE.
    """
    if len(source) > MAX_SOURCE:
        raise ValueError(
            f"This text has {len(source):,} characters; an article may have {MAX_SOURCE:,}. Divide it into several."
        )
    tokens = MD.parse(_without_front_matter(source))
    anchors = _name_headings(tokens)
    _tick_tasks(tokens)
    for token in tokens:
        if token.type == "inline":
            token.children = list(_safe_links(token.children or [], anchors))
    _number_blocks(tokens)
    return tokens


def links(source: str) -> list[str]:
    """The targets of the source's links and images, each once, in order of appearance."""
    found: dict[str, None] = {}
    for token in parse(source):
        for child in token.children or []:
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                found[str(target)] = None
    return list(found)


def code_lines(source: str) -> set[int]:
    """The source lines (1-based) that stand in code blocks, fences included."""
    blocks = (token.map for token in parse(source) if token.type in ("fence", "code_block") and token.map)
    return {line + 1 for first, end in blocks for line in range(first, end)}


def plain(children: Sequence[Token]) -> str:
    """Inline tokens as a reader sees them: no marks, the text of links, the description of images, one line."""
    parts: list[str] = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(plain(child.children or []))
    return " ".join("".join(parts).split())


def split_front_matter(source: str) -> tuple[str, str]:
    """The fields at the top of a source, between their lines of dashes ("" when there are none), and the text below."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    match = FRONT_MATTER.match(text)
    return (match[0], text[match.end() :]) if match else ("", text)


def _without_front_matter(source: str) -> str:
    fields, text = split_front_matter(source)
    return "\n" * fields.count("\n") + text


def _name_headings(tokens: Sequence[Token]) -> set[str]:
    """Give headings their ids, and move them down a level when the body uses the page's own h1. Returns the ids."""
    shift = any(token.type == "heading_open" and token.tag == "h1" for token in tokens)
    used: Counter[str] = Counter()
    for index, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        closing = tokens[index + 2]
        token.tag = closing.tag = f"h{min(6, int(token.tag[1]) + shift)}"
        title = plain(tokens[index + 1].children or [])
        token.attrSet("id", _anchor(title, used))
        closing.meta |= {"title": title, "id": token.attrGet("id")}
    return set(used)


def _anchor(title: str, used: Counter[str]) -> str:
    """A unique id for a heading. The prefix keeps it apart from the page's own ids ("answer", "main")."""
    slug = anchor(title)
    free = slug
    while used[free]:
        used[slug] += 1
        free = f"{slug}-{used[slug]}"
    used[free] += 1
    return free


def anchor(title: str) -> str:
    """The id of the heading with this title; also what other programs' anchors (`#next-steps`) become."""
    return "s-" + (re.sub(r"[\W_]+", "-", title.lower()).strip("-")[:SLUG_LENGTH].rstrip("-") or "section")


def _tick_tasks(tokens: Sequence[Token]) -> None:
    """Turn "- [x] done" into a ticked box whose label is the text (the plugin for it is quadratic on long lists)."""
    lists: list[Token] = []
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if item.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(item)
        elif item.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif (item.type, paragraph.type) == ("list_item_open", "paragraph_open") and _tick(inline):
            item.attrSet("class", "task-list-item")
            lists[-1].attrSet("class", "contains-task-list")


def _tick(inline: Token) -> bool:
    first, *others = inline.children or [Token("text", "", 0)]
    match = TASK.match(first.content) if first.type == "text" else None
    if match:
        first.content = first.content[match.end() :]
        opening = Token("task_open", "label", 1, meta={"done": match[1] != " "})
        inline.children = [opening, first, *others, Token("task_close", "label", -1)]
    return match is not None


def _safe_links(children: Sequence[Token], anchors: set[str]) -> Iterator[Token]:
    """Mark links that lead elsewhere; an image from elsewhere becomes a link to it, for no page of ours loads it.

    `#next-steps`, as people write it, leads to the heading "Next steps" of the same article.
    """
    depth = 0
    for child in children:
        if child.type == "image":
            yield from _image(child, inside_link=depth > 0)
            continue
        depth += child.nesting if child.type.startswith("link_") else 0
        href = str(child.attrGet("href")) if child.type == "link_open" else ""
        if _is_outside(href):
            child.attrSet("rel", OUTSIDE)
        elif href.startswith("#") and href[1:] not in anchors and (named := anchor(unquote(href[1:]))) in anchors:
            child.attrSet("href", f"#{named}")
        yield child


def _image(image: Token, *, inside_link: bool) -> Iterable[Token]:
    target = str(image.attrGet("src") or "")
    if target and not SCHEME.match(target):
        image.attrSet("loading", "lazy")
        if size := SIZED.fullmatch(target):
            image.attrSet("width", size[1])
            image.attrSet("height", size[2])
        return [image]
    text = Token("text", "", 0, content=plain(image.children or []) or "Image")
    if inside_link or not _is_outside(target):
        return [text]
    opening = Token("link_open", "a", 1, attrs={"href": target, "rel": OUTSIDE})
    return [opening, text, Token("link_close", "a", -1)]


def _is_outside(target: str) -> bool:
    return target.lower().startswith(("http:", "https:", "//"))


def _number_blocks(tokens: Sequence[Token]) -> None:
    """Note on each block that is to be found by its line which line that is, and give the first of each line the id."""
    lines = [0]
    used: set[int] = set()
    notes: dict[int, int] = {}  # the line of the first reference to a footnote
    for token, following in pairwise([*tokens, Token("end", "", 0)]):
        line = _line(token, following, notes)
        if line:
            token.meta["line"] = line
            if line not in used:
                (following if token.type == "footnote_open" else token).attrSet("id", f"b-{line}")
                used.add(line)
        if token.nesting > 0:
            lines.append(line or lines[-1])
        elif token.nesting < 0:
            lines.pop()
        for child in token.children or []:
            if child.type == "footnote_ref":
                notes.setdefault(child.meta["id"], lines[-1] or (token.map[0] + 1 if token.map else 0))


def _line(token: Token, following: Token, notes: dict[int, int]) -> int:
    """The 1-based line by which a block is found, or 0 when it has none (its parent's line serves)."""
    if token.type == "footnote_open" and not following.map:  # written inside a line, as in ^[this]
        return notes.get(token.meta["id"]) or 1
    findable = ("paragraph_open", "blockquote_open", "list_item_open", "tr_open", "fence", "code_block", "hr")
    return token.map[0] + 1 if token.map and token.type in findable and not token.hidden else 0
