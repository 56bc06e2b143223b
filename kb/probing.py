"""The recall probe: what approximate search misses of what exact search finds, on the questions readers really ask.

Of the questions nothing is kept but how many there were. Each audience is asked for with the eyes of one who is in it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Prefetch
from django.db.models.functions import Now

from kb import embedders, legs, retrieval, words
from kb.embedding import normalised
from kb.models import Answer, Audience, Chunk, Embedder, RecallProbe
from kb.permissions import Reader, reader_of

log = logging.getLogger(__name__)

TOP = 10
SAME = 1e-6  # distances this near are a tie, and either chunk is right
RECENT = timedelta(days=30)
WEEK = timedelta(days=7)
KEPT = timedelta(days=90)


@shared_task
def probe_recall() -> int:
    """The periodic task; how many audiences are under the floor."""
    low = [one for one in probe() if one.recall < settings.RECALL_FLOOR]
    for one in low:
        log.warning(
            "recall: search by meaning finds %.1f %% of what exact search finds for “%s”: see /editor/index/",
            100 * one.recall,
            one.audience,
        )
    return len(low)


def probe() -> list[RecallProbe]:
    """Measure and keep: one row for each audience that can see anything; none while nobody asks."""
    RecallProbe.objects.filter(at__lt=Now() - KEPT).delete()
    row, questions = embedders.live_row(), recent_questions()
    if row is None or not questions:
        return []
    made = (probe_audience(audience, questions, row) for audience in Audience.objects.all())
    return RecallProbe.objects.bulk_create([one for one in made if one is not None])


def probe_audience(audience: Audience, questions: Sequence[str], row: Embedder) -> RecallProbe | None:
    """By the vector index even where an admin chose exact search, to show what that is good for."""
    reader = reader_of(None if audience.kind == Audience.Kind.EVERYONE else audience)
    allowed = Chunk.objects.visible_to(reader)[: settings.EXACT_BELOW + 1].count()
    if not allowed:
        return None
    exact = legs.is_exact_better(allowed, words.read(questions[0]).chunks)
    shares = [1.0] if exact else [recall(question, user=reader, embedder=row) for question in questions]
    return RecallProbe(
        audience=audience, questions=len(questions), allowed=allowed, exact=exact, recall=sum(shares) / len(shares)
    )


def recent_questions() -> list[str]:
    """What readers asked lately, each once, the newest first."""
    asked = Answer.objects.filter(created__gt=Now() - RECENT).order_by("-created").values_list("question", flat=True)
    texts = (normalised(question.replace("\0", " ")) for question in asked[: 4 * settings.PROBE_QUESTIONS])
    return [text for text in dict.fromkeys(texts) if text][: settings.PROBE_QUESTIONS]


def recall(question: str, *, user: Reader, embedder: Embedder) -> float:
    """recall@10 of the vector leg by its index against exact search; 1 where there is nothing to find."""
    row, asked = retrieval.meaning(question, row=embedder)
    seen, lexical = Chunk.objects.visible_to(user), words.read(question)
    allowed = settings.EXACT_BELOW + 1
    found, best = (
        nearest(legs.candidates(seen, asked, lexical, embedder=row, allowed=allowed, exact=exact))
        for exact in (False, True)
    )
    right = sum(cosine >= best[-1] - SAME for cosine in found) if best else 0
    return right / len(best) if best else 1.0


def nearest(found: list[legs.Leg]) -> list[float]:
    """The cosines of the best ten of the vector leg, best first."""
    cosines = [leg.cosine for leg in found if leg.ranks["vector"] is not None and leg.cosine is not None]
    return sorted(cosines, reverse=True)[:TOP]


@dataclass(frozen=True)
class Watched:
    """An audience on the operators' page: its last probe, the lowest recall of a week, and whether to raise an alarm.

    There is no alarm for an audience that is searched exactly by an admin's choice: nothing is missed then.
    """

    audience: Audience
    last: RecallProbe | None
    lowest: float | None

    @property
    def is_low(self) -> bool:
        return self.last is not None and not self.audience.exact and self.last.recall < settings.RECALL_FLOOR


def watched() -> list[Watched]:
    """Every audience with what the probe found."""
    recent = Prefetch("probes", RecallProbe.objects.filter(at__gt=Now() - WEEK))
    found = [(audience, list(audience.probes.all())) for audience in Audience.objects.prefetch_related(recent)]
    return [
        Watched(audience, next(iter(probes), None), min((one.recall for one in probes), default=None))
        for audience, probes in found
    ]
