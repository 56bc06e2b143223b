"""The edit history of a real help center: what is searchable is what is published, in peace, chaos and answers."""

import asyncio
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from django.conf import settings as configured
from django.contrib.auth.models import AnonymousUser
from django.db import connections, transaction
from pytest_django import Settings

from kb import answering, frequencies, indexing, markdown, outbox, tasks
from kb.answering import Answered, Event, Sources
from kb.evaluation import edits, replaying, serving
from kb.evaluation.edits import Edit
from kb.evaluation.replaying import Writer
from kb.evaluation.searchable import Findings, check
from kb.models import Article, ArticleVersion, IndexJob
from portal.embedded import EmbeddedValkey
from tests.index.chaos.workers import Worker, wait_until

SETS = Path(os.environ.get("FOOTNOTE_SETS", configured.BASE_DIR.parent / "shared" / "data"))
HISTORY = SETS / "arduino-help-center" / "history.jsonl.gz"
FENCE = re.compile(r"^\s*`{3,}.*$", re.M)  # around a quoted listing; in the article it may be another one
LEASE = 2  # seconds
SHAKY = {
    "EMBEDDER": "tests.index.chaos.embedders.Shaky",
    "INDEX_LEASE_SECONDS": str(LEASE),
    "DATABASE_POOL_SIZE": "8",
    "CHAOS_FAILS": "0.02",
    "CHAOS_SLOWEST": "0.02",
}
PEACE = Findings(stale=set(), lost=set())

pytestmark = pytest.mark.django_db(transaction=True)


def proof(test: Callable[..., None]) -> Callable[..., None]:
    """A long proof on the whole history, which is no part of this repository."""
    absent = f"the edit history is not at {HISTORY}; FOOTNOTE_SETS names its place"
    marks = (pytest.mark.proof, pytest.mark.timeout(3600), pytest.mark.skipif(not HISTORY.exists(), reason=absent))
    for mark in marks:
        test = mark(test)
    return test


@pytest.fixture
def history() -> list[Edit]:
    return list(edits.read(HISTORY))


@proof
def test_the_whole_history_leaves_nothing_stale_and_reuses_most_vectors(
    history: list[Edit], real_embedder: None
) -> None:
    result = replaying.replay(history, progress=lambda items, label: items)

    print(result.as_dict())
    assert (result.events, result.stale, result.lost, result.out_of_order) == (len(history), 0, 0, 0)
    assert (result.tallies["edits"].share_reused or 0) >= 0.70
    assert result.tallies["renames"].chunks_embedded == 0


# --- questions in between


@proof
def test_no_sentence_of_an_answer_is_stale_while_the_history_goes_on(history: list[Edit], settings: Settings) -> None:
    asked, quoted = ask_in_between(history, settings, share=0.15)
    print(f"{asked} questions, {quoted} sentences quoted")
    assert asked > 100
    assert quoted > asked


def test_no_sentence_of_an_answer_is_stale_while_a_few_articles_change(settings: Settings) -> None:
    def text(number: int, state: int) -> str:
        return f"# Article {number}\n\nThe lamp number {number} blinks {state} times.\n\nThis sentence stays as it is."

    history = [
        Edit("A" if not state else "M", f"{number}.md", "", edits.content(text(number, state), f"{number}.md"))
        for state in range(6)
        for number in range(4)
    ]
    asked, quoted = ask_in_between([*history, *(Edit("D", f"{n}.md", "", None) for n in range(3))], settings, share=1)
    assert asked == 23
    assert quoted >= asked


def ask_in_between(history: list[Edit], settings: Settings, *, share: float) -> tuple[int, int]:
    """Ask with sentences that an edit has just removed, while the index lags behind at random: questions, sentences."""
    settings.ANSWER_THRESHOLD = 0.0  # even a bad answer must quote what is published
    chance, editor, asked, quoted = random.Random(4), replaying.writer(), 0, 0
    with tasks.without_wake_ups():
        for edit in history:
            before = editor.published.get(editor.articles.get(edit.old_path or edit.path, 0))
            [*_] = editor.act(edit)
            indexing.drain(limit=chance.choice([0, 0, 1, 3]))
            if before is not None and chance.random() < share:
                removed = sorted(lines(before.source) - lines(edit.content.source if edit.content else ""))
                frequencies.refresh(force=chance.random() < 0.1)
                quoted += every_sentence_is_published(chance.choice(removed or [before.title])[:300])
                asked += 1
    return asked, quoted


