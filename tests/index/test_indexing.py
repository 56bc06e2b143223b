"""The outbox: claims, leases, fencing, retries, and what a save costs."""

import re
import time
from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import connection
from django.db.models.functions import Now

from kb import freshness, garbage, indexing, outbox, publishing
from kb.errors import ProviderError
from kb.models import Article, Chunk, Embedding, IndexedVersion, IndexJob, Passage, TokenVectors
from kb.providers.fake import FakeEmbedder
from kb.publishing import Content
from tests import factories

pytestmark = pytest.mark.django_db

LONG = "\n\n".join(f"## Part {n}\n\n" + f"Sentence {n} about thing {n}. " * 12 for n in range(20))


class Down(FakeEmbedder):
    def encode(self, texts):
        raise ProviderError("The embedding server is down.", temporary=True)


class Broken(FakeEmbedder):
    def encode(self, texts):
        raise ProviderError("The embedding model is not there: run make setup.", temporary=False)


class Picky(FakeEmbedder):
    def encode(self, texts):
        if any("Indigestible" in text for text in texts):
            raise ProviderError("This text is too much for me.", temporary=False)
        return super().encode(texts)


class Watchful(FakeEmbedder):
    """Notes how long PostgreSQL lets a transaction of this worker stand still."""

    seen: ClassVar[list[str]] = []

    def encode(self, texts):
        self.seen.append(standstill())
        return super().encode(texts)


def standstill():
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        return cursor.fetchone()[0]


@pytest.fixture
def embedder(settings):
    def use(name: str) -> None:
        settings.EMBEDDER = "kb.providers.fake.FakeEmbedder" if name == "FakeEmbedder" else f"{__name__}.{name}"

    return use


def test_a_save_is_indexed_with_heading_path_anchor_and_lines(article):
    chunks = Chunk.objects.filter(version=article.published_version).order_by("ordinal")
    assert [chunk.heading_path for chunk in chunks] == [[], ["Steps"], ["Limits"]]
    assert [chunk.anchor for chunk in chunks][1:] == ["s-steps", "s-limits"]
    assert chunks[1].passage.text.startswith("Restore an older version > Steps\n")
    assert chunks[1].lines[:3] == [5, 6, 7]


def test_every_passage_has_a_vector_and_token_bits(article):
    assert Embedding.objects.count() == TokenVectors.objects.count() == Passage.objects.count() == 4  # 3 and the title


def test_a_changed_paragraph_embeds_only_its_chunk(collection, index, publisher):
    made = factories.article("Long", LONG, collection=collection)
    index()
    publishing.save(made, Content("Long", LONG.replace("thing 7.", "thing seven.")), by=publisher, based_on=1)
    index()
    indexed = IndexedVersion.objects.get(version=made.latest_version)
    assert indexed.chunks == 20
    assert indexed.embedded == 1


def test_the_same_text_in_two_articles_is_stored_once(collection, index):
    factories.article("Twin", "Shared words.", collection=collection)
    factories.article("Twin", "Shared words.", collection=collection, slug="other")
    index()
    assert Passage.objects.filter(text__contains="Shared words").count() == 1
    assert Chunk.objects.filter(passage__text__contains="Shared words").count() == 2


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(collection):
    made = factories.article("One", collection=collection)
    held = outbox.claim()
    assert held is not None
    assert held.article_id == made.pk
    assert outbox.claim() is None
    IndexJob.objects.update(lease_until=Now() - timedelta(seconds=1))
    taken = outbox.claim()
    assert taken is not None
    assert taken.token != held.token


def test_a_worker_that_lost_its_lease_applies_nothing(collection):
    factories.article("One", collection=collection)
    held = outbox.claim()
    [version] = indexing.missing(held.article_id)
    prepared = indexing.prepare(version)
    IndexJob.objects.update(lease_until=Now() - timedelta(seconds=1))
    taken = outbox.claim()
    with pytest.raises(outbox.Fenced):
        indexing.apply(held, prepared)
    with pytest.raises(outbox.Fenced):
        indexing.finish(held)
    assert outbox.put_back(held, ValueError("too late")) == "fenced"
    assert not Chunk.objects.exists()
    assert IndexJob.objects.get().token == taken.token


