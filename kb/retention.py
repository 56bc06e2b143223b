"""How long questions are kept: first with who asked, then without, then not at all. Run by a periodic task."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import CharField, Q
from django.db.models.functions import MD5, Cast, Now

from kb.models import Answer, Feedback, Generation

BATCH = 1000


def keep() -> dict[str, int]:
    """Do what is due today; returns how many rows of each kind. 0 days is for ever."""
    return {"anonymised": anonymise(), "deleted": delete(), "forgotten": forget()}


def anonymise() -> int:
    """Take who asked, and from where, off the questions that are old enough; what they ask and say stays."""
    old = _older_than(settings.ANONYMISE_DAYS)
    named = Q(asker__isnull=False) | ~Q(session_hash="") | ~Q(visitor="")
    nobody = MD5(Cast("pk", CharField()))  # one opinion a visitor: each needs a name of its own
    Feedback.objects.filter(_older_than(settings.ANONYMISE_DAYS), session_hash__regex="^.{33,}$").update(
        session_hash=nobody
    )
    return Answer.objects.filter(old & named).update(asker=None, session_hash="", visitor="")


def delete() -> int:
    """Delete the questions that are old enough, with their answers and opinions, a batch at a time."""
    deleted = 0
    while chosen := list(Answer.objects.filter(_older_than(settings.DELETE_DAYS)).values_list("pk", flat=True)[:BATCH]):
        deleted += Answer.objects.filter(pk__in=chosen).delete()[1].get("kb.Answer", 0)
    return deleted


def forget() -> int:
    """Delete kept generations that are not replayed any more; at least those of yesterday, which nobody waits for."""
    old = Now() - timedelta(days=max(settings.ANSWER_CACHE_DAYS, 1))
    return Generation.objects.filter(beat__lt=old).delete()[0]


def _older_than(days: float) -> Q:
    return Q(created__lt=Now() - timedelta(days=days)) if days else Q(pk__in=[])
