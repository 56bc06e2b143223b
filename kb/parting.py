"""Two questions in one: each is searched for by itself, so that the second is not lost behind the first. Pure.

"How do I import a folder, and how do I undo it?" is "How do I import a folder" and "how do I undo it? import folder":
a part that leans on the one before it takes its words along (kb.following).
"""

from __future__ import annotations

import re

from kb import following
from kb.grounding import Turn

MOST = 3
ASKS = r"how|what|where|when|why|who|whose|which"
HELPS = r"can|could|may|must|do|does|did|is|are|was|were|will|would|should"
SUBJECT = r"I|you|we|they|it|there|the|my|our|your|this|that|these|those"
OPENER = rf"(?:{ASKS}|{HELPS})\b"
# "and does it …" begins a question, "and does not find …" goes on with one.
GOES_ON = rf"(?:(?:{ASKS})\b|(?:{HELPS})\s+(?:{SUBJECT})\b)"
BETWEEN = re.compile(rf"\?\s+(?={OPENER})|[,;]?\s+(?:and|also|plus)\s+(?={GOES_ON})", re.IGNORECASE)
BEGINS = re.compile(OPENER, re.IGNORECASE)


def parts(question: str) -> tuple[str, ...]:
    """The questions in a question, at most MOST; itself alone, unless each has an opening and says what it is about."""
    found = [part.strip() for part in BETWEEN.split(question)]
    if not 1 < len(found) <= MOST or not all(map(BEGINS.match, found)):
        return (question,)
    if len(following.content(found[0])) < following.LEAST or not all(map(following.content, found)):
        return (question,)
    made = [found[0]]
    for part in found[1:]:
        made.append(following.standalone(part, [Turn(made[-1], "")]))
    return tuple(made) if all(len(following.content(part)) >= following.LEAST for part in made) else (question,)