def test_a_save_during_indexing_is_indexed_too(collection, publisher):
    made = factories.article("One", collection=collection)
    held = outbox.claim()
    [version] = indexing.missing(held.article_id)
    prepared = indexing.prepare(version)
    publishing.save(made, Content("One", "Second text."), by=publisher, based_on=1)
    indexing.apply(held, prepared)
    assert indexing.finish(held) == "again"
    assert indexing.run() == "done"
    assert set(IndexedVersion.objects.values_list("version__number", flat=True)) == {1, 2}


def test_a_failure_is_tried_again_later_and_its_reason_kept(collection, embedder):
    embedder("Down")
    factories.article("One", collection=collection)
    assert indexing.run() == "retry"
    job = IndexJob.objects.get()
    assert job.state == "queued"
    assert job.error == "ProviderError: The embedding server is down."
    assert indexing.run() == "none"


def test_after_eight_attempts_it_has_failed(collection, embedder):
    embedder("Down")
    made = factories.article("One", collection=collection)
    outcomes = []
    for _ in range(8):
        IndexJob.objects.update(not_before=None)
        outcomes.append(indexing.run())
    assert outcomes == ["retry"] * 7 + ["failed"]
    assert freshness.of(Article.objects.get(pk=made.pk)).word == "failed"


def test_what_a_job_is_at_is_said_in_a_sentence(collection, embedder):
    embedder("Down")
    factories.article("Before")
    made = factories.article("One", collection=collection)

    def doing():
        return freshness.of(Article.objects.get(pk=made.pk)).doing

    assert doing() == "Next in the queue."
    IndexJob.objects.exclude(pk=made.pk).update(requested=Now() - timedelta(seconds=1))
    assert doing() == "In the queue behind 1 other."
    outbox.claim(made.pk)
    assert re.fullmatch(r"Being indexed, asked for \d s ago\.", doing())
    IndexJob.objects.update(state="queued")
    assert indexing.run(made.pk) == "retry"
    assert re.fullmatch(r"Tried 2 times, again in \d+ s: ProviderError: The embedding server is down\.", doing())


def test_a_draft_that_could_not_be_indexed_does_not_hide_behind_a_fresh_article(article, publisher, embedder):
    publishing.save(article, Content("A", "Other words."), by=publisher, based_on=1)
    embedder("Broken")
    assert indexing.run() == "failed"
    stands = freshness.of(Article.objects.get(pk=article.pk))
    assert (stands.word, stands.serving, stands.retry) == ("fresh", 1, True)
    assert stands.doing.startswith("The last saved version could not be indexed: ProviderError")


def test_a_permanent_failure_is_not_tried_again(collection, embedder):
    embedder("Broken")
    factories.article("One", collection=collection)
    assert indexing.run() == "failed"
    assert "run make setup" in IndexJob.objects.get().error


def test_a_save_during_a_failing_attempt_is_not_given_up_with_it(collection, publisher):
    made = factories.article("One", collection=collection)
    held = outbox.claim()
    publishing.save(made, Content("One", "Second text."), by=publisher, based_on=1)
    assert outbox.put_back(held, ProviderError("Never.", temporary=False)) == "again"
    assert indexing.run() == "done"
    assert IndexJob.objects.get().error == ""


def test_a_draft_that_cannot_be_indexed_does_not_keep_back_what_was_published(collection, publisher, embedder):
    made = factories.article("One", "Good text.", collection=collection)
    publishing.save(made, Content("One", "Indigestible text."), by=publisher, based_on=1)
    embedder("Picky")
    assert indexing.run() == "failed"
    made.refresh_from_db()
    assert (made.published_version.number, made.latest_version.number) == (1, 2)
    assert freshness.of(made).word == "fresh"
    assert IndexJob.objects.get().error == "ProviderError: This text is too much for me."


