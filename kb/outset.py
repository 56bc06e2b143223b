"""What a retrieval has to know before its legs, in one statement: the words asked for, how much this reader may see.

It decides how to search and never what may be found: both legs are bounded by the reader's own audiences.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection

from kb import words
from kb.legs import Chunks
from kb.models import Embedder
from kb.permissions import ReaderOf
from kb.words import Question

COLUMNS = [field.column for field in Embedder._meta.concrete_fields]
# The allowed chunks are counted no further than it matters. Rows of the question come last, see kb.words.QUESTION.
OUTSET = f"""
SELECT
  (SELECT count(*) FROM ({{seen}} LIMIT %s) AS seen),
  (SELECT EXISTS (SELECT FROM kb_audience WHERE id = ANY (%s) AND exact)),
  {", ".join(f"live.{column}" for column in COLUMNS)}, asked.*
FROM ({words.QUESTION}) AS asked LEFT JOIN kb_embedder AS live ON live.live
"""  # noqa: S608  # made of our own text alone


@dataclass(frozen=True)
class Outset:
    """The question's words; of how many chunks this reader may see, up to EXACT_BELOW + 1; `exact`: whether an admin
    wants them all compared; the live embedder's row, if there is one."""

    question: Question
    allowed: int
    exact: bool
    embedder: Embedder | None


def read(text: str, *, seen: Chunks, reader: ReaderOf) -> Outset:
    allowed, given = seen.statement
    with connection.cursor() as cursor:
        cursor.execute(
            OUTSET.replace("{seen}", allowed), [*given, settings.EXACT_BELOW + 1, reader.ids, *words.given(text)]
        )
        rows = cursor.fetchall()
    first, width = rows[0], 2 + len(COLUMNS)
    row = Embedder.from_db(DEFAULT_DB_ALIAS, names(), first[2:width]) if first[2] is not None else None
    return Outset(words.understood(text, [one[width:] for one in rows]), first[0], first[1], row)


def names() -> list[str]:
    return [field.attname for field in Embedder._meta.concrete_fields]
