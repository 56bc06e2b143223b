"""answer(question, user=…): the read journey on one screen, as a stream of events.

    retrieve ─> number the sources ─> Sources ─> enough? ─no─> Refused (with the nearest articles)
                                                   └yes─> clear? ─no─> Unclear (with the articles it may mean)
                                                                 └yes─> generate ─> Token … ─> check ─> Answered

Nothing is written to the database here; whoever consumes the events keeps them. The same events feed the website, the
command line and the tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Literal, TypeAlias

from kb import drafting, grounding, spending
from kb.assembling import together
from kb.checking import checked
from kb.clarifying import alternatives
from kb.drafting import Note
from kb.errors import ProviderError
from kb.generation import Cite, Text, Usage, get_generator, get_quoting
from kb.grounding import Prompt, Source, Turn
from kb.parting import parts
from kb.permissions import Reader
from kb.refusing import enough, weigh
from kb.retrieval import Hit, trace
from kb.rewriting import standalone
from kb.sourcing import choose, number
from kb.threads import database


@dataclass(frozen=True)
class Sources:
    """What the answer will rest on, known before its first word; before a refusal, the one passage closest to it.

    `searched`: what was searched for, where that is not the question itself. `told`: how many earlier turns were used.
    """

    sources: tuple[Source, ...]
    searched: str = ""
    told: int = 0


@dataclass(frozen=True)
class Token:
    """Text as it comes."""

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
    replayed: datetime | None = None  # when it was written, if it was for an earlier question


@dataclass(frozen=True)
class Checking:
    """Nothing more will be written; the sentences are held against what they cite."""


@dataclass(frozen=True)
class Refused:
    """The articles do not answer it. `nearest`: ids of the articles that come nearest, best first."""

    message: str
    nearest: tuple[int, ...]
    timings: dict[str, float]


@dataclass(frozen=True)
class Unclear:
    """The question fits several articles equally. `articles`: the ids of those that may be meant, best first."""

    message: str
    articles: tuple[int, ...]
    timings: dict[str, float]


@dataclass(frozen=True)
class Failed:
    message: str
    timings: dict[str, float]
    usage: dict[str, Any] = field(default_factory=dict)


Ending: TypeAlias = Answered | Refused | Unclear | Failed
Event: TypeAlias = Sources | Token | Checking | Ending
State = Literal["answered", "refused", "unclear", "failed"]
STATES: dict[type[Ending], State] = {Answered: "answered", Refused: "refused", Unclear: "unclear", Failed: "failed"}


@dataclass
class Draft:
    """An answer while it is written: the text so far, with citation marks directly after what they support."""

    parts: list[str] = field(default_factory=list)
    marks: list[list[Cite]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    note: Note | None = None

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def lap(self, name: str) -> None:
        if name not in self.timings:
            self.timings[name] = round((time.perf_counter() - self.started) * 1000, 1)

    def add(self, text: str) -> Token:
        self.parts.append(text)
        return Token(text)

    def bill(self, usage: Usage) -> None:
        """Add one call of the model to what this answer cost; a call that was tried again was billed too."""
        for name, value in asdict(usage).items():
            counts = isinstance(value, int)
            self.usage[name] = self.usage.get(name, 0) + value if counts else value
        self.usage["cost"] = round(self.usage.get("cost", 0.0) + float(spending.cost(usage)), 6)  # US dollars

    def cite(self, cited: Cite) -> Token | None:
        """The mark for a citation; none when the last mark names the same source, which then covers both passages."""
        mark = f"⟦{cited.source}⟧"
        if self.parts[-1:] == [mark]:
            self.marks[-1].append(cited)
            return None
        self.marks.append([cited])
        return self.add(mark)


async def answer(
    question: str, *, user: Reader, history: Sequence[Turn] = (), anew: bool = False, settled: bool = False
) -> AsyncIterator[Event]:
    """Sources first, then tokens, then exactly one Ending. Cancel it to stop the model.

    `anew`: the generator writes it, even if the very same was answered before and is kept. `settled`: the reader was
    asked what is meant already, and is not asked again.
    """
    draft = Draft()
    searched, calls = await standalone(question, history)
    for call in calls:
        draft.bill(call)
    shown = searched if searched != question else ""
    told = len(history) if shown or get_generator().name != get_quoting().name else 0
    looked = await database(look_up)(searched, user)
    sources = number(looked.chosen)
    draft.lap("sources")
    if not looked.chosen:
        draft.lap("total")
        if looked.hits:
            yield Sources(number(looked.hits[:1]), shown, told)  # the closest passage
        yield Refused(REFUSAL, nearest(looked.hits), draft.timings)
        return
    if not settled and len(looked.parts) == 1 and (meant := alternatives(searched, looked.hits)):
        draft.lap("total")
        yield Sources(number(meant), shown, told)
        yield Unclear(WHICH, tuple(hit.article_id for hit in meant), draft.timings)
        return
    yield Sources(sources, shown, told)
    prompt = Prompt(question, sources, tuple(history), searched, anew=anew)
    try:
        async for token in write(prompt, draft):
            yield token
    except ProviderError as error:
        draft.lap("total")
        yield Failed(str(error), draft.timings, draft.usage)
        return
    yield Checking()
    sentences = await asyncio.to_thread(check, draft, sources)
    draft.lap("total")
    cut_off = draft.usage.get("stop_reason") == "max_tokens"
    note = draft.note or Note(get_generator().name, CUT_OFF if cut_off else "")
    missing = MISSING.format("” and “".join(looked.missing)) if looked.missing else ""
    message = f"{note.message} {missing}".strip()
    yield Answered(draft.text, sentences, note.generator, draft.usage, draft.timings, message, note.replayed)


REFUSAL = "The articles do not answer this. Rather than guess, here is what comes nearest."
CUT_OFF = "The answer was cut off at its greatest length."
MISSING = "Nothing was found for “{}”."
WHICH = "This question fits several articles equally well. Which of them is it about?"


@dataclass(frozen=True)
class Looked:
    """What was found: all hits, those chosen for the answer (none when they are not enough), and which parts of the
    question nothing was found for. `parts`: the questions in it.
    """

    hits: Sequence[Hit]
    chosen: Sequence[Hit] = ()
    parts: Sequence[str] = ()
    missing: Sequence[str] = ()


def look_up(question: str, user: Reader) -> Looked:
    """In a worker thread."""
    traced = trace(question, user=user)
    if not enough(weigh(question, traced)):
        return Looked(traced.hits)
    asked = parts(question)
    found = {part: trace(part, user=user) for part in asked} if len(asked) > 1 else {}
    answered = [part for part in found if enough(weigh(part, found[part]))]
    if not answered:
        return Looked(traced.hits, choose(traced.hits, user), asked)
    groups = [choose(found[part].hits, user, share=len(answered)) for part in answered]
    return Looked(traced.hits, together(groups), asked, [part for part in asked if part not in answered])


def nearest(hits: Sequence[Hit], limit: int = 3) -> tuple[int, ...]:
    return tuple(dict.fromkeys(hit.article_id for hit in hits))[:limit]


async def write(prompt: Prompt, draft: Draft) -> AsyncIterator[Token]:
    """Turn the generator's deltas into tokens: a citation becomes the mark ⟦n⟧, and nothing else may look like one."""
    numbers = {source.number for source in prompt.sources}
    async with aclosing(drafting.deltas(prompt)) as deltas:  # so that a stop ends the call to the model at once
        async for delta in deltas:
            match delta:
                case Text(text) if text:
                    draft.lap("first_token")
                    yield draft.add(grounding.storable(text).replace("⟦", "[").replace("⟧", "]"))
                case Cite() if delta.source in numbers:
                    if token := draft.cite(delta):
                        yield token
                case Usage():
                    draft.bill(delta)
                case Note():
                    draft.note = delta


def check(draft: Draft, sources: Sequence[Source]) -> tuple[CheckedSentence, ...]:
    """Each sentence against the passages it cites."""
    passages = {s.number: "\n".join((s.title, *s.heading_path, s.text)) for s in sources}
    marks = iter(draft.marks)
    found = []
    for sentence in grounding.assemble(draft.text):
        cited = [(cite.source, cite.start, cite.end) for mark in islice(marks, sentence.marks) for cite in mark]
        verdict = checked(sentence.text, [passages[number] for number in sentence.citations])
        found.append(
            CheckedSentence(
                sentence.text, sentence.citations, tuple(dict.fromkeys(cited)), verdict.verdict, verdict.reason
            )
        )
    return tuple(found)