def every_sentence_is_published(question: str) -> int:
    """Each quoted sentence stands, word for word, in the version that pages show at this moment. Returns how many."""
    events = asyncio.run(collect(question))
    sources = {source.number: source for event in events if isinstance(event, Sources) for source in event.sources}
    answered = [event for event in events if isinstance(event, Answered)]
    for sentence in (sentence for event in answered for sentence in event.sentences):
        versions = {sources[number].version_id for number in sentence.citations or sources}
        now = ArticleVersion.objects.filter(pk__in=versions, published_in__state=Article.State.PUBLISHED)
        texts = [words(" ".join(block.text for block in markdown.blocks(version.source))) for version in now]
        assert len(texts) == len(versions) > 0, f"{question!r} was answered from a version that is not published"
        for line in FENCE.sub("", sentence.text).split("\n"):
            assert any(words(line) in text for text in texts), f"{line!r} is not in the published text"
    return sum(len(event.sentences) for event in answered)


async def collect(question: str) -> list[Event]:
    return [event async for event in answering.answer(question, user=AnonymousUser())]


def lines(source: str) -> set[str]:
    return {line.strip() for line in source.split("\n") if len(line.split()) > 4}


def words(text: str) -> str:
    """The words of a text with one space around each; marks of lists, code and tables left out."""
    return " ".join(["", *re.findall(r"\w+", text), ""])


# --- chaos


@proof
def test_the_history_settles_whatever_happens_to_workers_broker_and_database(
    history: list[Edit], worker: Callable[..., Worker], broker: EmbeddedValkey
) -> None:
    editor = replaying.writer()
    with serving.watched():
        with broker.running():
            workers = [worker(name, **SHAKY, CHAOS_SEED="5") for name in ("one", "two")]
            for one in workers:
                one.await_ready()
            rage(history[:1500], editor, troubles(workers, broker))
        rage(history[1500:1600], editor, iter(()))  # the broker is away; saves go on
        with broker.running():
            rage(history[1600:], editor, troubles(workers, broker))
            for one in workers:
                one.thaw()
            wait_until(is_settled, 600, "not everything settled", *workers)
            failures_are_few_explained_and_retryable(editor, workers)
            assert check(editor.published) == PEACE
        print(f"{serving.moves()} moves of published pointers, {serving.moves_backwards()} backwards")
        assert serving.moves_backwards() == 0


def rage(history: list[Edit], editor: Writer, happening: Iterator[None]) -> None:
    """All edits, without a pause; spread over them, one trouble after the other."""
    for number, edit in enumerate(history):
        [*_] = editor.act(edit)
        if number % 100 == 99:
            next(happening, None)
    for _ in happening:
        pass


def troubles(workers: list[Worker], broker: EmbeddedValkey) -> Iterator[None]:
    """Freeze and thaw, kill and revive, forget all messages, no room in the broker, a database that restarts."""
    one, two = workers
    with ExitStack() as finally_, redis.Redis(unix_socket_path=str(broker.socket)) as client:
        two.freeze()
        finally_.callback(two.thaw)
        yield
        client.flushdb()
        yield
        one.kill()
        yield
        two.thaw()
        one.start()
        yield
        client.config_set("maxmemory", 1)  # it refuses every message, as with a full disk
        yield
        client.config_set("maxmemory", 0)
        yield
        restart_database()
        yield
        two.kill()
        yield
        one.kill()
        two.start()
        yield
        one.start()
        yield


def restart_database() -> None:
    """Ended with all its sessions, and started again; only where it is ours."""
    if configured.EMBEDDED_POSTGRES is None:
        return
    configured.EMBEDDED_POSTGRES.stop()
    connections.close_all()
    configured.EMBEDDED_POSTGRES.ensure()


def is_settled() -> bool:
    return not IndexJob.objects.exclude(state__in=["done", "failed"]).exists()


def failures_are_few_explained_and_retryable(editor: Writer, workers: list[Worker]) -> None:
    failed = IndexJob.objects.filter(state=IndexJob.State.FAILED)
    print(f"{failed.count()} failed: {sorted(set(failed.values_list('error', flat=True)))}")
    assert failed.count() <= 10
    assert not failed.filter(error="").exists()
    found = check(editor.published)
    assert found.stale | found.lost <= set(failed.values_list("pk", flat=True))
    for job in failed.select_related("article"):
        with transaction.atomic():
            outbox.request(job.article)
            tasks.wake_on_commit(job.article_id)
    wait_until(lambda: is_settled() and not failed.exists(), 120, "a retry did not help", *workers)
