"""The index: claim a job of the outbox, chunk what was saved, embed what is new, swap it in within one transaction.

Lock order everywhere: article, job, chunks. Leases and due times are by the database's clock. A worker that lost its
lease applies nothing (fencing token). Source of the pattern: the transactional outbox with leases.
"""

from __future__ import annotations

import hashlib
import logging
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection, connections, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from kb import chunking, markdown, storing
from kb.embedding import get_embedder
from kb.errors import ProviderError
from kb.models import Article, ArticleVersion, Chunk, Embedder, IndexedVersion, IndexJob

log = logging.getLogger(__name__)

RECIPE = 1  # raise it when the chunker or what goes into a passage changes: everything indexed before is then stale
FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=5)


class Fenced(Exception):
    """Another worker took this job over: whatever was computed must not be applied."""


@dataclass(frozen=True)
class Claim:
    """A job this process may work on until its lease ends."""

    article_id: int
    token: uuid.UUID
    generation: int
    attempts: int


@dataclass(frozen=True)
class Prepared:
    """A version's pieces with their passages stored and embedded, ready to be swapped in."""

    version: ArticleVersion
    pieces: list[chunking.Piece]
    passages: list[int]
    title: int
    embedded: int


def recipe() -> str:
    """What a version's chunks were made with: when a setting of it changes, everything made before is stale."""
    parts = (RECIPE, settings.CHUNK_LIMIT, settings.CHUNK_OVERLAP)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def live_embedder() -> Embedder:
    """The row of the embedder in use; made, with its vector index, when this model is seen for the first time."""
    model = get_embedder()
    row, created = Embedder.objects.get_or_create(
        name=model.name, fingerprint=model.fingerprint, defaults={"dimensions": model.dimensions}
    )
    if created or not row.live:
        with transaction.atomic():
            Embedder.objects.filter(live=True).exclude(pk=row.pk).update(live=False)
            Embedder.objects.filter(pk=row.pk).update(live=True)
            make_vector_index(row)
        row.live = True
    return row


def make_vector_index(embedder: Embedder) -> None:
    """A partial HNSW index for one embedder: the column has no dimension, the index expression has.

    m 24, ef_construction 200: recall under a filter far from the question is .95 instead of .77 with 16/64.
    """
    number, dimensions = int(embedder.pk), int(embedder.dimensions)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS kb_embedding_hnsw_{number} ON kb_embedding"
            f" USING hnsw ((vector::halfvec({dimensions})) halfvec_cosine_ops)"
            f" WITH (m = 24, ef_construction = 200) WHERE embedder_id = {number}"
        )


# --- asking for work


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


def is_indexed(version: ArticleVersion) -> bool:
    """Whether search can serve this version: same content, same recipe, all vectors of the live embedder there."""
    return IndexedVersion.objects.filter(
        version=version, content_hash=version.content_hash, recipe=recipe(), embedder__live=True
    ).exists()


# --- doing it


def due() -> Q:
    """Jobs that wait for a worker, and running ones whose worker has not been heard of."""
    waiting = Q(state=IndexJob.State.QUEUED) & (Q(not_before=None) | Q(not_before__lte=Now()))
    return waiting | unheard_of() & Q(attempts__lt=settings.INDEX_ATTEMPTS)


def unheard_of() -> Q:
    return Q(state=IndexJob.State.RUNNING, lease_until__lt=Now())


def claim(article_id: int | None = None) -> Claim | None:
    """Take one due job, the oldest, or this article's; None when there is none."""
    with transaction.atomic():
        jobs = IndexJob.objects.select_for_update(skip_locked=True).filter(due())
        if article_id is not None:
            jobs = jobs.filter(article_id=article_id)
        job = jobs.order_by("requested").first()
        if job is None:
            return None
        token = uuid.uuid4()
        IndexJob.objects.filter(pk=job.pk).update(
            state=IndexJob.State.RUNNING,
            token=token,
            lease_until=Now() + lease(),
            attempts=F("attempts") + 1,
            updated=Now(),
        )
        return Claim(job.article_id, token, job.generation, job.attempts + 1)


def lease() -> timedelta:
    return timedelta(seconds=settings.INDEX_LEASE_SECONDS)


