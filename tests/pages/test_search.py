"""The page of search results."""

import pytest

from kb import publishing
from tests import factories

pytestmark = pytest.mark.django_db


def test_search_finds_an_article_by_its_words(client, article):
    page = client.get("/search/", {"q": "restore a version"}).content.decode()
    assert 'href="/articles/restore-an-older-version/"' in page
    assert "<mark>" in page
    assert "1 article, in" in page


def test_a_result_leads_to_the_line_of_its_passage(client, article):
    page = client.get("/search/", {"q": "draft until you publish it"}).content.decode()
    assert 'href="/articles/restore-an-older-version/#b-' in page


def test_htmx_gets_the_results_alone(client, article):
    page = client.get("/search/", {"q": "restore"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert 'id="results"' in page
    assert 'hx-swap-oob="innerHTML"' in page


def test_an_unfinished_word_of_a_title_is_enough(client, article):
    assert "/articles/restore-an-older-version/" in client.get("/search/", {"q": "rest"}).content.decode()


def test_an_unfinished_word_of_the_text_is_enough(client, article, index):
    factories.article("Other things", "The thermocouple measures heat.")
    index()
    assert "/articles/other-things/" in client.get("/search/", {"q": "thermoco"}).content.decode()


def test_an_exact_name_is_labelled(client, index):
    factories.article("Limits", "Set `ASK_LIMIT` to change it.")
    index()
    page = client.get("/search/", {"q": "ASK_LIMIT"}).content.decode()
    assert "exact match" in page
    assert "the exact name first" in page


def test_results_can_be_narrowed_to_a_collection(client, article, index):
    factories.article("Restore a version elsewhere", collection=factories.collection("Elsewhere"))
    index()
    both = client.get("/search/", {"q": "restore version"}).content.decode()
    assert "within=Elsewhere" in both
    one = client.get("/search/", {"q": "restore version", "within": "Elsewhere"}).content.decode()
    assert "/articles/restore-a-version-elsewhere/" in one
    assert "/articles/restore-an-older-version/" not in one


def test_nothing_found_is_said_with_ways_on(client, article):
    page = client.get("/search/", {"q": "xqzzy"}).content.decode()
    assert "No article fits “xqzzy”" in page
    assert "/ask/?q=xqzzy" in page


def test_an_empty_search_explains_itself(client, db):
    for url in ("/search/", "/search/?q=", "/search/?q=%20%20"):
        page = client.get(url).content.decode()
        assert "Results appear as you type" in page
        assert "No article" not in page


def test_too_long_a_question_is_refused_with_the_numbers(client, db, settings):
    settings.QUESTION_LIMIT = 10
    page = client.get("/search/", {"q": "x" * 11}).content.decode()
    assert "11 characters, where 10 are possible" in page


def test_a_nul_is_no_word(client, db):
    response = client.get("/search/?q=a%00b")
    assert response.status_code == 200
    assert "Null characters are not allowed." in response.content.decode()


def test_what_was_typed_comes_back_as_text(client, db):
    page = client.get("/search/", {"q": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page


def test_search_never_shows_what_a_reader_may_not_see(client, article, reader, signed_in):
    publishing.arrange(article, by=None, audience=signed_in)
    for words in ("restore", "rest", "restored version is a draft"):
        assert "/articles/restore" not in client.get("/search/", {"q": words}).content.decode()
    client.force_login(reader)
    assert "/articles/restore" in client.get("/search/", {"q": "restore"}).content.decode()


def test_search_wants_a_get(client, db):
    assert client.post("/search/", {"q": "restore"}).status_code == 405
