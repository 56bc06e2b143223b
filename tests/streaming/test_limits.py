"""Limits are counted before anything is looked up, for all processes, and say when to come back."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured

from kb import limits, recording
from kb.limits import Limit, TooMany
from kb.models import Answer, OpenSocket
from kb.threads import database
from portal.models import User
from streaming import protocol, runs, sockets, writing
from streaming.protocol import Flow
from tests.streaming.conftest import QUESTION, SESSION, row, socket, state_of

Ask = Callable[..., Answer]
HERE, THERE = limits.hashed("192.0.2.1"), limits.hashed("192.0.2.2")


def asks(*, user: Any = None, visitor: str = HERE) -> Answer:
    return recording.ask(QUESTION, user=user or AnonymousUser(), session_key=None, visitor=visitor)


def refused(*, user: Any = None, visitor: str = HERE) -> TooMany:
    with pytest.raises(TooMany) as caught:
        asks(user=user, visitor=visitor)
    return caught.value


@pytest.fixture(autouse=True)
def _many_at_once(settings: Any) -> None:
    settings.ANSWERS_AT_ONCE = 1000


@pytest.mark.django_db
def test_several_spans_hold_together(settings: Any) -> None:
    settings.ASK_LIMIT = "3/m,5/d"
    for _ in range(3):
        asks()
    told = refused()
    assert str(told) == "At most 3 questions a minute are possible."
    assert 0 < told.seconds <= 61
    Answer.objects.update(created=Answer.objects.earliest("created").created.replace(year=2020))
    for _ in range(3):
        asks()
    assert Answer.objects.count() == 6


@pytest.mark.django_db
def test_the_day_is_told_in_its_own_words(settings: Any) -> None:
    settings.ASK_LIMIT = "9/m,2/d"
    asks()
    asks()
    told = refused()
    assert str(told) == "At most 2 questions a day are possible."
    assert 86_000 < told.seconds <= 86_401


@pytest.mark.django_db
def test_an_address_has_a_limit_of_its_own_whoever_asks_from_it(settings: Any, reader: User, operator: User) -> None:
    settings.ASK_LIMIT, settings.ADDRESS_LIMIT = "100/m", "2/m"
    asks(user=reader)
    asks(user=operator)
    assert refused().seconds
    assert asks(visitor=THERE)


@pytest.mark.django_db
def test_a_reader_with_an_account_is_counted_wherever_they_are(settings: Any, reader: User) -> None:
    settings.ASK_LIMIT = "1/m"
    asks(user=reader)
    assert refused(user=reader, visitor=THERE)
    assert asks(visitor=THERE)


@pytest.mark.django_db
def test_answers_being_written_at_once_are_limited(settings: Any) -> None:
    settings.ANSWERS_AT_ONCE = 2
    first = asks()
    asks()
    assert str(refused()) == "At most 2 answers are written for you at once."
    Answer.objects.filter(pk=first.pk).update(state="answered")
    assert asks()


@pytest.mark.django_db(transaction=True)
async def test_a_burst_counts_as_what_it_is(settings: Any) -> None:
    settings.ASK_LIMIT = "5/m"
    results = await asyncio.gather(*(database(asks)() for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(one, Answer) for one in results) == 5


@pytest.mark.parametrize("text", ["20", "20/x", "many/m", "20/m;1/d"])
def test_a_limit_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is no limit"):
        Limit.parse_all(text)


def test_an_address_is_not_kept_in_words() -> None:
    assert "192" not in HERE
    assert len(HERE) == 64
    assert HERE != THERE


async def test_sockets_at_once_are_limited_across_processes_and_say_so(ask: Ask, settings: Any) -> None:
    settings.SOCKETS_AT_ONCE = 2
    answer = await database(ask)()
    await database(limits.open_socket)(limits.hashed(""))  # in another process
    async with socket(answer.pk, cookie=SESSION) as first:
        while not sockets.here().open:  # a socket is counted after it is accepted
            await asyncio.sleep(0.01)
        async with socket(answer.pk, cookie=SESSION) as second:
            told = await second.hear()
            assert told["message"] == "At most 2 answers can be followed at once."
            assert told["retry"] > 0
            assert await second.hear() == {"type": "closed", "code": protocol.TOO_FAST}
        assert (await first.follow())[-1]["type"] == "done"
    assert await database(OpenSocket.objects.count)() == 1
    assert sockets.here().open == set()


# --- sockets that are there, idle, half open, slow


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "HALF_OPEN_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.3)


async def test_an_idle_socket_is_closed(ask: Ask, quick_beats: None) -> None:
    answer = await database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        frames = await until_closed(wire)
    assert frames[-1]["code"] == protocol.IDLE


async def test_a_half_open_socket_is_noticed_and_one_that_answers_is_not_closed(
    ask: Ask, slowly: None, quick_beats: None
) -> None:
    answer = await database(ask)()
    async with socket(answer.pk, cookie=SESSION) as silent, socket(answer.pk, cookie=SESSION) as alive:
        await silent.send(type="follow", at=0)
        await alive.send(type="follow", at=0)
        heard = asyncio.create_task(until_closed(alive, answering=True))
        assert (await until_closed(silent))[-1]["code"] == protocol.IDLE
        assert (await heard)[-2]["type"] == "done"
    assert (await row(answer)).state == "answered"


async def until_closed(wire: Any, *, answering: bool = False) -> list[dict[str, Any]]:
    frames = [await wire.hear()]
    while frames[-1]["type"] != "closed":
        if answering and frames[-1]["type"] == "beat":
            await wire.send(**frames[-1])
        frames.append(await wire.hear())
    return frames


async def test_a_slow_reader_is_sent_nothing_more_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Flow(0.0)
    beats = [flow.is_beat_due(protocol.WINDOW // 2) for _ in range(2 * protocol.MOST_BEATS)]
    assert beats == [False, True] * protocol.MOST_BEATS
    waiting = asyncio.create_task(flow.room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    flow.answered()
    await asyncio.wait_for(waiting, 1)


async def test_a_slow_reader_catches_up_from_the_text_in_one_piece(
    ask: Ask, slowly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "WINDOW", 200)
    monkeypatch.setattr(protocol, "MOST_BEATS", 1)
    answer = await database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        await wire.send(type="follow", at=0)
        await wire.hear_until("beat")  # and no answer to it
        while (await row(answer)).state == "running":
            await asyncio.sleep(0.05)
        await wire.send(type="beat", at=0)
        frames = []
        while not frames or frames[-1]["type"] != "done":
            frames.append(await wire.hear())
            if frames[-1]["type"] == "beat":
                await wire.send(**frames[-1])
    tokens = [frame for frame in frames if frame["type"] == "token"]
    assert len(tokens) <= 2
    assert "".join(frame["text"] for frame in tokens) in (await row(answer)).text
    assert len(json.dumps(tokens)) > 100


# --- answers that nobody wants any more


async def test_an_answer_that_takes_too_long_is_stopped_and_says_why(ask: Ask, settings: Any) -> None:
    settings.QUOTING_PACE, settings.RUN_LONGEST_SECONDS = 0.3, 0.5
    answer = await database(ask)()
    events = [event async for event in runs.here().follow(answer.pk, 0)]
    assert state_of(events) == "stopped"
    assert (await row(answer)).message == writing.TOO_LONG


async def test_an_answer_that_nobody_follows_is_stopped_after_a_while(ask: Ask, settings: Any) -> None:
    settings.QUOTING_PACE, settings.RUN_ABANDONED_SECONDS = 0.3, 0.5
    answer = await database(ask)()
    await glance(answer)
    while answer.pk in runs.here().running:
        await asyncio.sleep(0.05)
    stored = await row(answer)
    assert (stored.state, stored.message) == ("stopped", writing.ABANDONED)


async def glance(answer: Answer) -> None:
    """Begin it, and leave."""
    async with aclosing(runs.here().follow(answer.pk, 0)) as events:
        await anext(events)
        await anext(events)


async def test_one_that_is_followed_from_another_process_goes_on(ask: Ask, settings: Any) -> None:
    settings.QUOTING_PACE, settings.RUN_ABANDONED_SECONDS = 0.1, 0.8
    answer = await database(ask)()
    await glance(answer)
    elsewhere = [event async for event in runs.Runs().follow(answer.pk, 0)]
    assert state_of(elsewhere) == "answered"
