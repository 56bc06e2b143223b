"""The outbox: one row an article, written in the transaction of the save, worked off by whoever holds its lease.

Lock order everywhere: article, job, chunks. Leases and due times are by the database's clock. A worker that lost its
lease applies nothing (fencing token). Source of the pattern: the transactional outbox with leases.
"""

from __future__ import annotations

import logging
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection, connections, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from kb.errors import ProviderError
from kb.models import Article, IndexJob

log = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=5)

# The row is locked by the select within, so that the update waits for nobody and nobody takes the same.
CLAIM = """
UPDATE kb_indexjob SET state = 'running', token = %s, lease_until = statement_timestamp() + make_interval(secs => %s),
       attempts = attempts + 1, updated = statement_timestamp()
WHERE article_id = ({first} FOR UPDATE SKIP LOCKED)
RETURNING article_id, token, generation, attempts
"""


class Fenced(Exception):
    """Another worker took this job over: whatever was computed must not be applied."""


@dataclass(frozen=True)
class Claim:
    """A job this process may work on until its lease ends."""

    article_id: int
    token: uuid.UUID
    generation: int
    attempts: int


def request(article: Article) -> None:
    """Write the article's row in the outbox, in the transaction of the save. A running job goes on, then runs again."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO kb_indexjob (article_id, state, generation, attempts, error, requested, updated)
            VALUES (%s, 'queued', 1, 0, '', now(), now())
            ON CONFLICT (article_id) DO UPDATE SET
              generation = kb_indexjob.generation + 1, attempts = 0, error = '', not_before = NULL, updated = now(),
              requested = CASE WHEN kb_indexjob.state = 'done' THEN now() ELSE kb_indexjob.requested END,
              state = CASE WHEN kb_indexjob.state = 'running' THEN 'running' ELSE 'queued' END
            """,
            [article.pk],
        )


def due() -> Q:
    """Jobs that wait for a worker, and running ones whose worker has not been heard of."""
    waiting = Q(state=IndexJob.State.QUEUED) & (Q(not_before=None) | Q(not_before__lte=Now()))
    return waiting | unheard_of() & Q(attempts__lt=settings.INDEX_ATTEMPTS)


def unheard_of() -> Q:
    return Q(state=IndexJob.State.RUNNING, lease_until__lt=Now())


def claim(article_id: int | None = None) -> Claim | None:
    """Take one due job, the oldest, or this article's; None when there is none. One statement, its own transaction."""
    jobs = IndexJob.objects.filter(due())
    if article_id is not None:
        jobs = jobs.filter(article_id=article_id)
    first, values = jobs.order_by("requested").values("pk")[:1].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(first=first), [uuid.uuid4(), settings.INDEX_LEASE_SECONDS, *values])
        row = cursor.fetchone()
    return Claim(*row) if row else None


def lease() -> timedelta:
    return timedelta(seconds=settings.INDEX_LEASE_SECONDS)


@contextmanager
def heartbeat(held: Claim) -> Iterator[None]:
    """Keep the lease while the work goes on; a process that dies stops beating, and its job is taken over."""
    with beating(IndexJob.objects.filter(pk=held.article_id, token=held.token), f"article {held.article_id}"):
        yield


@contextmanager
def beating(mine: QuerySet[Any], what: str) -> Iterator[None]:
    """Move `lease_until` of these rows ahead, again and again, from a thread of its own, while this one works."""
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(settings.INDEX_LEASE_SECONDS / 4):
            try:
                mine.update(lease_until=Now() + lease())
            except Error as error:  # the next beat may get through; if none does, another worker takes over
                log.warning("index: no heartbeat for %s: %s", what, error)
            finally:
                connections.close_all()

    thread = threading.Thread(target=beat, name="index-heartbeat", daemon=True)
    thread.start()
    try:
        with letting_go_when_frozen():
            yield
    finally:
        stopped.set()
        thread.join(timeout=5)


@contextmanager
def letting_go_when_frozen() -> Iterator[None]:
    """A process that stops in the middle of a transaction loses its locks after a lease, or nobody could go on.

    For the whole session: whatever a worker does with locks held, not only the swap, may be where it stops.
    """
    milliseconds = str(int(lease().total_seconds() * 1000))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [milliseconds])
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:  # a broken transaction takes it back by itself
            cursor.execute("RESET idle_in_transaction_session_timeout")


@contextmanager
def holding(held: Claim) -> Iterator[tuple[Article, IndexJob]]:
    """A transaction with the article and its job locked. Raises Fenced when another worker has the job by now."""
    with transaction.atomic():
        article = Article.objects.select_for_update().get(pk=held.article_id)
        job = IndexJob.objects.select_for_update().get(pk=held.article_id)
        if job.token != held.token:
            raise Fenced
        yield article, job


def end(held: Claim, job: IndexJob) -> str:
    """The job is done, or queued again when the article was saved meanwhile: "done" or "again". Inside `holding`."""
    again = job.generation != held.generation
    IndexJob.objects.filter(pk=job.pk).update(
        state=IndexJob.State.QUEUED if again else IndexJob.State.DONE,
        token=None,
        lease_until=None,
        attempts=0,
        error="",
        not_before=None,
        updated=Now(),
    )
    return "again" if again else "done"


@transaction.atomic
def put_back(held: Claim, error: Exception) -> str:
    """After a failure: try again later, longer each time, with jitter; INDEX_ATTEMPTS give it up. The reason is kept.

    What was saved meanwhile has attempts of its own: a text that nobody has tried yet is not given up with the old one.
    """
    job = IndexJob.objects.select_for_update().filter(pk=held.article_id, token=held.token).first()
    if job is None:
        return "fenced"
    job.token = job.lease_until = None
    if job.generation != held.generation:
        job.state = IndexJob.State.QUEUED
        outcome = "again"
    else:
        permanent = isinstance(error, ProviderError) and not error.temporary
        given_up = permanent or held.attempts >= settings.INDEX_ATTEMPTS
        job.state = IndexJob.State.FAILED if given_up else IndexJob.State.QUEUED
        job.error = reason(error)
        job.not_before = Now() + retry_after(held.attempts)
        outcome = "failed" if given_up else "retry"
    job.updated = Now()
    job.save()
    return outcome


def reason(error: Exception) -> str:
    """Why an attempt failed, as editors and index_status show it."""
    return f"{type(error).__name__}: {error}"[:2000]


def retry_after(attempts: int) -> timedelta:
    """2 s after the first attempt, doubled with each, at most LONGEST_RETRY; half as long to half as long again."""
    wait: timedelta = min(LONGEST_RETRY, FIRST_RETRY * 2**attempts)
    return wait * random.uniform(0.5, 1.5)  # noqa: S311  # jitter, no secret


def give_up_on_killers() -> int:
    """Fail the jobs whose workers died or froze INDEX_ATTEMPTS times: one article must not end workers for ever."""
    jobs = IndexJob.objects.filter(unheard_of(), attempts__gte=settings.INDEX_ATTEMPTS)
    reason = f"The worker ended or froze while it worked on this article, {settings.INDEX_ATTEMPTS} times in a row."
    return jobs.update(state=IndexJob.State.FAILED, token=None, lease_until=None, error=reason, updated=Now())


def waiting(older_than: timedelta, limit: int) -> list[int]:
    """Articles whose job is due but whose wake-up seems lost, the oldest first; for the sweep."""
    forgotten = Q(state=IndexJob.State.RUNNING) | Q(updated__lt=Now() - older_than)
    jobs = IndexJob.objects.filter(due()).filter(forgotten)
    return list(jobs.order_by("requested").values_list("pk", flat=True)[:limit])
