"""Passages that no chunk and no answer needs any more."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from kb.models import AnswerSource, Chunk, IndexedVersion, Passage

KEEP = timedelta(hours=1)  # a job may have stored passages whose chunks are not written yet
BATCH = 1000


def collect() -> int:
    """Delete orphaned passages with their vectors; returns how many."""
    collected = 0
    while batch := collect_batch():
        collected += batch
    return collected


@transaction.atomic
def collect_batch() -> int:
    """Lock some orphans, then look again: what a job has taken into use meanwhile is no orphan."""
    locked = orphans().select_for_update(skip_locked=True, of=("self",)).order_by("pk").values_list("pk", flat=True)
    chosen = list(locked[:BATCH])
    deleted = orphans().filter(pk__in=chosen).delete()[1]
    return deleted.get("kb.Passage", 0)


def orphans() -> QuerySet[Passage]:
    used = Exists(Chunk.objects.filter(passage=OuterRef("pk")))
    cited = Exists(AnswerSource.objects.filter(passage=OuterRef("pk")))
    named = Exists(IndexedVersion.objects.filter(title=OuterRef("pk")))
    return Passage.objects.filter(~used, ~cited, ~named, created__lt=Now() - KEEP)
