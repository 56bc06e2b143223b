"""From hits to the sources of an answer: which chunks, how many of an article, in which order, within a budget. Pure.

Best article first, as retrieval ranks them, so that what answers most is read first; within an article the best
passage first, then in reading order, so that a passage stands before the one that goes on from it. Of one article at
most PER_ARTICLE chunks, which leaves room for others (measured: with 2 instead of 3 the right article is there for .92
instead of .87 of the questions of a manual); more where one article stands out. A chunk that goes on under the same
heading comes along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest

from kb.retrieval import Hit

PER_ARTICLE = 2
CLEARLY = 0.2  # by how much an article's score must lead the next one's to be clearly the answer
PER_CLEAR_ARTICLE = 4
BEST = 2  # articles whose chunks bring along what follows them
SAME = 0.9  # share of three-word sequences of two passages that both have, from which on they say the same
WORD = re.compile(r"\w+")


@dataclass
class Choice:
    """What is chosen so far, of a budget of wordpieces. `best`: two articles that may say the same, each as a source.

    The right one of two alike is not known (with both it is cited for .77 of a manual's questions, with one for .74).
    """

    budget: int
    most: int
    best: set[int]
    hits: list[Hit] = field(default_factory=list)
    spent: int = 0

    def take(self, hit: Hit, *, count: Callable[[str], int]) -> bool:
        """Take a hit if it fits and says something new; the first one always, or there would be no answer."""
        rivals = [other for other in self.hits if {hit.article_id, other.article_id} != self.best]
        if len(self.hits) == self.most or any(says_the_same(hit, other) for other in rivals):
            return False
        cost = count(hit.text)
        if self.hits and self.spent + cost > self.budget:
            return False
        self.hits.append(hit)
        self.spent += cost
        return True

    def of(self, article_id: int) -> int:
        return sum(hit.article_id == article_id for hit in self.hits)


def assemble(
    hits: Sequence[Hit], following: Mapping[int, Hit], *, most: int, budget: int, count: Callable[[str], int]
) -> list[Hit]:
    """The chunks an answer may rest on, at most `most` and `budget` wordpieces (by `count`), in the order to number.

    `hits`: best first. `following`: by chunk id, the chunk that goes on under the same heading.
    """
    clear = clear_article(hits)
    best = articles(hits)[:BEST]
    choice = Choice(budget, most, set(best))
    for hit in hits:
        if choice.of(hit.article_id) >= (PER_CLEAR_ARTICLE if hit.article_id == clear else PER_ARTICLE):
            continue
        if choice.take(hit, count=count) and hit.article_id in best and hit.chunk_id in following:
            choice.take(following[hit.chunk_id], count=count)
    return in_order(choice.hits)


def together(groups: Sequence[Sequence[Hit]]) -> list[Hit]:
    """The chunks for each of several questions in one list: their best articles first, then their second ones, and so
    on. The best of each counts as much as the best of all: each question is to be answered.
    """
    best = max((hits[0].score for hits in groups if hits), default=0.0)
    levelled = [[replace(hit, score=hit.score + best - hits[0].score) for hit in hits] for hits in groups]
    by_article = [[[hit for hit in hits if hit.article_id == one] for one in articles(hits)] for hits in levelled]
    in_turns = chain.from_iterable(chain.from_iterable(filter(None, turn)) for turn in zip_longest(*by_article))
    made: dict[int, Hit] = {}
    for hit in in_turns:
        made.setdefault(hit.chunk_id, hit)
    order = articles(made.values())
    return sorted(made.values(), key=lambda hit: order.index(hit.article_id))


def in_order(hits: Sequence[Hit]) -> list[Hit]:
    """Articles as ranked; of each the best passage first, then the others in reading order."""
    made: list[Hit] = []
    for article_id in articles(hits):
        own = [hit for hit in hits if hit.article_id == article_id]
        made += [own[0], *sorted(own[1:], key=lambda hit: hit.lines[:1] or (0,))]
    return made


def articles(hits: Iterable[Hit]) -> list[int]:
    return list(dict.fromkeys(hit.article_id for hit in hits))


def clear_article(hits: Sequence[Hit]) -> int | None:
    """The best article if it leads the next one by CLEARLY, or is alone."""
    if not hits:
        return None
    scores = {hit.article_id: hit.parts["article"] for hit in reversed(hits)}
    first, *others = articles(hits)
    return first if all(scores[first] - scores[other] >= CLEARLY for other in others[:1]) else None


def says_the_same(hit: Hit, other: Hit) -> bool:
    """The same passage, or one in nearly the same words; one that contains the other and more is kept."""
    if hit.passage_id == other.passage_id:
        return True
    one, two = sequences(hit.text), sequences(other.text)
    return len(one & two) >= SAME * max(len(one), len(two))


def sequences(text: str) -> set[tuple[str, ...]]:
    words = WORD.findall(text.lower())
    return {tuple(words[place : place + 3]) for place in range(max(1, len(words) - 2))}
