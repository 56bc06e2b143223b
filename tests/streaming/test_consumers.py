"""The socket of an answer: who may follow, who may stop, and what it refuses."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import connection

from kb import publishing, recording
from kb.models import Answer, Article
from portal.asgi import application
from portal.models import User
from streaming import protocol, runs
from streaming.positions import length
from tests.streaming.conftest import SESSION, change, events_of, row, socket, text_in

Ask = Callable[..., Answer]
SessionOf = Callable[..., str]
TURBINE = "Which word is the canary of the turbine keys?"


async def test_the_asker_hears_sources_then_tokens_then_the_end(ask: Ask) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        frames = await wire.follow()
        assert (await wire.hear())["type"] == "closed"
    kinds = [frame["type"] for frame in frames]
    assert kinds[-1] == "done"
    assert kinds.index("sources") < kinds.index("token")
    assert text_in(frames) == (await row(answer)).text
    assert frames[-1] == {"type": "done", "at": length(text_in(frames)), "state": "answered"}


async def test_the_sources_come_as_the_html_of_the_page(ask: Ask) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        sources = next(frame for frame in await wire.follow() if frame["type"] == "sources")
    assert sources["count"] == sources["html"].count('<li class="source arriving" id="source-')
    assert "<details>" in sources["html"]
    assert "Restore an older version" in sources["html"]
    assert "<mark>" in sources["html"]


async def test_a_cut_socket_resumes_without_gap_or_repetition(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    text = ""
    for _ in range(4):
        async with socket(answer.pk, cookie=SESSION) as wire:
            await wire.send(type="follow", at=length(text))
            text += text_in(await wire.hear_until("token"))
    async with socket(answer.pk, cookie=SESSION) as wire:
        text += text_in(await wire.follow(length(text)))
    assert text == (await row(answer)).text


async def test_a_second_follow_on_a_socket_takes_the_place_of_the_first(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        await wire.send(type="follow", at=0)
        await wire.hear_until("token")
        await wire.send(type="follow", at=0)
        frames = await wire.hear_until("done")
    again = max(place for place, frame in enumerate(frames) if frame["type"] == "sources")
    assert text_in(frames[again:]) == (await row(answer)).text


async def test_a_closed_socket_leaves_no_follower_and_the_answer_goes_on(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        await wire.send(type="follow", at=0)
        await wire.hear_until("token")
    followers = [task for task in asyncio.all_tasks() if "relay" in repr(task.get_coro())]
    assert followers == []
    assert answer.pk in runs.here().running
    await events_of(answer.pk)
    assert (await row(answer)).state == "answered"


async def test_the_asker_stops_by_the_socket(ask: Ask, slowly: None) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        await wire.send(type="follow", at=0)
        frames = await wire.hear_until("token")
        await wire.send(type="stop")
        frames += await wire.hear_until("done")
    assert frames[-1]["state"] == "stopped"
    assert text_in(frames) == (await row(answer)).text


async def test_another_reader_follows_but_does_not_stop(ask: Ask, slowly: None, session_of: SessionOf) -> None:
    answer = await runs.database(ask)()
    own = asyncio.create_task(events_of(answer.pk))
    while not (await row(answer)).text:
        await asyncio.sleep(0.02)
    async with socket(answer.pk, cookie=await runs.database(session_of)()) as wire:
        await wire.send(type="stop")
        assert (await wire.hear())["message"] == "Only the one who asked can stop this answer."
        frames = await wire.follow()
    await own
    stored = await row(answer)
    assert stored.state == "answered"
    assert text_in(frames) == stored.text


async def test_nobody_else_may_look_before_the_sources_are_known(ask: Ask, session_of: SessionOf) -> None:
    answer = await runs.database(ask)()
    other = await runs.database(session_of)()
    for cookie in ("", other, "no-such-session"):
        async with socket(answer.pk, cookie=cookie) as wire:
            assert await wire.hear() == {"type": "closed", "code": protocol.GONE}
    assert (await row(answer)).state == "waiting"


async def test_a_person_is_the_asker_by_account_and_not_by_session(
    ask: Ask, reader: User, outsider: User, session_of: SessionOf
) -> None:
    answer = await runs.database(ask)(user=reader, session_key="elsewhere")
    async with socket(answer.pk, cookie=await runs.database(session_of)(outsider)) as wire:
        assert (await wire.hear())["code"] == protocol.GONE
    async with socket(answer.pk, cookie=await runs.database(session_of)(reader)) as wire:
        assert (await wire.follow())[-1]["state"] == "answered"


async def test_an_outsider_never_hears_of_an_answer_that_rests_on_a_private_article(
    ask: Ask, secret: Article, operator: User, outsider: User, session_of: SessionOf
) -> None:
    answer = await runs.database(ask)(TURBINE, user=operator)
    async with socket(answer.pk, cookie=await runs.database(session_of)(operator)) as wire:
        assert "kumquat" in text_in(await wire.follow())
    for person in (outsider, None):
        async with socket(answer.pk, cookie=await runs.database(session_of)(person)) as wire:
            assert await wire.hear() == {"type": "closed", "code": protocol.GONE}


async def test_an_outsider_gets_an_answer_without_the_private_article(
    ask: Ask, secret: Article, outsider: User, session_of: SessionOf
) -> None:
    answer = await runs.database(ask)(TURBINE, user=outsider)
    async with socket(answer.pk, cookie=await runs.database(session_of)(outsider)) as wire:
        frames = await wire.follow()
    assert "kumquat" not in json.dumps(frames)
    assert "Rotate" not in json.dumps(frames)


async def test_access_is_asked_again_at_every_follow(
    ask: Ask, secret: Article, operator: User, session_of: SessionOf
) -> None:
    answer = await runs.database(ask)(TURBINE, user=operator)
    await events_of(answer.pk)
    async with socket(answer.pk, cookie=await runs.database(session_of)(operator)) as wire:
        await runs.database(operator.groups.remove)(await runs.database(Group.objects.get)(name="Operators"))
        await wire.send(type="follow", at=0)
        assert await wire.hear() == {"type": "closed", "code": protocol.GONE}


async def test_a_logout_ends_what_an_open_socket_may_do(
    ask: Ask, secret: Article, operator: User, session_of: SessionOf
) -> None:
    answer = await runs.database(ask)(TURBINE, user=operator)
    await events_of(answer.pk)
    key = await runs.database(session_of)(operator)
    async with socket(answer.pk, cookie=key) as wire:
        await runs.database(Session.objects.filter(pk=key).delete)()
        await wire.send(type="follow", at=0)
        assert await wire.hear() == {"type": "closed", "code": protocol.GONE}


async def test_an_answer_whose_source_was_unpublished_is_closed_to_everyone_but_its_question(
    ask: Ask, article: Article
) -> None:
    answer = await runs.database(ask)()
    await events_of(answer.pk)
    await runs.database(publishing.unpublish)(article, by=None)
    async with socket(answer.pk, cookie=SESSION) as wire:
        assert (await wire.hear())["code"] == protocol.GONE


async def test_a_text_whose_sources_are_gone_is_shown_to_nobody(ask: Ask) -> None:
    answer = await runs.database(ask)()
    await events_of(answer.pk)
    await runs.database(answer.sources.all().delete)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        assert (await wire.hear())["code"] == protocol.GONE


async def test_a_run_of_a_dead_process_is_heard_of_as_interrupted(ask: Ask, settings: Any) -> None:
    settings.RUN_STALE_SECONDS = 0.3
    answer = await runs.database(ask)()
    await runs.database(recording.claim)(answer.pk)
    await change(answer, text="")
    async with socket(answer.pk, cookie=SESSION) as wire:
        assert (await wire.follow())[-1]["state"] == "interrupted"


async def test_an_address_without_an_answer_closes_the_socket(transactional_db: None) -> None:
    async with socket(uuid.uuid4()) as wire:
        assert await wire.hear() == {"type": "closed", "code": protocol.GONE}


async def test_what_is_not_understood_gets_an_error_and_the_socket_stays_open(ask: Ask) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        for text in (" ", "{", "[]", '{"type": "shout"}', '{"type": "follow", "at": -1}'):
            await wire.wire.send_to(text_data=text)
            assert (await wire.hear())["type"] == "error"
        await wire.wire.send_to(bytes_data=b"\xff\xfe")
        assert (await wire.hear())["type"] == "error"
        assert (await wire.follow())[-1]["state"] == "answered"


async def test_a_long_frame_closes_the_socket(ask: Ask) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        await wire.wire.send_to(text_data=json.dumps({"type": "follow", "at": 0, "pad": "x" * protocol.LONGEST_FRAME}))
        assert await wire.hear() == {"type": "closed", "code": protocol.TOO_LONG}


async def test_a_socket_that_talks_too_fast_is_closed(ask: Ask) -> None:
    answer = await runs.database(ask)()
    async with socket(answer.pk, cookie=SESSION) as wire:
        for _ in range(protocol.MOST_FRAMES + 1):
            await wire.send(type="shout")
        frames = await wire.wire.receive_output(timeout=5)
        while frames["type"] != "websocket.close":
            frames = await wire.wire.receive_output(timeout=5)
    assert frames["code"] == protocol.TOO_FAST


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
async def test_a_page_of_another_site_opens_no_socket(ask: Ask, origin: str) -> None:
    answer = await runs.database(ask)()
    headers = [(b"origin", origin.encode())] if origin else []
    headers.append((b"cookie", f"sessionid={SESSION}".encode()))
    wire = WebsocketCommunicator(application, f"/ws/answers/{answer.pk}/", headers=headers)
    accepted, _ = await wire.connect(timeout=10)
    assert not accepted
    await wire.disconnect()


async def test_many_sockets_hold_no_connection_afterwards(ask: Ask) -> None:
    answers = [await runs.database(ask)() for _ in range(20)]

    async def one(answer: Answer) -> str:
        async with socket(answer.pk, cookie=SESSION) as wire:
            return str((await wire.follow())[-1]["state"])

    assert set(await asyncio.gather(*map(one, answers))) == {"answered"}
    stats = connection.pool.get_stats()  # type: ignore[union-attr]  # the pool is on
    assert stats["pool_size"] - stats["pool_available"] <= 1