@contextmanager
def heartbeat(held: Claim) -> Iterator[None]:
    """Keep the lease while the work goes on; a process that dies stops beating, and its job is taken over."""
    stopped = threading.Event()
    mine = IndexJob.objects.filter(pk=held.article_id, token=held.token)

    def beat() -> None:
        while not stopped.wait(settings.INDEX_LEASE_SECONDS / 4):
            try:
                mine.update(lease_until=Now() + lease())
            except Error as error:  # the next beat may get through; if none does, another worker takes over
                log.warning("index: no heartbeat for article %s: %s", held.article_id, error)
            finally:
                connections.close_all()

    thread = threading.Thread(target=beat, name="index-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(timeout=5)


def run(article_id: int | None = None) -> str:
    """Work on one due job. Returns what came of it: "none", "done", "again", "fenced", "retry" or "failed"."""
    held = claim(article_id)
    if held is None:
        return "none"
    try:
        with heartbeat(held):
            for version in missing(held.article_id):
                apply(held, prepare(version))
            return finish(held)
    except Fenced:
        log.warning("index: article %s was taken over by another worker; nothing applied", held.article_id)
        return "fenced"
    except Exception as error:
        log.warning("index: article %s, attempt %s: %s", held.article_id, held.attempts, error)
        return put_back(held, error)


def missing(article_id: int) -> list[ArticleVersion]:
    """The versions of an article that should be searchable and are not: the one to be published, then the latest.

    In this order, so that a draft which cannot be indexed does not keep back what was published.
    """
    article = Article.objects.select_related("latest_version", "wanted_version").get(pk=article_id)
    versions = {v.pk: v for v in (article.wanted_version, article.latest_version) if v is not None}
    return [version for version in versions.values() if not is_indexed(version)]


def prepare(version: ArticleVersion) -> Prepared:
    """Chunk a version and see that every passage and its vectors are stored; embeds only texts not seen before."""
    pieces = chunking.chunk(
        version.title,
        markdown.blocks(version.source),
        count=get_embedder().count,
        limit=settings.CHUNK_LIMIT,
        overlap=settings.CHUNK_OVERLAP,
    )
    title = chunking.Piece(path=(), anchor="", lead="", body=version.title, lines=())
    passages, embedded = storing.store([*pieces, title], language=version.language, embedder=live_embedder())
    return Prepared(version, pieces, passages[:-1], passages[-1], embedded)


@contextmanager
def holding(held: Claim) -> Iterator[tuple[Article, IndexJob]]:
    """A transaction with the article and its job locked. Raises Fenced when another worker has the job by now."""
    with transaction.atomic():
        let_go_when_frozen()
        article = Article.objects.select_for_update().get(pk=held.article_id)
        job = IndexJob.objects.select_for_update().get(pk=held.article_id)
        if job.token != held.token:
            raise Fenced
        yield article, job


def apply(held: Claim, prepared: Prepared) -> None:
    """Swap a version's new chunks in, and publish the version if that waited for them: one transaction."""
    with holding(held) as (article, job):
        swap(prepared, job)
        settle(article)
        forget_old_chunks(article)


def finish(held: Claim) -> str:
    """End the job, or queue it again when the article was saved meanwhile: "done" or "again"."""
    with holding(held) as (article, job):
        settle(article)
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


def let_go_when_frozen() -> None:
    """For this transaction: a process that stops in its middle loses its locks after a lease, or nobody could save."""
    with connection.cursor() as cursor:
        milliseconds = str(int(lease().total_seconds() * 1000))
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [milliseconds])


def swap(one: Prepared, job: IndexJob) -> None:
    """Replace a version's chunks and note what they were made from."""
    Chunk.objects.filter(version=one.version).delete()
    Chunk.objects.bulk_create(
        Chunk(
            version=one.version,
            ordinal=ordinal,
            passage_id=passage,
            heading_path=list(piece.path),
            anchor=piece.anchor,
            lines=list(piece.lines),
        )
        for ordinal, (piece, passage) in enumerate(zip(one.pieces, one.passages, strict=True))
    )
    IndexedVersion.objects.update_or_create(
        version=one.version,
        defaults={
            "content_hash": one.version.content_hash,
            "recipe": recipe(),
            "embedder": live_embedder(),
            "title_id": one.title,
            "chunks": len(one.pieces),
            "embedded": one.embedded,
            "requested": job.requested,
            "finished": Now(),
        },
    )


def settle(article: Article) -> bool:
    """Publish the wanted version if it is indexed by now; the caller holds the article's lock. True when it moved."""
    wanted = article.wanted_version
    if article.state != Article.State.PUBLISHED or wanted is None:
        return False
    if article.published_version_id == wanted.pk or not is_indexed(wanted):
        return False
    article.published_version = wanted
    Article.objects.filter(pk=article.pk).update(published_version=wanted, published_at=Now())
    return True


def forget_old_chunks(article: Article) -> None:
    """Drop the chunks of versions that nobody searches, writes or waits for."""
    kept = [article.latest_version_id, article.wanted_version_id, article.published_version_id]
    old = ArticleVersion.objects.filter(article=article).exclude(pk__in=[pk for pk in kept if pk])
    Chunk.objects.filter(version__in=old).delete()
    IndexedVersion.objects.filter(version__in=old).delete()


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


def drain(limit: int | None = None) -> int:
    """Work until nothing is due, in this process; for commands. Returns how many jobs were run."""
    done = 0
    while (limit is None or done < limit) and run() != "none":
        done += 1
    return done


def waiting(older_than: timedelta, limit: int) -> list[int]:
    """Articles whose job is due but whose wake-up seems lost, the oldest first; for the sweep."""
    forgotten = Q(state=IndexJob.State.RUNNING) | Q(updated__lt=Now() - older_than)
    jobs = IndexJob.objects.filter(due()).filter(forgotten)
    return list(jobs.order_by("requested").values_list("pk", flat=True)[:limit])
