"""What the reranker and the reader need of the candidates: text, place and late-interaction data, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from kb import words
from kb.embedding import QuestionVectors
from kb.expressions import distance
from kb.legs import Chunks
from kb.models import Embedder
from kb.words import Question

# By hand around the ORM's own SQL of what the reader may see, as in kb/legs.py: five outer joins, and 4 ms less.
DETAILS = """
WITH seen AS NOT MATERIALIZED ({seen})
SELECT
  chunk.id, chunk.heading_path, chunk.anchor, chunk.lines, passage.id, passage.text, passage.lead,
  version.id, version.number, version.title, version.language,
  article.id, article.slug, collection.name, coalesce(article.published_at, article.updated),
  tokens.bits, tokens.sentences, {title_distance}, length(title_tokens.bits), {exact}
FROM seen
JOIN kb_chunk AS chunk ON chunk.id = seen.id
JOIN kb_passage AS passage ON passage.id = chunk.passage_id
JOIN kb_articleversion AS version ON version.id = chunk.version_id
JOIN kb_article AS article ON article.published_version_id = version.id
JOIN kb_collection AS collection ON collection.id = article.collection_id
LEFT JOIN kb_tokenvectors AS tokens ON tokens.passage_id = passage.id AND tokens.embedder_id = {embedder}
LEFT JOIN kb_indexedversion AS made ON made.version_id = version.id
LEFT JOIN kb_embedding AS title ON title.passage_id = made.title_id AND title.embedder_id = {embedder}
LEFT JOIN kb_tokenvectors AS title_tokens
  ON title_tokens.passage_id = made.title_id AND title_tokens.embedder_id = {embedder}
WHERE seen.id = ANY (%s)
"""


class Detail(NamedTuple):
    """A candidate, in the order of the statement's columns.

    `bits`, `sentences`: kb.embedding.PassageVectors, None while they are not there. `title_distance`: cosine distance
    of question and title. `title_bytes`: of the title's token bits. `exact`: the share of the question,
    by idf, that is codes, flags and names which the passage holds as they are.
    """

    chunk_id: int
    heading_path: list[str]
    anchor: str
    lines: list[int]
    passage_id: int
    text: str
    lead: int
    version_id: int
    version_number: int
    title: str
    language: str
    article_id: int
    slug: str
    collection: str
    updated: datetime
    bits: bytes | None
    sentences: bytes | None
    title_distance: float | None
    title_bytes: int | None
    exact: float


def details(
    seen: Chunks, chunk_ids: Sequence[int], asked: QuestionVectors, lexical: Question, *, embedder: Embedder
) -> dict[int, Detail]:
    """The candidates by their chunk ids, under the same access rule; who was withdrawn this moment is missing."""
    if not chunk_ids:
        return {}
    sql, values = seen.statement
    statement = DETAILS.format(
        seen=sql,
        embedder=int(embedder.pk),
        title_distance=distance("title.vector", len(asked.vector)),
        exact=" + ".join(["(passage.tsv @@ %s::tsquery)::int * %s::float8"] * len(lexical.names)) or "0",
    )
    with connection.cursor() as cursor:
        shares = [value for lexeme, share in lexical.names for value in (words.quoted(lexeme), share)]
        cursor.execute(statement, [*values, asked.literal, *shares, list(chunk_ids)])
        return {row[0]: Detail(*row) for row in cursor.fetchall()}
