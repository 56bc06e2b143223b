"""Passages and images that nothing needs any more, and figures of the index that are past."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from kb import autosaving, images
from kb.models import AnswerSource, Batch, Chunk, IndexedVersion, IndexRun, Passage, Worker

KEEP = timedelta(hours=1)  # a job may have stored passages whose chunks are not written yet
KEEP_FIGURES = timedelta(days=7)
BATCH = 1000


def collect() -> int:
    """Delete passages nothing needs, with their vectors, and old autosaves and images; returns how many passages."""
    autosaving.collect()
    images.collect()
    IndexRun.objects.filter(finished__lt=Now() - KEEP_FIGURES).delete()
    Batch.objects.filter(at__lt=Now() - KEEP_FIGURES).delete()  # long past being undone
    Worker.objects.filter(beat__lt=Now() - KEEP_FIGURES).delete()
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
