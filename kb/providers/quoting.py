"""Answers without a model: the best-supported sentences of the sources, word for word, each with its citation."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from kb.embedding import Encoding, get_embedder
from kb.errors import ProviderError
from kb.generation import Cite, Delta, Text, Usage
from kb.grounding import Prompt, Source
from kb.providers.quotation import Unit, lines_of, markdown, units_of, whole, window

CONSIDERED = 3  # sources
RANK_PENALTY = 0.1  # off the score of each later source, which retrieval found less fitting
CLOSE = 0.1  # how far below the best a second source may score to be quoted too
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

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """Text a few words at a time, a citation after each sentence. Raises ProviderError when there is nothing to quote."""
        for part in await asyncio.to_thread(quote, prompt):
            if isinstance(part, Text):
                for piece in PIECE.findall(part.text):
                    yield Text(piece)
                    await asyncio.sleep(settings.QUOTING_PACE)
            else:
                yield part
        yield Usage("quoting", 0, 0, 0, 0, "end_turn")


def quote(prompt: Prompt) -> list[Text | Cite]:
    """The whole quotation; computes vectors, so it belongs in a thread. Raises ProviderError."""
    sources = [source for source in prompt.sources if source.sentences][:CONSIDERED]
    if not sources:
        raise ProviderError("The sources hold no text that could be quoted.", temporary=False)
    return list(_joined(choose(found(prompt.question, sources))))


def found(question: str, sources: Sequence[Source]) -> list[Found]:
    """The best unit of each source, by late interaction and cosine with the question, in the order of the sources."""
    leads = [" > ".join((source.title, *source.heading_path)) + "\n" for source in sources]
    asked, *encodings = get_embedder().encode([question, *(lead + source.text for lead, source in zip(leads, sources, strict=True))])
    results = []
    for place, (source, lead, encoding) in enumerate(zip(sources, leads, encodings, strict=True)):
        units = units_of(source)
        spans = [(len(lead) + source.sentences[u.first].start, len(lead) + source.sentences[u.last - 1].end) for u in units]
        scores = _scores(asked, encoding, spans) - RANK_PENALTY * place
        at = int(np.argmax(scores))
        results.append(Found(source, units, at, float(scores[at])))
    return results


def choose(candidates: Sequence[Found]) -> list[tuple[Source, range]]:
    """Which sentences to quote: around the best unit, and fewer of the next source if it is nearly as good."""
    best, *others = sorted(candidates, key=lambda candidate: -candidate.score)
    chosen = [(best.source, window(best.units, best.at))]
    for other in others[:1]:
        if other.score >= best.score - CLOSE:
            chosen.append((other.source, window(other.units, other.at, most_units=SECOND_UNITS, most_words=SECOND_WORDS)))
    return chosen


def _joined(chosen: Sequence[tuple[Source, range]]) -> Iterator[Text | Cite]:
    """The quotations as one Markdown text; what an earlier one holds is not quoted again, and lists do not run together."""
    said: set[str] = set()
    last_kind = ""
    for source, sentences in chosen:
        fresh = [index for index in sentences if source.sentences[index].text not in said]
        lines = whole(lines_of(source), range(fresh[0], fresh[-1] + 1)) if fresh else []
        repeats = any(source.sentences[index].text in said for line in lines for index in range(line.first, line.last))
        if not lines or repeats or lines[0].kind == last_kind != "text":
            continue
        if said:
            yield Text("\n\n")
        yield from markdown(source, lines)
        said |= {source.sentences[index].text for line in lines for index in range(line.first, line.last)}
        last_kind = lines[-1].kind


def _scores(asked: Encoding, passage: Encoding, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """MaxSim + cosine of each span (characters of the passage's text) with the question, 0 beyond what the model reads.

    MaxSim (late interaction, ColBERT): for each wordpiece of the question the best cosine with one of the span's, weighted mean.
    """
    if asked.tokens is None or passage.tokens is None:
        return _cosines(asked, passage, spans)
    weights = np.where(get_embedder().is_stop(asked.ids), STOP_WEIGHT, 1.0).astype(np.float32)
    alike = _unit(asked.tokens) @ _unit(passage.tokens).T
    scores = np.zeros(len(spans), np.float32)
    for place, (start, end) in enumerate(spans):
        inside = (passage.offsets[:, 0] >= start) & (passage.offsets[:, 1] <= end)
        if inside.any():
            closest = alike[:, inside].max(axis=1)
            cosine = _unit(passage.tokens[inside].mean(axis=0)) @ asked.vector
            scores[place] = (weights * closest).sum() / weights.sum() + cosine
    return scores


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
