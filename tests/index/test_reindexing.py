"""Another embedder beside the live one: readers are served all the time, nothing is mixed, a kill loses nothing."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from io import StringIO

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import AnonymousUser
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import connection, connections

from kb import embedders, freshness, indexing, outbox, publishing, reindexing, tasks
from kb.models import Article, Chunk, Embedder, Embedding, IndexedVersion, IndexJob, TokenVectors
from kb.publishing import Content
from kb.retrieval import retrieve
from tests import factories
from tests.index.chaos.workers import database, wait_until

FAKE = "kb.providers.fake.FakeEmbedder"
SMALL, TWIN, FAILING = (f"tests.index.sizes.{name}" for name in ("Small", "Twin", "Failing"))
NOBODY = AnonymousUser()


@pytest.fixture
def shelf(index):
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    factories.article("Returns", "Send it back within thirty days.")
    index()


def reindex(*options: str) -> str:
    out = StringIO()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # in a test's transaction an index cannot wait for them
    call_command("reindex", *options, stdout=out)
    return out.getvalue()


def ranks(question: str = "parcel weight") -> list[tuple[str, int | None]]:
    return [(hit.title, hit.ranks["vector"]) for hit in retrieve(question, user=NOBODY)]


def live() -> str:
    return Embedder.objects.get(live=True).name


@pytest.fixture
def hnsw(db: None) -> Callable[[], set[str]]:
    """The vector indexes made in this test: those of tests that committed are still there."""
    before = vector_indexes()
    return lambda: vector_indexes() - before


def vector_indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'kb_embedding_hnsw_%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db
def test_a_process_configured_with_another_embedder_says_so_and_goes_on_with_the_live_one(shelf, settings, index):
    settings.EMBEDDER = SMALL
    factories.article("Payment", "Pay by card.")
    index()
    assert live() == "fake"
    assert Embedding.objects.filter(embedder__live=True).count() == Embedding.objects.count() == 6
    assert ranks("pay by card")[0] == ("Payment", 1)
    said = embedders.mismatch()
    assert said.startswith("EMBEDDER names small (")
    assert "but the index is of fake (" in said
    assert "run manage.py reindex" in said
    assert [one.id for one in checks.run_checks(databases=["default"]) if one.msg == said] == ["kb.W001"]
    out = StringIO()
    call_command("index_status", stdout=out)
    assert said in out.getvalue()
    settings.EMBEDDER = FAKE
    assert embedders.mismatch() == ""


@pytest.mark.django_db
def test_a_worker_that_cannot_run_the_live_embedder_leaves_the_job_to_others(shelf, settings):
    settings.EMBEDDER = SMALL
    Embedder.objects.update(path="tests.index.sizes.Gone")
    factories.article("Payment", "Pay by card.")
    assert indexing.run() == "retry"
    assert "tests.index.sizes.Gone cannot be loaded" in IndexJob.objects.get(state="queued").error
    assert live() == "fake"


@pytest.mark.django_db
def test_reindex_builds_compares_switches_and_drops(hnsw, shelf, settings):
    old = Embedder.objects.get()
    settings.EMBEDDER = SMALL
    said = reindex("--no-switch")
    assert "4 passages embedded by small" in said
    assert "Compared on 2 questions" in said
    assert "recall@10 of the new vector index against exact search: 1.000" in said
    assert live() == "fake"
    assert ranks()[0] == ("Delivery", 1)
    said = reindex()
    assert "0 passages embedded by small" in said
    assert live() == "small"
    assert ranks()[0] == ("Delivery", 1)
    assert freshness.totals()["stale"] == 0
    assert len(hnsw()) == 2
    assert f"4 vectors of {old} deleted." in reindex("--drop")
    assert list(Embedder.objects.values_list("name", flat=True)) == ["small"]
    assert Embedding.objects.count() == TokenVectors.objects.count() == 4
    assert hnsw() == {embedders.index_name(Embedder.objects.get().pk)}
    assert IndexedVersion.objects.count() == 2


@pytest.mark.django_db
def test_switching_back_embeds_only_what_was_saved_meanwhile(shelf, settings, index):
    settings.EMBEDDER = SMALL
    reindex()
    factories.article("Payment", "Pay by card.")
    index()
    settings.EMBEDDER = FAKE
    said = reindex()
    assert "2 passages embedded by fake" in said
    assert live() == "fake"
    assert ranks("pay by card")[0] == ("Payment", 1)


@pytest.mark.django_db
def test_a_build_that_ended_early_changes_nothing_and_goes_on_where_it_was(settings, collection, index):
    with tasks.without_wake_ups():
        for number in range(20):
            factories.article(f"Article {number}", f"Text {number} about matter {number}.", collection=collection)
    index()
    settings.EMBEDDER = FAILING
    with pytest.raises(CommandError, match="What was embedded is kept: call it again to go on"):
        reindex()
    assert live() == "fake"
    assert ranks("matter 7")[0] == ("Article 7", 1)
    assert Embedding.objects.filter(embedder__name="small").count() == 32
    assert "8 passages embedded by small" in reindex()
    assert live() == "small"
    assert ranks("matter 7")[0] == ("Article 7", 1)


@pytest.mark.django_db
def test_the_first_index_needs_no_switch(settings):
    settings.EMBEDDER = SMALL
    assert "is live." in reindex()
    assert live() == "small"


@pytest.mark.django_db
def test_what_was_prepared_before_the_switch_is_prepared_again(shelf, settings, collection):
    made = factories.article("Payment", "Pay by card.", collection=collection)
    held = outbox.claim(made.pk)
    [version] = indexing.missing(made.pk)
    prepared = indexing.prepare(version)
    settings.EMBEDDER = SMALL
    reindex()
    assert not indexing.apply(held, prepared)
    assert not Chunk.objects.filter(version=version).exists()
    assert indexing.apply(held, indexing.prepare(version)) == "swapped"
    assert indexing.finish(held) == "done"
    assert IndexedVersion.objects.get(version=version).embedder.name == "small"
    assert ranks("pay by card")[0] == ("Payment", 1)


@pytest.mark.django_db
def test_the_live_embedder_is_never_dropped(shelf):
    with pytest.raises(reindexing.ReindexingError, match="is live and cannot be dropped"):
        reindexing.drop(Embedder.objects.get())
    assert ranks()[0] == ("Delivery", 1)


@pytest.mark.django_db(transaction=True)
def test_two_reindexings_at_once_are_refused(shelf):
    refused: list[str] = []

    def other() -> None:
        try:
            reindex()
        except CommandError as error:
            refused.append(str(error))
        finally:
            connections.close_all()

    with reindexing.alone():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert refused == ["Another reindexing is at work: wait for it, or end it."]


class Reader(threading.Thread):
    """Asks without a pause, and notes what was found and which model's vectors each statement compared."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.found: list[list[tuple[str, int | None]]] = []
        self.compared: set[tuple[str, ...]] = set()
        self.failed: list[Exception] = []

    def watch(self, execute, sql, params, many, context):
        text = sql % (params if isinstance(params, dict) else tuple(params)) if params else sql
        sizes = set(re.findall(r"halfvec\((\d+)\)", text))
        owners = set(re.findall(r'"embedder_id" = (?:\()?(\d+)', text))
        if sizes and owners:
            self.compared.add((*sorted(sizes), "of", *sorted(owners)))
        return execute(sql, params, many, context)

    def run(self) -> None:
        try:
            with connection.execute_wrapper(self.watch):
                while not self.ended.is_set():
                    self.found.append(ranks())
                    time.sleep(0.02)
        except Exception as error:
            self.failed.append(error)
        finally:
            connections.close_all()


