"""A corpus into the throwaway database: COPY without the heavy indexes, these afterwards, then the frequencies."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from bench.corpus import DIMENSIONS, SEED, SHARES, Corpus, Layout
from bench.embedder import SyntheticEmbedder
from kb import embedders, frequencies, identifiers, indexing
from kb.embedding import get_embedder
from kb.models import Article, Audience, Collection, Embedder, Lexeme, Passage
from portal.models import User

DRAFTS = 20  # one article in so many has a newer draft, indexed and never to be found
WORDPIECES, SENTENCES = 60, 7  # of a passage that are no stop words: what the reranker reads of each candidate
TITLE_WORDPIECES = 8
GRAPH_MEMORY = 4096  # megabytes: a graph of a million that does not fit is built many times slower
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAGED = "CREATE TEMPORARY TABLE staged (id bigint, hash uuid, lead int, text text, words text, names text[])"
# The same lexemes as kb.storing writes.
PASSAGES = """
INSERT INTO kb_passage (id, content_hash, language, text, lead, wordpieces, tsv, length)
SELECT id, hash, 'en', text, lead, %s, tsv,
       (SELECT coalesce(sum(coalesce(cardinality(positions), 1)), 0) FROM unnest(tsv))
FROM (SELECT *, to_tsvector('kb_english', text || ' ' || words) || array_to_tsvector(names) AS tsv FROM staged) AS made
"""


def load(corpus: Corpus) -> dict[str, float]:
    """Everything but the audiences, see `arrange`. Returns the seconds that each step took."""
    taken: dict[str, float] = {}
    SyntheticEmbedder.knows(corpus.questions, corpus.question_vectors)
    model = get_embedder()  # the vectors count as its own, whichever settings name
    embedder = Embedder.objects.create(name=model.name, fingerprint=model.fingerprint, dimensions=DIMENSIONS, live=True)
    index = next(index for index in Passage._meta.indexes if index.name == "passage_tsv")
    with connection.schema_editor() as editor:
        editor.remove_index(Passage, index)
    with raw_connection() as raw:
        for step in (copy_articles, copy_passages, copy_chunks, copy_vectors):
            with measured(taken, step.__name__):
                step(raw, corpus, embedder.pk)
    with measured(taken, "text index"), connection.schema_editor() as editor:
        editor.add_index(Passage, index)
    settings.GRAPH_MEMORY = GRAPH_MEMORY
    with measured(taken, "vector index"):
        embedders.make_vector_index(embedder)
    with measured(taken, "frequencies"):
        frequencies.refresh(force=True)
    return taken


def arrange(corpus: Corpus, layout: Layout) -> list[User]:
    """Give every article its audience; the readers of SHARES, in this order, each in the groups of those before."""
    groups = [Group.objects.get_or_create(name=f"share {share}")[0] for share in SHARES]
    readers = []
    for level, share in enumerate(SHARES):
        audience, _ = Audience.objects.get_or_create(name=groups[level].name, kind=Audience.Kind.GROUPS)
        audience.groups.set([groups[level]])
        articles = (np.flatnonzero(corpus.levels[layout] == level) + 1).tolist()
        Article.objects.filter(pk__in=articles).update(audience=audience)
        reader, _ = User.objects.get_or_create(username=f"reader-{share}")
        reader.groups.set(groups[: level + 1])
        readers.append(reader)
    frequencies.refresh(force=True)
    # Every word is known to all: a question that is corrected (kb.spelling, bench.typos) is another one than its truth.
    Lexeme.objects.update(audiences=list(Audience.objects.values_list("pk", flat=True)))
    with raw_connection() as raw:
        raw.execute("VACUUM ANALYZE")
    return readers


@contextmanager
def raw_connection(**options: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection of psycopg's own to the database that Django's points to now."""
    given = connection.get_connection_params()
    place = {name: given[name] for name in ("dbname", "user", "password", "host", "port", "options") if name in given}
    with psycopg.connect(**place, autocommit=True, **options) as raw:
        register_vector(raw)
        yield raw


