"""SQL expressions of retrieval for the ORM: cosine distance, tsquery match, BM25."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, F, FloatField, Func, TextField, Value
from django.db.models.sql.compiler import SQLCompiler
from pgvector import HalfVector
from pgvector.django import HalfVectorField

K1, B = 1.2, 0.75


class HalfVec(Func):
    """The cast that the partial HNSW index is built on; its text must be the same as the index's."""

    def __init__(self, expression: Any, dimensions: int) -> None:
        super().__init__(expression, output_field=HalfVectorField(dimensions=dimensions))
        self.template = f"(%(expressions)s)::halfvec({int(dimensions)})"


class Distance(Func):
    """Cosine distance, 0 to 2. The vector travels as text: a Value(HalfVector) cannot be hashed in a union."""

    arg_joiner = " <=> "
    template = "(%(expressions)s)"
    output_field = FloatField()

    @classmethod
    def to(cls, column: str, vector: np.ndarray) -> Distance:
        dimensions = len(vector)
        asked = Value(HalfVector(vector).to_text(), output_field=TextField())
        return cls(HalfVec(F(column), dimensions), HalfVec(asked, dimensions))


class TsQuery(Func):
    template = "(%(expressions)s)::tsquery"


class Match(Func):
    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()
    conditional = True

    @classmethod
    def of(cls, column: str, query: str) -> Match:
        return cls(F(column), TsQuery(Value(query)))


class Bm25(Func):
    """BM25 (Robertson et al., k1 1.2, b 0.75) of a tsvector, exact; the SQL text is the same for any number of words.

    The term frequency of one lexeme comes out of ts_rank without unnesting: ts_rank('{1,1,1,1}') is the sum of 1/j² for
    j ≤ tf, over π²/6, so tf = round(1 / (1.64493406685 (1 - rank)) - 0.5). An absent lexeme gives 0 by itself.
    """

    output_field = FloatField()
    arity = 4

    @classmethod
    def of(cls, path: str, lexemes: Sequence[str], idfs: Sequence[float], *, mean_length: float) -> Bm25:
        """`path`: where the passage is, e.g. "passage__" or "". `lexemes`: each as tsquery text."""
        made = cls(
            F(f"{path}tsv"),
            F(f"{path}length"),
            Value(list(lexemes), output_field=ArrayField(TextField())),
            Value(list(idfs), output_field=ArrayField(FloatField())),
        )
        made.extra["mean_length"] = float(mean_length)
        return made

    def as_sql(self, compiler: SQLCompiler, connection: Any, *args: Any, **extra_context: Any) -> Any:
        (tsv, p1), (length, p2), (queries, p3), (idfs, p4) = (
            compiler.compile(source) for source in self.get_source_expressions()
        )
        words = f"unnest({queries}::text[]::tsquery[], {idfs}::float8[]) AS word (query, idf)"
        doc = f"(SELECT {tsv} AS tsv, {K1 * (1 - B)} + {K1 * B} * {length} / %s::float8 AS k) AS doc"  # compiled
        frequency = "(round(1 / (1.64493406685 * (1 - ts_rank('{1,1,1,1}', doc.tsv, word.query))) - 0.5))"
        sum_of_words = f"coalesce(sum(word.idf * (1 - doc.k / ({frequency} + doc.k))), 0)"
        sql = f"(SELECT {sum_of_words} FROM {doc}, {words})"  # noqa: S608  # as above; every value is a parameter
        return sql, [*p1, *p2, self.extra["mean_length"], *p3, *p4]
