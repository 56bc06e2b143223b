"""The pool of connections gets over a restart of the database at once."""

import threading
import time

import pytest
from django.db import connection, connections


def use(together: threading.Barrier) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            together.wait(10)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_when_every_idle_connection_is_dead_the_next_one_works_at_once() -> None:
    together = threading.Barrier(8)
    threads = [threading.Thread(target=use, args=(together,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    started = time.monotonic()
    late = threading.Thread(target=use, args=(threading.Barrier(1),))
    late.start()
    late.join()
    assert time.monotonic() - started < 0.9  # the pool's own second look comes after a second
