"""An answer's row, written: asked, claimed by one process, saved while it streams, finished.

Whoever holds the lease (an answer and a token) writes; a row that was taken away or finished takes nothing any more.
All times are by the database's clock. Source of the pattern: leases with fencing tokens, as in kb.indexing.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now

from kb import limits
from kb.grounding import Source
from kb.models import Answer, AnswerSource, Article, Chunk
from kb.permissions import Reader
from kb.recalling import session_hash

State = Answer.State
WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Lease:
    """The right to write one answer; the token fences off whoever had it before."""

    answer_id: uuid.UUID
    token: uuid.UUID


class Fenced(Exception):
    """The row is not ours any more: it was reported as interrupted, or deleted. Nothing was written."""


def ask(
    question: str,
    *,
    user: Reader,
    session_key: str | None,
    previous: Answer | None = None,
    visitor: str = "",
    anew: bool = False,
) -> Answer:
    """A new row that waits for somebody to follow it. Raises ValidationError with a sentence for the reader.

    `visitor`: the hashed address (limits.hashed) that is held to the limits; without one nobody is. Raises TooMany.
    `anew`: a generator writes it, even if the same was answered before and is kept.
    """
    question = " ".join(question.split())
    if not question:
        raise ValidationError("Write a question first.")
    if "\0" in question:
        raise ValidationError("The question holds a NUL character, so it is not text: type it anew.")
    if not WORD.search(question):
        raise ValidationError("The question holds no word: write what it is about.")
    if len(question) > settings.QUESTION_LIMIT:
        raise ValidationError(
            f"The question has {len(question):,} characters; at most {settings.QUESTION_LIMIT:,} are possible."
        )
    asker = user.pk if user.is_authenticated else None
    with transaction.atomic():
        if visitor:
            limits.admit(user, visitor)
        return Answer.objects.create(
            question=question,
            asker_id=asker,
            session_hash=session_hash(session_key),
            previous=previous,
            visitor=visitor,
            anew=anew,
        )


def claim(answer_id: uuid.UUID) -> Lease | None:
    """The lease of an answer that waits; None when another process has it, or it is finished."""
    lease = Lease(answer_id, uuid.uuid4())
    waiting = Answer.objects.filter(pk=answer_id, state=State.WAITING)
    return lease if waiting.update(state=State.RUNNING, runner=lease.token, beat=Now()) else None


@transaction.atomic
def record_sources(lease: Lease, sources: Sequence[Source], *, searched: str = "", told: int = 0) -> None:
    """Keep what the answer will rest on. Until this is done nobody but the asker may see anything of it."""
    if not _held(lease).update(searched=searched, told=told):
        raise Fenced
    where = _lines(sources)
    cited = Article.objects.filter(pk__in=[source.article_id for source in sources])
    audiences = dict(cited.values_list("pk", "audience_id"))
    AnswerSource.objects.bulk_create(
        AnswerSource(
            answer_id=lease.answer_id,
            number=source.number,
            version_id=source.version_id,
            passage_id=source.passage_id,
            audience_id=audiences.get(source.article_id),
            heading_path=list(source.heading_path),
            anchor=source.anchor,
            lines=where.get(
                (source.version_id, source.passage_id), [source.sentences[0].line if source.sentences else 1]
            ),
            score=source.score,
        )
        for source in sources
    )


class Tail(NamedTuple):
    """The end of a text that grows: it begins after `at` characters, whatever stands there by now."""

    at: int
    text: str


@dataclass(frozen=True)
class Wish:
    """What others want of a running answer: that it stops, and whether another process has followed it lately."""

    stop: bool
    followed: bool


def save(progress: Mapping[Lease, Tail]) -> dict[Lease, Wish]:
    """Write what was added to many running answers, and their heartbeats, in one statement.

    Done twice it is as good as once. Returns the leases still held, each with what was wished for meanwhile; one that
    is missing has been lost.
    """
    if not progress:
        return {}
    leases = list(progress)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE kb_answer AS answer SET beat = statement_timestamp(),
              text = CASE new.text WHEN '' THEN answer.text ELSE left(answer.text, new.start) || new.text END
            FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[]) AS new(id, runner, start, text)
            WHERE answer.id = new.id AND answer.runner = new.runner AND answer.state = 'running'
            RETURNING answer.id, answer.runner, answer.stop_requested,
              answer.followed > now() - make_interval(secs => %s)
            """,
            [
                [one.answer_id for one in leases],
                [one.token for one in leases],
                [progress[one].at for one in leases],
                [progress[one].text for one in leases],
                settings.RUN_ABANDONED_SECONDS,
            ],
        )
        return {Lease(row[0], row[1]): Wish(row[2], bool(row[3])) for row in cursor.fetchall()}


def finish(lease: Lease, state: str, *, text: str, fields: Mapping[str, Any] | None = None) -> bool:
    """The last word about an answer: its state, its whole text, and what else is known. False when it was lost."""
    return bool(_held(lease).update(state=state, text=text, finished=Now(), beat=Now(), **(fields or {})))


def request_stop(answer_id: uuid.UUID) -> None:
    """Ask whoever writes it to stop; an answer that nobody has begun is stopped at once."""
    waiting = Answer.objects.filter(pk=answer_id, state=State.WAITING)
    if not waiting.update(state=State.STOPPED, stop_requested=True, finished=Now()):
        Answer.objects.filter(pk=answer_id, state=State.RUNNING).update(stop_requested=True)


def note_follower(answer_id: uuid.UUID) -> None:
    """Tell whoever writes it that it is followed from another process; a few times a minute are enough."""
    lately = timedelta(seconds=settings.RUN_ABANDONED_SECONDS / 4)
    running = Answer.objects.filter(pk=answer_id, state=State.RUNNING)
    running.exclude(followed__gt=Now() - lately).update(followed=Now())


def mark_interrupted(answer_id: uuid.UUID) -> bool:
    """Report a run whose row has not moved for settings.RUN_STALE_SECONDS; what was written is kept."""
    longest = timedelta(seconds=settings.RUN_STALE_SECONDS)
    stale = Answer.objects.filter(pk=answer_id, state=State.RUNNING, beat__lt=Now() - longest)
    return bool(stale.update(state=State.INTERRUPTED, finished=Now()))


def _held(lease: Lease) -> Any:
    return Answer.objects.filter(pk=lease.answer_id, runner=lease.token, state=State.RUNNING)


def _lines(sources: Collection[Source]) -> dict[tuple[int, int], list[int]]:
    """The source line of each line of the passages, as their chunks have them now."""
    chunks = Chunk.objects.filter(version__in=[source.version_id for source in sources])
    chunks = chunks.filter(passage__in=[source.passage_id for source in sources])
    rows = chunks.order_by("-ordinal").values_list("version_id", "passage_id", "lines")
    return {(version, passage): list(lines) for version, passage, lines in rows}
