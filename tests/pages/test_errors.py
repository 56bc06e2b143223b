"""The pages for what went wrong."""

import pytest
from django.test import Client

from kb import publishing
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_unknown_address_has_a_page_with_a_search_box(client, db):
    response = client.get("/nothing/here/")
    assert response.status_code == 404
    page = response.content.decode()
    assert "There is nothing at this address." in page
    assert 'type="search"' in page


def test_articles_with_a_similar_address_are_named(client, article):
    page = client.get("/articles/restore-older/").content.decode()
    assert "With a similar address" in page
    assert 'href="/articles/restore-an-older-version/"' in page


def test_a_hidden_article_answers_exactly_like_none_at_all(client, index, signed_in):
    factories.article("Zebra crossing", audience=signed_in)
    factories.article("Zebra drafting", published=False)
    gone = factories.article("Zebra archiving")
    index()
    publishing.archive(gone, by=None)
    pages = {
        slug: client.get(f"/articles/{slug}/").content.decode().replace(slug.split("-")[1], "…")
        for slug in ("zebra-crossing", "zebra-drafting", "zebra-archiving", "zebra-imagining")
    }
    assert len({without_token(page) for page in pages.values()}) == 1


def without_token(page: str) -> str:
    before, _, after = page.partition("X-CSRFToken")
    return before + after.partition("}")[2]


def test_a_form_without_its_token_is_explained(db, article):
    response = Client(enforce_csrf_checks=True).post("/articles/restore-an-older-version/feedback/", {"helped": "yes"})
    assert response.status_code == 403
    assert "The page was open too long." in response.content.decode()


def test_a_fault_has_a_page_that_needs_no_database(client, article, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("on purpose")

    monkeypatch.setattr("portal.public.views.most_read", broken)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "Something broke on our side." in response.content.decode()