def start_reindex() -> subprocess.Popen[bytes]:
    environment = {**os.environ, **database(), "EMBEDDER": SMALL, "SMALL_SECONDS": "0.04"}
    program = (sys.executable, "-W", "ignore", "manage.py", "reindex")
    return subprocess.Popen(program, cwd=configured.BASE_DIR, env=environment, stdout=subprocess.PIPE)


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_readers_get_answers_during_a_whole_switch_with_a_kill_and_saves_in_it(shelf, settings):
    with tasks.without_wake_ups():
        for number in range(30):
            factories.article(f"Article {number}", f"Text {number} about matter {number}.")
    indexing.drain()
    old = Embedder.objects.get(live=True)
    reader = Reader()
    reader.start()
    first = start_reindex()
    new = Embedding.objects.filter(embedder__name="small")
    wait_until(lambda: new.count() >= 32, 30, "nothing is built")
    first.kill()
    first.wait()
    first.stdout.close()
    built = new.count()
    assert 32 <= built < 64
    assert live() == "fake"
    second = start_reindex()
    wait_until(lambda: new.count() > built, 30, "the second does not go on")
    article = Article.objects.get(slug="returns")
    publishing.save(article, Content("Returns", "Send the gramophone back."), by=None, based_on=1)
    publishing.publish(article, by=None)
    indexing.drain()
    said = second.communicate(timeout=60)[0].decode()
    wait_until(lambda: len(reader.compared) == 2, 10, "readers do not reach the new embedder")
    reader.ended.set()
    reader.join()
    assert live() == "small"
    assert int(re.search(r"(\d+) passages embedded", said)[1]) <= 68 - built
    assert reader.failed == []
    assert all(found and found[0] == ("Delivery", 1) for found in reader.found)
    assert reader.compared == {("384", "of", str(old.pk)), ("128", "of", str(new.first().embedder_id))}
    assert ranks("gramophone")[0] == ("Returns", 1)
    assert not reindexing.missing(Embedder.objects.get(live=True)).exists()
    assert freshness.totals()["stale"] == 0


@pytest.mark.django_db
def test_models_of_one_size_are_told_apart(shelf, settings):
    """Vectors of the twin point the other way: compared with the fake's they would find the farthest."""
    settings.EMBEDDER = TWIN
    reindex("--no-switch")
    assert ranks()[0] == ("Delivery", 1)
    reindex()
    assert ranks()[0] == ("Delivery", 1)
