"""Passages that no chunk and no answer needs any more."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from kb.models import AnswerSource, Chunk, IndexedVersion, Passage

KEEP = timedelta(hours=1)  # a job may have stored passages whose chunks are not written yet


def collect() -> int:
    """Delete orphaned passages with their vectors; returns how many."""
    used = Exists(Chunk.objects.filter(passage=OuterRef("pk")))
    cited = Exists(AnswerSource.objects.filter(passage=OuterRef("pk")))
    named = Exists(IndexedVersion.objects.filter(title=OuterRef("pk")))
    orphans = Passage.objects.filter(~used, ~cited, ~named, created__lt=Now() - KEEP)
    deleted = orphans.delete()[1]
    return deleted.get("kb.Passage", 0)
