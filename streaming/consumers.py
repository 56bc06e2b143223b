"""A socket that follows one answer: connect, receive, disconnect. Owns no business rule."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextlib import aclosing, suppress
from functools import lru_cache
from importlib import import_module

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.template.loader import render_to_string

from kb import citing, recalling
from kb.limits import TooMany
from kb.models import Answer
from kb.recalling import Opened
from kb.threads import database
from streaming import protocol, runs, sockets
from streaming.protocol import Beat, Block, Flow, Follow, Found, Pace, ProtocolError, Stop

log = logging.getLogger(__name__)


class Left(Exception):
    """Nobody is at the other end of the socket any more."""


class NothingHere(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Every other address: closed in words of the protocol, and no error in the log."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(protocol.GONE)


class AnswerConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One reader at one answer. Who may follow is asked again at every follow, of a session read anew."""

    async def connect(self) -> None:
        self.answer_id: uuid.UUID = self.scope["url_route"]["kwargs"]["answer_id"]
        self.pace = Pace()
        self.flow = Flow(time.monotonic())
        self.taken: uuid.UUID | None = None
        self.following: asyncio.Task[None] | None = None
        self.watching = asyncio.create_task(self.watch())
        await self.accept()  # a socket refused before it is accepted never learns why
        try:
            self.taken = await sockets.here().take((self.scope.get("client") or [""])[0])
        except TooMany as refused:
            await self.send(protocol.frame("error", message=str(refused), retry=refused.seconds))
            await self.close(protocol.TOO_FAST)
            return
        await self.open()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        text = text_data if text_data is not None else (bytes_data or b"").decode("utf-8", "replace")
        now = time.monotonic()
        if len(text.encode()) > protocol.LONGEST_FRAME:
            await self.close(protocol.TOO_LONG)
        elif not self.pace.allows(now):
            await self.close(protocol.TOO_FAST)
        else:
            self.flow.heard = now
            await self.obey(text)

    async def obey(self, text: str) -> None:
        try:
            wish = protocol.parse(text)
        except ProtocolError as error:
            await self.send(protocol.frame("error", message=str(error)))
            return
        if isinstance(wish, Beat):
            self.flow.answered()
            return
        opened = await self.open()
        if opened is None:
            return
        match wish:
            case Follow():
                await self.unfollow()
                self.following = asyncio.create_task(self.relay(wish, opened.answer.question))
            case Stop() if opened.mine:
                await runs.here().stop(self.answer_id)
            case Stop():
                await self.send(protocol.frame("error", message="Only the one who asked can stop this answer."))

    async def disconnect(self, code: int) -> None:
        self.watching.cancel()
        await self.unfollow()
        if self.taken:
            await sockets.here().give_back(self.taken)

    async def open(self) -> Opened | None:
        """The answer if this reader may read it now; otherwise the socket is closed."""
        opened = await database(door)(self.answer_id, self.scope["session"].session_key)
        if opened is not None and opened.readable:
            return opened
        await self.unfollow()
        await self.close(protocol.GONE)
        return None

    async def unfollow(self) -> None:
        following, self.following = self.following, None
        if following:
            following.cancel()
            await asyncio.wait({following})

    async def relay(self, wish: Follow, question: str) -> None:
        """Send what comes, in a task of its own: while `receive` runs, no stop and no disconnect is delivered."""
        try:
            async with aclosing(runs.here().follow(self.answer_id, wish.at, block=wish.block)) as events:
                async for event in events:
                    html = await asyncio.to_thread(html_of, event, question) if isinstance(event, Found | Block) else ""
                    await self.pass_on(protocol.render(event, html=html), wish)
                    await self.flow.room()
            await self.close()
        except Answer.DoesNotExist:
            await self.close(protocol.GONE)
        except Left:
            log.debug("a follower of answer %s left", self.answer_id, exc_info=True)
        except Exception:
            log.exception("a follower of answer %s was lost", self.answer_id)
            await self.close(protocol.BROKEN)

    async def pass_on(self, frame: str, wish: Follow) -> None:
        """Raises Left when the browser has gone in the middle; uvicorn says so, daphne does not."""
        try:
            await self.send(frame)
            if self.flow.is_beat_due(len(frame)):
                await self.send(protocol.frame("beat", at=wish.at))
        except (OSError, RuntimeError) as error:
            raise Left from error

    async def watch(self) -> None:
        """Ask now and then whether the browser is there; close a socket that is half open, or that wants nothing."""
        while True:
            await asyncio.sleep(protocol.BEAT_SECONDS)
            quiet = time.monotonic() - self.flow.heard
            if quiet > (protocol.HALF_OPEN_SECONDS if self.following else protocol.IDLE_SECONDS):
                await self.unfollow()
                await self.close(protocol.IDLE)
                return
            with suppress(OSError):
                await self.send(protocol.frame("beat", at=0))


def door(answer_id: uuid.UUID, session_key: str | None) -> Opened | None:
    """Open the answer as whoever this session belongs to now; in a worker thread."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)  # reads the session; one that is gone has no key afterwards
    return recalling.open_answer(answer_id, user=user, session_key=request.session.session_key)


@lru_cache(maxsize=512)
def html_of(event: Found | Block, question: str) -> str:
    """The list of sources, by the same partial as on the page, or a finished block; kept, as all followers get it."""
    if isinstance(event, Block):
        return citing.block(event.text, tuple((source.number, source.title) for source in event.sources))
    listed = citing.quoted(event.sources, sentences=(), question=question)
    return render_to_string("public/answer.html#source-list", {"sources": listed, "arriving": True})
