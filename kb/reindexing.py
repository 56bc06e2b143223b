"""Another embedder beside the live one: build its vectors, compare the two, switch in one transaction, drop the old.

Readers are served by the live embedder until the switch and by the new one after it. Everything is in the database, so
whoever is killed is followed by whoever calls again: what has a vector is not embedded twice. Saves during the build
are indexed by the live embedder; the switch happens when no passage in use lacks the new vector, while nobody applies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from kb import embedders, retrieval, storing
from kb.embedders import Running
from kb.errors import ProviderError
from kb.models import Article, Audience, Chunk, Embedder, Embedding, IndexedVersion, Passage, TokenVectors
from kb.permissions import ReaderOf
from kb.probing import recall, recent_questions

BATCH = 128  # passages a step; a kill loses at most the step's unfinished write
WAITS = (2.0, 5.0, 15.0, 60.0)  # seconds after a fault that may pass; then the run ends and can be called again
DROPPED = 5000  # vectors deleted in one transaction
ALONE = 470_212  # the number of the advisory lock of whoever reindexes
TOP = 10
TITLES = 50  # stand in for questions where nobody has asked any yet

Progress: TypeAlias = Callable[[int], object]  # told how many passages each step made


class ReindexingError(Exception):
    """Why it cannot go on, in a sentence for people."""


@dataclass(frozen=True)
class Comparison:
    """The new embedder's hits beside the live one's, over whole retrievals. Shares of 0 to 1, means over questions.

    `overlap`: of the live top ten, how many articles are in the new one's. `same_first`: how often the first article is
    the same. `recall`: of what exact search by the new vectors finds, how much its vector index finds.
    """

    questions: int
    overlap: float
    same_first: float
    recall: float


@contextmanager
def alone() -> Iterator[None]:
    """One reindexing at a time. Raises ReindexingError; the lock goes with a process that is killed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ALONE])
        if not cursor.fetchone()[0]:
            raise ReindexingError("Another reindexing is at work: wait for it, or end it.")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ALONE])


def used() -> QuerySet[Passage]:
    """The passages that search can come upon: of a chunk, or a title."""
    chunk = Exists(Chunk.objects.filter(passage=OuterRef("pk")))
    title = Exists(IndexedVersion.objects.filter(title=OuterRef("pk")))
    return Passage.objects.filter(chunk | title)


def missing(row: Embedder) -> QuerySet[Passage]:
    """Passages in use that have no vector by this embedder yet."""
    return used().filter(~Exists(Embedding.objects.filter(passage=OuterRef("pk"), embedder=row)))


def build(target: Running, *, progress: Progress) -> int:
    """Embed what is missing, until nothing is; returns how many passages. Raises ProviderError when it cannot go on."""
    made = 0
    while batch := dict(missing(target.row).order_by("pk").values_list("pk", "text")[:BATCH]):
        made += patiently(batch, target)
        progress(len(batch))
    return made


def patiently(batch: dict[int, str], target: Running) -> int:
    """Embed a batch; a fault that may pass is waited for, longer each time."""
    for wait in WAITS:
        try:
            return len(storing.embed(batch, target))
        except ProviderError as error:
            if not error.temporary:
                raise
        time.sleep(wait)
    return len(storing.embed(batch, target))


def compare(live: Embedder, target: Embedder) -> Comparison:
    """Ask what readers asked lately, of both; with the eyes of a reader of every audience."""
    reader = ReaderOf(Audience.objects.values_list("pk", flat=True))
    questions = recent_questions() or titles()
    rows = [compare_one(question, reader, live, target) for question in questions]
    overlap, same_first, recall = (sum(row[column] for row in rows) / max(1, len(rows)) for column in range(3))
    return Comparison(len(rows), overlap, same_first, recall)


def compare_one(question: str, reader: ReaderOf, live: Embedder, target: Embedder) -> tuple[float, float, float]:
    old, new = (articles(question, reader, embedder) for embedder in (live, target))
    overlap = len(set(old) & set(new)) / len(old) if old else 1.0
    return overlap, float(old[:1] == new[:1]), recall(question, user=reader, embedder=target)


def articles(question: str, reader: ReaderOf, embedder: Embedder) -> list[int]:
    hits = retrieval.trace(question, user=reader, embedder=embedder).hits
    return list(dict.fromkeys(hit.article_id for hit in hits))[:TOP]


def titles() -> Sequence[str]:
    published = Article.objects.published().order_by("?")
    return list(published.values_list("published_version__title", flat=True)[:TITLES])


def switch(target: Running, *, progress: Progress) -> None:
    """Make it live, in one transaction; first closes the gap that saves have opened since the build.

    Nobody applies chunks while the last look is taken, so what it does not miss nobody will. Versions that the live
    embedder served are served by this one: nothing becomes stale.
    """
    while not switched(target.row):
        build(target, progress=progress)


@transaction.atomic
def switched(row: Embedder) -> bool:
    embedders.hold_alone()
    if missing(row).exists():
        return False
    IndexedVersion.objects.exclude(embedder=row).update(embedder=row)  # everything in use has its vectors
    Embedder.objects.filter(live=True).exclude(pk=row.pk).update(live=False)
    Embedder.objects.filter(pk=row.pk).update(live=True)
    return True


def kept() -> QuerySet[Embedder]:
    """Embedders that are not live and still have their vectors: for switching back, until they are dropped."""
    return Embedder.objects.filter(live=False)


def drop(row: Embedder) -> int:
    """Delete an embedder with its vectors and its index, some at a time; returns how many vectors."""
    with transaction.atomic():
        embedders.hold_alone()
        if Embedder.objects.filter(pk=row.pk, live=True).exists():
            raise ReindexingError(f"{row} is live and cannot be dropped.")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {embedders.index_name(row.pk)}")
    dropped = 0
    for model in (TokenVectors, Embedding):
        while passages := list(model.objects.filter(embedder=row).values_list("passage", flat=True)[:DROPPED]):
            deleted, _ = model.objects.filter(embedder=row, passage__in=passages).delete()
            dropped += deleted if model is Embedding else 0
    row.delete()
    return dropped
