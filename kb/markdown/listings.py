"""Code listings: the name of the language, a few calm colours (static/code.css), and an id on each line."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Number, String, Token, _TokenType
from pygments.util import ClassNotFound

MAX_COLOURED = 20_000  # characters; some lexers are slow on long or hostile text, and nobody reads that far in colour
MAX_NAME = 30
SHELL = {"bash", "sh", "shell", "zsh", "console", "shell-session"}
PLAIN = {"", "text", "txt", "plain", "plaintext", "none"}
# The short names that Pygments' own style sheets use; a kind not listed here looks like its parent.
KINDS: dict[_TokenType, str] = {
    Token: "",
    Comment: "c",
    Generic.Deleted: "gd",
    Generic.Heading: "gh",
    Generic.Inserted: "gi",
    Generic.Output: "go",
    Generic.Prompt: "gp",
    Generic.Subheading: "gh",
    Keyword: "k",
    Literal: "s",
    Name.Attribute: "na",
    Name.Class: "nc",
    Name.Decorator: "nd",
    Name.Function: "nf",
    Name.Tag: "nt",
    Number: "m",
    String: "s",
}
CLASSES = set(KINDS.values()) - {""}


FILE = re.compile(r"""\b(?:file|filename|title|name)\s*=\s*(?:"([^"\n]+)"|'([^'\n]+)')""")


def described(info: str) -> tuple[str, str]:
    """What stands behind a fence: the language, and the name of the file shown, as many site generators write it."""
    language = re.match(r"[^\s{,:=]*", info.strip())
    named = FILE.search(info)
    return language[0] if language else "", (named[1] or named[2]).strip() if named else ""


def name(language: str) -> str:
    """The language of a listing as readers call it: "Shell", "Python"; its own word when it is not known."""
    if language.lower() in SHELL:
        return "Shell"
    if language.lower() in PLAIN:
        return "Text"
    lexer = _lexer(language)
    return lexer.name if lexer else language[:MAX_NAME]


def code(text: str, *, language: str, first_line: int, numbered: str) -> str:
    """The listing's HTML, each source line in a span with its id, except the line that bears the id `numbered`."""
    text = text.rstrip("\n")
    lexer = None if len(text) > MAX_COLOURED or language.lower() in PLAIN else _lexer(language)
    tokens = list(lexer.get_tokens(text)) if lexer else []
    if "".join(value for _, value in tokens) == f"{text}\n":
        lines = list(_coloured(tokens))[:-1]
    else:  # some lexers drop or change what they do not know
        lines = escape(text).split("\n")
    return "\n".join(_line(html, f"b-{first_line + offset}", numbered) for offset, html in enumerate(lines))


def _line(html: str, anchor: str, numbered: str) -> str:
    return html if anchor == numbered else f'<span id="{anchor}">{html}</span>'


def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language.lower(), stripnl=False)
    except ClassNotFound:
        return None


def _coloured(tokens: Iterable[tuple[_TokenType, str]]) -> Iterator[str]:
    """The tokens' lines as HTML; no span crosses the end of a line, none is there without a colour."""
    line: list[str] = []
    for kind, run in groupby(tokens, lambda token: _kind(token[0])):
        first, *others = "".join(value for _, value in run).split("\n")
        line.append(_span(first, kind))
        for part in others:
            yield "".join(line)
            line = [_span(part, kind)]
    yield "".join(line)


def _kind(token: _TokenType) -> str:
    while token not in KINDS:
        token = token.parent or Token
    return KINDS[token]


def _span(text: str, kind: str) -> str:
    return f'<span class="{kind}">{escape(text)}</span>' if kind and text.strip() else escape(text)
