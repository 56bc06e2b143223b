"""Questions that were refused or whose answer did not help, grouped by what they say; nobody who asked is named."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from kb.models import Answer, DismissedQuestion, Feedback
from kb.permissions import Reader

RECENT = datetime.timedelta(days=90)
MOST = 2000  # of the latest such answers, looked at


@dataclass
class Unanswered:
    """A question as it was asked last; how often it was refused, and how often its answer did not help."""

    key: str
    question: str
    last: datetime.datetime
    refused: int = 0
    unhelpful: int = 0

    @property
    def count(self) -> int:
        return self.refused + self.unhelpful


def normalised(question: str) -> str:
    """Small letters, words and numbers only: what makes two questions the same."""
    return " ".join(re.findall(r"\w+", question.casefold())) or question.strip()


def key_of(question: str) -> str:
    return hashlib.sha256(normalised(question).encode()).hexdigest()


def unanswered(user: Reader, *, dismissed: bool = False) -> list[Unanswered]:
    """What an editor may know of and nobody has dismissed (or what somebody has), most often asked first.

    A refusal shows a passage and rests on none, so its question is for every editor. An answer that did not help is for
    those who may read all its sources.
    """
    put_aside = dict(DismissedQuestion.objects.values_list("key", "at"))
    groups: dict[str, Unanswered] = {}
    for row in recent(user):
        key = key_of(row["question"])
        if (key in put_aside and row["created"] <= put_aside[key]) != dismissed:
            continue
        group = groups.setdefault(key, Unanswered(key, row["question"], row["created"]))
        if row["state"] == Answer.State.REFUSED:
            group.refused += 1
        else:
            group.unhelpful += 1
    return sorted(groups.values(), key=lambda group: (-group.count, -group.last.timestamp()))


def recent(user: Reader) -> Iterable[Any]:
    unhappy = Feedback.objects.filter(answer=OuterRef("pk"), helped=False)
    refused = Q(state=Answer.State.REFUSED)
    shown = Q(pk__in=Answer.objects.visible_to(user).filter(Exists(unhappy)).values("pk"))
    found = Answer.objects.filter(refused | shown, created__gte=timezone.now() - RECENT).order_by("-created")
    return found.values("question", "state", "created")[:MOST]


def dismiss(key: str, *, by: Reader) -> None:
    """Put a question aside until it is asked again."""
    DismissedQuestion.objects.update_or_create(key=key, defaults={"by_id": by.pk, "at": timezone.now()})


def bring_back(key: str) -> None:
    DismissedQuestion.objects.filter(key=key).delete()
