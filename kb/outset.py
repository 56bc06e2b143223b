"""What a retrieval has to know before its legs, in one statement: the words asked for, how much this reader may see.

It decides how to search and never what may be found: both legs are bounded by the reader's own audiences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection

from kb import words
from kb.filters import Within
from kb.legs import Chunks
from kb.models import Embedder
from kb.permissions import ReaderOf
from kb.words import Question

COLUMNS = [field.column for field in Embedder._meta.concrete_fields]
# As counted with the lexemes. What a search is narrowed to is counted now, no further than it matters.
ALLOWED = """
(SELECT coalesce(sum(each.value::bigint), 0)::bigint FROM kb_corpusstatistics, jsonb_each_text(audiences) AS each
 WHERE each.key::bigint = ANY (%s))
"""
NARROWED = "(SELECT count(*) FROM ({seen} LIMIT %s) AS seen)"
# Rows of the question come last, see kb.words.QUESTION.
OUTSET = f"""
SELECT {ALLOWED}, {{narrowed}},
  (SELECT EXISTS (SELECT FROM kb_audience WHERE id = ANY (%s) AND exact)),
  {", ".join(f"live.{column}" for column in COLUMNS)}, asked.*
FROM ({words.QUESTION}) AS asked LEFT JOIN kb_embedder AS live ON live.live
"""  # noqa: S608  # made of our own text alone


@dataclass(frozen=True)
class Outset:
    """The question's words; about how many chunks this reader may see there; `exact`: whether an admin wants them all
    compared; the live embedder's row, if there is one."""

    question: Question
    allowed: int
    exact: bool
    embedder: Embedder | None


def read(text: str, *, seen: Chunks, reader: ReaderOf, within: Within) -> Outset:
    """`seen`: what this reader may see within that."""
    counted, given = narrowed(seen) if within else ("NULL", [])
    with connection.cursor() as cursor:
        cursor.execute(OUTSET.replace("{narrowed}", counted), [reader.ids, *given, reader.ids, *words.given(text)])
        rows = cursor.fetchall()
    first, width = rows[0], 3 + len(COLUMNS)
    row = Embedder.from_db(DEFAULT_DB_ALIAS, names(), first[3:width]) if first[3] is not None else None
    return Outset(words.understood(text, [one[width:] for one in rows]), allowed(*first[:2]), first[2], row)


def narrowed(seen: Chunks) -> tuple[str, list[Any]]:
    sql, values = seen.statement
    return NARROWED.replace("{seen}", sql), [*values, settings.EXACT_BELOW + 1]


def allowed(everywhere: int, there: int | None) -> int:
    """Of how many chunks: those counted `there`, unless counting ended early."""
    if there is None:
        return everywhere
    return there if there <= settings.EXACT_BELOW else max(everywhere, there)


def names() -> list[str]:
    return [field.attname for field in Embedder._meta.concrete_fields]
