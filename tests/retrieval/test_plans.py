"""The plans that speed rests on: HNSW where many rows are allowed, exact search where few are, GIN for rare words.

The corpus is thin (eight dimensions, three words a passage), but tall enough that the planner has to choose.
"""

import datetime

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kb import embedders, frequencies, legs, words
from kb.embedding import QuestionVectors
from kb.filters import EVERYWHERE, Within
from kb.models import Article, Chunk, Embedder
from kb.permissions import audience_ids

pytestmark = pytest.mark.django_db

DAY = datetime.date(2026, 1, 31)
ARTICLES, PER_ARTICLE, DIMENSIONS = 1000, 4, 8
FILL = (
    """
    INSERT INTO kb_article (id, collection_id, audience_id, slug, state, tags, external_id, position, created, updated)
    SELECT n, %(collection)s, CASE WHEN n %% 500 = 0 THEN %(everyone)s ELSE %(signed_in)s END, 'article-' || n,
           'published', '{}', '', 0, now(), now() FROM generate_series(1, %(articles)s) AS n
    """,
    """
    INSERT INTO kb_articleversion
           (id, article_id, number, title, summary, source, language, note, content_hash, created)
    SELECT n, n, 1, 'Article', '', '', 'en', '', '', now() FROM generate_series(1, %(articles)s) AS n
    """,
    "UPDATE kb_article SET published_version_id = id",
    """
    INSERT INTO kb_passage (id, content_hash, language, text, lead, wordpieces, tsv, length)
    SELECT n, gen_random_uuid(), 'en', 'text', 0, 3,
           to_tsvector('kb_simple', 'common word' || n / 10 || CASE WHEN n %% 1000 = 0 THEN ' rare' ELSE '' END), 3
    FROM generate_series(1, %(chunks)s) AS n
    """,
    """
    INSERT INTO kb_chunk (id, version_id, ordinal, passage_id, heading_path, anchor, lines)
    SELECT n, (n - 1) / %(size)s + 1, (n - 1) %% %(size)s, n, '{}', '', '{}' FROM generate_series(1, %(chunks)s) AS n
    """,
    """
    INSERT INTO kb_embedding (passage_id, embedder_id, vector)
    SELECT n, %(embedder)s, ARRAY(SELECT sin(n * (2 * axis + 1))::real FROM generate_series(1, %(dimensions)s) AS axis)
    FROM generate_series(1, %(chunks)s) AS n
    """,
    "SET CONSTRAINTS ALL IMMEDIATE",  # an index cannot be made while checks are pending
)
ASKED = QuestionVectors(
    vector=np.full(DIMENSIONS, DIMENSIONS**-0.5, np.float32),
    tokens=np.zeros((0, DIMENSIONS), np.float32),
    ids=np.zeros(0, np.int32),
    stop=np.zeros(0, bool),
    offsets=np.zeros((0, 2), np.int32),
)


@pytest.fixture
def embedder(everyone, signed_in, collection) -> Embedder:
    made = Embedder.objects.create(name="thin", fingerprint="0" * 64, dimensions=DIMENSIONS, live=True)
    values = {
        "collection": collection.pk,
        "everyone": everyone.pk,
        "signed_in": signed_in.pk,
        "articles": ARTICLES,
        "chunks": ARTICLES * PER_ARTICLE,
        "size": PER_ARTICLE,
        "embedder": made.pk,
        "dimensions": DIMENSIONS,
    }
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement, values)
    embedders.make_vector_index(made)
    frequencies.refresh(force=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made


def plan(embedder: Embedder, reader, *, exact: bool, within: Within = EVERYWHERE) -> str:
    seen, question = Chunk.objects.visible_to(reader).within(within), words.read("rare")
    sql, values = legs.statement(seen, ASKED, question, embedder=embedder, allowed=seen.count(), exact=exact)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql, values)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_many_allowed_rows_are_searched_through_the_hnsw_index(embedder, reader):
    assert f"kb_embedding_hnsw_{embedder.pk}" in plan(embedder, reader, exact=False)
    assert "hnsw" not in plan(embedder, reader, exact=True)


@pytest.mark.parametrize("within", [Within(collection="guides"), Within(language="en"), Within(since=DAY)], ids=str)
def test_a_filter_that_leaves_much_keeps_the_hnsw_index(embedder, reader, within):
    Article.objects.update(published_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE kb_article")
    assert f"kb_embedding_hnsw_{embedder.pk}" in plan(embedder, reader, exact=False, within=within)
    seen, allowed = Chunk.objects.visible_to(reader).within(within), settings.EXACT_BELOW + 1
    found = legs.candidates(seen, ASKED, words.read("rare"), embedder=embedder, allowed=allowed)
    assert sum(one.ranks["vector"] is not None for one in found) == settings.RETRIEVAL_CANDIDATES


def test_few_allowed_rows_are_searched_exactly_and_all_are_given(embedder):
    lines = plan(embedder, AnonymousUser(), exact=True)
    assert "hnsw" not in lines
    assert "kb_article_audience_id" in lines
    seen = Chunk.objects.visible_to(AnonymousUser())
    found = legs.candidates(seen, ASKED, words.read("common"), embedder=embedder, allowed=seen.count())
    assert len(found) == seen.count() == ARTICLES // 500 * PER_ARTICLE


def test_the_one_statement_keeps_the_index_of_each_leg(embedder, reader, settings):
    settings.EXACT_BELOW = 100
    settings.WORDS_BUDGET = 100
    seen, question = Chunk.objects.visible_to(reader), words.read("rare common")
    audience_ids(reader)  # looked up once a request
    with CaptureQueriesContext(connection) as queries:
        found = legs.candidates(seen, ASKED, question, embedder=embedder, allowed=101)
    assert len(queries) == 1
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + queries[0]["sql"])
        lines = "\n".join(line for (line,) in cursor.fetchall())
    assert f"kb_embedding_hnsw_{embedder.pk}" in lines
    assert "passage_tsv" in lines
    assert sum(one.ranks["vector"] is not None for one in found) == settings.RETRIEVAL_CANDIDATES
    assert sum(one.ranks["words"] is not None for one in found) == ARTICLES * PER_ARTICLE // 1000


@pytest.mark.parametrize(
    ("allowed", "chunks", "exact"),
    [
        (100, 100_000, True),
        (10_000, 100_000, True),
        (10_001, 100_000, False),
        (2_000, 2_000, True),
        (4_900, 10_000, True),
        (5_000, 10_000, False),
        (10_000, 10_000, False),
        (10_001, 1, False),
    ],
)
def test_exact_search_is_for_few_rows_and_for_small_corpora(allowed, chunks, exact):
    assert legs.is_exact_better(allowed, chunks) is exact
