"""PostgreSQL behind a pool that gets over a restart of the server at once. Django asks for a module of this name."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """A connection that works.

        After a restart every idle connection of the pool is dead. The pool's own check finds them one by one and waits
        longer after each (1, 2, 4 … s): with six of them nobody got through within its 20 s. So all are looked at.
        """
        connection: Connection[Any] = super().get_new_connection(conn_params)
        if self.pool is None:
            return connection
        try:
            self.pool.check_connection(connection)
        except OperationalError:
            self.pool.putconn(connection)
            self.pool.check()
            connection = super().get_new_connection(conn_params)
        return connection