def test_an_article_that_ends_its_workers_is_given_up_with_a_reason(collection, settings):
    factories.article("One", collection=collection)
    for _ in range(settings.INDEX_ATTEMPTS):
        assert outbox.claim() is not None
        IndexJob.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert outbox.claim() is None
    assert outbox.give_up_on_killers() == 1
    job = IndexJob.objects.get()
    assert job.state == "failed"
    assert job.error == "The worker ended or froze while it worked on this article, 8 times in a row."


def test_the_sweep_finds_what_was_forgotten_and_only_that(collection):
    made = factories.article("One", collection=collection)
    assert outbox.waiting(timedelta(seconds=2), 10) == []
    IndexJob.objects.update(updated=Now() - timedelta(seconds=3))
    assert outbox.waiting(timedelta(seconds=2), 10) == [made.pk]
    held = outbox.claim()
    assert outbox.waiting(timedelta(seconds=0), 10) == []
    IndexJob.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert outbox.waiting(timedelta(seconds=2), 10) == [held.article_id]


def test_the_heartbeat_keeps_the_lease_and_outlives_a_lost_connection(transactional_db, settings):
    settings.INDEX_LEASE_SECONDS = 1
    factories.article("One")
    held = outbox.claim()
    with outbox.heartbeat(held):
        time.sleep(0.4)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        time.sleep(1.2)
        assert outbox.claim() is None
    assert indexing.finish(held) == "done"


def test_a_worker_that_freezes_with_locks_held_loses_them_after_a_lease(collection, embedder, settings):
    settings.INDEX_LEASE_SECONDS = 7
    embedder("Watchful")
    factories.article("One", collection=collection)
    before = standstill()
    assert indexing.run() == "done"
    assert set(Watchful.seen) == {"7s"}
    assert standstill() == before


def test_asking_again_revives_a_failed_job(collection, embedder):
    embedder("Broken")
    made = factories.article("One", collection=collection)
    indexing.run()
    embedder("FakeEmbedder")
    outbox.request(made)
    assert indexing.run() == "done"
    made.refresh_from_db()
    assert freshness.of(made).word == "fresh"


def test_changing_the_chunk_limit_marks_everything_stale(article, settings):
    assert freshness.totals()["fresh"] == 1
    settings.CHUNK_LIMIT = 100
    assert freshness.totals() | {"lag_ms": None} == {
        "articles": 1, "fresh": 0, "stale": 1, "queued": 0, "running": 0, "failed": 0, "lag_ms": None,
    }  # fmt: skip


def test_a_chunk_that_vanished_is_noticed(article):
    Chunk.objects.filter(version=article.published_version).first().delete()
    assert freshness.totals()["stale"] == 1


def test_an_article_without_text_is_indexed_by_its_title(collection, index):
    made = factories.article("Only a title", " ", collection=collection)
    index()
    assert Chunk.objects.get(version=made.latest_version).passage.body.strip() == "Only a title"


def test_orphans_are_collected_after_their_time_only(article, index, publisher):
    publishing.save(article, Content("A", "Entirely different."), by=publisher, based_on=1)
    publishing.publish(article, by=publisher)
    index()
    assert garbage.collect() == 0
    Passage.objects.update(created=Now() - timedelta(hours=2))
    assert garbage.collect() == 4
    assert Passage.objects.count() == 2


def test_what_was_made_by_other_rules_is_made_anew_while_nobody_waits(index, settings):
    made = [factories.article(f"Article {number}", LONG) for number in range(3)]
    index()
    assert indexing.catch_up() == 0
    settings.CHUNK_LIMIT = 40
    IndexJob.objects.filter(article=made[0]).update(state=IndexJob.State.FAILED, updated=Now())
    assert indexing.catch_up() == 0  # more would fail
    IndexJob.objects.filter(article=made[0]).update(updated=Now() - timedelta(hours=2))
    before = Chunk.objects.filter(version__article=made[1]).count()
    assert indexing.catch_up() == 3
    assert indexing.catch_up() == 0  # these wait
    index()
    assert Chunk.objects.filter(version__article=made[1]).count() > before
    assert indexing.catch_up() == 0
