"""Versions: listed, compared, read and restored."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from kb import publishing
from kb.models import Article
from kb.publishing import Content
from portal.models import User

ClientOf = Callable[[User], Client]


@pytest.fixture
def written(article: Article, author: User, editor: User) -> Article:
    """Version 1 is published; 2 says something else; 3 has the text of 1."""
    first = Content.of(article.latest_version)
    changed = Content(first.title, first.source.replace("Open the history", "Find the history"), first.summary)
    publishing.save(article, changed, by=author, based_on=1, note="Say find")
    publishing.save(article, first, by=editor, based_on=2, note="Back")
    return article


def test_the_history_lists_who_when_why_and_how_much(written: Article, author: User, client_of: ClientOf) -> None:
    page = client_of(author).get(reverse("editor_history", args=[written.pk])).content.decode()

    assert page.index("Version 3") < page.index("Version 2") < page.index("Version 1")
    assert "Version 1</strong></a>, published" in page
    assert "Say find" in page
    assert "1 word added, 1 removed" in page
    assert "saved, version 2" in page
    assert "created" in page


def test_the_two_newest_versions_are_chosen_for_comparing(written: Article, author: User, client_of: ClientOf) -> None:
    page = client_of(author).get(reverse("editor_history", args=[written.pk])).content.decode()

    assert 'name="old" value="2" checked' in page
    assert 'name="new" value="3" checked' in page


def test_an_article_with_one_version_has_a_history_too(article: Article, author: User, client_of: ClientOf) -> None:
    assert client_of(author).get(reverse("editor_history", args=[article.pk])).status_code == 200


def test_two_versions_are_compared_inline_and_as_readers_see_them(
    written: Article, author: User, client_of: ClientOf
) -> None:
    address = reverse("editor_compare", args=[written.pk])
    inline = client_of(author).get(address, {"old": 1, "new": 2, "view": "inline"}).content.decode()
    assert "1. <del>Open</del><ins>Find</ins> the history." in inline
    page = client_of(author).get(address, {"old": 1, "new": 2, "view": "page"}).content.decode()
    assert "<li><del>Open</del> the history.</li>" in page
    assert "<li><ins>Find</ins> the history.</li>" in page
    assert client_of(author).get(address, {"old": 1, "new": 2, "view": "x"}).status_code == 302


@pytest.mark.parametrize("pair", [{"old": "1", "new": "2"}, {"old": "2", "new": "1"}])
def test_changed_words_are_marked_with_the_older_version_first(
    pair: dict[str, str], written: Article, author: User, client_of: ClientOf
) -> None:
    response = client_of(author).get(reverse("editor_compare", args=[written.pk]), pair)

    page = response.content.decode()
    assert "Version 1 beside version 2" in page
    assert "<del>Open</del>" in page
    assert "<ins>Find</ins>" in page
    assert (response.context["changed"], response.context["added"], response.context["removed"]) == (1, 1, 1)


def test_a_version_beside_one_with_the_same_text(written: Article, author: User, client_of: ClientOf) -> None:
    page = client_of(author).get(reverse("editor_compare", args=[written.pk]), {"old": 1, "new": 3}).content.decode()

    assert "The texts are equal." in page


def test_a_title_that_changed_is_shown_as_well(article: Article, author: User, client_of: ClientOf) -> None:
    first = Content.of(article.latest_version)
    publishing.save(article, Content("Restore an old version", first.source, "Other."), by=author, based_on=1)

    page = client_of(author).get(reverse("editor_compare", args=[article.pk]), {"old": 1, "new": 2}).content.decode()

    assert "<del>older</del>" in page
    assert "<ins>old</ins>" in page
    assert "Summary" in page


@pytest.mark.parametrize("pair", [{}, {"old": "1"}, {"old": "x", "new": "y"}, {"old": "0", "new": "1"}])
def test_a_pair_that_is_none_leads_back_to_the_history(
    pair: dict[str, str], written: Article, author: User, client_of: ClientOf
) -> None:
    response = client_of(author).get(reverse("editor_compare", args=[written.pk]), pair)

    assert response["Location"] == reverse("editor_history", args=[written.pk])


@pytest.mark.parametrize("number", [9, 10**30])
def test_versions_that_do_not_exist_are_not_found(
    number: int, written: Article, author: User, client_of: ClientOf
) -> None:
    client = client_of(author)

    assert client.get(reverse("editor_compare", args=[written.pk]), {"old": 1, "new": number}).status_code == 404
    assert client.get(reverse("editor_version", args=[written.pk, number])).status_code == 404
    assert client.get(reverse("editor_restore", args=[written.pk, number])).status_code == 404


def test_a_version_is_shown_as_it_was(written: Article, author: User, client_of: ClientOf) -> None:
    page = client_of(author).get(reverse("editor_version", args=[written.pk, 2])).content.decode()

    assert "Find the history." in page
    assert "Restore this version" in page
    assert "“Say find”" in page
    assert 'id="b-5"' in page


def test_restoring_asks_and_then_makes_a_new_version(written: Article, author: User, client_of: ClientOf) -> None:
    address = reverse("editor_restore", args=[written.pk, 2])

    question = client_of(author).get(address)
    assert "This makes a version 4" in question.content.decode()
    assert written.versions.count() == 3

    answer = client_of(author).post(address, {"latest": "3"}, follow=True)
    written.refresh_from_db()
    assert "Version 4 has the text of version 2." in answer.content.decode()
    assert "Find the history" in written.latest_version.source
    assert written.latest_version.note == "Restored version 2"
    assert written.published_version.number == 1
    assert written.versions.count() == 4


@pytest.mark.parametrize("latest", ["2", "", "x"])
def test_restoring_asks_again_when_somebody_saved_meanwhile(
    latest: str, written: Article, author: User, client_of: ClientOf
) -> None:
    response = client_of(author).post(reverse("editor_restore", args=[written.pk, 2]), {"latest": latest})

    assert response.status_code == 409
    assert "Version 3 was saved meanwhile." in response.content.decode()
    assert written.versions.count() == 3
