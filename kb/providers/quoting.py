"""Answers without a model: the best-supported sentences of the sources, word for word, each with its citation."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from kb import embedders
from kb.embedding import Embedder, Encoding, Floats, unit_rows
from kb.errors import ProviderError
from kb.generation import Cite, Delta, Text, Usage
from kb.grounding import Prompt, Source
from kb.providers.quotation import Line, Unit, is_contents, lines_of, markdown, units_of, whole, window
from kb.threads import database

ARTICLES = 2  # that are quoted: with them the right section is cited for .77 of a manual's questions, with one for .58
PASSAGES = 2  # of each that are weighed
ALONE = 4  # that are weighed where one article leads so clearly that the others are left out; two are quoted
FAR = 0.5  # by how much the best passage must lead the next article's for that one to be left out: .25 loses .03
CLEARLY = 0.25  # ... and for no more than one unit of it to be quoted
RANK_PENALTY = 0.1  # off the score of an article's second passage, which retrieval found less fitting
CONTENTS = 0.5  # off the score of a list of links, which says where to read and nothing else
STEPS = 0.3  # for a numbered step, where the question asks how to do something
HOW_TO = re.compile(r"\bhow\s+(?:do|can|could|should|would|to)\b|\bsteps?\b", re.IGNORECASE)
STEP = re.compile(r"\d{1,2}[.)]\s")
STOP_WEIGHT = 0.1  # of a stop word of the question, against 1
SECOND_UNITS, SECOND_WORDS = 3, 60
PIECE = re.compile(r"\s*(?:\S+\s*){1,3}|\s+")  # three words


@dataclass(frozen=True)
class Found:
    """The best unit of a source: its place among the source's units, and its score."""

    source: Source
    units: list[Unit]
    at: int
    score: float


class QuotingGenerator:
    """Quotes the passage around the sentence that fits the question best, and a second source where one comes close."""

    name = "quoting"

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """Text a few words at a time, a citation after each sentence. Raises ProviderError if nothing can be quoted."""
        for part in await database(quote)(prompt):
            if isinstance(part, Text):
                for piece in PIECE.findall(part.text):
                    yield Text(piece)
                    await asyncio.sleep(settings.QUOTING_PACE)
            else:
                yield part
        yield Usage("quoting", 0, 0, 0, 0, "end_turn")


def quote(prompt: Prompt) -> list[Text | Cite]:
    """The whole quotation; computes vectors, so it belongs in a thread. Raises ProviderError."""
    sources = considered(prompt.sources)
    if not sources:
        raise ProviderError("The sources hold no text that could be quoted.", temporary=False)
    return list(_joined(choose(found(prompt.searched or prompt.question, sources))))


def considered(sources: Sequence[Source]) -> list[Source]:
    """The first PASSAGES of the first ARTICLES; sources come best article first, and of each its best passage."""
    with_text = [source for source in sources if source.sentences]
    best: dict[int, float] = {}
    for source in with_text:
        best.setdefault(source.article_id, source.score)
    first = [article for article in best if best[article] > max(best.values()) - FAR][:ARTICLES]
    most = dict.fromkeys(first, PASSAGES) | {first[0]: ALONE} if first else {}
    return [s for one in first for s in [other for other in with_text if other.article_id == one][: most[one]]]


def found(question: str, sources: Sequence[Source]) -> list[Found]:
    """The best unit of each source, by late interaction and cosine with the question, in the order of the sources."""
    leads = [" > ".join((source.title, *source.heading_path)) + "\n" for source in sources]
    texts = [lead + source.text for lead, source in zip(leads, sources, strict=True)]
    embedder = embedders.serving()
    asked, *encodings = embedder.encode([question, *texts])
    weights = np.where(embedder.is_stop(asked.ids), STOP_WEIGHT, 1.0).astype(np.float32)
    words = None if asked.tokens is None else unit_rows(asked.tokens)
    results: list[Found] = []
    for source, lead, encoding in zip(sources, leads, encodings, strict=True):
        units = units_of(source)
        spans = [(source.sentences[u.first].start, source.sentences[u.last - 1].end) for u in units]
        if words is None or encoding.tokens is None:
            scores = _cosines(embedder, asked, [source.text[start:end] for start, end in spans])
        else:
            alike = words @ unit_rows(encoding.tokens).T
            places = [_inside(encoding, start + len(lead), end + len(lead)) for start, end in spans]
            scores = _scores(asked.vector, weights, alike, encoding.tokens, places)
        if HOW_TO.search(question):
            scores = scores + STEPS * np.array([is_step(source, unit) for unit in units], np.float32)
        scores = scores - CONTENTS * np.array([is_contents(source, unit) for unit in units], np.float32)
        at = int(np.argmax(scores))
        later = any(other.source.article_id == source.article_id for other in results)
        results.append(Found(source, units, at, float(scores[at]) - RANK_PENALTY * later))
    return results


