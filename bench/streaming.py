"""`python -m bench.streaming`: what an answer's socket costs beside a bare Channels consumer, in the same run.

alone     time from the sources to the first word, and from asking to the first word
streams   N readers of N answers, 50 tokens a second each: 95th percentile of the gap between two pieces, CPU of the
          server for a token, memory for a socket; daphne and uvicorn, each with ours and with the bare consumer
limit     the number of streams at which that gap passes 100 ms
bytes     of all frames for one answer of 1,000 and of 10,000 tokens, beside its text
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.metronome import word  # noqa: E402
from bench.readers import Reader, read  # noqa: E402
from kb import recording  # noqa: E402
from kb.evaluation import throwaway  # noqa: E402
from portal import embedded  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SESSION = "a-session-of-the-benchmark"
QUESTION = "How do I restore a version?"
TEXT = "Every save makes a version. Open the history, choose a version and press Restore."
SERVERS = {
    "daphne": ("-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "-v", "0", "{app}"),
    "uvicorn": ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "error", "{app}"),
}
APPS = {"ours": "portal.asgi:application", "bare": "bench.bare:application"}
STAGGER_SECONDS, SETTLE_SECONDS, WINDOW_SECONDS = 3.0, 2.0, 5.0
GAP_LIMIT = 100.0  # ms
LIMIT_STEPS = (100, 200, 300, 400, 500, 600, 800, 1000)
SAMPLE = [word(number) for number in range(80)]
TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A running server: its address, and what its process has used."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.host = f"127.0.0.1:{port}"
        self.process = process

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self) -> float:
        """Resident memory, KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return float(status.split("VmRSS:")[1].split()[0])


@contextmanager
def served(server: str, app: str, **variables: str) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [part.format(port=port, app=APPS[app]) for part in SERVERS[server]]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=os.environ | environment() | variables)
    try:
        wait_until_up(port, process)
        yield Server(port, process)
    finally:
        process.kill()
        process.wait()


def environment() -> dict[str, str]:
    """The throwaway database, and a generator that only beats time."""
    known = connection.settings_dict
    person = f"{quote(str(known['USER']))}:{quote(str(known['PASSWORD']), safe='')}"
    where = urlencode({"host": known["HOST"], "port": known["PORT"] or 5432})
    return {
        "DATABASE_URL": f"postgres://{person}@/{known['NAME']}?{where}",
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "EMBEDDER": "kb.providers.fake.FakeEmbedder",
        "GENERATOR": "bench.metronome.Metronome",
        "ANSWER_THRESHOLD": "0",
        "SOCKETS_AT_ONCE": "100000",
        "DEBUG": "0",  # with it Django keeps every statement
        "SECRET_KEY": settings.SECRET_KEY,  # the session was signed with it
        "ALLOWED_HOSTS": "127.0.0.1",
    }


def wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("The server did not start.")


def addresses(count: int) -> list[str]:
    """The sockets of so many answers that nobody has begun."""
    asked = [recording.ask(QUESTION, user=AnonymousUser(), session_key=SESSION) for _ in range(count)]
    return [f"/ws/answers/{answer.pk}/" for answer in asked]


async def follow_all(
    host: str, paths: Sequence[str], *, stagger: float
) -> tuple[list[Reader], list[asyncio.Task[None]]]:
    readers, tasks = [], []
    for path in paths:
        readers.append(Reader())
        tasks.append(asyncio.create_task(read(host, path, readers[-1], cookie=f"sessionid={SESSION}")))
        await asyncio.sleep(stagger / len(paths))
    return readers, tasks


async def alone(server: Server, paths: Sequence[str]) -> dict[str, float]:
    """One reader after the other, a few words each; medians in ms."""
    after_sources, whole = [], []
    for path in paths:
        (reader,), (task,) = await follow_all(server.host, [path], stagger=0)
        while not reader.tokens and not task.done():
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait({task})
        whole.append((reader.tokens[0] - reader.asked) * 1000)
        after_sources.append((reader.tokens[0] - (reader.sources or reader.asked)) * 1000)
    return {"first_token_after_sources_ms": median(after_sources), "first_token_ms": median(whole)}


