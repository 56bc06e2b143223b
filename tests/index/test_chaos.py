"""Whatever happens to workers and broker, in the end readers find exactly what is published; nothing went backwards."""

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import redis
from django.contrib.auth.models import AnonymousUser

from kb import chunking, freshness, markdown, publishing
from kb.embedding import get_embedder
from kb.evaluation import serving
from kb.models import Article, ArticleVersion, Chunk, Embedding, IndexedVersion, IndexJob, Passage
from kb.publishing import Content
from portal.embedded import EmbeddedValkey
from tests import factories
from tests.index.chaos.embedders import REFUSED, SLOWLY
from tests.index.chaos.workers import Worker, wait_until
from tests.index.chaos.writers import ROLLED_BACK, Writer

pytestmark = [pytest.mark.django_db(transaction=True)]

LEASE = 2  # seconds
SHAKY = {"EMBEDDER": "tests.index.chaos.embedders.Shaky", "INDEX_LEASE_SECONDS": str(LEASE), "DATABASE_POOL_SIZE": "8"}


@dataclass(frozen=True)
class Storm:
    """How much of it: seconds between two saves, and after how many saves what happens."""

    articles: int
    saves: int
    pause: float
    kills: int
    settles: int  # seconds it may take at the most


SMALL = Storm(articles=8, saves=60, pause=0.15, kills=2, settles=60)
FULL = Storm(articles=25, saves=260, pause=0.25, kills=10, settles=180)


@pytest.mark.timeout(170)
def test_everything_settles_after_a_small_storm(worker, broker):
    weather(SMALL, worker, broker)


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("run", [1, 2, 3])
def test_everything_settles_after_a_storm(worker, broker, run):
    weather(FULL, worker, broker)


@pytest.mark.timeout(170)
def test_a_worker_frozen_past_its_lease_applies_nothing_when_it_thaws(worker, broker, settings):
    with broker.running(), serving.watched():
        frozen = worker("frozen", **SHAKY)
        frozen.await_ready()
        article = factories.article("One", f"To be read {SLOWLY}.")
        job = IndexJob.objects.filter(pk=article.pk)
        wait_until(job.filter(state="running").exists, 20, "nobody took the job", frozen)
        frozen.freeze()
        publishing.save(article, Content("One", "Quick."), by=None, based_on=1)
        publishing.publish(article, by=None)
        other = worker("other", **SHAKY)
        wait_until(job.filter(state="done").exists, 60, "the other worker did not take over", other)
        applied = list(IndexedVersion.objects.values_list("version__number", "finished"))
        frozen.thaw()
        wait_until(lambda: frozen.said("was taken over by another worker; nothing applied"), 30, "no fence", frozen)
        assert list(IndexedVersion.objects.values_list("version__number", "finished")) == applied
        assert [number for number, _ in applied] == [2]
        assert set(Chunk.objects.values_list("version__number", flat=True)) == {2}
        assert (serving.moves(), serving.moves_backwards()) == (1, 0)


# --- the storm


def weather(storm: Storm, worker: Callable[..., Worker], broker: EmbeddedValkey) -> None:
    seed = os.environ.get("CHAOS_SEED") or str(random.SystemRandom().randrange(1_000_000))
    print(f"CHAOS_SEED={seed}")
    writer = Writer(random.Random(seed))
    shaken = {**SHAKY, "CHAOS_SEED": seed, "CHAOS_FAILS": "0.05", "CHAOS_SLOWEST": "0.3"}
    with serving.watched():
        with broker.running():
            workers = [worker(name, **shaken) for name in ("one", "two")]
            for one in workers:
                one.await_ready()
            writer.begin(storm.articles)
            rage(storm, writer, troubles(storm, workers, broker))
        with broker.running():  # it was down for a moment, and knows nothing any more
            started = time.monotonic()
            wait_until(is_settled, storm.settles, "not everything settled", *workers)
            print(f"{writer.saves} saves, {writer.rollbacks} rolled back, {serving.moves()} published,")
            attempts, fenced = (sum(one.said(words) for one in workers) for words in (", attempt ", "nothing applied"))
            print(f"{attempts} attempts failed, {fenced} were taken over,")
            print(f"{len(failed())} articles failed, settled after {time.monotonic() - started:.1f} s")
            check(writer)


