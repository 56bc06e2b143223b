"""Does a question fit several articles equally? Then the reader is asked which one is meant. Pure.

Only where all of this holds, so that hardly any clear question is held up: the question says too little, with fewer
than LEAST words of its own ("How do I reset it?"); all it says occurs in each of the articles; their scores are within
ALIKE of the best; they neither have the same title nor say the same; and the best one is not called just that.

Of questions that have a right article, .3 % are asked back in a manual (emanual) and 1.2 % in mtrag-un. Its nine
underspecified tasks are of another kind, with several things in the conversation that they may point back to, and none
is noticed. With LEAST = 3 it would be 7 and 9 % of the clear ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from kb.assembling import articles, says_the_same
from kb.following import content, lowered
from kb.retrieval import Hit

LEAST = 2
ALIKE = 0.15  # of an article's score; 0.2 ahead is a clear lead
MOST = 4  # choices
STEM = 5  # letters by which two words are taken for the same


def alternatives(question: str, hits: Sequence[Hit]) -> list[Hit]:
    """The best passage of each article that may be meant, best first; empty when the question is clear enough.

    `question`: made to stand alone. `hits`: best first.
    """
    said = content(question)
    if not hits or not said or len(said) >= LEAST or lowered(content(hits[0].title)) == lowered(said):
        return []
    first = {article: next(hit for hit in hits if hit.article_id == article) for article in articles(hits)}
    chosen: list[Hit] = []
    for hit in first.values():
        if hits[0].parts["article"] - hit.parts["article"] > ALIKE or len(chosen) == MOST:
            break
        if fits(said, hit) and not any(is_like(hit, other) for other in chosen):
            chosen.append(hit)
    return chosen if len(chosen) > 1 else []


def fits(said: Sequence[str], hit: Hit) -> bool:
    """Whether all these words, or others that begin like them, are in the passage, under its title and headings."""
    text = " ".join((hit.title, *hit.heading_path, hit.text)).lower()
    return all(word.lower()[:STEM] in text for word in said)


def is_like(hit: Hit, other: Hit) -> bool:
    return hit.title.lower() == other.title.lower() or says_the_same(hit, other)
