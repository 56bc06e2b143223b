"""Two people change the same article: the second gets both texts, and nothing is overwritten unseen."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kb import publishing
from kb.models import Article
from kb.publishing import Content
from portal.models import User

ClientOf = Callable[[User], Client]
Typed = Callable[..., dict[str, Any]]


@pytest.fixture
def mine(article: Article, typed: Typed, editor: User) -> dict[str, Any]:
    """What I send after somebody else saved version 2."""
    sent = typed(article, title="My title", source="My *text*.", note="My reason", tags="mine, too")
    publishing.save(article, Content("Their title", "Their text."), by=editor, based_on=1, note="Their reason")
    return sent


def edit(article: Article) -> str:
    return reverse("editor_edit", args=[article.pk])


@pytest.mark.parametrize("button", ["save", "publish"])
def test_the_second_writer_gets_a_page_with_both_texts(
    button: str, article: Article, mine: dict[str, Any], publisher: User, client_of: ClientOf
) -> None:
    response = client_of(publisher).post(edit(article), {**mine, "do": button})

    page = response.content.decode()
    assert response.status_code == 409
    assert "editor saved version 2" in page
    assert "“Their reason”" in page
    assert "Their" in page
    assert "My *text*.</textarea>" in page
    assert 'name="based_on" value="2"' in page
    article.refresh_from_db()
    assert article.latest_version.number == 2
    assert article.tags == ["versions"]


def test_the_page_keeps_everything_else_that_was_typed(
    article: Article, mine: dict[str, Any], publisher: User, client_of: ClientOf
) -> None:
    page = client_of(publisher).post(edit(article), mine).content.decode()

    assert 'name="note" value="My reason"' in page
    assert 'name="tags" value="mine, too"' in page
    assert f'name="audience" value="{article.audience_id}"' in page


def test_saving_from_that_page_puts_my_text_after_theirs(
    article: Article, mine: dict[str, Any], author: User, client_of: ClientOf
) -> None:
    response = client_of(author).post(edit(article), {**mine, "based_on": 2})

    article.refresh_from_db()
    assert response.status_code == 302
    assert (article.latest_version.number, article.latest_version.source) == (3, "My *text*.")
    assert article.versions.get(number=2).source == "Their text."
    assert article.tags == ["mine", "too"]


def test_a_third_person_in_between_gives_the_page_again(
    article: Article, mine: dict[str, Any], author: User, editor: User, client_of: ClientOf
) -> None:
    publishing.save(article, Content("Third", "Third text."), by=editor, based_on=2)

    response = client_of(author).post(edit(article), {**mine, "based_on": 2})

    assert response.status_code == 409
    assert 'name="based_on" value="3"' in response.content.decode()


def test_a_form_without_its_version_is_a_conflict_not_an_overwriting(
    article: Article, typed: Typed, author: User, client_of: ClientOf
) -> None:
    response = client_of(author).post(edit(article), typed(article, source="Mine.", based_on=None))

    assert response.status_code == 409
    assert article.versions.count() == 1


def test_the_same_text_by_both_is_no_conflict(
    article: Article, mine: dict[str, Any], author: User, client_of: ClientOf
) -> None:
    same = {**mine, "title": "Their title", "source": "Their text.", "summary": ""}

    assert client_of(author).post(edit(article), same).status_code == 302
