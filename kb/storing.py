"""Passages and their vectors, stored once per distinct text: what is there is neither written nor embedded again."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence

from django.db import connection
from pgvector import HalfVector

from kb import identifiers, languages
from kb.chunking import Piece
from kb.embedders import Running
from kb.embedding import passage_vectors
from kb.models import Embedding, Passage, TokenVectors

BATCH = 32  # passages embedded between two writes: a crash loses at most these

# The lexemes of a passage: its words by the language's configuration, and its exact names unstemmed (kb.identifiers).
INSERT = """
INSERT INTO kb_passage (content_hash, language, text, lead, wordpieces, tsv, length)
SELECT row.hash, %(language)s, row.text, row.lead, row.wordpieces, made.tsv,
       (SELECT coalesce(sum(coalesce(cardinality(positions), 1)), 0) FROM unnest(made.tsv))
FROM unnest(%(hashes)s::uuid[], %(texts)s::text[], %(words)s::text[], %(leads)s::int[], %(wordpieces)s::int[])
     AS row (hash, text, words, lead, wordpieces),
     LATERAL (SELECT to_tsvector(%(config)s::regconfig, row.text || ' ' || row.words)
              || array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(%(names)s::jsonb -> row.hash::text)))
              AS tsv) AS made
ON CONFLICT (content_hash) DO NOTHING
"""


def content_hash(piece: Piece, language: str) -> uuid.UUID:
    """The identity of a passage: its text, where its lead ends, and how its words and its exact names are read."""
    parts = (languages.configuration(language), str(identifiers.VERSION), piece.lead, piece.body)
    return uuid.UUID(bytes=hashlib.sha256("\0".join(parts).encode()).digest()[:16])


def store(pieces: Sequence[Piece], *, language: str, embedder: Running) -> tuple[list[int], set[int]]:
    """Passage ids in the order of the pieces, and those of them that had to be embedded."""
    hashes = [content_hash(piece, language) for piece in pieces]
    distinct = dict(zip(hashes, pieces, strict=True))
    known = set(Passage.objects.filter(content_hash__in=distinct).values_list("content_hash", flat=True))
    insert({key: piece for key, piece in distinct.items() if key not in known}, language, count=embedder.model.count)
    ids = dict(Passage.objects.filter(content_hash__in=distinct).values_list("content_hash", "pk"))
    embedded = embed({ids[key]: piece.lead + piece.body for key, piece in distinct.items()}, embedder)
    return [ids[key] for key in hashes], embedded


def insert(pieces: dict[uuid.UUID, Piece], language: str, *, count: Callable[[str], int]) -> None:
    """Write new passages in one statement; sorted by hash, so that two writers of the same texts cannot deadlock."""
    if not pieces:
        return
    hashes = sorted(pieces)
    texts = [pieces[key].lead + pieces[key].body for key in hashes]
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                "language": language,
                "config": languages.configuration(language),
                "hashes": hashes,
                "texts": texts,
                "words": [identifiers.words_inside(text) for text in texts],
                "leads": [len(pieces[key].lead) for key in hashes],
                "wordpieces": [count(text) for text in texts],
                "names": json.dumps(
                    {str(key): identifiers.lexemes(text) for key, text in zip(hashes, texts, strict=True)}
                ),
            },
        )


def embed(texts: dict[int, str], embedder: Running) -> set[int]:
    """Embed the passages that have no vector by this embedder yet; returns which these were."""
    there = set(Embedding.objects.filter(passage__in=texts, embedder=embedder.row).values_list("passage", flat=True))
    wanted = sorted(pk for pk in texts if pk not in there)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        made = passage_vectors([texts[pk] for pk in batch], embedder.model)
        TokenVectors.objects.bulk_create(
            [
                TokenVectors(passage_id=pk, embedder=embedder.row, bits=v.bits, sentences=v.sentences)
                for pk, v in zip(batch, made, strict=True)
            ],
            ignore_conflicts=True,
        )
        Embedding.objects.bulk_create(
            [
                Embedding(passage_id=pk, embedder=embedder.row, vector=HalfVector(v.vector))
                for pk, v in zip(batch, made, strict=True)
            ],
            ignore_conflicts=True,
        )
    return set(wanted)
