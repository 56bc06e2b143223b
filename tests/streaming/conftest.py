"""Answers to ask for, and sockets to follow them with: the real application, generator and index."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from kb import recording
from kb.models import Answer, Article
from kb.permissions import Reader
from portal.asgi import application
from portal.models import User
from streaming import runs
from streaming.protocol import Done, Event, Piece
from tests import factories

QUESTION = "How do I restore an older version?"
SESSION = "a-session-of-nobody-in-particular"


@pytest.fixture(autouse=True)
def _eager(settings: Any) -> None:
    """The fake embedder measures nothing: refuse only where a test asks for it."""
    settings.ANSWER_THRESHOLD = 0.0


@pytest.fixture
def slowly(settings: Any) -> None:
    """An answer takes a second or two, so that something can happen meanwhile."""
    settings.QUOTING_PACE = 0.05


@pytest.fixture
def ask(transactional_db: None, article: Article) -> Callable[..., Answer]:
    """Ask about the one article there is, as nobody in particular unless said otherwise."""
    Session.objects.save(SESSION, {"here": True}, timezone.now() + timedelta(days=1))

    def made(question: str = QUESTION, *, user: Reader | None = None, session_key: str = SESSION) -> Answer:
        return recording.ask(question, user=user or AnonymousUser(), session_key=session_key)

    return made


@pytest.fixture
def secret(ask: Callable[..., Answer], index: Callable[[], int], operators: Any) -> Iterator[Article]:
    """An article for the group Operators, about something that no other article says."""
    article = factories.article(
        "Rotate the turbine keys", "Turn the turbine key twice. The canary word is kumquat.", audience=operators
    )
    index()
    return article


class Socket:
    """A browser's end of the socket of an answer."""

    def __init__(self, wire: WebsocketCommunicator) -> None:
        self.wire = wire

    async def send(self, **frame: Any) -> None:
        await self.wire.send_to(text_data=json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        """The next frame; when the socket closes, that: {"type": "closed", "code": …}."""
        output = await self.wire.receive_output(timeout=10)
        if output["type"] == "websocket.close":
            return {"type": "closed", "code": output.get("code")}
        frame: dict[str, Any] = json.loads(output["text"])
        return frame

    async def hear_until(self, kind: str) -> list[dict[str, Any]]:
        frames = [await self.hear()]
        while frames[-1]["type"] != kind:
            assert frames[-1]["type"] != "closed", frames
            frames.append(await self.hear())
        return frames

    async def follow(self, at: int = 0) -> list[dict[str, Any]]:
        await self.send(type="follow", at=at)
        return await self.hear_until("done")


@asynccontextmanager
async def socket(answer_id: uuid.UUID, *, cookie: str = "", origin: str = "http://localhost") -> AsyncIterator[Socket]:
    """A connected socket. `cookie`: the session key of the browser."""
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    if cookie:
        headers.append((b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    wire = WebsocketCommunicator(application, f"/ws/answers/{answer_id}/", headers=headers)
    accepted, _ = await wire.connect(timeout=10)
    assert accepted, "The socket was refused."
    try:
        yield Socket(wire)
    finally:
        await wire.disconnect(timeout=10)


@pytest.fixture
def session_of() -> Callable[[User | None], str]:
    """The session key of a browser in which this person is logged in, or nobody."""

    def made(user: User | None = None) -> str:
        client = Client()
        if user:
            client.force_login(user)
        session = client.session
        session.save()
        assert session.session_key
        return session.session_key

    return made


def text_in(frames: list[dict[str, Any]]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "token")


async def events_of(answer_id: uuid.UUID, at: int = 0) -> list[Event]:
    return [event async for event in runs.here().follow(answer_id, at)]


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


def state_of(events: list[Event]) -> str:
    assert isinstance(events[-1], Done)
    return events[-1].state


async def row(answer: Answer) -> Answer:
    """Its row now. Not by `aget`: that works on a thread whose connection nobody would give back."""
    return await runs.database(Answer.objects.get)(pk=answer.pk)


async def change(answer: Answer, **fields: Any) -> None:
    await runs.database(Answer.objects.filter(pk=answer.pk).update)(**fields)
