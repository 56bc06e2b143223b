"""The page Links: each list, who sees what in it, and mending a link; and what is said when an article is saved."""

import html
import re

import pytest
from django.urls import reverse

from kb import comparing, images, publishing
from kb.models import Article, Link
from kb.publishing import Content
from tests import factories
from tests.articles.test_links import SAME
from tests.text.test_imaging import encode

pytestmark = pytest.mark.django_db

PAGE = reverse("editor_links")


def text(response):
    found = re.search(r"<main.*?</main>", response.content.decode(), re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[0])).split())


@pytest.fixture
def broken(article, index):
    """A published article with one broken link, and the link."""
    made = factories.article("Roles", "Before that, [go back](/articles/restore-an-old-version/#s-steps) first.")
    index()
    made.refresh_from_db()
    return made


def link_of(article):
    return Link.objects.get(version=article.latest_version)


def test_a_broken_link_is_listed_with_what_is_wrong_and_a_way_to_mend_it(broken, author, client_of):
    response = client_of(author).get(PAGE)
    assert "Roles Guides, version 1, line 1 /articles/restore-an-old-version/#s-steps “go back”" in text(response)
    assert "No article that you may see has this address." in text(response)
    assert reverse("editor_link", args=[link_of(broken).pk]) in response.content.decode()


def test_mending_offers_the_likeliest_article_and_publishes_a_version(broken, publisher, client_of, index):
    client, address = client_of(publisher), reverse("editor_link", args=[link_of(broken).pk])
    assert 'value="/articles/restore-an-older-version/"' in client.get(address).content.decode()
    response = client.post(address, {"address": "/articles/restore-an-older-version/", "do": "publish"}, follow=True)
    assert "Version 2 of “Roles” leads to /articles/restore-an-older-version/." in response.content.decode()
    broken.refresh_from_db()
    index()
    assert broken.latest_version.source == "Before that, [go back](/articles/restore-an-older-version/) first."
    assert broken.wanted_version == broken.latest_version
    assert "Every link leads somewhere" in text(client.get(PAGE))


def test_an_author_mends_into_a_draft_and_the_list_says_that_it_is_to_be_published(broken, author, client_of):
    client, address = client_of(author), reverse("editor_link", args=[link_of(broken).pk])
    assert "Save and publish" not in client.get(address).content.decode()
    client.post(address, {"address": "/articles/restore-an-older-version/", "do": "save"})
    broken.refresh_from_db()
    assert (broken.latest_version.number, broken.wanted_version.number) == (2, 1)
    assert "mended in a version that is not published" in text(client.get(PAGE))


@pytest.mark.parametrize(
    ("address", "problem"), [("", "Say where the link is to lead."), ("a b", "An address has no spaces")]
)
def test_an_address_that_is_none_is_refused_and_nothing_is_saved(broken, author, client_of, address, problem):
    response = client_of(author).post(reverse("editor_link", args=[link_of(broken).pk]), {"address": address})
    assert (response.status_code, problem in response.content.decode()) == (422, True)
    assert broken.versions.count() == 1


def test_what_was_mended_meanwhile_is_said(broken, author, client_of):
    address = reverse("editor_link", args=[link_of(broken).pk])
    publishing.save(broken, Content("Roles", "No link."), by=author, based_on=1)
    response = client_of(author).post(address, {"address": "/articles/x/"})
    assert "Change it in the editor." in response.content.decode()


def test_outsiders_find_neither_the_link_nor_a_line_about_it(broken, outsider, client_of):
    client = client_of(outsider)
    assert client.get(reverse("editor_link", args=[link_of(broken).pk])).status_code == 404
    for what in ("broken", "orphans", "titles", "copies", "images"):
        shown = client.get(PAGE, {"what": what}).content.decode()
        assert "Roles" not in shown
        assert "Restore" not in shown


@pytest.mark.parametrize("name", ["editor_links", "editor_link"])
def test_nobody_gets_in_without_a_role(broken, client, reader, client_of, name):
    address = reverse(name, args=[link_of(broken).pk] if name == "editor_link" else [])
    assert client.get(address)["Location"].startswith(reverse("account_login"))
    assert client_of(reader).get(address).status_code == 403


def test_every_list_shows_what_it_is_for_and_can_be_narrowed(collection, editor, client_of, index):
    factories.article("First", SAME)
    factories.article("Second", SAME + " Done.")
    factories.article("first", "[x](/articles/first/)", collection=factories.collection("Vault"))
    images.store(encode(), "cat.png", by=editor)
    index()
    comparing.compare()
    client = client_of(editor)

    def shown(what, **narrowed):
        return text(client.get(PAGE, {"what": what, **narrowed}))

    assert "Second Guides nobody" in shown("orphans")
    assert "Second" not in shown("orphans", collection="vault")
    assert "first Guides, published first-2 Vault, published" in shown("titles")
    assert "First Open the history" in shown("copies")
    assert "2 passages compared, the last on" in shown("copies")
    assert "Nothing is said twice" in shown("copies", collection="vault")
    assert "cat-" in shown("images")
    assert shown("nonsense") == shown("broken")


def test_saving_names_links_that_lead_nowhere_and_saves_all_the_same(article, author, client_of, typed):
    source = "[a](/articles/gone/)\n\n[b](#s-none)"
    response = client_of(author).post(
        reverse("editor_edit", args=[article.pk]), typed(article, source=source), follow=True
    )
    shown = html.unescape(response.content.decode())
    assert "Line 1, the link “a” to /articles/gone/: No article that you may see has this address." in shown
    assert (
        "Line 3, the link “b” to #s-none: “Restore an older version” has no heading with the anchor #s-none." in shown
    )
    assert Article.objects.get(pk=article.pk).latest_version.number == 2


def test_saving_says_when_a_link_leads_to_a_narrower_audience(article, author, signed_in, client_of, typed, index):
    factories.article("Members", audience=signed_in)
    index()
    response = client_of(author).post(
        reverse("editor_edit", args=[article.pk]), typed(article, source="[m](/articles/members/)"), follow=True
    )
    assert "“Members” is for fewer people (signed-in) than this article (everyone)." in response.content.decode()
