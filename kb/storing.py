"""Passages and their vectors, stored once per distinct text: what is there is neither written nor embedded again.

One statement each for looking, for the passages and for the vectors, with binary values: as text, vectors and bits are
two and three times as long, and the ORM's rows cost more time than PostgreSQL has with them.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from django.db import connection
from psycopg import Cursor
from psycopg.adapt import Dumper
from psycopg.pq import Format

from kb import identifiers, languages
from kb.chunking import Piece
from kb.embedders import Running
from kb.embedding import PassageVectors, passage_vectors
from kb.models import Embedding

BATCH = 32  # passages embedded between two writes: a crash loses at most these

KNOWN = "SELECT content_hash, id FROM kb_passage WHERE content_hash = ANY(%(hashes)b::uuid[])"

# The lexemes of a passage: its words by the language's configuration, and its exact names unstemmed (kb.identifiers).
# Without OFFSET 0 the planner puts the expression of `made` into both of its places, and it is computed twice.
INSERT = """
INSERT INTO kb_passage (content_hash, language, text, lead, wordpieces, tsv, length)
SELECT row.hash, %(language)s, row.text, row.lead, row.wordpieces, made.tsv,
       (SELECT coalesce(sum(coalesce(cardinality(positions), 1)), 0) FROM unnest(made.tsv))
FROM unnest(%(hashes)b::uuid[], %(texts)b::text[], %(words)b::text[], %(names)b::text[],
            %(leads)b::int[], %(wordpieces)b::int[]) AS row (hash, text, words, names, lead, wordpieces),
     LATERAL (SELECT to_tsvector(%(config)s::regconfig, row.text || ' ' || row.words)
              || array_to_tsvector(string_to_array(row.names, ' ')) AS tsv OFFSET 0) AS made
ON CONFLICT (content_hash) DO NOTHING
RETURNING content_hash, id
"""

# Both kinds at once. All vectors are one row of numbers: an array of the type `halfvec`, whose number is another in
# every database, would need that number in its binary form.
INSERT_VECTORS = """
WITH given AS (
  SELECT passage, bits, sentences, (%(numbers)b::real[])[place * %(size)s - %(size)s + 1 : place * %(size)s] AS numbers
  FROM unnest(%(passages)b::bigint[], %(bits)b::bytea[], %(sentences)b::bytea[]) WITH ORDINALITY
       AS row (passage, bits, sentences, place)
), tokens AS (
  INSERT INTO kb_tokenvectors (passage_id, embedder_id, bits, sentences)
  SELECT passage, %(embedder)s, bits, sentences FROM given
  ON CONFLICT DO NOTHING
)
INSERT INTO kb_embedding (passage_id, embedder_id, vector)
SELECT passage, %(embedder)s, numbers::halfvec FROM given
ON CONFLICT DO NOTHING
"""


class RealArray(Dumper):
    """A numpy array as PostgreSQL's flat real[]: header, then length and value of every element."""

    format = Format.BINARY
    oid = 1021  # of real[], in every PostgreSQL
    element = 700

    def dump(self, obj: Any) -> bytes:
        body = np.empty(obj.size, [("length", ">i4"), ("value", ">f4")])
        body["length"], body["value"] = 4, obj.ravel()
        return struct.pack(">5i", 1, 0, self.element, obj.size, 1) + body.tobytes()


def execute(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """In the transaction of Django's connection, whose own cursors know no binary values; what it returns, if any."""
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.adapters.register_dumper(np.ndarray, RealArray)
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def content_hash(piece: Piece, language: str) -> uuid.UUID:
    """The identity of a passage: its text, where its lead ends, and how its words and its exact names are read."""
    parts = (languages.configuration(language), str(identifiers.VERSION), piece.lead, piece.body)
    return uuid.UUID(bytes=hashlib.sha256("\0".join(parts).encode()).digest()[:16])


def store(pieces: Sequence[Piece], *, language: str, embedder: Running) -> tuple[list[int], set[int]]:
    """Passage ids in the order of the pieces, and those of them that had to be embedded."""
    hashes = [content_hash(piece, language) for piece in pieces]
    distinct = dict(zip(hashes, pieces, strict=True))
    ids = known(distinct)
    new = {key: piece for key, piece in distinct.items() if key not in ids}
    ids |= insert(new, language, count=embedder.model.count)
    embedded = embed({ids[key]: piece.lead + piece.body for key, piece in distinct.items()}, embedder)
    return [ids[key] for key in hashes], embedded


def known(hashes: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The passages that are there: hash → id."""
    return dict(execute(KNOWN, {"hashes": list(hashes)})) if hashes else {}


def insert(pieces: dict[uuid.UUID, Piece], language: str, *, count: Callable[[str], int]) -> dict[uuid.UUID, int]:
    """Write new passages in one statement: hash → id; sorted, so that two writers of the same texts cannot deadlock."""
    if not pieces:
        return {}
    hashes = sorted(pieces)
    texts = [pieces[key].lead + pieces[key].body for key in hashes]
    words, names = zip(*map(identifiers.words_and_lexemes, texts), strict=True)
    values = {
        "language": language,
        "config": languages.configuration(language),
        "hashes": hashes,
        "texts": texts,
        "words": list(words),
        "names": [" ".join(one) for one in names],  # which hold no spaces
        "leads": [len(pieces[key].lead) for key in hashes],
        "wordpieces": [count(text) for text in texts],
    }
    made = dict(execute(INSERT, values))
    return made | known([key for key in hashes if key not in made])  # another writer was faster with these


def embed(texts: dict[int, str], embedder: Running) -> set[int]:
    """Embed the passages that have no vector by this embedder yet; returns which these were."""
    there = set(Embedding.objects.filter(passage__in=texts, embedder=embedder.row).values_list("passage", flat=True))
    wanted = sorted(pk for pk in texts if pk not in there)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        insert_vectors(batch, passage_vectors([texts[pk] for pk in batch], embedder.model), embedder)
    return set(wanted)


def insert_vectors(passages: Sequence[int], made: Sequence[PassageVectors], embedder: Running) -> None:
    """`passages`: sorted ids, so that two writers cannot deadlock. Vectors are rounded here as they are stored."""
    values = {
        "passages": list(passages),
        "embedder": embedder.row.pk,
        "size": embedder.model.dimensions,
        "numbers": np.stack([one.vector for one in made]).astype(np.float16),
        "bits": [one.bits for one in made],
        "sentences": [one.sentences for one in made],
    }
    execute(INSERT_VECTORS, values)
