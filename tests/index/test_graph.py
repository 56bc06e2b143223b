"""The graph of vectors: built after many articles where there was none, and mended where whoever filled it is gone."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from kb import embedders, indexing, retrieval, tasks
from kb.permissions import ReaderOf
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def has_graph():
    return embedders.has_graph(embedders.live().row)


def articles(count):
    return [factories.article(f"Article {n}", f"The text of number {n}.") for n in range(count)]


def drop_graph():
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {embedders.index_name(embedders.live().row.pk)}")


def test_the_graph_is_built_after_many_articles_and_search_finds_them_meanwhile():
    [first, *_] = articles(indexing.MANY)
    seen = []

    def look():
        reader = ReaderOf([first.audience_id])
        seen.append((has_graph(), bool(retrieval.retrieve("Article number", user=reader))))

    assert indexing.drain(progress=look) == indexing.MANY
    assert seen == [(False, True)] * indexing.MANY
    assert has_graph()


def test_few_articles_enter_their_vectors_into_the_graph_at_once():
    articles(2)
    seen = []
    indexing.drain(progress=lambda: seen.append(has_graph()))
    assert seen == [True, True]


def test_the_graph_of_an_index_that_holds_vectors_is_left_alone():
    articles(1)
    indexing.drain()
    with embedders.graph_afterwards(embedders.live().row):
        assert has_graph()


def test_the_graph_is_built_when_the_work_is_broken_off():
    row = embedders.live().row
    with pytest.raises(KeyboardInterrupt):
        break_off(row)
    assert has_graph()


def break_off(row):
    with embedders.graph_afterwards(row):
        assert not has_graph()
        raise KeyboardInterrupt


def test_the_sweep_builds_the_graph_that_somebody_left_out_and_did_not_live_to_build():
    articles(1)
    indexing.drain()
    drop_graph()
    tasks.sweep()
    assert has_graph()
    assert not embedders.mend_graph()


def test_the_sweep_leaves_the_graph_to_whoever_is_about_to_build_it():
    articles(1)
    indexing.drain()

    def mend():
        try:
            return embedders.mend_graph()
        finally:
            connection.close()

    drop_graph()
    with embedders.filling() as is_alone, ThreadPoolExecutor(1) as other:
        assert is_alone
        assert other.submit(mend).result() is False
    assert not has_graph()
    assert embedders.mend_graph()
