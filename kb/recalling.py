"""An answer's row, read: who may open it and how much of it, its sources, and the conversation it stands in."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet

from kb.grounding import MARK, Source, Turn, plain, sentences_of
from kb.models import Answer, AnswerSource, Article
from kb.models.answers import standing
from kb.permissions import Reader

TURNS = 3  # earlier questions that a follow-up brings along


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
    opened = _alone(answer_id, user=user, session_key=session_key)
    if opened is None:
        return None
    readable = opened.readable and _knows(
        opened.answer.told, _before(opened.answer, user=user, session_key=session_key)
    )
    return replace(opened, readable=readable) if opened.mine or readable else None


def _alone(answer_id: uuid.UUID, *, user: Reader, session_key: str | None) -> Opened | None:
    """The same, whatever it was told of."""
    shown = Answer.objects.visible_to(user).filter(pk=OuterRef("pk"))
    recorded = ArraySubquery(AnswerSource.objects.filter(answer=OuterRef("pk")).values("number"))
    row = Answer.objects.select_related("asker").annotate(is_shown=Exists(shown), recorded=recorded)
    answer = row.filter(pk=answer_id).first()
    if answer is None:
        return None
    mine = asked_by(answer, user=user, session_key=session_key)
    numbers: list[int] = answer.recorded  # type: ignore[attr-defined]  # annotated above
    known = mine or answer.is_finished or bool(numbers)
    readable: bool = answer.is_shown and known and rests_on(answer.text, numbers)  # type: ignore[attr-defined]  # annotated
    return Opened(answer, mine, readable) if mine or readable else None


def _before(answer: Answer, *, user: Reader, session_key: str | None) -> Iterator[Answer]:
    """The turns before it, the nearest first, up to one that this reader may not read."""
    seen = {answer.pk}
    while answer.previous_id is not None and answer.previous_id not in seen:
        seen.add(answer.previous_id)
        opened = _alone(answer.previous_id, user=user, session_key=session_key)
        if opened is None or not opened.readable:
            return
        answer = opened.answer
        yield answer


def _knows(told: int, before: Iterable[Answer]) -> bool:
    """Whether these turns, the nearest first, are all that one was told of, and all that they were told of."""
    turns = iter(before)
    while told:
        turn = next(turns, None)
        if turn is None:
            return False
        if turn.state == Answer.State.ANSWERED:
            told = max(told - 1, turn.told)
    return True


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


def conversation(answer: Answer, *, user: Reader, session_key: str | None = None, limit: int = 20) -> list[Answer]:
    """The questions before this one, oldest first, as far as this reader could open their answers."""
    before = list(islice(_before(answer, user=user, session_key=session_key), 2 * limit))
    known = takewhile(lambda place: _knows(before[place].told, before[place + 1 :]), range(min(limit, len(before))))
    return [before[place] for place in known][::-1]


def history(answer: Answer, *, user: Reader) -> tuple[Turn, ...]:
    """The turns that a generator is told of: the last answered ones."""
    told = [turn for turn in conversation(answer, user=user) if turn.state == Answer.State.ANSWERED]
    return tuple(Turn(turn.question, plain(turn.text)) for turn in told[-TURNS:])


def nearest_to(answer: Answer, *, user: Reader) -> list[Article]:
    """The nearest articles of a refusal that this reader may see, best first."""
    found: QuerySet[Article] = Article.objects.visible_to(user).filter(pk__in=answer.nearest).with_pages()
    return sorted(found, key=lambda article: answer.nearest.index(article.pk))
