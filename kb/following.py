"""Follow-up questions made to stand alone, by a rule and without a model, before anything is looked for. Pure.

A question leans on the one before it when it points back (it, that, those, one …), begins as a continuation (and, what
about …) or has fewer than LEAST content words. Then the content words of the earlier question, which was made to stand
alone itself, are put behind it: "How do I undo it?" after "How do I publish an article?" is searched for as
"How do I undo it? publish article".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.grounding import Turn

LEAST = 2  # content words without which a question says too little
MOST = 8  # words taken over
POINTER = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|one|ones|there|he|she|him|her|same|above|previous|former"
    r"|latter|both|either|neither|else|another|others?)\b",
    re.IGNORECASE,
)
CONTINUATION = re.compile(r"\s*(?:and|but|or|so|also|then|what about|how about|what if|why not)\b", re.IGNORECASE)
WORD = re.compile(r"[^\W_][\w.+#/-]*\w|\w")
IDLE = frozenset(
    re.findall(
        r"[\w']+",
        "a about all am an and any are as at be been but by can could did do does doing for from get give got had has "
        "have how i if in into is it its let like may me mean might more must my need no not of on or our out please "
        "should so some tell than that the their them then there these they this those to too up us use used using "
        "want was way we were what when where which while who why will with would yes you your one ones about else "
        "know help explain possible",
    )
)


def standalone(question: str, history: Sequence[Turn]) -> str:
    """What to search for: the question, with the words of the earlier ones that it leans on."""
    topic: list[str] = []
    for asked in (*(turn.question for turn in history), question):
        own = content(asked)
        topic = [*own, *(word for word in topic if word.lower() not in lowered(own))] if leans(asked) else own
    missing = [word for word in topic if word.lower() not in lowered(content(question))][:MOST]
    return " ".join([question.strip(), *missing]) if history and leans(question) else question


def leans(question: str) -> bool:
    words = content(question)
    return len(words) < LEAST or bool(CONTINUATION.match(question) or POINTER.search(question))


def content(question: str) -> list[str]:
    """The words of a question that say what it is about, each once, in order."""
    found = [word for word in WORD.findall(question) if word.lower() not in IDLE]
    return list({word.lower(): word for word in reversed(found)}.values())[::-1]


def lowered(words: Sequence[str]) -> set[str]:
    return {word.lower() for word in words}
