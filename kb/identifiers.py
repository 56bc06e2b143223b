"""Exact names in text: codes, flags, file names, versions, snake_case and camelCase. Pure.

The text-search parser breaks or stems them (`--flag-name` → `flag-nam`, `E-1234` → `-1234`, `C++` → `c`), so passages
and questions carry them beside the words, as lexemes with a prefix sign that no word can have.
"""

import re

SIGN = "="
VERSION = 2  # raise it when other names are found: passages hold them, so that these are other passages then
LONGEST = 60

_TOKEN = re.compile(r"(?<![\w/.+#@$:-])(?:--?|\.{0,2}/|[.@$:_])?[A-Za-z0-9][\w./:+#=-]*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[\W_]+")
_EXACT = re.compile(
    r"""
    \d                              # a code, a version, a size: E1234, v1.2.3, 0x8007
    | \w_\w                         # snake_case
    | ^--?\w{2,}                    # a flag
    | \w[./:]\w                     # a file, a module, a host, a path
    | ^(?:\.{0,2}/|[.@$:_])\w       # .NET, /etc, ./deploy, @media, $HOME, :root, _headers
    | [a-z][A-Z] | [A-Z]{2,}[a-z]   # camelCase
    | ^[A-Z][A-Z-]+[A-Z]$           # AUD-ERR, HTTP
    | (?:\+\+|\#)$                  # C++, C#
    """,
    re.VERBOSE,
)


def identifiers(text: str) -> list[str]:
    """The exact names of a text, lower-cased, in order of first appearance, without repeats.

    `--max-size=4096` gives `--max-size=4096` and `--max-size`. Longer than 60 characters: left out.
    """
    return _names(_tokens(text))


def lexemes(text: str) -> list[str]:
    """The exact names as they stand in a tsvector."""
    return [SIGN + name for name in identifiers(text)]


def words_and_lexemes(text: str) -> tuple[str, list[str]]:
    """What is stored beside a text: the plain words in its exact names (`getUserById` → `get User By Id`), and these.

    Both at once: finding the tokens is most of the work of either.
    """
    tokens = _tokens(text)
    return _words(tokens), [SIGN + name for name in _names(tokens)]


def _tokens(text: str) -> list[str]:
    """What stands between spaces, once each, without those that are plainly words: most of a text."""
    tokens = dict.fromkeys(match.rstrip(".,:;=-/") for match in dict.fromkeys(_TOKEN.findall(text)))
    return [token for token in tokens if not (token[1:].islower() and token.isalpha())]


def _names(tokens: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for token in tokens:
        if 2 <= len(token) <= LONGEST and _EXACT.search(token):
            found[token.lower()] = None
            if "=" in token:
                found[token.partition("=")[0].lower()] = None
    return [name for name in found if len(name) > 1]


def _words(tokens: list[str]) -> str:
    parts: dict[str, None] = {}
    for token in tokens:
        pieces = [part for part in _BETWEEN.split(_CAMEL.sub(" ", token)) if part]
        if len(pieces) > 1:
            parts.update(dict.fromkeys(pieces))
    return " ".join(parts)
