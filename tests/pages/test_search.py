"""The page of search results."""

import re

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
    assert "collection=elsewhere" in both
    one = client.get("/search/", {"q": "restore version", "collection": "elsewhere"}).content.decode()
    assert "/articles/restore-a-version-elsewhere/" in one
    assert "/articles/restore-an-older-version/" not in one


def page_of(client, **query) -> str:
    return client.get("/search/", query).content.decode()


def test_each_filter_that_is_on_can_be_taken_away(client, article):
    page = page_of(client, q="restore version", collection="guides", tag="versions", since="2020-01-31")
    assert "/articles/restore-an-older-version/" in page
    assert 'href="/search/?q=restore+version&amp;tag=versions&amp;since=2020-01-31">In Guides<' in page
    assert 'href="/search/?q=restore+version&amp;collection=guides&amp;since=2020-01-31">Tagged versions<' in page
    assert "Updated since 31 January 2020" in page


def test_what_is_chosen_stays_chosen_and_shows_how_many_articles_there_are(client, article, index):
    factories.article("Zurück", language="de", collection=factories.collection("Elsewhere"), tags=["versions", "b"])
    index()
    page = page_of(client, q="restore", tag="versions", language="en")
    assert '<option value="versions" selected>versions (2)</option>' in page
    assert '<option value="en" selected>English (1)</option>' in page
    assert '<option value="de">German (1)</option>' in page
    assert '<option value="guides">Guides (1)</option>' in page


def test_filters_without_a_word_list_what_they_leave(client, article):
    page = page_of(client, tag="versions")
    assert "/articles/restore-an-older-version/" in page
    assert 'href="/search/">Tagged versions<' in page


def test_a_tag_and_the_box_of_an_article_lead_here(client, article):
    page = client.get(article.get_absolute_url()).content.decode()
    assert 'href="/search/?tag=versions"' in page
    assert '<input type="hidden" name="article" value="restore-an-older-version">' in page
    inside = page_of(client, q="draft", article=article.slug)
    assert "In “Restore an older version”" in inside
    assert '<input type="hidden" name="article" value="restore-an-older-version">' in inside


def test_nothing_within_filters_offers_to_search_without_them(client, article, index):
    factories.article("Zurück", "Etwas anderes.", collection=factories.collection("Elsewhere"))
    index()
    page = page_of(client, q="xqzzy", collection="elsewhere")
    assert "No article within these filters fits “xqzzy”" in page
    assert 'href="/search/?q=xqzzy">Search without filters</a>' in page


def test_a_filter_nobody_understands_is_a_sentence_with_a_way_on(client, article):
    page = page_of(client, q="restore", since="soon", collection="guides")
    assert "“soon” is no day. Write it as year, month and day: 2026-03-31." in page
    assert 'href="/search/?q=restore&amp;collection=guides">Search without it</a>' in page
    assert "/articles/" not in page.partition('id="results"')[2].partition("<aside")[0]


def test_hidden_and_unknown_names_give_the_same_page(client, article, index, operators):
    hidden = factories.collection("Cellar", kind="groups", groups=("Operators",))
    factories.article("Vault", collection=hidden, tags=["vaults"], audience=operators, language="fi")
    index()
    for name, there, nowhere in (
        ("collection", "cellar", "cellax"),
        ("tag", "vaults", "vaultz"),
        ("language", "fi", "sv"),
        ("article", "vault", "vaulx"),
    ):
        one, other = (page_of(client, q="restore", **{name: value}) for value in (there, nowhere))
        one, other = (page.partition("<main")[2] for page in (one, other))  # before it stands a token of the form
        assert 'role="alert"' in one
        assert re.sub(rf"\b{there}\b", "?", one) == re.sub(rf"\b{nowhere}\b", "?", other)


def test_the_address_of_results_as_one_types_has_no_empty_filters(client, article):
    headers = {"HX-Request": "true", "HX-Target": "results"}
    response = client.get("/search/", {"q": "restore", "collection": "", "tag": "", "since": ""}, headers=headers)
    assert response["HX-Replace-Url"] == "/search/?q=restore"
    assert "HX-Replace-Url" not in client.get("/search/", {"q": "a"}, headers={**headers, "HX-Target": "found"})


def test_a_typo_is_forgiven_and_told(client, article):
    page = page_of(client, q="restoer a vresion")
    assert "Also searched for" in page
    assert "<strong>version</strong>" in page
    assert "/articles/restore-an-older-version/" in page
    assert "<mark>" in page


def test_a_result_in_another_language_says_so(client, index):
    factories.article("Zurück", "Eine Fassung.", language="de")
    index()
    page = page_of(client, q="Fassung")
    assert '<li lang="de">' in page
    assert '<span class="count" lang="en">German</span>' in page


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
    assert "What came holds a NUL character, so it is not text: type it anew." in response.content.decode()


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
