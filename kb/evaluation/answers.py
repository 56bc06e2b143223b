"""How good the answers to a labelled set are: the events of kb.answering, the same that the website shows, measured."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from kb import answering
from kb.answering import STATES, Answered, CheckedSentence, Failed, Refused, Sources, State, Unclear
from kb.embedding import get_embedder
from kb.evaluation.sets import Case, LabelledSet
from kb.evaluation.throwaway import Progress
from kb.grounding import MARK, Source, plain

FIRST = 2  # the cited documents that count as what a reader sees first
STEP = ("sources", "first_token", "total")
IDLE = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been but by can do does for from has have if in into is it its of on or so that the "
        "their them then there this to was we were what when which will with you your",
    )
)


@dataclass(frozen=True)
class Outcome:
    """One question and what came of it. `cited`, `found`: documents in order of first citation, and of the sources."""

    case: Case
    state: State
    text: str
    cited: tuple[str, ...]
    found: tuple[str, ...]
    context: str
    sentences: tuple[CheckedSentence, ...]
    timings: Mapping[str, float]
    usage: Mapping[str, Any]

    @property
    def is_right(self) -> bool:
        return any(self.case.grades.get(document, 0) > 0 for document in self.cited)

    def as_line(self) -> dict[str, Any]:
        return {"_id": self.case.key, "state": self.state, "text": self.text, "cited": list(self.cited)}


@dataclass(frozen=True)
class Result:
    """The outcomes of a set; of foreign questions, which another help center answers, only whether they are refused."""

    name: str
    outcomes: Sequence[Outcome]
    foreign: Sequence[Outcome]

    def as_dict(self) -> dict[str, Any]:
        """The figures, averages over questions, 0 to 1; None where the set has no labels for it. `cost` is in dollars.

        Citation figures count the questions with right documents, and a refusal as a miss; precision is over the
        answers that cite, word recall over the questions with an answer in words.
        """
        labelled = [one for one in self.outcomes if one.case.grades]
        told = [one for one in self.outcomes if one.case.answer and one.case.answerable is not False]
        citing = [one for one in labelled if one.cited]
        answered = [one for one in self.outcomes if one.state == "answered"]
        return {
            "set": self.name,
            "questions": len(self.outcomes),
            "right_source_cited": share(one.is_right for one in labelled),
            "right_source_cited_first_two": share(right_among(one, one.cited[:FIRST]) for one in labelled),
            "citation_precision": mean(precision(one.cited, one.case) for one in citing),
            "citation_recall": mean(recall(one.cited, one.case) for one in labelled),
            "cited_documents": mean(float(len(one.cited)) for one in answered),
            "supported": share(one.state == "supported" for outcome in answered for one in outcome.sentences),
            "gold_word_recall": mean(word_recall(one.case.answer, one.text) for one in told),
            "answer_words": mean(float(len(plain(one.text).split())) for one in answered),
            "context": {
                "right_source": share(right_among(one, one.found) for one in labelled),
                "citation_recall": mean(recall(one.found, one.case) for one in labelled),
                "gold_word_recall": mean(word_recall(one.case.answer, one.context) for one in told),
                "wordpieces": mean(float(get_embedder().count(one.context)) for one in answered),
            },
            "refusal_recall": share(one.state == "refused" for one in (*self.unanswerable(), *self.foreign)),
            "wrong_refusals": share(one.state == "refused" for one in self.outcomes if is_answerable(one.case)),
            "asked_back": share(one.state == "unclear" for one in self.outcomes if is_answerable(one.case)),
            "timings_ms": {step: percentiles([one.timings.get(step) for one in answered]) for step in STEP},
            "cost": round(sum(float(one.usage.get("cost") or 0) for one in self.outcomes), 6),
        }

    def unanswerable(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.case.answerable is False]


def evaluate(
    labelled: LabelledSet, ids: Mapping[int, str], *, foreign: Sequence[Case] = (), progress: Progress
) -> Result:
    """Put every question as nobody in particular would, in one loop; a foreign one too, only to see it refused."""

    async def run() -> Result:
        own = [await put(case, ids) for case in progress(labelled.cases, "answering")]
        others = [await put(case, ids) for case in progress(foreign, "foreign questions")] if foreign else []
        return Result(labelled.name, own, others)

    pace, settings.QUOTING_PACE = settings.QUOTING_PACE, 0.0
    try:
        return asyncio.run(run())
    finally:
        settings.QUOTING_PACE = pace


async def put(case: Case, ids: Mapping[int, str]) -> Outcome:
    """One question, and all that its events say."""
    sources: tuple[Source, ...] = ()
    started = time.perf_counter()
    async for event in answering.answer(case.question, user=AnonymousUser(), history=case.history):
        match event:
            case Sources(sources=sources):
                pass
            case Answered() | Refused() | Unclear() | Failed():
                last = event
    timings = {**last.timings, "total": (time.perf_counter() - started) * 1000}
    if not isinstance(last, Answered):
        sources = ()
    documents = {source.number: ids[source.article_id] for source in sources}
    text = last.text if isinstance(last, Answered) else last.message
    return Outcome(
        case=case,
        state=STATES[type(last)],
        text=text,
        cited=distinct(documents[int(number)] for number in MARK.findall(text)),
        found=distinct(documents.values()),
        context="\n".join("\n".join((source.title, *source.heading_path, source.text)) for source in sources),
        sentences=last.sentences if isinstance(last, Answered) else (),
        timings=timings,
        usage=last.usage if isinstance(last, Answered) else {},
    )


def is_answerable(case: Case) -> bool:
    return bool(case.grades) if case.answerable is None else case.answerable


def right_among(one: Outcome, documents: Sequence[str]) -> bool:
    return any(one.case.grades.get(document, 0) > 0 for document in documents)


def precision(documents: Sequence[str], case: Case) -> float:
    return fmean(float(case.grades.get(document, 0) > 0) for document in documents)


def recall(documents: Sequence[str], case: Case) -> float:
    return len(set(documents) & set(case.grades)) / len(case.grades)


def word_recall(answer: str, text: str) -> float:
    """The share of the words of a good answer, as often as it uses them, that a text has; stop words aside."""
    wanted, there = words(answer), words(text)
    total = sum(wanted.values())
    return sum((wanted & there).values()) / total if total else 1.0


def words(text: str) -> Counter[str]:
    return Counter(word for word in re.findall(r"\w+", plain(text).lower()) if word not in IDLE)


def distinct(documents: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(documents))


def mean(values: Iterable[float]) -> float | None:
    given = list(values)
    return round(fmean(given), 4) if given else None


share: Callable[[Iterable[bool]], float | None] = mean


def percentiles(values: Iterable[float | None]) -> dict[str, float] | None:
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    p50, p95 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return {"p50": round(p50, 1), "p95": round(p95, 1)}
