"""The best we can write by hand without the ORM: psycopg, prepared, binary, and both legs in one statement.

It does the same job as the product's SQL: lexemes with their frequencies, then the same candidates with both scores. It
is told what the product must find out: which audiences are the reader's, and whether exact or iterative search is
better; per cell the faster of the two that reaches the recall counts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

import numpy as np
import psycopg
from django.conf import settings
from pgvector import HalfVector

from bench.corpus import DIMENSIONS
from kb import identifiers, words
from kb.expressions import K1, B
from kb.legs import words_budget
from kb.words import Question

Way = Literal["exact", "iterative"]
WAYS: tuple[Way, ...] = ("exact", "iterative")

# Plans of its own for each set of values: a generic one costs 62 ms instead of 1.5 where few rows are allowed.
OPTIONS = "SET plan_cache_mode = force_custom_plan"
LEXEMES = """
SELECT asked.lexeme, known.articles, known.chunks
FROM (
  SELECT made.lexeme FROM unnest(to_tsvector('kb_english', %(text)s)) AS made
  UNION SELECT name FROM unnest(%(names)s::text[]) AS name
) AS asked
LEFT JOIN LATERAL (SELECT articles, chunks FROM kb_lexeme WHERE lexeme = asked.lexeme OFFSET 0) AS known ON true
"""
SEEN = """FROM kb_chunk AS chunk JOIN kb_article AS article ON article.published_version_id = chunk.version_id
{joins} WHERE article.audience_id = ANY (%(audiences)s) AND article.state = 'published'"""
LEGS = f"""
(SELECT chunk.id, 'vector' AS leg, {{distance}} AS distance,
        (SELECT {{words}} FROM kb_passage AS passage WHERE passage.id = chunk.passage_id) AS words
 {SEEN.format(joins="JOIN kb_embedding AS near ON near.passage_id = chunk.passage_id")}
 AND near.embedder_id = {{embedder}}
 ORDER BY {{order}} LIMIT %(limit)s)
UNION ALL
(SELECT chunk.id, 'words', (SELECT {{distance}} FROM kb_embedding AS near
                            WHERE near.passage_id = chunk.passage_id AND near.embedder_id = {{embedder}}), {{words}}
 {SEEN.format(joins="JOIN kb_passage AS passage ON passage.id = chunk.passage_id")} AND ({{match}})
 ORDER BY 4 DESC LIMIT %(limit)s)
"""


@dataclass
class Answers:
    """What one way of searching found in one cell: milliseconds, and chunk ids of the vector leg, a question each."""

    milliseconds: list[float] = field(default_factory=list)
    near: list[list[int]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def take(self, turns: Sequence[Answers]) -> None:
        """One question, asked several times: what was found, and the median of what it took."""
        self.milliseconds.append(median(one.milliseconds[0] for one in turns))
        self.near.append(turns[-1].near[0])
        self.rows.append(turns[-1].rows[0])


class Reference:
    """One connection; statements are prepared on their first use, which is not timed."""

    def __init__(self, raw: psycopg.Connection[Any], *, embedder: int) -> None:
        self.raw, self.embedder = raw, int(embedder)
        raw.execute(OPTIONS)

    def ask(self, text: str, vector: np.ndarray, question: Question, **how: Any) -> list[tuple[Any, ...]]:
        """Lexemes and candidates; `how`: `way`, `audiences`, `share` of the rows that are allowed."""
        self.fetch(LEXEMES, {"text": text, "names": identifiers.lexemes(text)})
        queries = words.queries(question, share=how["share"], budget=words_budget(how["share"], question.chunks))
        statement = self.statement(question, len(queries), way=how["way"])
        values = {
            "audiences": how["audiences"],
            "vector": HalfVector(vector),
            "limit": settings.RETRIEVAL_CANDIDATES,
            "slope": K1 * B / question.mean_length,
            **{f"query{number}": query for number, query in enumerate(queries)},
            **{f"lexeme{number}": words.quoted(word.lexeme) for number, word in enumerate(question.words)},
            **{f"idf{number}": word.idf for number, word in enumerate(question.words)},
        }
        return self.fetch(statement, values)

    def timed(self, answers: Answers, *given: Any, **how: Any) -> None:
        started = time.perf_counter()
        rows = self.ask(*given, **how)
        answers.milliseconds.append((time.perf_counter() - started) * 1000)
        near = sorted((row for row in rows if row[1] == "vector"), key=lambda row: row[2])
        answers.near.append([row[0] for row in near])
        answers.rows.append(min(10, len({row[0] for row in rows})))

    def fetch(self, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self.raw.cursor(binary=True) as cursor:
            cursor.execute(statement, values, prepare=True)
            return cursor.fetchall()

    def statement(self, question: Question, queries: int, *, way: Way) -> str:
        distance = f"((near.vector)::halfvec({DIMENSIONS}) <=> %(vector)s::halfvec({DIMENSIONS}))"
        return LEGS.format(
            distance=distance,
            order=f"{distance} + 0" if way == "exact" else "3",
            words=" + ".join(frequency_of(number) for number in range(len(question.words))) or "0::float8",
            embedder=self.embedder,
            match=" OR ".join(f"passage.tsv @@ %(query{number})s::tsquery" for number in range(queries)) or "false",
        )


def frequency_of(number: int) -> str:
    """One word's part of BM25; the term frequency comes out of ts_rank, see kb.expressions.bm25."""
    k = f"({K1 * (1 - B)}::float8 + %(slope)s::float8 * passage.length)"
    rank = f"ts_rank('{{1,1,1,1}}', passage.tsv, %(lexeme{number})s::tsquery)"
    return f"%(idf{number})s::float8 * (1 - {k} / (round(1 / (1.64493406685 * (1 - {rank})) - 0.5) + {k}))"
