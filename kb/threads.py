"""Work that blocks, away from the event loop: in a thread of its own, with a connection that goes back at once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections, reset_queries

Given = ParamSpec("Given")
Result = TypeVar("Result")


def database(work: Callable[Given, Result]) -> Callable[Given, Coroutine[Any, Any, Result]]:
    """Run in a worker thread, which gives its connection back at once; not on the one thread that all would share."""

    def worker(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return work(*args, **kwargs)
        finally:
            reset_queries()  # with DEBUG each thread would keep its last 9,000 statements, some with many texts in them
            connections.close_all()

    return sync_to_async(worker, thread_sensitive=False)
