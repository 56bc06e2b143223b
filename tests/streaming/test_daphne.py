"""A real server and a real socket: words arrive one after the other, and a killed process leaves an honest partial."""

import asyncio
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import websockets
from django.conf import settings as django_settings
from django.db import connection

from kb.models import Answer
from streaming import runs
from tests.streaming.conftest import QUESTION, events_of, state_of, text_in, text_of

START_SECONDS = 60.0


class Site:
    """A browser's view of a daphne on the test database."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.host = f"127.0.0.1:{port}"
        self.process = process
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        with self.opener.open(f"http://{self.host}{path}", timeout=60) as response:
            return str(response.read().decode())

    def ask(self, question: str, **fields: str) -> tuple[str, str]:
        """The address of the answer, and its page as it arrives."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/ask/"))
        assert token
        data = urlencode({"q": question, "csrfmiddlewaretoken": token[1], **fields}).encode()
        with self.opener.open(f"http://{self.host}/ask/", data, timeout=60) as response:
            return response.url.removeprefix(f"http://{self.host}"), str(response.read().decode())

    def socket(self, path: str) -> Any:
        cookie = "; ".join(f"{one.name}={one.value}" for one in self.cookies)
        address = f"ws://{self.host}/ws{path}"
        return websockets.connect(address, additional_headers={"Cookie": cookie}, origin=f"http://{self.host}")


def database_url() -> str:
    """The test database, as the server is told of it."""
    known = connection.settings_dict
    person = f"{quote(str(known['USER']))}:{quote(str(known['PASSWORD']), safe='')}"
    where = urlencode({"host": known["HOST"], "port": known["PORT"] or 5432})  # the host may be a folder
    return f"postgres://{person}@/{known['NAME']}?{where}"


@pytest.fixture
def site(ask: Callable[..., Answer], tmp_path: Path) -> Iterator[Site]:
    """Daphne with the article of these tests and an unhurried generator."""
    with daphne(tmp_path) as made:
        yield made


@contextmanager
def daphne(folder: Path, **variables: str) -> Iterator[Site]:
    """A daphne of its own on the test database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "FOOTNOTE_VAR": str(folder),
        "EMBEDDER": "kb.providers.fake.FakeEmbedder",
        "GENERATOR": "kb.providers.quoting.QuotingGenerator",
        "ANSWER_THRESHOLD": "0",
        "QUOTING_PACE": "0.1",
        "DEBUG": "1",
        **variables,
    }
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "portal.asgi:application"]
    with (folder / f"daphne-{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=django_settings.BASE_DIR, env=environment, stdout=log, stderr=log)
        made = Site(port, process)
        try:
            wait_until_up(made)
            yield made
        finally:
            process.kill()
            process.wait()


def wait_until_up(site: Site) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            site.get("/ask/")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("daphne did not start; see daphne.log in the folder of this test.")


async def hear(wire: Any, until: str) -> list[dict[str, Any]]:
    """Frames, each with the time of its arrival, until one of this type."""
    frames = []
    async for message in wire:
        frames.append(json.loads(message) | {"heard": time.monotonic()})
        if frames[-1]["type"] == until:
            return frames
    raise AssertionError(f"The socket closed before “{until}”: {frames}")


async def test_words_arrive_one_after_the_other(site: Site) -> None:
    path, _ = await asyncio.to_thread(site.ask, QUESTION, live="1")
    async with site.socket(path) as wire:
        await wire.send(json.dumps({"type": "follow", "at": 0}))
        frames = await hear(wire, "done")
    tokens = [frame["heard"] for frame in frames if frame["type"] == "token"]
    assert len(tokens) > 5
    assert tokens[-1] - tokens[0] > 0.3
    stored = await runs.database(Answer.objects.get)()
    assert stored.state == frames[-1]["state"] == "answered"
    assert text_in(frames) == stored.text


async def test_without_scripts_the_post_arrives_complete(site: Site) -> None:
    path, page = await asyncio.to_thread(site.ask, QUESTION)
    assert path.startswith("/answers/")
    assert "Answer ready: " in page


async def test_another_process_follows_and_stops(site: Site) -> None:
    path, _ = await asyncio.to_thread(site.ask, QUESTION, live="1")
    answer = await runs.database(Answer.objects.get)()
    async with site.socket(path) as wire:
        await wire.send(json.dumps({"type": "follow", "at": 0}))
        frames = await hear(wire, "token")
        here = asyncio.create_task(events_of(answer.pk))
        await asyncio.sleep(0.5)
        await runs.here().stop(answer.pk)
        frames += await hear(wire, "done")
    events = await here
    assert frames[-1]["state"] == state_of(events) == "stopped"
    assert text_in(frames) == text_of(events) != ""


async def test_a_killed_process_leaves_what_was_saved_and_says_so(site: Site, settings: Any) -> None:
    settings.RUN_STALE_SECONDS = 1.0
    path, _ = await asyncio.to_thread(site.ask, QUESTION, live="1")
    answer = await runs.database(Answer.objects.get)()
    heard: list[dict[str, Any]] = []
    async with site.socket(path) as wire:
        await wire.send(json.dumps({"type": "follow", "at": 0}))
        heard += await hear(wire, "token")
        while not (await runs.database(Answer.objects.get)()).text:
            await asyncio.sleep(0.05)
        heard += await hear(wire, "token")
        site.process.send_signal(signal.SIGKILL)
        events = await events_of(answer.pk)
    assert state_of(events) == "interrupted"
    assert text_of(events) != ""
    assert text_of(events).startswith(text_in(heard)) or text_in(heard).startswith(text_of(events))


async def test_a_server_that_is_stopped_finishes_its_answers_and_begins_none(site: Site) -> None:
    path, _ = await asyncio.to_thread(site.ask, QUESTION, live="1")
    answer = await runs.database(Answer.objects.get)()
    late, _ = await asyncio.to_thread(site.ask, "What is a draft?", live="1")
    async with site.socket(path) as wire:
        await wire.send(json.dumps({"type": "follow", "at": 0}))
        frames = await hear(wire, "token")
        site.process.send_signal(signal.SIGTERM)
        frames += await hear(wire, "done")
    assert await asyncio.to_thread(site.process.wait, 10) == 0
    await runs.database(answer.refresh_from_db)()
    assert answer.state == frames[-1]["state"] == "answered"
    assert text_in(frames) == answer.text
    assert (await runs.database(Answer.objects.get)(pk=late.split("/")[2])).state == "waiting"
