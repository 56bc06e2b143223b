"""What generation costs and shares: texts that were generated once, and the money of each day."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Generation(models.Model):
    """What a generator gave for exactly these bytes of a prompt; for others who bring the same bytes.

    `runner` holds it while it is written, with heartbeats; `wanted` is when another process last read along.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        OVER = "over"  # failed or cut off: kept only for those who waited for it

    key = models.CharField(primary_key=True, max_length=64, help_text="Hash of the request.")
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    runner = models.UUIDField()
    beat = models.DateTimeField(db_default=Now())
    wanted = models.DateTimeField(null=True)
    deltas = models.JSONField(default=list, help_text="What the generator gave, in order.")
    error = models.TextField(blank=True)
    created = models.DateTimeField(db_default=Now())
    finished = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.key[:12]} {self.state}"


class Spending(models.Model):
    """What generation cost on one day (UTC), in US dollars; of calls that still run, the most they can cost."""

    day = models.DateField(primary_key=True)
    amount = models.DecimalField(max_digits=14, decimal_places=6, default=0)

    class Meta:
        verbose_name_plural = "spending"

    def __str__(self) -> str:
        return f"{self.day}: {self.amount} USD"
