"""An answer's row, read: who may open it and how much of it, its sources, and the conversation it stands in."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from kb.grounding import MARK, Source, Turn, plain, sentences_of
from kb.models import Answer, AnswerSource, Article
from kb.models.answers import standing
from kb.permissions import Reader

SHOWN = 20  # earlier questions that a page lists
TURNS = 3  # earlier questions that a follow-up brings along
LONGEST = 1000  # turns of a conversation that are looked at
CHAIN = """
WITH RECURSIVE chain (id, place) AS (
  SELECT %s::uuid, 1
  UNION ALL
  SELECT answer.previous_id, chain.place + 1 FROM chain JOIN kb_answer AS answer USING (id)
  WHERE answer.previous_id IS NOT NULL AND chain.place < %s
) CYCLE id SET is_again USING path
SELECT id FROM chain WHERE NOT is_again ORDER BY place
"""


@dataclass(frozen=True)
class Opened:
    """An answer somebody may open. `mine`: this reader asked it. `readable`: its text and sources may be shown."""

    answer: Answer
    mine: bool
    readable: bool


def open_answer(answer_id: uuid.UUID, *, user: Reader, session_key: str | None) -> Opened | None:
    """THE door to an answer, for pages and sockets alike; None: for this reader there is nothing at this address.

    Its text and sources are for whoever may read every source now, and those of the turns it was told of. While it is
    written and its sources are not known, only the asker may look; and the asker may always see that the question was
    asked. One statement, so that state and sources are of the same moment.
    """
    opened = _alone([answer_id], user=user, session_key=session_key).get(answer_id)
    if opened is None:
        return None
    readable, told = opened.readable, opened.answer.told
    if readable and told:
        readable = _knows(told, _before(opened.answer, user=user, session_key=session_key))
    return replace(opened, readable=readable) if opened.mine or readable else None


def _alone(answer_ids: Sequence[uuid.UUID], *, user: Reader, session_key: str | None) -> dict[uuid.UUID, Opened]:
    """The same for several, whatever they were told of."""
    shown = Answer.objects.visible_to(user).filter(pk=OuterRef("pk"))
    recorded = ArraySubquery(AnswerSource.objects.filter(answer=OuterRef("pk")).values("number"))
    rows = Answer.objects.select_related("asker").annotate(is_shown=Exists(shown), recorded=recorded)
    found = (_opened(row, user=user, session_key=session_key) for row in rows.filter(pk__in=answer_ids))
    return {opened.answer.pk: opened for opened in found}


def _opened(answer: Any, *, user: Reader, session_key: str | None) -> Opened:
    """`answer`: with `is_shown` and `recorded`."""
    mine = asked_by(answer, user=user, session_key=session_key)
    known = mine or answer.is_finished or bool(answer.recorded)
    return Opened(answer, mine, answer.is_shown and known and rests_on(answer.text, answer.recorded))


def _before(answer: Answer, *, user: Reader, session_key: str | None) -> list[Answer]:
    """The turns before it, the nearest first, up to one that this reader may not read: two statements."""
    if answer.previous_id is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(CHAIN, [answer.previous_id, LONGEST])
        chain = [pk for (pk,) in cursor.fetchall()]
    rows = _alone(chain, user=user, session_key=session_key)
    return [rows[pk].answer for pk in takewhile(lambda pk: pk in rows and rows[pk].readable, chain)]


def _knows(told: int, before: Sequence[Answer]) -> bool:
    """Whether these turns, the nearest first, are all that one was told of, and all that they were told of."""
    for turn in before:
        if not told:
            break
        if turn.state == Answer.State.ANSWERED:
            told = max(told - 1, turn.told)
    return not told


def _readable(before: Sequence[Answer]) -> list[Answer]:
    """Of these turns, the nearest first, those that may be shown with all they were told of; oldest first."""
    known = takewhile(lambda place: _knows(before[place].told, before[place + 1 :]), range(min(SHOWN, len(before))))
    return [before[place] for place in known][::-1]


def rests_on(text: str, numbers: Collection[int]) -> bool:
    """Whether every source is still there: with a deleted article its rows go, and then nobody can say who may read."""
    return not text or (bool(numbers) and cited_in(text) <= set(numbers))


def cited_in(text: str) -> set[int]:
    """The numbers of the sources that a text with marks ⟦n⟧ cites."""
    return {int(number) for number in MARK.findall(text)}


def session_hash(session_key: str | None) -> str:
    """How a session is remembered: its hash, so that the tables open nobody's session. Empty without a session."""
    return hashlib.sha256(session_key.encode()).hexdigest() if session_key else ""


def asked_by(answer: Answer, *, user: Reader, session_key: str | None) -> bool:
    """Whether this reader asked it: by account when one asked, otherwise by session."""
    if answer.asker_id is not None:
        return user.is_authenticated and answer.asker_id == user.pk
    return bool(session_key) and answer.session_hash == session_hash(session_key)


def sources_of(answer: Answer) -> tuple[Source, ...]:
    """The recorded sources, as they stood when the answer was written."""
    rows = answer.sources.select_related("passage", "version__article__collection")
    return tuple(_source(row) for row in rows)


def changed(answer: Answer) -> set[int]:
    """The numbers of the sources whose passage no longer stands in the published version of its article."""
    return set(answer.sources.exclude(standing()).values_list("number", flat=True))


def _source(row: AnswerSource) -> Source:
    version, article = row.version, row.version.article
    return Source(
        number=row.number,
        article_id=article.pk,
        slug=article.slug,
        title=version.title,
        collection=article.collection.name,
        heading_path=tuple(row.heading_path),
        anchor=row.anchor,
        version_id=version.pk,
        version_number=version.number,
        passage_id=row.passage_id,
        text=row.passage.body,
        sentences=sentences_of(row.passage.body, row.lines or (1,)),
        score=row.score,
        updated=version.created,
    )


def conversation(answer: Answer, *, user: Reader, session_key: str | None = None) -> list[Answer]:
    """The questions before this one, oldest first, as far as this reader could open their answers."""
    return _readable(_before(answer, user=user, session_key=session_key))


def history(answer: Answer, *, user: Reader) -> tuple[Turn, ...]:
    """The turns that a generator is told of: the last answered ones; none in a conversation that is far too long."""
    before = _before(answer, user=user, session_key=None)
    if len(before) >= LONGEST // 2:
        return ()
    told = [turn for turn in _readable(before) if turn.state == Answer.State.ANSWERED]
    return tuple(Turn(turn.question, plain(turn.text)) for turn in told[-TURNS:])


def nearest_to(answer: Answer, *, user: Reader) -> list[Article]:
    """The nearest articles of a refusal that this reader may see, best first."""
    found: QuerySet[Article] = Article.objects.visible_to(user).filter(pk__in=answer.nearest).with_pages()
    return sorted(found, key=lambda article: answer.nearest.index(article.pk))
