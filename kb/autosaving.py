"""Text that was typed and not saved: kept every few seconds, offered after a crash, never a version, never indexed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.utils import timezone

from kb.markdown import MAX_SOURCE
from kb.models import Article, Autosave
from kb.permissions import Reader

KEEP = timedelta(days=30)
MOST = 20_000  # characters of all fields but the text; the longest that can be saved are a few hundred


def keep(key: UUID, typed: Mapping[str, str], *, article: Article | None, by: Reader) -> datetime.datetime:
    """Keep what a form holds in place of what it held before; returns when. Raises ValidationError for too much.

    Text is kept as it was typed, unfit for a version as it may be: that is told when it is saved.
    """
    others = {name: plain(value) for name, value in typed.items() if name not in ("title", "source")}
    title, source = plain(typed.get("title", "")), plain(typed.get("source", ""))
    if len(source) > 2 * MAX_SOURCE or len(title) + sum(map(len, others.values())) > MOST:
        raise ValidationError("The text is too long to be kept while you type: divide it into several articles.")
    values = {"article": article, "title": title[:300], "source": source, "fields": others, "at": Now()}
    Autosave.objects.update_or_create(by_id=by.pk, key=key, defaults=values)
    return timezone.now()


def plain(text: str) -> str:
    """Without what the database cannot hold, and with line ends as versions have them."""
    return text.replace("\0", "").replace("\r\n", "\n")


def forget(key: UUID | None, *, by: Reader) -> bool:
    """The text was saved, or is not wanted any more. True when there was one."""
    return bool(key and Autosave.objects.filter(by=by.pk, key=key).delete()[0])


def collect() -> int:
    """Delete what nobody wanted back; returns how many."""
    return Autosave.objects.filter(at__lt=Now() - KEEP).delete()[0]
