"""What operators watch: what a hosted embedder costs, how fast it may be asked, and what approximate search misses."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from kb.models.collections import Audience


class Pace(models.Model):
    """When the next request to a service may go out; one row a limit, shared by all processes (kb.pacing)."""

    name = models.CharField(primary_key=True, max_length=200)
    ready = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} from {self.ready}"


class Metering(models.Model):
    """What a hosted embedder was asked on a day. `price` is in the currency of the price that settings give."""

    embedder = models.CharField(max_length=120)
    day = models.DateField()
    requests = models.PositiveIntegerField(default=0)
    texts = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    price = models.DecimalField(max_digits=14, decimal_places=6, default=0)

    class Meta:
        ordering = ["-day", "embedder"]
        constraints = [models.UniqueConstraint(fields=["embedder", "day"], name="one_metering_a_day")]

    def __str__(self) -> str:
        return f"{self.embedder} on {self.day}: {self.tokens} tokens"


class RecallProbe(models.Model):
    """How much of what exact search finds an audience's search found, over recent real questions, at one time."""

    audience = models.ForeignKey(Audience, models.CASCADE, related_name="probes")
    at = models.DateTimeField(db_default=Now())
    questions = models.PositiveIntegerField()
    allowed = models.PositiveIntegerField(help_text="Chunks the audience may see.")
    exact = models.BooleanField(help_text="So few that they are searched exactly: nothing can be missed.")
    recall = models.FloatField(help_text="recall@10 of the vector leg, 0 to 1.")

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["audience", "-at"], name="probes_of_audience")]

    def __str__(self) -> str:
        return f"{self.audience_id}: {self.recall:.3f}"