def rage(storm: Storm, writer: Writer, happening: Iterator[None]) -> None:
    """Saves at random; spread over them, one trouble after the other."""
    each = max(1, storm.saves // (2 * storm.kills + 4))
    for number in range(storm.saves):
        writer.act()
        time.sleep(writer.random.uniform(0, 2 * storm.pause))
        if number % each == each - 1:
            next(happening, None)
    for _ in happening:  # whatever is left, and whoever is frozen thaws
        pass


def troubles(storm: Storm, workers: list[Worker], broker: EmbeddedValkey) -> Iterator[None]:
    """Kill the one, freeze the other past its lease, forget all messages, kill and revive in turn."""
    one, other = workers
    yield None
    other.freeze()
    frozen_at = time.monotonic()
    yield None
    forget_all_messages(broker)
    for number in range(storm.kills):
        victim = workers[number % 2] if number else one
        victim.kill()
        yield None
        if number == 0:
            time.sleep(max(0.0, frozen_at + 2 * LEASE - time.monotonic()))
            other.thaw()
        victim.start()
        yield None


def forget_all_messages(broker: EmbeddedValkey) -> None:
    client = redis.Redis(unix_socket_path=str(broker.socket))
    client.flushdb()
    client.close()


# --- what must be true in the end


def is_settled() -> bool:
    return not IndexJob.objects.exclude(state__in=["done", "failed"]).exists()


def failed() -> set[int]:
    return set(IndexJob.objects.filter(state="failed").values_list("pk", flat=True))


def check(writer: Writer) -> None:
    nobody_reads_anything_else(writer)
    every_served_version_is_whole()
    nothing_old_is_left()
    failures_are_explained(writer)
    assert serving.moves_backwards() == 0
    assert not ArticleVersion.objects.filter(source__contains=ROLLED_BACK).exists()
    assert not Passage.objects.filter(text__contains=ROLLED_BACK).exists()


def nobody_reads_anything_else(writer: Writer) -> None:
    """Lost, stale or leaked: what is searchable is what is published, but for versions that cannot be indexed."""
    expected = {place for place in writer.published.items() if place not in writer.indigestible}
    visible = Chunk.objects.visible_to(AnonymousUser())
    served = set(visible.values_list("version__article", "version__number"))
    kept = {article for article, number in writer.published.items() if (article, number) in writer.indigestible}
    assert {place for place in served if place[0] not in kept} == expected
    for article, number in served - expected:
        assert number < writer.published[article], "readers keep an older version until the new one can be served"
    assert freshness.totals()["stale"] == len(kept)


def every_served_version_is_whole() -> None:
    """Its chunks are those of its text, in order, each with its vector."""
    for article in Article.objects.exclude(published_version=None).select_related("published_version"):
        version = article.published_version
        chunks = Chunk.objects.filter(version=version).order_by("ordinal").select_related("passage")
        pieces = chunking.chunk(
            version.title, markdown.blocks(version.source), count=get_embedder().count, limit=200, overlap=0
        )
        assert [chunk.passage.text for chunk in chunks] == [piece.lead + piece.body for piece in pieces]
        passages = {chunk.passage_id for chunk in chunks}
        assert Embedding.objects.filter(passage__in=passages, embedder__live=True).count() == len(passages)


def nothing_old_is_left() -> None:
    """Where the last job failed, what was indexed before it stays until one succeeds."""
    kept = Article.objects.values_list("latest_version", "wanted_version", "published_version")
    current = {pk for versions in kept for pk in versions if pk}
    chunks = Chunk.objects.exclude(version__article__in=failed())
    indexed = IndexedVersion.objects.exclude(version__article__in=failed())
    assert set(chunks.values_list("version", flat=True)) <= current
    assert set(indexed.values_list("pk", flat=True)) <= current


def failures_are_explained(writer: Writer) -> None:
    """Exactly the articles of which a version is indigestible that somebody still waits for."""
    waited_for = {
        (article.pk, version.number)
        for article in Article.objects.select_related("latest_version", "wanted_version")
        for version in (article.latest_version, article.wanted_version)
        if version is not None
    }
    assert failed() == {article for article, number in waited_for & writer.indigestible}
    assert set(IndexJob.objects.filter(state="failed").values_list("error", flat=True)) <= {f"ProviderError: {REFUSED}"}
