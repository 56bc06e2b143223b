"""A database that is thrown away, and a corpus in it, indexed by the product's own write path."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, TypeAlias

from django.db import connection
from django.db.utils import ProgrammingError

from kb import frequencies, indexing, publishing, refusing, tasks
from kb.evaluation.sets import EvaluationError, parts
from kb.models import Audience, Collection
from kb.publishing import Content

Progress: TypeAlias = Callable[[Iterable[Any], str], Iterable[Any]]


@contextmanager
def throwaway_database(name: str, *, keep: bool = False) -> Iterator[str]:
    """Another database beside the real one, migrated; the connection points to it meanwhile. Gives its name.

    It is dropped at the end, whatever happens, unless it is to be kept. Raises EvaluationError.
    """
    real = connection.settings_dict["NAME"]
    other = connection.settings_dict["TEST"]["NAME"] = f"{real}_{name}"
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # its connections lead to the real database
    try:
        make(other)
        yield other
    finally:
        if connection.settings_dict["NAME"] == other:
            connection.creation.destroy_test_db(real, verbosity=0, keepdb=keep)


def make(name: str) -> None:
    """Create and migrate the database that the connection's TEST settings name, and point the connection to it."""
    try:
        with redirect_stdout(io.StringIO()):  # it reports on the cache table, whatever the verbosity
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    except (ProgrammingError, SystemExit) as error:
        raise EvaluationError(f"The user of the database may not create databases: {error}") from error
    expect_database(name)


def expect_database(name: str) -> None:
    """Raises EvaluationError when the connection leads anywhere else: a corpus must never be written among articles."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        [reached] = cursor.fetchone()
    if reached != name:
        raise EvaluationError(f"The connection leads to the database {reached} instead of {name}. Nothing was written.")


def index_corpus(corpus: Sequence[dict[str, str]], *, progress: Progress, calibrated: bool = True) -> dict[int, str]:
    """Publish every document as an article through the product's own write path; article id → corpus id.

    A document that is longer than an article may be becomes several. `calibrated`: whether the decision to refuse is
    calibrated too, which ranking does not need.
    """
    everyone = Audience.objects.create(name="Everyone", kind=Audience.Kind.EVERYONE)
    collection = Collection.objects.create(name="Evaluation", slug="evaluation", audience=everyone)
    ids: dict[int, str] = {}
    with tasks.without_wake_ups():
        for number, row in enumerate(progress(corpus, "saving"), 1):
            title = " ".join((row.get("title") or "").split())[:200] or f"Document {number}"
            for part, text in enumerate(parts(row["text"])):
                slug = f"document-{number}" + f"-{part + 1}" * bool(part)
                article = publishing.create(collection, Content(title, text), by=None, slug=slug)
                publishing.publish(article, by=None)
                ids[article.pk] = str(row["_id"])
    for _ in progress(range(len(ids)), "indexing"):
        if indexing.run() == "none":
            break
    indexing.drain()
    frequencies.refresh(force=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    if calibrated:
        refusing.calibrate()
    return ids
