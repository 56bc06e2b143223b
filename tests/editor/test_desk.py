"""Typed and not saved: kept for whoever typed it, offered again, told to others in words, and never a version."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kb import garbage, publishing
from kb.models import Article, ArticleVersion, Autosave, Collection, IndexJob, Presence
from kb.publishing import Content
from portal.models import User

ClientOf = Callable[[User], Client]
Typed = Callable[..., dict[str, Any]]
KEY = str(uuid4())


def edit(article: Article) -> str:
    return reverse("editor_edit", args=[article.pk])


@pytest.fixture
def kept(article: Article, typed: Typed, author: User, client_of: ClientOf) -> Autosave:
    """What the author typed into the article before the browser died."""
    sent = typed(article, source="Typed, not\r\nsaved.\0", title="Typed title", tags="typed, tags", key=KEY)
    response = client_of(author).post(reverse("editor_autosave", args=[article.pk]), sent)
    assert response.status_code == 204
    return Autosave.objects.get()


def test_keeping_makes_no_version_and_no_work_for_the_index(kept: Autosave, article: Article) -> None:
    assert (kept.title, kept.source) == ("Typed title", "Typed, not\nsaved.")
    assert ArticleVersion.objects.count() == 1
    assert not IndexJob.objects.exclude(state="done").exists()


def test_a_form_keeps_one_text_and_two_tabs_keep_two(
    kept: Autosave, article: Article, typed: Typed, author: User, client_of: ClientOf
) -> None:
    client, address = client_of(author), reverse("editor_autosave", args=[article.pk])
    client.post(address, typed(article, source="Typed on.", key=KEY))
    client.post(address, typed(article, source="In another tab.", key=str(uuid4())))

    assert sorted(Autosave.objects.values_list("source", flat=True)) == ["In another tab.", "Typed on."]


def test_it_is_offered_when_the_article_is_opened_again(
    kept: Autosave, article: Article, author: User, client_of: ClientOf
) -> None:
    page = client_of(author).get(edit(article)).content.decode()
    assert "that was not saved" in page
    assert f"?take={KEY}" in page

    taken = client_of(author).get(f"{edit(article)}?take={KEY}").content.decode()
    assert "Typed, not\nsaved.</textarea>" in taken
    assert 'value="typed, tags"' in taken
    assert "data-unsaved" in taken
    assert "that was not saved" not in taken, "it is on the page now"


def test_it_is_compared_and_discarded(kept: Autosave, article: Article, author: User, client_of: ClientOf) -> None:
    client = client_of(author)
    page = client.get(reverse("editor_left", args=[KEY])).content.decode()
    assert "<ins>Typed</ins>" in page or "<ins>Typed, not</ins>" in page

    response = client.post(reverse("editor_discard", args=[KEY]), follow=True)
    assert "Discarded what was typed" in response.content.decode()
    assert not Autosave.objects.exists()


def test_saving_forgets_what_was_kept(
    kept: Autosave, article: Article, typed: Typed, author: User, client_of: ClientOf
) -> None:
    client_of(author).post(edit(article), typed(article, source=kept.source, key=KEY))

    article.refresh_from_db()
    assert article.latest_version.source == "Typed, not\nsaved."
    assert not Autosave.objects.exists()


def test_a_refused_save_forgets_nothing(
    kept: Autosave, article: Article, typed: Typed, author: User, client_of: ClientOf
) -> None:
    assert client_of(author).post(edit(article), typed(article, title=" ", key=KEY)).status_code == 422
    assert Autosave.objects.count() == 1


def test_nobody_else_sees_what_somebody_typed(
    kept: Autosave, article: Article, publisher: User, admin: User, client_of: ClientOf
) -> None:
    for person in (publisher, admin):
        client = client_of(person)
        assert "that was not saved" not in client.get(edit(article)).content.decode()
        assert "Typed, not" not in client.get(f"{edit(article)}?take={KEY}").content.decode()
        assert client.get(reverse("editor_left", args=[KEY])).status_code == 404
        assert client.post(reverse("editor_discard", args=[KEY])).status_code == 404


def test_what_was_typed_is_out_of_reach_with_the_article(
    kept: Autosave, article: Article, author: User, client_of: ClientOf
) -> None:
    author.memberships.update(collection=Collection.objects.create(name="O", slug="o", audience=article.audience))

    assert client_of(author).get(reverse("editor_left", args=[KEY])).status_code == 404


def test_a_new_article_is_kept_as_well(collection: Collection, author: User, client_of: ClientOf) -> None:
    client, key = client_of(author), str(uuid4())
    sent = {"title": "Set up mail", "source": "Do th", "collection": collection.pk, "key": key}
    assert client.post(reverse("editor_autosave_new"), sent).status_code == 204

    page = client.get(reverse("editor_create")).content.decode()
    assert "“Set up mail”" in page
    assert "Do th</textarea>" in client.get(f"{reverse('editor_create')}?take={key}").content.decode()
    client.post(reverse("editor_create"), {**sent, "source": "Do this.", "language": "en"})
    assert not Autosave.objects.exists()


@pytest.mark.parametrize("key", ["", "x", None])
def test_a_form_without_a_key_is_told(key: str | None, article: Article, author: User, client_of: ClientOf) -> None:
    sent = {"source": "x"} if key is None else {"source": "x", "key": key}
    response = client_of(author).post(reverse("editor_autosave", args=[article.pk]), sent)
    assert (response.status_code, b"load the page anew" in response.content) == (422, True)


def test_a_text_no_article_could_be_is_refused(article: Article, author: User, client_of: ClientOf) -> None:
    sent = {"source": "x" * 1_000_001, "key": KEY}
    response = client_of(author).post(reverse("editor_autosave", args=[article.pk]), sent)
    assert (response.status_code, b"too long to be kept" in response.content) == (422, True)


def test_what_nobody_wanted_back_is_forgotten_after_a_month(kept: Autosave) -> None:
    Autosave.objects.update(at=timezone.now() - timedelta(days=31))
    garbage.collect()
    assert not Autosave.objects.exists()


# --- who else is there


def company(client: Client, article: Article, **sent: Any) -> Any:
    return client.post(reverse("editor_company", args=[article.pk]), sent, headers={"HX-Request": "true"})


def alone(response: Any) -> str:
    """What the page says of others."""
    assert response.status_code == 200
    return " ".join(re.findall('<p class="note">(.*?)</p>', response.content.decode()))


def test_two_editors_of_one_article_are_told_of_each_other(
    article: Article, author: User, publisher: User, client_of: ClientOf
) -> None:
    here, there = client_of(author), client_of(publisher)
    assert "has this article open" not in here.get(edit(article)).content.decode()
    assert "author has this article open since" in there.get(edit(article)).content.decode()

    told = company(here, article, key=str(uuid4()), based_on=1).content.decode()
    assert "publisher has this article open since" in told
    assert "You have this article open in another tab" in told, "the first page, with another key"


def test_it_is_told_once_and_ends_with_the_page(
    article: Article, author: User, publisher: User, client_of: ClientOf
) -> None:
    mine, theirs = str(uuid4()), str(uuid4())
    company(client_of(publisher), article, key=theirs)
    first = company(client_of(author), article, key=mine)
    mark = re.findall(r'name="met" value="(\d+)"', first.content.decode())[0]
    assert company(client_of(author), article, key=mine, met=mark).status_code == 204

    company(client_of(publisher), article, key=theirs, left="1")
    assert "open" not in alone(company(client_of(author), article, key=mine, met=mark))


def test_a_page_that_says_nothing_any_more_is_gone(
    article: Article, author: User, publisher: User, client_of: ClientOf
) -> None:
    company(client_of(publisher), article, key=str(uuid4()))
    Presence.objects.update(seen=timezone.now() - timedelta(seconds=26))

    assert "open" not in alone(company(client_of(author), article, key=str(uuid4())))


def test_a_version_saved_meanwhile_is_told_before_one_saves(
    article: Article, author: User, editor: User, client_of: ClientOf
) -> None:
    publishing.save(article, Content("Theirs", "Theirs."), by=editor, based_on=1)

    told = company(client_of(author), article, key=str(uuid4()), based_on=1).content.decode()

    assert "editor saved version 2 at" in told


def test_changes_that_are_not_saved_are_told(
    kept: Autosave, article: Article, author: User, publisher: User, client_of: ClientOf
) -> None:
    company(client_of(author), article, key=KEY)

    told = company(client_of(publisher), article, key=str(uuid4())).content.decode()

    assert "author has this article open" in told
    assert "with changes that are not saved" in told
    assert "Typed" not in told
