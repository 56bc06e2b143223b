"""Which embedder is live: one row says so for all processes, and each runs the model of that row or says why it cannot.

`settings.EMBEDDER` names the embedder to have. The first process that indexes makes it live; from then on only
`manage.py reindex` moves the mark, when every vector of the other embedder is there (kb.reindexing). Until then a
process that is configured with another embedder goes on with the live one, whose path stands in its row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import errors

from kb import embedding
from kb.errors import ProviderError
from kb.models import Embedder, Embedding

LEAST_MEMORY = 64  # megabytes to build a vector index in
MOST_DIMENSIONS = 4000  # of a halfvec in an HNSW index of pgvector
FORMER = "kb.providers.onnx.OnnxEmbedder former"  # as an update has found it, see kb.providers.weights
LIVE_LOCK = 470_211  # the number of the advisory lock on which embedder is live
FILLING_LOCK = 470_213  # that of whoever fills an index and builds its graph afterwards


@dataclass(frozen=True)
class Running:
    """An embedder's row, and the model that this process runs for it."""

    row: Embedder
    model: embedding.Embedder


def live() -> Running:
    """The live embedder; the configured one becomes it where none is. Raises ProviderError when it cannot run here."""
    row = live_row() or begin()
    return Running(row, model_of(row))


def live_row() -> Embedder | None:
    return Embedder.objects.filter(live=True).first()


def serving() -> embedding.Embedder:
    """The model that texts are read with: the live one; the configured one until there is one. Raises ProviderError."""
    row = live_row()
    return model_of(row) if row else embedding.get_embedder()


def configured() -> Running:
    """The embedder that settings name, with its row and its vector index; live or not. Raises ProviderError."""
    model = embedding.get_embedder()
    check_dimensions(model)
    identity = {"name": model.name, "fingerprint": model.fingerprint}
    row, _ = Embedder.objects.get_or_create(
        **identity, defaults={"dimensions": model.dimensions, "path": settings.EMBEDDER}
    )
    if row.path != settings.EMBEDDER:
        row.path = settings.EMBEDDER
        row.save(update_fields=["path"])
    make_vector_index(row)
    return Running(row, model)


def check_dimensions(model: embedding.Embedder) -> None:
    if model.dimensions > MOST_DIMENSIONS:
        raise ProviderError(
            f"{model.name} makes vectors of {model.dimensions} dimensions, and the vector index takes"
            f" {MOST_DIMENSIONS} at the most: choose a smaller model, or let it shorten its vectors.",
            temporary=False,
        )


def begin() -> Embedder:
    """The configured embedder becomes the first live one; of two that begin at once, the second finds the first's."""
    row = configured().row
    with transaction.atomic():
        hold_alone()
        if live_row() is None:
            Embedder.objects.filter(pk=row.pk).update(live=True)
    return Embedder.objects.get(live=True)


def model_of(row: Embedder) -> embedding.Embedder:
    """The model that made this row's vectors: the configured one, that of the row's path, or that before an update.

    Raises ProviderError, in words for whoever configured this process, when neither is the same model.
    """
    failure: ProviderError | None = None
    for path in dict.fromkeys((settings.EMBEDDER, row.path or settings.EMBEDDER, FORMER)):
        try:
            model = embedding.get_embedder(path)
            if (model.name, model.fingerprint) == (row.name, row.fingerprint):
                return model
        except ProviderError as error:
            failure = failure if path == FORMER else error
        except (ImportError, TypeError) as error:
            failure = ProviderError(f"{path} cannot be loaded: {error}.", temporary=True)
    if failure is not None:
        raise failure
    raise ProviderError(
        f"The index is of {row}, and what this process is configured with ({settings.EMBEDDER}) is another model: "
        "give all processes the same settings, and run manage.py reindex to change the model.",
        temporary=True,
    )


def mismatch() -> str:
    """What to tell an operator when settings name another embedder than the live one; empty when they agree."""
    row = live_row()
    if row is None:
        return ""
    try:
        model = embedding.get_embedder()
        if (model.name, model.fingerprint) == (row.name, row.fingerprint):
            return ""
        named = f"{model.name} ({model.fingerprint[:8]})"
    except ProviderError as error:
        named = f"an embedder that cannot run here ({error})"
    return (
        f"EMBEDDER names {named}, but the index is of {row}, which goes on serving: "
        "run manage.py reindex to build the other one beside it and switch, or set EMBEDDER back."
    )


def hold() -> None:
    """Nobody moves the mark of the live embedder until this transaction ends; many may hold it at once."""
    _lock("pg_advisory_xact_lock_shared")


def hold_alone() -> None:
    """Wait for all who `hold`, and keep others from it until this transaction ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LIVE_LOCK])


def make_vector_index(embedder: Embedder) -> None:
    """A partial HNSW index for one embedder: the column has no dimension, the index expression has.

    m 24, ef_construction 200: recall under a filter far from the question is .95 instead of .77 with 16/64. A graph
    that does not fit into memory is built many times slower; one that fits is built by several processes, which share
    it in a memory that containers keep small: where that is full, one process builds it alone.
    """
    memory = max(LEAST_MEMORY, min(settings.GRAPH_MEMORY, graph_bytes(embedder) >> 20))
    try:
        build_vector_index(embedder, memory=memory)
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.DiskFull):
            raise
        build_vector_index(embedder, memory=memory, parallel=False)


@contextmanager
def graph_afterwards(embedder: Embedder) -> Iterator[None]:
    """Where an embedder has no vectors yet, leave its graph out while they are written and build it at the end.

    That takes a quarter of the time at a thousand vectors and less beyond. Until then search compares all vectors,
    which is exact. Whoever is killed meanwhile has lost the lock, and the sweep builds the graph: `mend_graph`.
    """
    with filling() as is_alone:
        if not is_alone or Embedding.objects.filter(embedder=embedder).exists():
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {index_name(int(embedder.pk))}")
        try:
            yield
        finally:
            make_vector_index(embedder)


def mend_graph() -> bool:
    """Build the live embedder's graph if it is missing and nobody is about to build it; whether it was."""
    row = live_row()
    if row is None or has_graph(row):
        return False
    with filling() as is_alone:
        if is_alone:
            make_vector_index(row)
    return is_alone


def has_graph(embedder: Embedder) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [index_name(embedder.pk)])
        return bool(cursor.fetchone()[0])


@contextmanager
def filling() -> Iterator[bool]:
    """Whether nobody else fills an index; the lock goes with the process, or with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [FILLING_LOCK])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [FILLING_LOCK])


def graph_bytes(embedder: Embedder) -> int:
    """About how large the graph is while it is built: two bytes a dimension, and 48 neighbours, a vector."""
    return Embedding.objects.filter(embedder=embedder).count() * (2 * embedder.dimensions + 1200)


def build_vector_index(embedder: Embedder, *, memory: int, parallel: bool = True) -> None:
    """`memory`: megabytes."""
    number, dimensions = int(embedder.pk), int(embedder.dimensions)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL maintenance_work_mem = '{int(memory)}MB'")
        if not parallel:
            cursor.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {index_name(number)} ON kb_embedding"
            f" USING hnsw ((vector::halfvec({dimensions})) halfvec_cosine_ops)"
            f" WITH (m = 24, ef_construction = 200) WHERE embedder_id = {number}"
        )


def index_name(number: int) -> str:
    return f"kb_embedding_hnsw_{number}"
