"""Answers without a model: the best-supported sentences of the sources, word for word, each with its citation."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings

from kb.embedding import Encoding, Floats, get_embedder
from kb.errors import ProviderError
from kb.generation import Cite, Delta, Text, Usage
from kb.grounding import Prompt, Source
from kb.providers.quotation import Unit, lines_of, markdown, units_of, whole, window

CONSIDERED = 3  # sources
RANK_PENALTY = 0.1  # off the score of each later source, which retrieval found less fitting
CLOSE = 0.2  # how far below the best a second source may score: then .63 of the right sections are cited, at 0 .53
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
    texts = [lead + source.text for lead, source in zip(leads, sources, strict=True)]
    asked, *encodings = get_embedder().encode([question, *texts])
    results = []
    for place, (source, lead, encoding) in enumerate(zip(sources, leads, encodings, strict=True)):
        units = units_of(source)
        spans = [(source.sentences[u.first].start, source.sentences[u.last - 1].end) for u in units]
        if asked.tokens is None or encoding.tokens is None:
            scores = _cosines(asked, [source.text[start:end] for start, end in spans])
        else:
            scores = _scores(
                asked, asked.tokens, encoding, [(start + len(lead), end + len(lead)) for start, end in spans]
            )
        at = int(np.argmax(scores))
        results.append(Found(source, units, at, float(scores[at]) - RANK_PENALTY * place))
    return results


def choose(candidates: Sequence[Found]) -> list[tuple[Source, range]]:
    """Which sentences to quote: around the best unit, and fewer of the next source if it is nearly as good."""
    best, *others = sorted(candidates, key=lambda candidate: -candidate.score)
    chosen = [(best.source, window(best.units, best.at))]
    for other in others[:1]:
        if other.score >= best.score - CLOSE:
            chosen.append(
                (other.source, window(other.units, other.at, most_units=SECOND_UNITS, most_words=SECOND_WORDS))
            )
    return chosen


def _joined(chosen: Sequence[tuple[Source, range]]) -> Iterator[Text | Cite]:
    """The quotations as one Markdown text; nothing is quoted twice, and two lists never run together."""
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


def _scores(asked: Encoding, words: Floats, passage: Encoding, spans: Sequence[tuple[int, int]]) -> Floats:
    """MaxSim + cosine with the question of each span (characters of what was encoded); 0 beyond what the model reads.

    `words`: asked.tokens. MaxSim is late interaction (ColBERT): for each wordpiece of the question the best cosine with
    a wordpiece of the span, averaged with less weight for stop words.
    """
    tokens = passage.tokens if passage.tokens is not None else words[:0]
    weights = np.where(get_embedder().is_stop(asked.ids), STOP_WEIGHT, 1.0).astype(np.float32)
    alike = _unit(words) @ _unit(tokens).T
    scores = np.zeros(len(spans), np.float32)
    for place, (start, end) in enumerate(spans):
        inside = (passage.offsets[:, 0] >= start) & (passage.offsets[:, 1] <= end)
        if inside.any():
            closest = alike[:, inside].max(axis=1)
            cosine = _unit(tokens[inside].mean(axis=0)) @ asked.vector
            scores[place] = (weights * closest).sum() / weights.sum() + cosine
    return scores


def _cosines(asked: Encoding, texts: Sequence[str]) -> Floats:
    """The cosine of each text with the question, for an embedder that gives no vectors of wordpieces."""
    vectors = np.stack([encoding.vector for encoding in get_embedder().encode(texts)])
    return np.asarray(vectors @ asked.vector, np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
