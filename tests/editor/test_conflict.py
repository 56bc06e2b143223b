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
    assert "⚠⚠⚠ editor, in version 2:\nTheir text.\n⚠⚠⚠ You:\nMy *text*.\n⚠⚠⚠ Keep" in page
    assert "My *text*.</textarea>" in page, "as it was typed, too"
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


def test_who_only_writes_takes_nothing_back_of_where_an_article_stands(
    article: Article, typed: Typed, author: User, publisher: User, client_of: ClientOf
) -> None:
    """Two people: one changes tags and owner, the other had the form open and saves a text."""
    page = client_of(author).get(edit(article))
    before = page.context["form"]["before"].value()
    publishing.arrange(article, by=publisher, tags=["new"], owner=publisher)

    client_of(author).post(edit(article), typed(article, source="Mine.", tags="versions", owner="", before=before))

    article.refresh_from_db()
    assert article.latest_version.source == "Mine."
    assert (article.tags, article.owner) == (["new"], publisher)


def test_changes_that_do_not_touch_stand_in_one_text(
    article: Article, typed: Typed, author: User, editor: User, client_of: ClientOf
) -> None:
    source = article.latest_version.source
    theirs = source.replace("Open the history.", "Open *History*.")
    publishing.save(
        article, Content("Their title", theirs, "Bring back what an article said before."), by=editor, based_on=1
    )
    mine = typed(
        article,
        source=source.replace("until you publish it", "until it is published"),
        title="Restore an older version",
    )

    sent = {**mine, "based_on": 1}
    page = client_of(author).post(edit(article), sent)

    assert page.context["text"] == theirs.replace("until you publish it", "until it is published")
    assert page.context["title"] == "Their title", "mine was not changed"
    assert "do not touch: this text has both" in page.content.decode()
    client_of(author).post(edit(article), {**sent, "based_on": 2, "source": page.context["text"]})
    article.refresh_from_db()
    assert article.latest_version.source == page.context["text"]


def test_a_text_that_still_asks_to_choose_is_not_saved(
    article: Article, mine: dict[str, Any], author: User, client_of: ClientOf
) -> None:
    text = client_of(author).post(edit(article), mine).context["text"]

    response = client_of(author).post(edit(article), {**mine, "based_on": 2, "source": text})

    assert response.status_code == 422
    assert "Two texts still stand side by side (line 1, 3, 5)" in response.content.decode()
    article.refresh_from_db()
    assert article.latest_version.number == 2


def test_one_may_go_on_with_ones_own_text(
    article: Article, mine: dict[str, Any], author: User, client_of: ClientOf
) -> None:
    sent = {**mine, "based_on": 2, "source": "Both.", "mine": "My *text*.", "my_title": "My title", "do": "mine"}

    page = client_of(author).post(edit(article), sent).content.decode()

    assert "My *text*.</textarea>" in page
    assert 'name="based_on" value="2"' in page
    assert "data-unsaved" in page
