"""The cache table, with one statement a write instead of four: a question asked for the first time waits for it."""

import base64
import pickle
import random
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router

SWEPT = 0.01  # the share of writes that also count the table and cull it, as Django does with each
UPSERT = """
INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s)
ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""


class TableCache(DatabaseCache):
    """Django's database cache in PostgreSQL; values are stored as it stores them, so that it reads them."""

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(table, params)
        self.table = table

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        if random.random() < SWEPT:  # noqa: S311  # nothing secret about it
            super().set(key, value, timeout, version)
            return
        stored = base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("latin1")
        until = self.get_backend_timeout(timeout)
        expires = datetime.max if until is None else datetime.fromtimestamp(until, UTC)
        connection = connections[router.db_for_write(self.cache_model_class)]
        with connection.cursor() as cursor:
            statement = UPSERT.format(table=connection.ops.quote_name(self.table))
            cursor.execute(
                statement, [self.make_and_validate_key(key, version=version), stored, expires.replace(microsecond=0)]
            )
