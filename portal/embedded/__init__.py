"""The embedded default: PostgreSQL and Valkey from their wheels, so that nobody has to install a server first."""

from django.conf import settings

from portal.embedded.errors import EmbeddedError
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.valkey import EmbeddedValkey

__all__ = ["EmbeddedError", "EmbeddedPostgres", "EmbeddedValkey", "ensure"]


def ensure() -> None:
    """Start the embedded PostgreSQL unless it runs already, or DATABASE_URL names another server."""
    if settings.EMBEDDED_POSTGRES is not None:
        settings.EMBEDDED_POSTGRES.ensure()
