"""SQL of retrieval: cosine distance, for the ORM and as text, tsquery match, BM25."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.models import BooleanField, F, FloatField, Func, TextField, Value
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


def distance(column: str, dimensions: int) -> str:
    """SQL of the cosine distance, 0 to 2, of a vector column and one %s; as the partial HNSW index is built."""
    return f"(({column})::halfvec({int(dimensions)}) <=> %s::halfvec({int(dimensions)}))"


def bm25(words: Sequence[tuple[str, float]], mean_length: float) -> tuple[str, list[float | str]]:
    """SQL of BM25 (Robertson et al., k1 1.2, b 0.75) of the row `passage`, exact, and the values of its %s.

    `words`: lexemes as tsquery text with their idfs. The term frequency of one lexeme comes out of ts_rank without
    unnesting: ts_rank('{1,1,1,1}') is the sum of 1/j² for j ≤ tf, over π²/6, so tf = round(1 / (1.64493406685 (1 -
    rank)) - 0.5). An absent lexeme gives 0 by itself. All numbers are float8: an integer times a decimal without a type
    is numeric in PostgreSQL, and its way back to float8 took longer than all the rest.
    """
    if not words:
        return "0::float8", []
    k = f"({K1 * (1 - B)!r}::float8 + {K1 * B / mean_length!r}::float8 * passage.length)"
    rank = "ts_rank('{1,1,1,1}', passage.tsv, %s::tsquery)"
    word = f"%s::float8 * (1 - {k} / (round(1 / (1.64493406685 * (1 - {rank})) - 0.5) + {k}))"
    return " + ".join([word] * len(words)), [value for lexeme, idf in words for value in (idf, lexeme)]
