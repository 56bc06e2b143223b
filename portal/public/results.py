"""Search results as a page shows them: passages grouped by article, the words found marked. Pure but for addresses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from kb import languages
from kb.browsing import highlights, stem
from kb.citing import words_of
from kb.identifiers import identifiers
from kb.models import Article
from kb.retrieval import Hit
from kb.sentences import Span, split

SNIPPET = 240  # characters
OTHERS = 2  # further passages named under an article
# Nearest passages exist for any words at all. For words that mean nothing here the cosine stays below .2; what shares
# no word with the question has to be nearer than that, and what fits far less well than the best is left out.
NEAR = 0.25
SHARE_OF_BEST = 0.4


@dataclass(frozen=True)
class Part:
    """A stretch of text, marked when it matches."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Place:
    """A passage to open: its heading, and the address that tints it."""

    heading: str
    url: str


@dataclass(frozen=True)
class Found:
    """One article among the results."""

    title: tuple[Part, ...]
    url: str
    collection: str
    where: Place
    snippet: tuple[Part, ...]
    others: tuple[Place, ...]
    exact: bool
    language: str

    @property
    def foreign(self) -> str:
        """The name of its language, where that is not the language of the page."""
        return languages.foreign(self.language)


def worth_showing(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that a reader would call hits."""
    near = [hit for hit in hits if hit.ranks["words"] is not None or hit.parts["cosine"] >= NEAR]
    best = max((hit.score for hit in near), default=0.0)
    return [hit for hit in near if hit.score >= SHARE_OF_BEST * best]


def group(hits: Sequence[Hit], titles: Iterable[Article], *, question: str) -> list[Found]:
    """One entry an article, in the order of its best passage; before them articles found by an unfinished title."""
    passages: dict[int, list[Hit]] = {}
    for hit in hits:
        passages.setdefault(hit.article_id, []).append(hit)
    by_title = [from_title(article, question) for article in titles if article.pk not in passages]
    return by_title + [from_passages(found, question) for found in passages.values()]


def from_passages(hits: Sequence[Hit], question: str) -> Found:
    best = hits[0]
    url = reverse("article", args=[best.slug])
    shown = excerpt(best.text, question)
    heading = " / ".join([best.collection, *best.heading_path])
    names = set(identifiers(question))
    return Found(
        title=marked(best.title, question),
        url=url,
        collection=best.collection,
        where=Place(heading, url + fragment(best, at=shown.start)),
        snippet=marked(flat(best.text[shown.start : shown.end]), question, more=shown.end < len(best.text.rstrip())),
        others=other_places(hits, url),
        exact=bool(names & set(identifiers(f"{best.title} {best.text}"))),
        language=best.language,
    )


def from_title(article: Article, question: str) -> Found:
    version = article.published_version
    if version is None:
        raise ValueError(f"{article} is not published.")
    url, shelf = article.get_absolute_url(), article.collection.name
    return Found(
        title=marked(version.title, question),
        url=url,
        collection=shelf,
        where=Place(shelf, url),
        snippet=marked(version.summary, question),
        others=(),
        exact=False,
        language=version.language,
    )


def other_places(hits: Sequence[Hit], url: str) -> tuple[Place, ...]:
    """Further passages of the article under other headings, each once."""
    seen = {hits[0].heading_path, ()}
    places = []
    for hit in hits[1:]:
        if hit.heading_path not in seen:
            seen.add(hit.heading_path)
            places.append(Place(hit.heading_path[-1], url + fragment(hit)))
    return tuple(places[:OTHERS])


def fragment(hit: Hit, *, at: int = 0) -> str:
    """The end of an address that opens an article at the line of a passage."""
    line = hit.text.count("\n", 0, at)
    if line < len(hit.lines):
        return f"#b-{hit.lines[line]}"
    return f"#{hit.anchor}" if hit.anchor else ""


def excerpt(text: str, question: str) -> Span:
    """The sentence with most of the words asked for, and what follows it, up to the length of a snippet."""
    marks = highlights(text, question)
    spans = split(text)
    if not spans:
        return Span(0, len(text))

    def matches(span: Span) -> int:
        return len({stem(text[mark.start : mark.end].lower()) for mark in marks if span.start <= mark.start < span.end})

    best = max(range(len(spans)), key=lambda index: (matches(spans[index]), -index))
    start = spans[best].start
    ends = [span.end for span in spans[best:] if span.end - start <= SNIPPET]
    return Span(start, ends[-1]) if ends else around(text, spans[best], marks)


def around(text: str, sentence: Span, marks: Sequence[Span]) -> Span:
    """A stretch of a sentence that is too long for a snippet, cut between words, with its first match in it."""
    inside = [mark.start for mark in marks if sentence.start <= mark.start < sentence.end]
    start = sentence.start
    if inside and inside[0] - start > SNIPPET // 2:
        start = text.rfind(" ", start, inside[0] - SNIPPET // 3) + 1 or inside[0]
    end = text.rfind(" ", start + 1, start + SNIPPET)
    return Span(start, end if end > start else min(start + SNIPPET, sentence.end))


def flat(text: str) -> str:
    """Lines (list items, rows, code) as one line; items and a row's cells stand apart by dots and dashes."""
    items = re.sub(r"(?<![.,:;])\n- ", " · ", words_of(text).replace(" | ", " – ").removeprefix("- "))
    return " ".join(items.replace("\n- ", " ").split())


def marked(text: str, question: str, *, more: bool = False) -> tuple[Part, ...]:
    """A text cut where the words asked for begin and end."""
    parts: list[Part] = []
    position = 0
    for mark in highlights(text, question):
        parts += [Part(text[position : mark.start], False), Part(text[mark.start : mark.end], True)]
        position = mark.end
    parts.append(Part(text[position:] + ("\u00a0…" if more else ""), False))
    return tuple(part for part in parts if part.text)


def tally(found: Iterable[Found]) -> list[tuple[str, int]]:
    """How many articles of each collection, most first."""
    return Counter(one.collection for one in found).most_common()
