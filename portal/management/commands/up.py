"""`manage.py up`: database, broker, worker and website in one terminal, until Ctrl-C."""

import asyncio
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as PooledConnection

from portal.embedded import EmbeddedError, EmbeddedPostgres
from portal.embedded.alone import alone
from portal.embedded.sockets import listens, require_free_port
from portal.embedded.supervision import STOP_SECONDS, Service, say, supervise
from portal.management.commands.seed import LOGINS

SESSION_SECONDS = 3.0
REMAINS_SECONDS = 10.0  # how long the children of a killed `up` may take to go


class Command(BaseCommand):
    help = "Run everything in one terminal: database, broker, worker and website. Ctrl-C stops it all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")

    def handle(self, *, host: str, port: int, **options: object) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        url = f"http://{host}:{port}/".replace("//0.0.0.0:", "//127.0.0.1:")
        try:
            with alone(settings.VAR, url=url) as killed:
                if killed:
                    _await_remains(host, port)
                require_free_port(host, port)
                code = run(host, port, url=url)
        except KeyboardInterrupt:
            code = 0
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
        sys.exit(code)


def run(host: str, port: int, *, url: str) -> int:
    """Everything between start and stop; the exit code."""
    os.chdir(settings.BASE_DIR)
    try:
        prepare()
        stages = services(host, port)
        return asyncio.run(supervise(stages, on_ready=lambda: greet(url)))
    finally:
        stop_database()


def prepare() -> None:
    """The database: running, migrated, and in development filled if it is empty; outside of it the static files."""
    if settings.EMBEDDED_VALKEY:
        settings.EMBEDDED_VALKEY.stop_leftover()
    if settings.EMBEDDED_POSTGRES:
        with step("PostgreSQL"):
            settings.EMBEDDED_POSTGRES.ensure()
    with step("migrations"):
        call_command("migrate", verbosity=0)
    if settings.DEBUG:
        with step("demo content"), broker():
            call_command("seed", "--if-empty")
    else:
        with step("static files"):
            call_command("collectstatic", interactive=False, verbosity=0)
    disconnect()


def services(host: str, port: int) -> list[list[Service]]:
    """What runs, in the order of its start; those of one stage start together."""
    stages = [[_worker(), _web(host, port)]]
    if settings.EMBEDDED_VALKEY:
        valkey = settings.EMBEDDED_VALKEY
        stages.insert(0, [Service("valkey", valkey.argv(), ready=valkey.is_ready, hint=valkey.hint())])
    return stages


@contextmanager
def broker() -> Iterator[None]:
    """The embedded broker while something is published that wakes the worker, which comes later."""
    if not settings.EMBEDDED_VALKEY:
        yield
        return
    with settings.EMBEDDED_VALKEY.running():
        yield


def disconnect() -> None:
    """Close this process's own connections: for the rest of its life it only supervises."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if isinstance(connection, PooledConnection):
            connection.close_pool()


def greet(url: str) -> None:
    say("up", f"Footnote is at {url} (Ctrl-C stops everything)")
    if settings.DEBUG:
        for username, password, what in LOGINS:
            say("up", f"  log in as {username} with {password}: {what}")


def stop_database() -> None:
    """Stop the embedded PostgreSQL, unless somebody else works with it."""
    if not settings.EMBEDDED_POSTGRES:
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave the server half stopped
    disconnect()
    if sessions := other_sessions(settings.EMBEDDED_POSTGRES):
        say("up", f"PostgreSQL stays up for {sessions} other session(s): `manage.py down` stops it")
        return
    if settings.EMBEDDED_POSTGRES.stop():
        say("up", "PostgreSQL stopped")


def other_sessions(postgres: EmbeddedPostgres) -> int:
    """How many clients are not ours; the sessions of what we have just ended take a moment to go."""
    deadline = time.monotonic() + SESSION_SECONDS
    with suppress(EmbeddedError):  # it is not running, or not answering: nobody works with it
        while (sessions := postgres.sessions()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return sessions
    return 0


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    started = time.monotonic()
    say("up", f"{what} …")
    yield
    say("up", f"{what} ready after {time.monotonic() - started:.1f} s")


def _worker() -> Service:
    # One process with threads: it loads the embedding model once.
    schedule = ("-B", "--schedule", str(settings.VAR / "beat-schedule"))
    size = ("--pool", "threads", "--concurrency", "2")
    alone = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")
    warnings = ("-W", "ignore::Warning:celery.platforms")  # that it runs as root, which we know
    argv = (sys.executable, *warnings, "-m", "celery", "--quiet", "-A", "portal", "worker", *schedule, *size, *alone)
    return Service("worker", argv, ready=" ready.")


def _web(host: str, port: int) -> Service:
    argv = (sys.executable, "-m", "daphne", "-b", host, "-p", str(port), "portal.asgi:application")
    grace = settings.DRAIN_SECONDS + STOP_SECONDS  # running answers finish first
    return Service("web", argv, ready=lambda: listens((host, port)), stop_seconds=grace)


def _await_remains(host: str, port: int) -> None:
    deadline = time.monotonic() + REMAINS_SECONDS
    while time.monotonic() < deadline:
        with suppress(EmbeddedError):
            require_free_port(host, port)
            break
        time.sleep(0.2)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
