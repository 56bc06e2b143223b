"""Corpora to measure on: realistic text, clustered vectors, and who may read what. Seeded: the same everywhere.

Texts are sentences of this repository's articles, and of the evaluation sets where they are, recombined, with a part of
the words replaced. Vectors are synthetic: clusters of articles in 64 of 384 dimensions with noise over all of them,
which is harder on an HNSW graph under a filter than vectors of real texts are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kb import markdown, sentences

ROOT = Path(__file__).resolve().parent.parent
SETS = Path(os.environ.get("FOOTNOTE_SETS", ROOT.parent / "shared" / "data"))
SHARES = (0.001, 0.01, 0.1, 0.5, 1.0)  # of the rows; each reader's articles are among the next one's
DIMENSIONS, LATENT = 384, 64
CHUNK_WORDS = 110
REPLACED = 0.15  # of the words; a tenth of these become words that stand nowhere else
SEED = 7

Layout = Literal["scattered", "correlated"]
LAYOUTS: tuple[Layout, ...] = ("scattered", "correlated")
Floats = NDArray[np.float32]
Halves = NDArray[np.float16]


@dataclass(frozen=True)
class Corpus:
    """`owner[i]`: the article of chunk i. `levels[layout][a]`: the place in SHARES of the first reader of article a."""

    texts: list[str]
    titles: list[str]
    owner: NDArray[np.int64]
    vectors: Halves
    title_vectors: Halves
    questions: list[str]
    question_vectors: Floats
    levels: dict[Layout, NDArray[np.int64]]

    @property
    def chunks(self) -> int:
        return len(self.texts)

    @property
    def articles(self) -> int:
        return len(self.titles)

    def allowed(self, layout: Layout, level: int) -> NDArray[np.bool_]:
        """(chunks,): what the reader of SHARES[level] may see."""
        return self.levels[layout][self.owner] <= level


def make(chunks: int, questions: int) -> Corpus:
    """A corpus of that many chunks: ten an article, and one from 1,000 chunks down, so that 0.1 % is possible."""
    rng = np.random.default_rng(SEED)
    size = max(1, min(10, chunks // 1000))
    articles = -(-chunks // size)
    owner = np.arange(chunks) // size
    asked = pick_questions(questions, rng)
    space = Space(rng, clusters=max(50, articles // 10))
    cluster = rng.integers(0, len(space.centers), articles)
    nearness = space.position[cluster] + 1e-6 * rng.random(articles)
    batches = np.array_split(cluster[owner], chunks // 5000 + 1)
    far = np.flatnonzero(space.position > np.median(space.position))
    return Corpus(
        texts=recombined(chunks, rng),
        titles=titles(articles, rng),
        owner=owner,
        vectors=np.concatenate([space.around(part, rng) for part in batches]),
        title_vectors=space.around(cluster, rng),
        questions=asked,
        question_vectors=space.around(rng.choice(far, len(asked)), rng).astype(np.float32),
        levels={"scattered": levels(rng.random(articles)), "correlated": levels(nearness)},
    )


def levels(order: NDArray[np.float64]) -> NDArray[np.int64]:
    """(articles,): by their place in this order, which of SHARES each belongs to first."""
    place = np.empty(len(order), np.int64)
    place[np.argsort(order, kind="stable")] = np.arange(len(order))
    return np.searchsorted(np.array(SHARES) * len(order), place, side="right")


class Space:
    """Cluster centres in a few dimensions, turned into many. `position` orders the clusters along one direction."""

    def __init__(self, rng: np.random.Generator, *, clusters: int) -> None:
        self.centers = rng.standard_normal((clusters, LATENT)).astype(np.float32)
        self.turn = rng.standard_normal((LATENT, DIMENSIONS)).astype(np.float32)
        self.position = self.centers[:, 0] + 0.3 * self.centers[:, 1]

    def around(self, clusters: NDArray[np.int64], rng: np.random.Generator) -> Halves:
        """(n, 384): a unit vector near each cluster's centre, in the precision that is stored."""
        inner = self.centers[clusters] + 0.5 * rng.standard_normal((len(clusters), LATENT), np.float32)
        rows = inner @ self.turn + 0.4 * rng.standard_normal((len(clusters), DIMENSIONS), np.float32)
        unit: Halves = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
        return unit


# --- text


def recombined(count: int, rng: np.random.Generator) -> list[str]:
    """That many texts: the real passages first, then mixtures of two with a part of the words replaced."""
    real = list(passages())
    real = [real[place] for place in rng.permutation(len(real))]
    words = np.array(" ".join(" ".join(one) for one in real).split(), dtype=object)
    made = ["\n".join(one) for one in real[:count]]
    while len(made) < count:
        first, second = (real[place] for place in rng.integers(0, len(real), 2))
        kept = [*pick(first, 0.6, rng), *pick(second, 0.45, rng)] or first
        made.append(" ".join(replaced("\n".join(kept).split(" "), words, rng)))
    return made


def pick(lines: Sequence[str], share: float, rng: np.random.Generator) -> list[str]:
    return [line for line, chance in zip(lines, rng.random(len(lines)), strict=True) if chance < share]


def replaced(text: list[str], words: NDArray[np.object_], rng: np.random.Generator) -> list[str]:
    chances = rng.random(len(text))
    for place in np.flatnonzero(chances < REPLACED):
        word = str(words[rng.integers(len(words))])
        is_new = chances[place] < REPLACED / 10
        text[place] = word.strip(".,:")[:4] + "".join(rng.choice(list("aeioklmnrst"), 4)) if is_new else word
    return text


def titles(count: int, rng: np.random.Generator) -> list[str]:
    lines = [title for title, _ in documents()]
    first, second = rng.integers(0, len(lines), (2, count))
    return [f"{lines[a][:90]} · {lines[b][:90]}" for a, b in zip(first, second, strict=True)]


def passages() -> Iterator[list[str]]:
    """The sentences of every document in groups of about CHUNK_WORDS words."""
    for _, text in documents():
        group: list[str] = []
        length = 0
        for span in sentences.split(text):
            words = text[span.start : span.end].split()[:CHUNK_WORDS]
            group.append(" ".join(words))
            length += len(words)
            if length >= CHUNK_WORDS:
                yield group
                group, length = [], 0
        if length > 20:
            yield group


def documents() -> Iterator[tuple[str, str]]:
    """(title, text): the articles of this repository, then those of the evaluation sets that are there."""
    for file in sorted(ROOT.glob("content/*/[!_]*.md")):
        yield file.stem.replace("-", " ").capitalize(), "\n".join(one.text for one in markdown.blocks(file.read_text()))
    for file in sorted(SETS.glob("*/corpus.jsonl")):
        for row in json_lines(file):
            yield " ".join(row.get("title", "").split()) or "Untitled", row["text"].replace("\0", "")


def pick_questions(count: int, rng: np.random.Generator) -> list[str]:
    """Real questions of the evaluation sets; without them, the titles of our own articles asked for."""
    asked = [row["text"] for file in sorted(SETS.glob("*/queries.jsonl")) for row in json_lines(file)]
    if len(asked) < count:
        asked += [f"How do I find out about: {title}?" for title, _ in documents()]
    distinct = list(dict.fromkeys(" ".join(text.split()) for text in asked))
    return [distinct[place] for place in rng.permutation(len(distinct))[:count]]


def json_lines(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
