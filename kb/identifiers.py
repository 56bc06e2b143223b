"""Exact names in text: codes, flags, file names, versions, snake_case and camelCase. Pure.

The text-search parser breaks or stems them (`--flag-name` → `flag-nam`, `E-1234` → `-1234`, `C++` → `c`), so passages
and questions carry them beside the words, as lexemes with a prefix sign that no word can have.
"""

import re

SIGN = "="
LONGEST = 60

_TOKEN = re.compile(r"(?<![\w/.+#-])(?:--?|\.|/)?[A-Za-z0-9][\w./:+#=-]*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_EXACT = (
    re.compile(r"\d"),  # a code, a version, a size: E1234, v1.2.3, 0x8007
    re.compile(r"\w_\w"),  # snake_case
    re.compile(r"^--?\w{2,}"),  # a flag
    re.compile(r"\w[./:]\w"),  # a file, a module, a host, a path
    re.compile(r"^[./]\w"),  # .NET, /etc
    re.compile(r"[a-z][A-Z]|[A-Z]{2,}[a-z]"),  # camelCase
    re.compile(r"^[A-Z][A-Z-]+[A-Z]$"),  # AUD-ERR, HTTP
    re.compile(r"(\+\+|#)$"),  # C++, C#
)


def identifiers(text: str) -> list[str]:
    """The exact names of a text, lower-cased, in order of first appearance, without repeats.

    `--max-size=4096` gives `--max-size=4096` and `--max-size`. Longer than 60 characters: left out.
    """
    found: dict[str, None] = {}
    for match in _TOKEN.finditer(text):
        token = match.group().rstrip(".,:;=-/")
        if 2 <= len(token) <= LONGEST and any(pattern.search(token) for pattern in _EXACT):
            found[token.lower()] = None
            if "=" in token:
                found[token.partition("=")[0].lower()] = None
    return [name for name in found if len(name) > 1]


def words_inside(text: str) -> str:
    """The plain words inside the exact names: `getUserById` → `get User By Id`. Indexed beside the text."""
    parts: dict[str, None] = {}
    for match in _TOKEN.finditer(text):
        pieces = [part for part in re.split(r"[\W_]+", _CAMEL.sub(" ", match.group())) if part]
        if len(pieces) > 1:
            parts.update(dict.fromkeys(pieces))
    return " ".join(parts)


def lexemes(text: str) -> list[str]:
    """The exact names as they stand in a tsvector."""
    return [SIGN + name for name in identifiers(text)]
