"""The index: claim a job of the outbox, chunk what was saved, embed what is new, swap it in within one transaction."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Now

from kb import chunking, embedders, identifiers, markdown, outbox, storing
from kb.errors import ProviderError
from kb.models import Article, ArticleVersion, Chunk, Embedder, IndexedVersion, IndexJob, IndexRun
from kb.outbox import Claim, Fenced

log = logging.getLogger(__name__)


MANY = 50  # articles that wait
CAUGHT_UP = 20  # articles at a time
FAILED_LATELY = timedelta(hours=1)
RECIPE = 3  # raise it when the chunker or what goes into a passage changes: everything indexed before is then stale


FORGET = """
WITH old AS (SELECT id FROM kb_articleversion WHERE article_id = %(article)s AND id <> ALL(%(kept)s::bigint[])),
     chunks AS (DELETE FROM kb_chunk WHERE version_id IN (SELECT id FROM old))
DELETE FROM kb_indexedversion WHERE version_id IN (SELECT id FROM old)
"""
# All that is noted of an indexed version: a later run replaces it.
INDEXED = ["content_hash", "recipe", "embedder", "title", "chunks", "embedded", "requested", "finished"]


@dataclass(frozen=True)
class Prepared:
    """A version's pieces with their passages stored and embedded, ready to be swapped in.

    `embedded`: how many of the pieces' texts had no vector yet; the title alone, a passage of its own, is not counted.
    """

    version: ArticleVersion
    pieces: list[chunking.Piece]
    passages: list[int]
    title: int
    embedded: int
    embedder: Embedder


def recipe() -> str:
    """What a version's chunks were made with: when a setting of it changes, everything made before is stale."""
    parts = (RECIPE, identifiers.VERSION, settings.CHUNK_LIMIT, settings.CHUNK_OVERLAP)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def servable() -> QuerySet[IndexedVersion]:
    """Versions that search can serve: same content, same recipe, all vectors of the live embedder there."""
    return IndexedVersion.objects.filter(content_hash=F("version__content_hash"), recipe=recipe(), embedder__live=True)


def is_indexed(version_id: int) -> bool:
    return servable().filter(version=version_id).exists()


def run(article_id: int | None = None) -> str:
    """Work on one due job. Returns what came of it: "none", "done", "again", "fenced", "retry" or "failed"."""
    held = outbox.claim(article_id)
    if held is None:
        return "none"
    try:
        with outbox.heartbeat(held):
            return work(held)
    except Fenced:
        outcome = "fenced"
    except Exception as error:
        log.warning("index: article %s, attempt %s: %s", held.article_id, held.attempts, error)
        outcome = outbox.put_back(held, error)
    if outcome == "fenced":
        log.warning("index: article %s was taken over by another worker; nothing applied", held.article_id)
    return outcome


def work(held: Claim) -> str:
    """Make every version searchable that should be and is not; the last one ends the job in the same transaction."""
    versions = missing(held.article_id)
    for version in versions:
        while not (outcome := apply(held, prepare(version), is_last=version is versions[-1])):
            log.info("index: article %s again: the embedder was switched meanwhile", held.article_id)
    return outcome if versions else finish(held)


def drain(limit: int | None = None, *, progress: Callable[[], object] = lambda: None) -> int:
    """Work until nothing is due, in this process; for commands. Returns how many jobs were run."""
    done = 0
    with many() if limit is None else nullcontext():
        while (limit is None or done < limit) and run() != "none":
            done += 1
            progress()
    return done


def many() -> AbstractContextManager[None]:
    """Where so much waits that the graph of vectors is built sooner afterwards than with every vector, it is.

    Not inside a transaction: PostgreSQL builds no index there while rows wait for their foreign keys to be checked.
    """
    if connection.in_atomic_block or IndexJob.objects.filter(outbox.due()).count() < MANY:
        return nullcontext()
    try:
        return embedders.graph_afterwards(embedders.live().row)
    except ProviderError:  # of a model that cannot run, each job says so
        return nullcontext()


