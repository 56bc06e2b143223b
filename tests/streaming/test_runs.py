"""A run belongs to its answer: whoever follows gets every character once, whatever happens meanwhile."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kb import recording
from kb.generation import Text as Delta
from kb.generation import get_generator
from kb.grounding import Prompt
from kb.models import Answer, Article
from kb.recording import Lease, Tail
from streaming import runs, writing
from streaming.positions import length
from streaming.protocol import Found, Piece, Status
from tests.streaming.conftest import change, events_of, row, state_of, text_of

Ask = Callable[..., Answer]


class Rockets:
    """A generator whose every character needs two UTF-16 units or a mark."""

    name = "rockets"

    async def stream(self, prompt: Prompt) -> Any:
        for _ in range(6):
            yield Delta("🚀é👩‍👧 ")
            await asyncio.sleep(0)


class Spoilt:
    """A generator that gives what no table may hold."""

    name = "spoilt"

    async def stream(self, prompt: Prompt) -> Any:
        yield Delta("before\0after")


class Broken:
    """A generator with a fault of its own in the middle of an answer."""

    name = "broken"

    async def stream(self, prompt: Prompt) -> Any:
        yield Delta("So far so good. ")
        raise ZeroDivisionError


@pytest.fixture
def generator(settings: Any) -> Any:
    """Choose the generator by its name here."""

    def choose(name: str) -> None:
        settings.GENERATOR = f"tests.streaming.test_runs.{name}"
        get_generator.cache_clear()

    yield choose
    get_generator.cache_clear()


async def test_sources_come_before_the_first_word_and_the_row_holds_what_was_streamed(ask: Ask) -> None:
    answer = await runs.database(ask)()
    events = await events_of(answer.pk)
    kinds = [type(event) for event in events]
    assert kinds.index(Found) < kinds.index(Piece)
    stored = await row(answer)
    assert state_of(events) == stored.state == "answered"
    assert text_of(events) == stored.text != ""
    assert stored.finished
    assert stored.generator == "quoting"
    numbers = await runs.database(lambda: set(stored.sources.values_list("number", flat=True)))()
    assert set(stored.sentences[0]["citations"]) <= numbers
    assert stored.sentences[0]["citations"]
    assert await runs.database(stored.sources.count)() > 0


async def test_a_resume_at_every_offset_is_byte_exact(ask: Ask, generator: Any) -> None:
    generator("Rockets")
    answer = await runs.database(ask)()
    whole = text_of(await events_of(answer.pk))
    assert length(whole) > len(whole)
    for at in range(length(whole) + 1):
        pieces = [event for event in await events_of(answer.pk, at) if isinstance(event, Piece)]
        start = pieces[0].at if pieces else at
        kept = whole.encode("utf-16-le")[: 2 * start].decode("utf-16-le")
        assert at - start in (0, 1)
        assert kept + text_of(list(pieces)) == whole


async def test_a_second_follower_and_one_that_joins_half_way_get_the_same_text(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    first = asyncio.create_task(events_of(answer.pk))
    second = asyncio.create_task(events_of(answer.pk))
    here = runs.here()
    while not (answer.pk in here.running and (so_far := str(here.running[answer.pk].text))):
        await asyncio.sleep(0.02)
    third = text_of(await events_of(answer.pk, length(so_far)))
    assert text_of(await first) == text_of(await second) == so_far + third
    assert len(runs.here().running) == 0


async def test_a_follower_after_the_end_gets_everything_from_the_row(ask: Ask) -> None:
    answer = await runs.database(ask)()
    live = await events_of(answer.pk)
    later = await events_of(answer.pk)
    assert text_of(later) == text_of(live)
    assert sum(isinstance(event, Found) for event in later) == 1
    assert not any(isinstance(event, Status) for event in later)


async def test_the_status_is_told_at_boundaries_and_never_per_token(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    told = [event.text for event in await events_of(answer.pk) if isinstance(event, Status)]
    assert told[:3] == [
        "Looking for sources.",
        "3 sources found. Reading them.",
        "Writing the answer. 0 of 3 sources used so far.",
    ]
    assert told.pop() == "Checking each sentence."
    assert set(told[3:]) <= {f"Writing the answer. {used} of 3 sources used so far." for used in (1, 2)}


async def test_stop_ends_the_writing_and_keeps_what_was_written(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    following = asyncio.create_task(events_of(answer.pk))
    while not (run := runs.here().running.get(answer.pk)) or not len(run.text):
        await asyncio.sleep(0.01)
    await runs.here().stop(answer.pk)
    events = await following
    stored = await row(answer)
    assert state_of(events) == stored.state == "stopped"
    assert stored.text == text_of(events) != ""
    assert run.writing.cancelled()


async def test_a_stop_asked_for_in_another_process_is_read_by_the_saver(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    following = asyncio.create_task(events_of(answer.pk))
    while not runs.here().running:
        await asyncio.sleep(0.01)
    await runs.database(recording.request_stop)(answer.pk)
    assert state_of(await following) == "stopped"


async def test_an_answer_that_nobody_has_begun_is_stopped_at_once(ask: Ask) -> None:
    answer = await runs.database(ask)()
    await runs.here().stop(answer.pk)
    assert state_of(await events_of(answer.pk)) == "stopped"
    assert (await row(answer)).text == ""


async def test_the_saver_writes_the_text_while_it_grows(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    following = asyncio.create_task(events_of(answer.pk))
    saved = ""
    while not saved:
        await asyncio.sleep(0.02)
        saved = (await row(answer)).text
    assert (await row(answer)).state == "running"
    assert text_of(await following).startswith(saved)


async def test_a_follower_in_another_process_reads_the_row_as_it_grows(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    writing = asyncio.create_task(events_of(answer.pk))
    while not runs.here().running:
        await asyncio.sleep(0.01)
    elsewhere = runs.Runs()
    events = [event async for event in elsewhere.follow(answer.pk, 0)]
    assert elsewhere.running == {}
    assert text_of(events) == text_of(await writing)
    assert sum(isinstance(event, Piece) for event in events) > 1
    assert sum(isinstance(event, Found) for event in events) == 1


async def test_a_run_whose_process_died_is_reported_as_interrupted_with_its_text(ask: Ask) -> None:
    answer = await runs.database(ask)()
    lease = await runs.database(recording.claim)(answer.pk)
    assert lease is not None
    await runs.database(recording.save)({lease: Tail(0, "Half an ")})
    await change(answer, beat=timezone.now() - timedelta(seconds=11))
    events = await events_of(answer.pk)
    assert state_of(events) == "interrupted"
    assert text_of(events) == "Half an "


async def test_a_run_that_was_given_up_writes_nothing_any_more(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    following = asyncio.create_task(events_of(answer.pk))
    while not runs.here().running:
        await asyncio.sleep(0.01)
    await change(answer, state="interrupted", text="Kept.")
    assert state_of(await following) == "interrupted"
    assert (await row(answer)).text == "Kept."


async def test_only_one_of_many_takes_an_answer(ask: Ask) -> None:
    answer = await runs.database(ask)()
    leases = await asyncio.gather(*(runs.database(recording.claim)(answer.pk) for _ in range(5)))
    assert sum(lease is not None for lease in leases) == 1


async def test_a_foreign_token_saves_and_finishes_nothing(ask: Ask) -> None:
    answer = await runs.database(ask)()
    await runs.database(recording.claim)(answer.pk)
    foreign = Lease(answer.pk, uuid.uuid4())
    assert await runs.database(recording.save)({foreign: Tail(0, "Not mine.")}) == {}
    assert not await runs.database(recording.finish)(foreign, "answered", text="Not mine.")
    with pytest.raises(recording.Fenced):
        await runs.database(recording.record_sources)(foreign, ())
    assert (await row(answer)).text == ""


async def test_a_question_that_the_articles_do_not_answer_is_refused_with_the_nearest(
    ask: Ask, settings: Any, article: Article
) -> None:
    settings.ANSWER_THRESHOLD = 99.0
    answer = await runs.database(ask)()
    assert state_of(await events_of(answer.pk)) == "refused"
    stored = await row(answer)
    assert stored.nearest == [article.pk]
    assert stored.message.startswith("The articles do not answer this.")


async def test_a_fault_is_told_in_words_and_keeps_what_was_written(
    ask: Ask, generator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    generator("Broken")
    answer = await runs.database(ask)()
    with caplog.at_level(logging.CRITICAL):
        events = await events_of(answer.pk)
    stored = await row(answer)
    assert state_of(events) == stored.state == "failed"
    assert stored.text == text_of(events) == "So far so good. "
    assert stored.message == writing.FAULT


async def test_a_nul_from_a_generator_spoils_no_save(ask: Ask, generator: Any) -> None:
    generator("Spoilt")
    answer = await runs.database(ask)()
    assert state_of(await events_of(answer.pk)) == "answered"
    assert (await row(answer)).text == "before\N{REPLACEMENT CHARACTER}after"


async def test_draining_lets_answers_finish_and_begins_none(ask: Ask, slowly: None) -> None:
    answer, late = await runs.database(ask)(), await runs.database(ask)()
    here = runs.Runs()

    async def follow() -> list[Any]:
        return [event async for event in here.follow(answer.pk, 0)]

    following = asyncio.create_task(follow())
    while not here.running:
        await asyncio.sleep(0.01)
    await here.drain(seconds=20)
    assert state_of(await following) == "answered"
    waiting = asyncio.create_task(anext(here.follow(late.pk, 0)))
    assert (await waiting).text == "Looking for sources."
    assert (await row(late)).state == "waiting"


async def test_draining_interrupts_what_takes_longer_than_the_grace(ask: Ask, settings: Any) -> None:
    settings.QUOTING_PACE = 1.0
    answer = await runs.database(ask)()
    here = runs.Runs()

    async def follow() -> list[Any]:
        return [event async for event in here.follow(answer.pk, 0)]

    following = asyncio.create_task(follow())
    while not here.running:
        await asyncio.sleep(0.01)
    started = time.monotonic()
    await here.drain(seconds=0.2)
    assert time.monotonic() - started < 5
    assert state_of(await following) == "interrupted"


async def test_an_answer_that_does_not_exist_is_not_followed(ask: Ask) -> None:
    with pytest.raises(Answer.DoesNotExist):
        await events_of(uuid.uuid4())


async def test_many_asks_hold_no_connection_afterwards(ask: Ask) -> None:
    answers = [await runs.database(ask)() for _ in range(30)]
    results = await asyncio.gather(*(events_of(answer.pk) for answer in answers))
    assert {state_of(events) for events in results} == {"answered"}
    pool = connection.pool
    assert pool is not None
    for _ in range(50):  # the saver may be about to write once more
        stats = pool.get_stats()
        if stats["pool_size"] - stats["pool_available"] <= 1:  # the fixtures' own
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"connections are still held: {stats}")