def is_step(source: Source, unit: Unit) -> bool:
    return STEP.match(source.sentences[unit.first].text) is not None


def choose(candidates: Sequence[Found]) -> list[tuple[Source, range]]:
    """Which sentences to quote: around the best unit of the first article, and fewer around that of the second.

    Of a single article, around the best units of two passages.
    """
    ranked = sorted(candidates, key=lambda candidate: -candidate.score)
    articles = list(dict.fromkeys(candidate.source.article_id for candidate in candidates))
    if len(articles) == 1:
        return [(one.source, around(one, window(one.units, one.at))) for one in ranked[:2]]
    first, *others = [next(one for one in ranked if one.source.article_id == article) for article in articles]
    chosen = [(first.source, around(first, window(first.units, first.at)))]
    for other in others:
        units = 1 if first.source.score - other.source.score > CLEARLY else SECOND_UNITS
        near = window(other.units, other.at, most_units=units, most_words=SECOND_WORDS)
        chosen.append((other.source, around(other, near)))
    return chosen


def around(one: Found, sentences: range) -> range:
    """The part of a window around the best unit that no list of links interrupts."""
    first, last = sentences.start, sentences.stop
    for place, unit in enumerate(one.units):
        if place != one.at and is_contents(one.source, unit):
            first = max(first, unit.last) if place < one.at else first
            last = min(last, unit.first) if place > one.at else last
    return range(first, last)


def _joined(chosen: Sequence[tuple[Source, range]]) -> Iterator[Text | Cite]:
    """The quotations as one Markdown text. What a later source repeats is not quoted again: it is cited beside it."""
    written: list[tuple[Source, list[Line]]] = []
    said: set[str] = set()
    also: list[Source] = []
    for source, sentences in chosen:
        fresh = [index for index in sentences if source.sentences[index].text not in said]
        lines = whole(lines_of(source), range(fresh[0], fresh[-1] + 1)) if fresh else []
        texts = {source.sentences[index].text for line in lines for index in range(line.first, line.last)}
        if not lines or texts & said:
            also.append(source)
        else:
            written.append((source, lines))
            said |= texts
    for place, (source, lines) in enumerate(written):
        if place:
            alike = lines[0].kind == written[place - 1][1][-1].kind != "text"
            yield Text("\n\n---\n\n" if alike else "\n\n")  # two lists of two sources are not one
        for part in markdown(source, lines):
            yield part
            if isinstance(part, Cite):
                yield from _repeated({one.text for one in source.sentences[part.start : part.end]}, also)


def _repeated(quoted: set[str], also: Sequence[Source]) -> Iterator[Cite]:
    """The sources that say one of these sentences word for word, too."""
    for source in also:
        place = next((place for place, other in enumerate(source.sentences) if other.text in quoted), None)
        if place is not None:
            yield Cite(source.number, place, place + 1)


def _inside(passage: Encoding, start: int, end: int) -> NDArray[np.bool_]:
    """(m,): which wordpieces of what was encoded stand between these characters."""
    return (passage.offsets[:, 0] >= start) & (passage.offsets[:, 1] <= end)


def _scores(
    asked: Floats, weights: Floats, alike: Floats, tokens: Floats, places: Sequence[NDArray[np.bool_]]
) -> Floats:
    """MaxSim + cosine with the question (d,) of each place in a passage (m,); 0 beyond what the model reads.

    `weights` (n,): of the wordpieces of the question, less for stop words. `alike` (n, m): their cosines with those of
    the passage, `tokens` (m, d). MaxSim is late interaction (ColBERT): the weighted mean of the best cosine in a place.
    """
    scores = np.zeros(len(places), np.float32)
    for place, inside in enumerate(places):
        if inside.any():
            closest = alike[:, inside].max(axis=1)
            cosine = unit_rows(tokens[inside].mean(axis=0)) @ asked
            scores[place] = (weights * closest).sum() / weights.sum() + cosine
    return scores


def _cosines(embedder: Embedder, asked: Encoding, texts: Sequence[str]) -> Floats:
    """The cosine of each text with the question, for an embedder that gives no vectors of wordpieces."""
    vectors = np.stack([encoding.vector for encoding in embedder.encode(texts)])
    return np.asarray(vectors @ asked.vector, np.float32)
