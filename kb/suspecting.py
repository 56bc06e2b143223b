"""Text that speaks to a model instead of to readers: found when an article is saved, as hints for its editor. Pure.

A hint is no verdict: an article about prompts may need such words. What gets out of an answer is kept in by other rules
(kb.citing, kb.answering), whether or not anybody heeds the hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

KINDS = {
    "speaks to a model and not to readers": (
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,60}\b(?:instruction|prompt|rule|above|previous|polic)",
        r"\b(?:you are now|act as|pretend (?:to be|you)|from now on,? you|system prompt|developer mode)\b",
        r"\bnew instructions?\b|\byou must (?:print|append|include|insert|repeat|say|reply)\b",
        r"\b(?:assistant|language model|chatbot)s?\b[^.\n]{0,40}\b(?:must|should|always|never|reply|respond|repeat)\b",
        r"\b(?:reply|respond|answer) (?:only |exactly )?with\b(?! (?:yes|no)\b)",
        r"\b(?:append|include|insert|add|repeat)\b[^.\n]{0,40}\b(?:to|in) (?:your|every|the) (?:answer|reply|response)",
    ),
    "looks like a line of a conversation with a model": (r"^\s*(?:#+\s*|<\|?|\[)?(?:system|assistant)(?:\|?>|\]|:)",),
    "is hidden from readers": (
        r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*[01](?:px|pt|em|%)?\b",
        r"<!--[^>]*\b(?:must|ignore|include|answer|reply)\b",
    ),
    "holds characters that nobody sees": ("[\u200b\u200c\u2060\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]",),
    "would carry words to another site": (
        r"//[^\s)>]*[?&](?:data|answer|question|prompt|token|secret)=",
        r"!\[[^\]]*\]\(\s*<?(?:https?:)?//|<img\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//",
        r"\]\(\s*(?:javascript|data|vbscript):",
    ),
    "looks like a citation of ours": (r"⟦\s*\d+\s*⟧|class=[\"']cite|\[\^?\d+\]\((?:https?:)?//",),
}
PATTERNS = {why: re.compile("|".join(kind), re.IGNORECASE | re.MULTILINE) for why, kind in KINDS.items()}


@dataclass(frozen=True)
class Hint:
    """A line of the source (from 1), and what is odd about it."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"Line {self.line} {self.why}."


def hints(source: str) -> list[Hint]:
    """What an editor should look at once more, in the order of the lines; the first of each kind."""
    return sorted(_found(source), key=lambda hint: hint.line)


def _found(source: str) -> Iterator[Hint]:
    for why, pattern in PATTERNS.items():
        if match := pattern.search(source):
            yield Hint(source.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1, why)