def catch_up() -> int:
    """Ask for what was made with other settings or by an older chunker, some at a time, while nobody's save waits.

    None where something failed lately: more would fail. Passages that stay as they were are not embedded again.
    """
    waits = Q(state__in=(IndexJob.State.QUEUED, IndexJob.State.RUNNING))
    if IndexJob.objects.filter(waits | Q(state=IndexJob.State.FAILED, updated__gt=Now() - FAILED_LATELY)).exists():
        return 0
    made = Article.objects.filter(wanted_version__indexed__embedder__live=True)
    stale = made.exclude(wanted_version__indexed__recipe=recipe())
    chosen = list(stale.order_by("job__updated", "pk")[:CAUGHT_UP])
    with transaction.atomic():
        for article in chosen:
            outbox.request(article)
    return len(chosen)


def missing(article_id: int) -> list[ArticleVersion]:
    """The versions of an article that should be searchable and are not: the one to be published, then the latest.

    In this order, so that a draft which cannot be indexed does not keep back what was published.
    """
    is_wanted = Q(pk=F("article__wanted_version"))
    current = ArticleVersion.objects.filter(is_wanted | Q(pk=F("article__latest_version")), article=article_id)
    return list(current.exclude(pk__in=servable().values("version")).order_by(Case(When(is_wanted, 0), default=1)))


def prepare(version: ArticleVersion) -> Prepared:
    """Chunk a version and see that every passage and its vectors are stored; embeds only texts not seen before."""
    embedder = embedders.live()
    pieces = chunking.chunk(
        version.title,
        markdown.blocks(version.source),
        count=embedder.model.count,
        limit=settings.CHUNK_LIMIT,
        overlap=settings.CHUNK_OVERLAP,
    )
    title = chunking.Piece(path=(), anchor="", lead="", body=version.title, lines=())
    passages, embedded = storing.store([*pieces, title], language=version.language, embedder=embedder)
    fresh = len(embedded.intersection(passages[:-1]))
    return Prepared(version, pieces, passages[:-1], passages[-1], fresh, embedder.row)


def apply(held: Claim, prepared: Prepared, *, is_last: bool = False) -> str:
    """Swap a version's new chunks in, publish the version if that waited for them, end the job: one transaction.

    Returns "swapped", or how the job ended if this was its last version; "", and nothing done, when another embedder
    became live since they were prepared: its vectors are missing then.
    """
    with outbox.holding(held) as (article, job):
        embedders.hold()
        if embedders.live_row() != prepared.embedder:
            return ""
        swap(prepared, job)
        settle(article)
        forget_old_chunks(article)
        return outbox.end(held, job) if is_last else "swapped"


def finish(held: Claim) -> str:
    """End the job, or queue it again when the article was saved meanwhile: "done" or "again"."""
    with outbox.holding(held) as (article, job):
        settle(article)
        return outbox.end(held, job)


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
    indexed = IndexedVersion(
        version=one.version,
        content_hash=one.version.content_hash,
        recipe=recipe(),
        embedder=one.embedder,
        title_id=one.title,
        chunks=len(one.pieces),
        embedded=one.embedded,
        requested=job.requested,
        finished=Now(),
    )
    IndexedVersion.objects.bulk_create(
        [indexed], update_conflicts=True, unique_fields=["version"], update_fields=INDEXED
    )
    IndexRun.objects.create(version=one.version, chunks=len(one.pieces), embedded=one.embedded, requested=job.requested)


def settle(article: Article) -> bool:
    """Publish the wanted version if it is indexed by now; the caller holds the article's lock. True when it moved."""
    wanted = article.wanted_version_id
    if article.state != Article.State.PUBLISHED or wanted is None:
        return False
    if article.published_version_id == wanted or not is_indexed(wanted):
        return False
    article.published_version_id = wanted
    Article.objects.filter(pk=article.pk).update(published_version=wanted, published_at=Now())
    return True


def forget_old_chunks(article: Article) -> None:
    """Drop the chunks of versions that nobody searches, writes or waits for."""
    kept = [article.latest_version_id, article.wanted_version_id, article.published_version_id]
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"article": article.pk, "kept": [pk for pk in kept if pk]})
