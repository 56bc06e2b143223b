"""answer(question, user=…): the read journey on one screen, as a stream of events.

    retrieve ─> number the sources ─> Sources ─> enough? ─no─> Refused (with the nearest articles)
                                                   └yes─> generate ─> Token … ─> check each sentence ─> Answered

Nothing is written to the database here; whoever consumes the events keeps them. The same events feed the website, the
command line and the tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Literal, TypeAlias

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

from kb.checking import checked
from kb.errors import ProviderError
from kb.generation import Cite, Text, Usage, get_generator
from kb.grounding import Evidence, Prompt, Source, Turn, assemble, enough, sentences_of
from kb.permissions import Reader
from kb.retrieval import Hit, trace

MOST_PER_ARTICLE = 3


@dataclass(frozen=True)
class Sources:
    """What the answer will rest on, known before its first word."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Token:
    """Text as it comes. `at`: where it goes, an offset in the answer's text in UTF-16 units, as browsers count."""

    at: int
    text: str


@dataclass(frozen=True)
class CheckedSentence:
    """A sentence of the answer, the sources it cites, and whether these support it.

    `passages`: (source number, start, end), the exact sentences of the sources: a range of Source.sentences each.
    """

    text: str
    citations: tuple[int, ...]
    passages: tuple[tuple[int, int, int], ...]
    state: Literal["supported", "weak", "unsupported"]
    reason: str


@dataclass(frozen=True)
class Answered:
    text: str
    sentences: tuple[CheckedSentence, ...]
    generator: str
    usage: dict[str, Any]
    timings: dict[str, float]
    message: str = ""


@dataclass(frozen=True)
class Refused:
    """The articles do not answer it. `nearest`: ids of the articles that come nearest, best first."""

    message: str
    nearest: tuple[int, ...]
    timings: dict[str, float]


@dataclass(frozen=True)
class Failed:
    message: str
    timings: dict[str, float]
    usage: dict[str, Any] = field(default_factory=dict)


Event: TypeAlias = Sources | Token | Answered | Refused | Failed


@dataclass
class Draft:
    """An answer while it is written: the text so far, with citation marks directly after what they support."""

    text: str = ""
    units: int = 0
    marks: list[list[Cite]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)

    def lap(self, name: str) -> None:
        self.timings.setdefault(name, round((time.perf_counter() - self.started) * 1000, 1))

    def add(self, text: str) -> Token:
        token = Token(self.units, text)
        self.text += text
        self.units += len(text.encode("utf-16-le")) // 2
        return token

    def bill(self, usage: Usage) -> None:
        """Add one call of the model to what this answer cost; a call that was tried again was billed too."""
        for name, value in asdict(usage).items():
            counts = isinstance(value, int)
            self.usage[name] = self.usage.get(name, 0) + value if counts else value

    def cite(self, cited: Cite) -> Token | None:
        """The mark for a citation; none when the last mark names the same source, which then covers both passages."""
        mark = f"⟦{cited.source}⟧"
        if self.text.endswith(mark):
            self.marks[-1].append(cited)
            return None
        self.marks.append([cited])
        return self.add(mark)


async def answer(question: str, *, user: Reader, history: Sequence[Turn] = ()) -> AsyncIterator[Event]:
    """Sources first, then tokens, then exactly one of Answered, Refused, Failed. Cancel it to stop the model."""
    draft = Draft()
    hits, evidence = await sync_to_async(look_up, thread_sensitive=False)(question, user)
    sources = number(hits)
    draft.lap("sources")
    if not enough(evidence, threshold=settings.ANSWER_THRESHOLD):
        draft.lap("total")
        yield Refused(REFUSAL, nearest(hits), draft.timings)
        return
    yield Sources(sources)
    prompt = Prompt(question=question, sources=sources, history=tuple(history))
    try:
        async for token in write(prompt, draft):
            yield token
    except ProviderError as error:
        draft.lap("total")
        yield Failed(str(error), draft.timings, draft.usage)
        return
    sentences = await asyncio.to_thread(check, draft, sources)
    draft.lap("total")
    cut_off = draft.usage.get("stop_reason") == "max_tokens"
    message = "The answer was cut off at its greatest length." if cut_off else ""
    yield Answered(draft.text, sentences, get_generator().name, draft.usage, draft.timings, message)


REFUSAL = "The articles do not answer this. Rather than guess, here is what comes nearest."


def look_up(question: str, user: Reader) -> tuple[list[Hit], list[Evidence]]:
    """Retrieve, and measure how well the best hits fit; in a worker thread, whose connection goes back at once."""
    try:
        traced = trace(question, user=user)
        hits = list(traced.hits)
        scale = traced.question.reachable / traced.question.asked if traced.question else 0.0
        return hits, [Evidence(cosine=h.parts["sentence"], words=h.parts["words"] * scale) for h in hits]
    finally:
        connections.close_all()


def number(hits: Sequence[Hit]) -> tuple[Source, ...]:
    """The sources of an answer: the best hits, at most MOST_PER_ARTICLE of one article, no passage twice."""
    chosen: list[Hit] = []
    for hit in hits:
        same_article = sum(other.article_id == hit.article_id for other in chosen)
        if same_article < MOST_PER_ARTICLE and all(other.passage_id != hit.passage_id for other in chosen):
            chosen.append(hit)
        if len(chosen) == settings.ANSWER_SOURCES:
            break
    return tuple(source(place, hit) for place, hit in enumerate(chosen, 1))


def source(place: int, hit: Hit) -> Source:
    return Source(
        number=place,
        article_id=hit.article_id,
        slug=hit.slug,
        title=hit.title,
        collection=hit.collection,
        heading_path=hit.heading_path,
        anchor=hit.anchor,
        version_id=hit.version_id,
        version_number=hit.version_number,
        passage_id=hit.passage_id,
        text=hit.text,
        sentences=sentences_of(hit.text, hit.lines or (1,)),
        score=hit.score,
        updated=hit.updated,
    )


def nearest(hits: Sequence[Hit], limit: int = 3) -> tuple[int, ...]:
    return tuple(dict.fromkeys(hit.article_id for hit in hits))[:limit]


async def write(prompt: Prompt, draft: Draft) -> AsyncIterator[Token]:
    """Turn the generator's deltas into tokens: a citation becomes the mark ⟦n⟧, and nothing else may look like one."""
    numbers = {source.number for source in prompt.sources}
    async with aclosing(get_generator().stream(prompt)) as deltas:  # so that a stop ends the call to the model at once
        async for delta in deltas:
            match delta:
                case Text(text) if text:
                    draft.lap("first_token")
                    yield draft.add(text.replace("⟦", "[").replace("⟧", "]"))
                case Cite() if delta.source in numbers:
                    if token := draft.cite(delta):
                        yield token
                case Usage():
                    draft.bill(delta)


def check(draft: Draft, sources: Sequence[Source]) -> tuple[CheckedSentence, ...]:
    """Each sentence against the passages it cites."""
    passages = {s.number: "\n".join((s.title, *s.heading_path, s.text)) for s in sources}
    marks = iter(draft.marks)
    found = []
    for sentence in assemble(draft.text):
        cited = [(cite.source, cite.start, cite.end) for mark in islice(marks, sentence.marks) for cite in mark]
        verdict = checked(sentence.text, [passages[number] for number in sentence.citations])
        found.append(
            CheckedSentence(
                sentence.text, sentence.citations, tuple(dict.fromkeys(cited)), verdict.verdict, verdict.reason
            )
        )
    return tuple(found)
