"""How much one reader, and one address, may do: counted in the database, so for all web processes together.

Asked before anything is looked up or paid for. Questions are counted by their rows, over sliding spans. An address is
kept only as a keyed hash; a visit or a session is free to begin anew and so is no limit.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from kb.models import Answer, OpenSocket
from kb.permissions import Reader

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
NAMES = {"s": "a second", "m": "a minute", "h": "an hour", "d": "a day"}
BEGUN = timedelta(minutes=1)  # how long an answer that nobody has followed counts as one being written
UNHEARD = timedelta(minutes=1)  # sockets of a process that has not been heard of for so long are gone
BUSY_SECONDS = 5


class TooMany(Exception):
    """Not now: the message is for the reader, `seconds` say when it is worth trying again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass(frozen=True)
class Limit:
    """So many within a span: `20/m` is 20 a minute."""

    most: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Limit:
        match = re.fullmatch(r"(\d+)/([smhd])", text.strip())
        if match is None:
            raise ImproperlyConfigured(f"“{text}” is no limit: write a number, a slash and s, m, h or d, such as 20/m.")
        return cls(int(match[1]), match[2])

    @classmethod
    def parse_all(cls, text: str) -> list[Limit]:
        """`20/m,300/d`: each of them holds. Empty text is no limit."""
        return [cls.parse(part) for part in text.split(",") if part.strip()]

    def of(self, things: str) -> str:
        """In words: "20 questions a minute"."""
        return f"{self.most} {things} {NAMES[self.unit]}"

    def wait(self, rows: QuerySet[Answer]) -> int:
        """0 when one more of these rows is within the limit, otherwise the seconds until it is again."""
        span = timedelta(seconds=SECONDS[self.unit])
        if self.most < 1:
            return SECONDS[self.unit]
        counted = rows.filter(created__gt=Now() - span).order_by("-created").values_list("created", flat=True)
        oldest = list(counted[self.most - 1 : self.most])
        return max(1, int((oldest[0] + span - timezone.now()).total_seconds()) + 1) if oldest else 0


def hashed(address: str) -> str:
    """How an address is remembered: a hash with our key, so that the tables name nobody's."""
    return salted_hmac("kb.limits", address, algorithm="sha256").hexdigest()


def admit(user: Reader, visitor: str) -> None:
    """Whether this reader, from this (hashed) address, may ask now. Raises TooMany. Inside a transaction.

    Questions of one address are admitted one after the other, so that a burst counts as what it is.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [visitor])
    here = Answer.objects.filter(visitor=visitor)
    own = Answer.objects.filter(asker=user.pk) if user.is_authenticated else here
    _within(Limit.parse_all(settings.ASK_LIMIT), own)
    _within(Limit.parse_all(settings.ADDRESS_LIMIT), here)
    waiting = Q(state=Answer.State.WAITING, created__gt=Now() - BEGUN)
    running = Q(state=Answer.State.RUNNING, beat__gt=Now() - timedelta(seconds=settings.RUN_STALE_SECONDS))
    if own.filter(waiting | running).count() >= settings.ANSWERS_AT_ONCE:
        raise TooMany(f"At most {settings.ANSWERS_AT_ONCE} answers are written for you at once.", BUSY_SECONDS)


def _within(limits: Iterable[Limit], rows: QuerySet[Answer]) -> None:
    for limit in limits:
        if seconds := limit.wait(rows):
            raise TooMany(f"At most {limit.of('questions')} are possible.", seconds)


def open_socket(visitor: str) -> uuid.UUID:
    """Count one more socket of this address, until close_sockets. Raises TooMany."""
    made = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO kb_opensocket (id, visitor) SELECT %(id)s, %(visitor)s
            WHERE (SELECT count(*) FROM kb_opensocket
              WHERE visitor = %(visitor)s AND beat > now() - make_interval(secs => %(unheard)s))
              < %(most)s
            """,
            {"id": made, "visitor": visitor, "unheard": UNHEARD.total_seconds(), "most": settings.SOCKETS_AT_ONCE},
        )
        if not cursor.rowcount:
            raise TooMany(f"At most {settings.SOCKETS_AT_ONCE} answers can be followed at once.", BUSY_SECONDS)
    return made


def keep_sockets(sockets: Iterable[uuid.UUID]) -> None:
    """These are still open; those of processes that are gone are forgotten."""
    OpenSocket.objects.filter(pk__in=sockets).update(beat=Now())
    OpenSocket.objects.filter(beat__lt=Now() - 2 * UNHEARD).delete()


def close_sockets(sockets: Iterable[uuid.UUID]) -> None:
    OpenSocket.objects.filter(pk__in=sockets).delete()
