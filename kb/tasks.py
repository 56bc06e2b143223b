"""Celery wrappers of the write journey (kb.probing has one more). A message is a wake-up; the outbox is the truth."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from importlib import import_module
from typing import Any

from celery import shared_task
from celery.signals import heartbeat_sent
from django.conf import settings
from django.db import Error, connections, transaction
from kombu.exceptions import OperationalError

from kb import comparing, embedders, frequencies, garbage, indexing, outbox, outlining, retention
from kb.models import Worker

log = logging.getLogger(__name__)
_silent: ContextVar[bool] = ContextVar("silent", default=False)

LOST_AFTER = timedelta(seconds=2)
SWEPT = 50  # wake-ups a sweep; the next one sends more
STALE_AFTER = 30  # seconds; a swept wake-up that nobody had time for is dropped: a backlog must not bury new saves


@shared_task
def index_article(article_id: int) -> str:
    """Index one article, and once more if it was saved meanwhile."""
    outcome = indexing.run(article_id)
    if outcome == "again":
        wake(article_id)
    return outcome


@shared_task
def sweep() -> int:
    """Send again what was lost: by the broker, by a rollback of its sender, by a worker that died."""
    outbox.give_up_on_killers()
    embedders.mend_graph()
    forgotten = outbox.waiting(LOST_AFTER, SWEPT)
    for article_id in forgotten:
        index_article.apply_async([article_id], expires=STALE_AFTER)
    return len(forgotten)


@shared_task
def refresh_statistics() -> bool:
    return frequencies.refresh()


@shared_task
def collect_garbage() -> int:
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return garbage.collect()


@shared_task
def keep_questions() -> dict[str, int]:
    return retention.keep()


@shared_task
def catch_up_index() -> int:
    return indexing.catch_up()


@shared_task
def catch_up_outlines() -> int:
    return outlining.catch_up()


@shared_task
def compare_passages() -> int:
    return comparing.compare()


@heartbeat_sent.connect
def note_worker(sender: Any, **_: Any) -> None:
    """A worker says every two seconds that it lives and hears the broker; one that cannot is not counted."""
    try:
        Worker.objects.beats(str(sender.eventer.hostname))
    except Error as error:
        log.warning("index: this worker cannot say that it is alive: %s", error)
    finally:
        connections.close_all()  # the thread of the heartbeat is not one that tasks run in


@contextmanager
def without_wake_ups() -> Iterator[None]:
    """For whoever works through the outbox in the same process right afterwards."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def wake(article_id: int) -> None:
    """Tell a worker, without ever failing the save: the sweep finds what no message announced."""
    if _silent.get():
        return
    try:
        index_article.delay(article_id)
    except OperationalError as error:
        log.warning("index: no wake-up for article %s (%s); the sweep will find it", article_id, error)


def wake_on_commit(article_id: int) -> None:
    transaction.on_commit(lambda: wake(article_id), robust=True)
