"""The home page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kb.models import ReadCount
from tests import factories

pytestmark = pytest.mark.django_db


def test_home_shows_one_search_box_with_search_and_ask(client, db):
    page = client.get("/").content.decode()
    assert page.count('type="search"') == 1
    assert 'action="/search/"' in page
    assert 'formaction="/ask/"' in page


def test_collections_are_counted_by_what_this_reader_may_see(client, index, reader, signed_in):
    factories.article("Open")
    factories.article("Closed", audience=signed_in)
    index()
    assert "1 article<" in client.get("/").content.decode()
    client.force_login(reader)
    assert "2 articles<" in client.get("/").content.decode()


def test_a_collection_with_nothing_for_this_reader_is_not_there(client, index, signed_in):
    factories.article("Closed", collection=factories.collection("Secret plans", kind="signed-in"), audience=signed_in)
    index()
    assert "Secret plans" not in client.get("/").content.decode()


def test_most_read_counts_the_last_thirty_days_and_only_visible_articles(client, index, signed_in):
    old, new, hidden = (
        factories.article("Read long ago"),
        factories.article("Read yesterday"),
        factories.article("Read by few", audience=signed_in),
    )
    index()
    today = timezone.localdate()
    for article, days in ((old, 40), (new, 1), (hidden, 1)):
        ReadCount.objects.count_read(article, today - timedelta(days=days))
    titles = [article.published_version.title for article in client.get("/").context["most_read"]]
    assert titles == ["Read yesterday"]


def test_the_example_is_a_published_title_that_is_a_question(client, index):
    factories.article("Settings")
    factories.article("How do I undo a restore?")
    factories.article("What is secret?", published=False)
    index()
    page = client.get("/").content.decode()
    assert "/ask/?q=How%20do%20I%20undo%20a%20restore%3F" in page
    assert "secret" not in page


def test_an_empty_help_center_says_so(client, db):
    assert "No articles yet" in client.get("/").content.decode()


def test_readers_who_edit_get_a_link_to_edit_and_others_do_not(client, editor, reader):
    client.force_login(reader)
    assert 'href="/editor/"' not in client.get("/").content.decode()
    client.force_login(editor)
    assert 'href="/editor/"' in client.get("/").content.decode()


def test_home_takes_few_queries(client, article, django_assert_max_num_queries):
    client.get("/")
    with django_assert_max_num_queries(8):
        client.get("/")


def test_home_may_not_be_posted_to(client, db):
    assert client.post("/").status_code == 405