@contextmanager
def measured(taken: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    taken[name.replace("_", " ")] = round(time.perf_counter() - started, 2)


def copy(raw: psycopg.Connection[Any], table: str, columns: dict[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Binary COPY; `columns`: name → type."""
    with raw.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as writer:
        writer.set_types(list(columns.values()))
        for row in rows:
            writer.write_row(row)


def drafts(corpus: Corpus) -> list[int]:
    """The articles that have a newer draft: their second versions follow all first ones."""
    return list(range(0, corpus.articles, DRAFTS))


def copy_articles(raw: psycopg.Connection[Any], corpus: Corpus, embedder: int) -> None:
    """Articles and versions; article a is row a + 1, its published version has the same number."""
    audience = Audience.objects.create(name="Everyone", kind=Audience.Kind.EVERYONE)
    shelf = Collection.objects.create(name="Everything", slug="everything", audience=audience)
    number = {"id": "int8", "collection_id": "int8", "audience_id": "int8", "position": "int4"}
    text = {"slug": "varchar", "state": "varchar", "external_id": "varchar", "tags": "varchar[]"}
    articles: Iterator[tuple[Any, ...]] = (
        (a + 1, shelf.pk, audience.pk, 0, f"article-{a}", "published", "", [], NOW, NOW) for a in range(corpus.articles)
    )
    copy(raw, "kb_article", {**number, **text, "created": "timestamptz", "updated": "timestamptz"}, articles)
    columns = {"id": "int8", "article_id": "int8", "number": "int4"} | dict.fromkeys(
        ("title", "summary", "source", "language", "note"), "varchar"
    )
    first = [(a + 1, a + 1, 1, corpus.titles[a]) for a in range(corpus.articles)]
    second = [(corpus.articles + n, a + 1, 2, corpus.titles[a]) for n, a in enumerate(drafts(corpus), 1)]
    versions = ((*row, "", "", "en", "", b"\0" * 32, NOW) for row in (*first, *second))
    copy(raw, "kb_articleversion", {**columns, "content_hash": "bytea", "created": "timestamptz"}, versions)
    raw.execute("UPDATE kb_article SET published_version_id = id, wanted_version_id = id, latest_version_id = id")


def copy_passages(raw: psycopg.Connection[Any], corpus: Corpus, embedder: int) -> None:
    """Passage i + 1 is chunk i's; the titles follow, then what the drafts changed."""
    raw.execute(STAGED)
    columns = {"id": "int8", "hash": "uuid", "lead": "int4", "text": "text", "words": "text", "names": "text[]"}
    copy(raw, "staged", columns, (passage_row(*row) for row in enumerate(leads_and_texts(corpus), 1)))
    raw.execute(PASSAGES, [WORDPIECES])


def leads_and_texts(corpus: Corpus) -> Iterator[tuple[str, str]]:
    for text, article in zip(corpus.texts, corpus.owner, strict=True):
        yield f"{corpus.titles[article]}\n", text
    yield from (("", title) for title in corpus.titles)
    for article in drafts(corpus):
        yield f"{corpus.titles[article]}\n", corpus.texts[int(np.searchsorted(corpus.owner, article))] + " Edited."


def passage_row(pk: int, lead_and_body: tuple[str, str]) -> tuple[Any, ...]:
    lead, body = lead_and_body
    text = lead + body
    digest = hashlib.sha256(f"{pk} {text}".encode()).digest()
    return pk, uuid.UUID(bytes=digest[:16]), len(lead), text, *identifiers.words_and_lexemes(text)


def copy_chunks(raw: psycopg.Connection[Any], corpus: Corpus, embedder: int) -> None:
    """Chunk i is row i + 1. A draft has its article's chunks with another first passage."""
    columns = {"id": "int8", "version_id": "int8", "ordinal": "int4", "passage_id": "int8"}
    columns |= {"heading_path": "text[]", "anchor": "varchar", "lines": "int4[]"}
    copy(raw, "kb_chunk", columns, ((*row, [], "", [1]) for row in chunk_rows(corpus)))
    columns = {"version_id": "int8", "title_id": "int8", "embedder_id": "int8", "content_hash": "bytea"}
    columns |= {"recipe": "varchar", "chunks": "int4", "embedded": "int4", "requested": "timestamptz"}
    indexed = (
        (a + 1, corpus.chunks + a + 1, embedder, b"\0" * 32, indexing.recipe(), 1, 1, NOW)
        for a in range(corpus.articles)
    )
    copy(raw, "kb_indexedversion", columns, indexed)


def chunk_rows(corpus: Corpus) -> Iterator[tuple[int, int, int, int]]:
    firsts = np.searchsorted(corpus.owner, np.arange(corpus.articles + 1))
    for place, article in enumerate(corpus.owner.tolist()):
        yield place + 1, article + 1, place - int(firsts[article]), place + 1
    number = corpus.chunks
    for order, article in enumerate(drafts(corpus), 1):
        edited = corpus.chunks + corpus.articles + order
        for ordinal, place in enumerate(range(firsts[article], firsts[article + 1])):
            number += 1
            yield number, corpus.articles + order, ordinal, place + 1 if ordinal else edited


def copy_vectors(raw: psycopg.Connection[Any], corpus: Corpus, embedder: int) -> None:
    """A vector for every passage, and token bits and sentence vectors of the usual size."""
    edited = corpus.vectors[np.searchsorted(corpus.owner, drafts(corpus))]
    vectors = np.concatenate([corpus.vectors, corpus.title_vectors, edited])
    columns = {"passage_id": "int8", "embedder_id": "int8", "vector": "halfvec"}
    rows = ((pk, embedder, HalfVector(vector)) for pk, vector in enumerate(vectors, 1))
    copy(raw, "kb_embedding", columns, rows)
    rng = np.random.default_rng(SEED)
    titles = range(corpus.chunks + 1, corpus.chunks + corpus.articles + 1)
    columns = {"passage_id": "int8", "embedder_id": "int8", "bits": "bytea", "sentences": "bytea"}
    copy(
        raw, "kb_tokenvectors", columns, ((pk, embedder, *stored(rng, titles, pk)) for pk in range(1, len(vectors) + 1))
    )


def stored(rng: np.random.Generator, titles: range, pk: int) -> tuple[bytes, bytes]:
    wordpieces, sentences = (TITLE_WORDPIECES, 1) if pk in titles else (WORDPIECES, SENTENCES)
    return rng.bytes(wordpieces * DIMENSIONS // 8), rng.bytes(sentences * DIMENSIONS)
