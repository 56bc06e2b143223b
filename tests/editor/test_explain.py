"""The page that explains a search, for people with a role."""

import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db
ADDRESS = reverse("editor_explain")


@pytest.fixture
def secret(index):
    made = factories.article(
        "Restore the vault", "OBSIDIAN restores.", audience=factories.audience("groups", "Operators")
    )
    index()
    return made


def test_the_page_begins_with_an_empty_form(editor, client_of):
    page = client_of(editor).get(ADDRESS)
    assert page.status_code == 200
    assert b"candidates" not in page.content


def test_it_shows_the_stages_of_a_question(article, editor, client_of):
    page = client_of(editor).get(ADDRESS, {"q": "restore a version", "article": article.slug}).content.decode()
    assert "Restore an older version &gt; Steps" in page
    assert "“Restore an older version” came up at place 1." in page


def test_an_editor_borrows_no_eyes_but_those_of_their_own_audiences(article, secret, publisher, admin, client_of):
    asked = {"q": "restore the vault", "audience": secret.audience_id}
    page = client_of(publisher).get(ADDRESS, asked).content.decode()
    assert "OBSIDIAN" not in page
    assert "Restore the vault" not in page
    assert "Select a valid choice" in page
    assert "Restore the vault" in client_of(admin).get(ADDRESS, asked).content.decode()


def test_an_article_of_another_collection_is_unknown(article, outsider, client_of):
    page = client_of(outsider).get(ADDRESS, {"q": "restore", "article": article.slug}).content.decode()
    assert "There is no such article in your collections." in page
