"""Who has sockets open, in whichever process; kept only while they are."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class OpenSocket(models.Model):
    """One open socket. A process that died stops beating for its sockets, and they no longer count."""

    id = models.UUIDField(primary_key=True)
    visitor = models.CharField(max_length=64, help_text="Keyed hash of the address.")
    beat = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["visitor"], name="sockets_of_visitor")]

    def __str__(self) -> str:
        return str(self.id)
