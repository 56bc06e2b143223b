"""Publish, unpublish and archive: with one click, after a question, and only by those who may."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from kb import publishing
from kb.models import Article
from kb.publishing import Content
from portal.models import User
from tests import factories

ClientOf = Callable[[User], Client]


def test_publishing_the_saved_version_is_immediate_when_it_is_indexed(
    article: Article, publisher: User, client_of: ClientOf, index: Callable[[], int]
) -> None:
    publishing.save(article, Content("Restore it", "New."), by=publisher, based_on=1)
    index()

    response = client_of(publisher).post(reverse("editor_publish", args=[article.pk]), {"version": "2"}, follow=True)

    article.refresh_from_db()
    assert "Version 2 is published." in response.content.decode()
    assert article.published_version.number == 2


def test_a_version_that_was_not_looked_at_is_not_published(
    article: Article, publisher: User, editor: User, client_of: ClientOf
) -> None:
    publishing.save(article, Content("Restore it", "New."), by=editor, based_on=1)

    response = client_of(publisher).post(reverse("editor_publish", args=[article.pk]), {"version": "1"}, follow=True)

    article.refresh_from_db()
    assert "Version 2 was saved meanwhile." in response.content.decode()
    assert article.wanted_version.number == 1


@pytest.mark.parametrize("name", ["editor_publish", "editor_unpublish", "editor_archive"])
def test_an_author_may_not(name: str, article: Article, author: User, client_of: ClientOf) -> None:
    response = client_of(author).post(reverse(name, args=[article.pk]))

    article.refresh_from_db()
    assert response.status_code == 403
    assert article.state == "published"


@pytest.mark.parametrize(
    ("name", "title", "state"),
    [
        ("editor_unpublish", "Unpublish this article?", "draft"),
        ("editor_archive", "Archive this article?", "archived"),
    ],
)
def test_what_hides_an_article_asks_first_and_then_hides_it_at_once(
    name: str, title: str, state: str, article: Article, publisher: User, client_of: ClientOf
) -> None:
    address = reverse(name, args=[article.pk])

    question = client_of(publisher).get(address)
    article.refresh_from_db()
    assert title in question.content.decode()
    assert article.state == "published"

    answer = client_of(publisher).post(address, follow=True)
    article.refresh_from_db()
    assert "readers no longer find it" in answer.content.decode()
    assert (article.state, article.published_version) == (state, None)
    assert article.versions.count() == 1


def test_a_draft_is_not_unpublished(author: User, publisher: User, client_of: ClientOf) -> None:
    draft = factories.article("A draft", published=False)

    response = client_of(publisher).post(reverse("editor_unpublish", args=[draft.pk]), follow=True)

    assert "This article is not published." in response.content.decode()


def test_an_archived_article_is_not_archived_again_and_comes_back_by_publishing(
    article: Article, publisher: User, client_of: ClientOf
) -> None:
    publishing.archive(article, by=publisher)

    again = client_of(publisher).get(reverse("editor_archive", args=[article.pk]), follow=True)
    client_of(publisher).post(reverse("editor_publish", args=[article.pk]))

    article.refresh_from_db()
    assert "archived already" in again.content.decode()
    assert article.state == "published"
