"""All articles, and one collection."""

import pytest

from portal.public import views
from tests import factories

pytestmark = pytest.mark.django_db


def test_all_collections_are_listed_with_their_first_articles(client, article):
    page = client.get("/collections/").content.decode()
    assert "Guides" in page
    assert "Restore an older version" in page


def test_a_long_collection_is_named_with_the_number_of_its_articles(client, index):
    for number in range(7):
        factories.article(f"Part {number}")
    index()
    page = client.get("/collections/").content.decode()
    assert "All 7 articles" in page
    assert "Part 6" not in page


def test_a_collection_lists_title_summary_and_minutes(client, article):
    page = client.get("/collections/guides/").content.decode()
    assert "Restore an older version" in page
    assert "Bring back what an article said before." in page
    assert "1 min" in page


def test_a_collection_shows_only_what_this_reader_may_see(client, index, reader, signed_in):
    factories.article("Open")
    factories.article("Closed", audience=signed_in)
    index()
    assert "Closed" not in client.get("/collections/guides/").content.decode()
    client.force_login(reader)
    assert "Closed" in client.get("/collections/guides/").content.decode()


def test_a_collection_with_nothing_for_this_reader_is_not_found(client, index, signed_in):
    factories.article("Closed", audience=signed_in)
    index()
    assert client.get("/collections/guides/").status_code == 404


def test_a_long_collection_has_pages(client, index, monkeypatch):
    monkeypatch.setattr(views, "A_PAGE", 2)
    for number in range(3):
        factories.article(f"Part {number}")
    index()
    first = client.get("/collections/guides/").content.decode()
    assert "1 to 2 of 3" in first
    assert "Part 2" not in first
    assert "Part 2" in client.get("/collections/guides/?page=2").content.decode()


def test_a_nonsense_page_number_is_the_first_page(client, article):
    assert client.get("/collections/guides/?page=x").status_code == 200


def test_the_queries_of_a_collection_do_not_grow_with_its_articles(client, index, django_assert_max_num_queries):
    for number in range(9):
        factories.article(f"Part {number}")
    index()
    with django_assert_max_num_queries(8):
        client.get("/collections/guides/")
