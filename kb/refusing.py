"""Whether the articles answer a question at all, decided before anything is written, for each help center anew.

    fit = max(cosine + maxsim + 0.5 words) + around - foreign + 0.1 ln(1 + length)

The maximum is over the candidates, as the reranker scores them; `words` counts the words that occur nowhere, too.
`around`: mean cosine of the ten nearest chunks, since a lone lookalike is no topic. `foreign`: mean cosine of the five
nearest questions of our bank of everyday questions, which hardly any help center answers (foreign_questions.txt).
`length`: words of the question; of two that are answered equally well, no passage comes as near to the longer one.
No one threshold suits every corpus, so `calibrate` puts the bank to the articles and reads the threshold off its fits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import NormalDist, median, quantiles

import numpy as np
from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now

from kb import embedders
from kb.embedding import Floats, normalised, question_vectors
from kb.models import Audience, Calibration, CorpusStatistics, Embedder, IndexJob
from kb.permissions import ReaderOf
from kb.retrieval import Hit, Trace, meaning, trace
from kb.words import Question

BANK = Path(__file__).with_name("foreign_questions.txt")
AROUND = 10  # chunks
NEAR = 5  # questions of the bank
USUAL = 0.33  # `foreign` of an ordinary question, while there is no calibration to compare with
QUARTILE = 0.6745  # of a normal distribution, in standard deviations
# What questions that are foreign, but of a kindred field, look like: measured on 20 pairs of five corpora with
# MEASURED_WITH. They fit better than the bank does, by this many of its spreads; and about as well everywhere, so half
# of the threshold is one figure for all.
LIFT = 1.2
EVERYWHERE = 1.3  # at a target of .95
LENGTH = 0.1
START = 1.15  # until the first calibration, a minute after the first articles; rather answer than refuse
MEASURED_WITH = "all-MiniLM-L6-v2"


@dataclass(frozen=True)
class Evidence:
    """How well the best candidates fit a question. `best`: the highest sum of cosine, maxsim and half of words."""

    best: float
    around: float
    foreign: float
    length: int  # words of the question, as the lexical leg counts them

    @property
    def fit(self) -> float:
        return self.best + self.around - self.foreign + LENGTH * math.log1p(self.length)


@functools.cache
def bank() -> tuple[tuple[str, str], ...]:
    """(field, question) of every foreign question; a line with # begins a field."""
    field, made = "", []
    for line in BANK.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            field = line.removeprefix("#").strip()
        elif line.strip():
            made.append((field, line.strip()))
    return tuple(made)


def weigh(question: str, traced: Trace) -> Evidence | None:
    """The evidence for an answer; None when nothing was found."""
    if not traced.question:
        return None
    row = current()
    embedder, asked = meaning(normalised(question))
    comparable = row is not None and row.embedder_id == embedder.pk
    foreign = nearness(asked.vector, vectors_of(row.pk, row.computed)) if row and comparable else USUAL
    return evidence(traced.hits, traced.question, foreign=foreign)


def evidence(hits: Sequence[Hit], asked: Question, *, foreign: float) -> Evidence | None:
    """None when nothing was found. `known`: the share of the question's words, by idf, that occur at all."""
    if not hits:
        return None
    known = asked.reachable / asked.asked
    sums = (hit.parts["sentence"] + hit.parts["maxsim"] + 0.5 * known * hit.parts["words"] for hit in hits)
    nearest = sorted((hit.parts["cosine"] for hit in hits), reverse=True)[:AROUND]
    return Evidence(max(sums), sum(nearest) / len(nearest), foreign, len(asked.words))


def nearness(vector: Floats, others: Floats) -> float:
    """Mean cosine with the NEAR nearest of other questions, (n, d)."""
    return float(np.sort(others @ vector)[-NEAR:].mean())


def enough(found: Evidence | None) -> bool:
    """Whether to answer; if not, refuse instead of generating."""
    return found is not None and found.fit >= threshold()


def threshold() -> float:
    """settings.ANSWER_THRESHOLD where it is set, else what the calibration gives for settings.REFUSAL_TARGET."""
    if settings.ANSWER_THRESHOLD is not None:
        return float(settings.ANSWER_THRESHOLD)
    row = current()
    if row is None:
        return START
    return at_target(settings.REFUSAL_TARGET, middle=row.middle, spread=row.spread, everywhere=prior())


def prior() -> float | None:
    """The threshold that suits most corpora; known for the model it was measured with alone."""
    live = embedders.live_row()
    return EVERYWHERE if live is not None and MEASURED_WITH in live.name else None


def at_target(target: float, *, middle: float, spread: float, everywhere: float | None) -> float:
    """The threshold that should refuse this share of foreign questions: a normal distribution, lifted.

    `middle`, `spread`: of the bank's fits; the half above the middle alone, since fields that these articles do cover
    would widen the rest. With `everywhere` the mean of both, moved to the target.
    """
    usual, wanted = NormalDist().inv_cdf(0.95), NormalDist().inv_cdf(target)
    own = middle + (usual + LIFT) * spread
    return (own if everywhere is None else (own + everywhere) / 2) + (wanted - usual) * spread


def current() -> Calibration | None:
    """The calibration of the live embedder, without its vectors."""
    return Calibration.objects.filter(embedder__live=True).defer("vectors").first()


@functools.lru_cache(maxsize=4)
def vectors_of(pk: int, computed: datetime) -> Floats:
    """(n, d): the bank's vectors as a calibration keeps them, so that no web process embeds the bank."""
    row = Calibration.objects.get(pk=pk)
    stored = np.frombuffer(row.vectors, np.float16).astype(np.float32)
    return stored.reshape(row.questions, -1)


def calibrate() -> Calibration | None:
    """Put the bank to all published articles, and keep how well it fits. 4 s; longer the first time, to embed it.

    A question's own field is left out of its `foreign`, as nobody's question has eleven like it in the bank.
    """
    embedder = embedders.live_row()
    if embedder is None:
        return None
    model = embedders.model_of(embedder)
    everybody = ReaderOf(Audience.objects.values_list("pk", flat=True))
    fields = np.array([field for field, _ in bank()])
    vectors = np.stack([question_vectors(question, model).vector for _, question in bank()])
    fits = []
    for (field, question), vector in zip(bank(), vectors, strict=True):
        traced = trace(question, user=everybody)
        foreign = nearness(vector, vectors[fields != field])
        found = evidence(traced.hits, traced.question, foreign=foreign) if traced.question else None
        if found:
            fits.append(found.fit)
    return keep(embedder, fits, vectors) if len(fits) > 1 else None


def keep(embedder: Embedder, fits: Sequence[float], vectors: Floats) -> Calibration:
    middle, upper = median(fits), quantiles(fits, n=4, method="inclusive")[2]
    told = {"middle": middle, "spread": (upper - middle) / QUARTILE, "questions": len(vectors)}
    row, _ = Calibration.objects.update_or_create(
        embedder=embedder, defaults=told | {"vectors": vectors.astype(np.float16).tobytes(), "computed": Now()}
    )
    row.refresh_from_db()
    return row


@shared_task(name="kb.refusing.recalibrate")
def recalibrate() -> bool:
    """Calibrate again when the articles have changed and the index has come to rest. True when it did."""
    counted = CorpusStatistics.objects.values_list("computed", flat=True).first()
    row = current()
    if counted is None or (row is not None and row.computed > counted):
        return False
    if IndexJob.objects.filter(state__in=(IndexJob.State.QUEUED, IndexJob.State.RUNNING)).exists():
        return False
    return calibrate() is not None
