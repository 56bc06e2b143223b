"""A parsed article as HTML that is safe to put on a page, in the markup of the site's style sheet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import takewhile

import nh3
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from kb.markdown import listings
from kb.markdown.parser import MD, parse, plain

HEADINGS = {"h2", "h3", "h4", "h5", "h6"}
TEXT = {"a", "br", "code", "del", "em", "img", "s", "span", "strong", "sup"}
BLOCKS = {"blockquote", "hr", "li", "ol", "p", "section", "ul"}
LISTINGS = {"button", "figcaption", "figure", "pre"}
TABLES = {"div", "table", "tbody", "td", "th", "thead", "tr"}
TAGS = HEADINGS | TEXT | BLOCKS | LISTINGS | TABLES | {"input", "label"}
NUMBERED = HEADINGS | {"a", "blockquote", "figure", "hr", "li", "p", "span", "tr"}
ATTRIBUTES = {
    **{tag: {"id"} for tag in NUMBERED},
    "a": {"id", "href", "title", "rel", "aria-label"},
    "button": {"hidden", "data-copy"},
    "div": {"aria-label"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"checked", "disabled"},
    "ol": {"start"},
}
VALUES = {
    "button": {"type": {"button"}},
    "div": {"role": {"group"}, "tabindex": {"0"}},
    "img": {"loading": {"lazy"}},
    "input": {"type": {"checkbox"}},
    "pre": {"tabindex": {"0"}},
    "section": {"aria-label": {"Notes"}},
    "th": {"scope": {"col"}},
}
CLASSES = {
    "a": {"anchor"},
    "button": {"button"},
    "div": {"scroll"},
    "figure": {"listing"},
    "li": {"task-list-item"},
    "ol": {"contains-task-list"},
    "section": {"notes"},
    "span": listings.CLASSES,
    "table": {"data"},
    "td": {"n"},
    "th": {"n"},
    "ul": {"contains-task-list"},
}
OUR_ID = re.compile(r"b-\d+|s-[^\W_]+(?:-[^\W_]+)*|(?:note|ref)-\d+(?:-\d+)?")


@dataclass(frozen=True)
class Heading:
    """An entry of an article's contents list."""

    level: int  # 2 to 6, as in the HTML
    text: str
    anchor: str


@dataclass(frozen=True)
class Rendered:
    html: str
    contents: list[Heading]


def render(source: str) -> Rendered:
    """Safe HTML and the contents list of an article's source. Raises ValueError when the source is too long."""
    tokens = parse(source)
    return Rendered(CLEANER.clean(MD.renderer.render(tokens, MD.options, {})), _contents(tokens))


def _contents(tokens: Sequence[Token]) -> list[Heading]:
    return [
        Heading(int(token.tag[1]), token.meta["title"], token.meta["id"])
        for token in tokens
        if token.type == "heading_close" and token.level == 0
    ]


def _only_our_ids(tag: str, name: str, value: str) -> str | None:
    return None if name == "id" and not OUR_ID.fullmatch(value) else value


# The second line of defence: the parser lets no HTML in, and this lets only ours out.
CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    tag_attribute_values=VALUES,
    allowed_classes=CLASSES,
    attribute_filter=_only_our_ids,
    url_schemes={"http", "https", "mailto"},
    link_rel=None,  # set by the parser, on links that lead elsewhere
)


def _heading_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    label = escape(f"Link to: {token.meta['title']}")
    return f' <a class="anchor" href="#{token.meta["id"]}" aria-label="{label}">#</a></{token.tag}>\n'


def _table_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    names: list[str] = []
    following = (tokens[place] for place in range(index, len(tokens)))  # no slice: that is quadratic in the tables
    for token in takewhile(lambda token: token.type != "thead_close", following):
        if token.type == "inline":
            names.append(plain(token.children or []))
    label = escape("Table: " + ", ".join(filter(None, names)) if any(names) else "Table")
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table class="data">\n'


def _table_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"


def _cell(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """A table cell. Alignment is a class, since the policy forbids style; a header without text is no header."""
    token = tokens[index]
    number = ' class="n"' if "right" in str(token.attrGet("style")) else ""
    if token.tag == "td" or not tokens[index + 1].content:
        return f"<td{number}>"
    return f'<th scope="col"{number}>'


def _cell_close(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    is_header = tokens[index].tag == "th" and tokens[index - 1].content
    return "</th>" if is_header else "</td>"


def _listing(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    language, file = listings.described(token.info)
    first_line = token.meta["line"] + (token.type == "fence")
    numbered = f"b-{token.meta['line']}"  # by this listing, or by the item that it begins
    code = listings.code(token.content, language=language, first_line=first_line, numbered=numbered)
    return (
        f"<figure{renderer.renderAttrs(Token('figure', '', 0, attrs={'class': 'listing', **token.attrs}))}>"
        f"<figcaption>{escape(file or listings.name(language))} "
        '<button class="button" type="button" data-copy hidden>Copy</button></figcaption>'
        f'<pre tabindex="0"><code>{code}</code></pre></figure>\n'
    )


def _task(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    checked = " checked" if tokens[index].meta["done"] else ""
    return f'<label><input type="checkbox"{checked} disabled> '


def _note_reference(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    number, mark = _note(tokens[index])
    return f'<sup><a href="#note-{number}" id="{mark}" aria-label="Note {number}">{number}</a></sup>'


def _note_back(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    number, mark = _note(tokens[index])
    return f' <a href="#{mark}" aria-label="Back to the text of note {number}">↩\ufe0e</a>'


def _notes_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return '<section class="notes" aria-label="Notes">\n<ol>\n'


def _note_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f'<li id="note-{tokens[index].meta["id"] + 1}">'


def _note(token: Token) -> tuple[int, str]:
    """A footnote's number, and the id of this reference to it."""
    number = token.meta["id"] + 1
    again = token.meta.get("subId", 0)
    return number, f"ref-{number}-{again + 1}" if again else f"ref-{number}"


for _name, _rule in {
    "heading_close": _heading_close,
    "table_open": _table_open,
    "table_close": _table_close,
    "th_open": _cell,
    "td_open": _cell,
    "th_close": _cell_close,
    "td_close": _cell_close,
    "fence": _listing,
    "code_block": _listing,
    "task_open": _task,
    "footnote_ref": _note_reference,
    "footnote_anchor": _note_back,
    "footnote_block_open": _notes_open,
    "footnote_open": _note_open,
}.items():
    MD.add_render_rule(_name, _rule)