async def loaded(server: Server, paths: Sequence[str]) -> dict[str, float]:
    """Everything about so many readers at once, in a window in which all of them read."""
    count = len(paths)
    idle = server.memory()
    readers, tasks = await follow_all(server.host, paths, stagger=STAGGER_SECONDS)
    deadline = time.monotonic() + 30
    while not all(reader.tokens for reader in readers) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_SECONDS)
    begun, cpu = time.perf_counter(), server.cpu()
    sizes = [reader.text for reader in readers]
    await asyncio.sleep(WINDOW_SECONDS)
    ended, cpu, memory = time.perf_counter(), server.cpu() - cpu, server.memory()
    text = sum(reader.text for reader in readers) - sum(sizes)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    gaps = [
        (newer - older) * 1000
        for reader in readers
        for older, newer in zip(reader.tokens, reader.tokens[1:], strict=False)
        if begun <= older and newer <= ended
    ]
    tokens = text / (sum(len(one) for one in SAMPLE) / len(SAMPLE))
    return {
        "streams": count,
        "gap_p50_ms": percentile(gaps, 0.5),
        "gap_p95_ms": percentile(gaps, 0.95),
        "tokens_per_second": round(tokens / (ended - begun) / count, 1),
        "cpu_us_per_token": round(cpu / max(tokens, 1) * 1e6, 1),
        "memory_kib_per_socket": round((memory - idle) / count, 1),
    }


async def size_of(server: Server, path: str) -> dict[str, float]:
    """Bytes of one whole answer: of its frames, and of its text."""
    (reader,), (task,) = await follow_all(server.host, [path], stagger=0)
    await task
    beyond = (reader.size - 48 * reader.frames) / reader.text
    return {
        "text": reader.text,
        "sent": reader.size,
        "frames": reader.frames,
        "factor_beyond_48_a_frame": round(beyond, 2),
    }


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else float("inf")


def measure(servers: Sequence[str], streams: Sequence[int], *, limit: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"alone": {}, "streams": [], "limit": {}, "bytes": {}}
    for name in servers:
        for app in APPS:
            with served(name, app) as server:
                asyncio.run(alone(server, addresses(3)))  # the first ones import and fill caches
                found["alone"][f"{name} {app}"] = show(name, app, asyncio.run(alone(server, addresses(10))))
            for count in streams:
                found["streams"].append({"server": name, "app": app, **crowd(name, app, count)})
        if limit:
            found["limit"][name] = search(name)
    for tokens in (1000, 10_000):
        with served("daphne", "ours", BENCH_TOKENS=str(tokens), BENCH_PACE="0.002") as server:
            found["bytes"][str(tokens)] = show(
                "daphne", f"{tokens} tokens", asyncio.run(size_of(server, addresses(1)[0]))
            )
    return found


def crowd(name: str, app: str, count: int) -> dict[str, float]:
    """So many readers of a server of its own: answers whose readers have left go on being written for a while."""
    with served(name, app) as server:
        asyncio.run(alone(server, addresses(2)))
        return show(name, app, asyncio.run(loaded(server, addresses(count))))


def search(name: str) -> dict[str, Any]:
    """More and more streams until the gap passes GAP_LIMIT."""
    held = 0
    for count in LIMIT_STEPS:
        row = crowd(name, "ours", count)
        if row["gap_p95_ms"] > GAP_LIMIT:
            return {"held": held, "passed_at": count, "gap_p95_ms": row["gap_p95_ms"]}
        held = count
    return {"held": held, "passed_at": None}


def show(server: str, app: str, row: dict[str, float]) -> dict[str, float]:
    print(f"{server:8} {app:13} " + "  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description="The socket of an answer beside a bare consumer.")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 100, 200, 300])
    parser.add_argument("--servers", nargs="+", choices=list(SERVERS), default=list(SERVERS))
    parser.add_argument("--no-limit", dest="limit", action="store_false")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    embedded.ensure()
    with throwaway.throwaway_database("streams"):
        throwaway.index_corpus([{"_id": "1", "title": "Restore", "text": TEXT}], progress=lambda rows, _: rows)
        Session.objects.save(SESSION, {"here": True}, timezone.now() + timedelta(days=1))
        found = measure(options.servers, options.streams, limit=options.limit)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
