"""The pages of reviews, schedules, the trash and many articles at once, as the people see them who use them."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kb import batches, deleting, publishing, reviewing
from kb.models import Article, AuditEntry, Batch, Collection
from kb.publishing import Content
from portal.models import User
from tests import factories

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(article: Article, author: User) -> Article:
    publishing.save(article, Content("Restore it", "New text."), by=author, based_on=1)
    return article


def text(response) -> str:
    return html.unescape(response.content.decode())


def hidden(response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text(response))
    return found[1] if found else ""


# --- reviews


def test_a_review_goes_from_asking_to_approval_and_everybody_sees_where_it_is(
    draft: Article, author: User, publisher: User, client_of: ClientOf
) -> None:
    page = reverse("editor_review", args=[draft.pk])
    asking, deciding = client_of(author), client_of(publisher)

    assert "Nobody is asked to look at version 2 yet." in text(asking.get(page))
    asked = asking.post(page, {"do": "ask", "text": "Is the <b>second</b> step right?"}, follow=True)
    assert "Asked for a review." in text(asked)
    assert "<b>second" not in asked.content.decode()
    assert "somebody else must approve it" not in text(asked)  # an author could not approve anything
    assert "Reviews <span" in text(deciding.get(reverse("editor_articles")))
    assert "Restore it" in text(deciding.get(reverse("editor_reviews")))
    assert "version 2 in review" in text(deciding.get(reverse("editor_articles"), {"state": "in-review"}))

    nothing = deciding.post(page, {"do": "changes", "seen": "2", "text": ""})
    assert nothing.status_code == 422
    assert "Say what should be changed" in text(nothing)
    deciding.post(page, {"do": "changes", "seen": "2", "text": "Name the button."})
    assert "Name the button." in text(asking.get(page))
    assert "Changes requested</a> by publisher" in text(asking.get(reverse("editor_edit", args=[draft.pk])))
    assert "Changes requested" in text(asking.get(reverse("editor_reviews")))

    publishing.save(draft, Content("Restore it", "Press Restore."), by=author, based_on=2)
    asking.post(page, {"do": "ask"})
    stale = deciding.post(page, {"do": "approve", "seen": "2", "text": "Fine."})
    assert "Version 3 was saved meanwhile" in text(stale)
    assert ">Fine.</textarea>" in re.sub(r">\s+", ">", text(stale))
    assert "Version 3 is approved." in text(deciding.post(page, {"do": "approve", "seen": "3"}, follow=True))
    assert "Approved, to be published" in text(deciding.get(reverse("editor_reviews")))


def test_whoever_wrote_it_is_not_offered_to_approve_it(draft: Article, publisher: User, client_of: ClientOf) -> None:
    publishing.save(draft, Content("Restore it", "Mine."), by=publisher, based_on=2)
    reviewing.ask(draft, by=publisher)
    page = reverse("editor_review", args=[draft.pk])

    shown = client_of(publisher).get(page)
    refused = client_of(publisher).post(page, {"do": "approve", "seen": "3"})

    assert 'value="approve"' not in text(shown)
    assert (refused.status_code, "somebody else must approve it" in text(refused)) == (422, True)


def test_a_button_that_does_not_exist_does_nothing(draft: Article, author: User, client_of: ClientOf) -> None:
    response = client_of(author).post(reverse("editor_review", args=[draft.pk]), {"do": "destroy", "text": "x"})
    assert (response.status_code, draft.reviews.count()) == (422, 0)


# --- schedules


def test_a_version_is_scheduled_changed_and_called_off(
    draft: Article, publisher: User, client_of: ClientOf, settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    timezone.activate("Europe/Berlin")
    page, browser = reverse("editor_schedule", args=[draft.pk]), client_of(publisher)
    shown = browser.get(page)
    assert "Times are those of Europe/Berlin" in text(shown)
    version = hidden(shown, "version")

    done = browser.post(page, {"do": "plan", "version": version, "publish_at": "2031-07-01T09:00"}, follow=True)
    draft.refresh_from_db()
    assert draft.publish_at == datetime.datetime(2031, 7, 1, 7, 0, tzinfo=datetime.UTC)
    assert "Scheduled: version 2 from 1 July 2031, 09:00 (Europe/Berlin)." in text(done)
    assert "from 1 Jul 2031, 09:00" in text(browser.get(reverse("editor_articles"), {"state": "scheduled"}))
    assert 'value="2031-07-01T09:00"' in text(browser.get(page))

    publishing.save(draft, Content("Restore it", "Newer."), by=publisher, based_on=2)
    assert "Version 3: Restore it" in text(browser.get(page))
    called_off = browser.post(page, {"do": "cancel"}, follow=True)
    draft.refresh_from_db()
    assert "Nothing is scheduled any more." in text(called_off)
    assert (draft.publish_at, draft.state) == (None, "published")
    timezone.deactivate()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"publish_at": "2020-01-01T09:00"}, "This time has passed"),
        ({"publish_at": "tomorrow"}, "Enter a day and a time"),
        ({"unpublish_at": "9999-01-01T09:00"}, "more than ten years ahead"),
        ({"publish_at": "2031-07-01T09:00", "version": "0"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_planned_comes_back_with_the_reason(
    typed: dict[str, str], message: str, draft: Article, publisher: User, client_of: ClientOf
) -> None:
    response = client_of(publisher).post(reverse("editor_schedule", args=[draft.pk]), {"do": "plan", **typed})

    assert (response.status_code, message in text(response)) == (422, True)
    assert not Article.objects.exclude(publish_at=None, unpublish_at=None).exists()


def test_an_author_may_not_schedule(draft: Article, author: User, client_of: ClientOf) -> None:
    assert client_of(author).get(reverse("editor_schedule", args=[draft.pk])).status_code == 403


# --- deleting


def test_deleting_asks_first_shows_what_leads_here_and_is_undone_by_a_button(
    article: Article, publisher: User, client_of: ClientOf, client: Client
) -> None:
    factories.article("The way there", "See [it](/articles/restore-an-older-version/).")
    page, browser = reverse("editor_delete", args=[article.pk]), client_of(publisher)

    asked = text(browser.get(page))
    assert "Delete this article?" in asked
    assert "The way there" in asked
    assert "for 30 days" in asked
    assert client.get(article.get_absolute_url()).status_code == 200

    deleted = browser.post(page, follow=True)
    assert "is in the trash: readers no longer find it." in text(deleted)
    assert client.get(article.get_absolute_url()).status_code == 410
    assert "Restore an older version" in text(browser.get(reverse("editor_trash")))

    back = browser.post(re.search(r'action="(/editor/batches/\d+/undo/)"', text(deleted))[1], follow=True)
    assert "Undone: 1 article as before." in text(back)
    assert client.get(article.get_absolute_url()).status_code == 200
    assert AuditEntry.objects.filter(article=article, action="taken out of the trash", by=publisher).exists()


def test_the_trash_gives_back_to_those_who_may_and_shows_nobody_else(
    article: Article, publisher: User, author: User, outsider: User, client_of: ClientOf
) -> None:
    deleting.delete(article, by=publisher)
    for person in (author, outsider):
        assert "The trash is empty" in text(client_of(person).get(reverse("editor_trash")))
        assert client_of(person).post(reverse("editor_untrash", args=[article.pk])).status_code == 404

    back = client_of(publisher).post(reverse("editor_untrash", args=[article.pk]), follow=True)

    assert "is back. Readers have it again." in text(back)
    assert Article.objects.get().state == "published"


def test_text_typed_into_an_article_that_was_deleted_meanwhile_is_not_lost(
    article: Article, author: User, client_of: ClientOf, typed: Callable[..., dict[str, object]]
) -> None:
    sent = typed(article, source="An hour of work.")
    deleting.delete(article, by=None)

    response = client_of(author).post(reverse("editor_edit", args=[article.pk]), sent)

    assert response.status_code == 422
    assert "This article is in the trash: take it out of there first." in text(response)
    assert "An hour of work.</textarea>" in text(response)
    assert article.versions.count() == 1


# --- many at once


@pytest.fixture
def three(collection: Collection) -> list[Article]:
    return [factories.article(f"Article {number}", collection=collection) for number in range(3)]


def test_the_confirmation_says_what_will_happen_to_which_and_the_undo_button_takes_it_back(
    three: list[Article], editor: User, client_of: ClientOf
) -> None:
    browser, where = client_of(editor), reverse("editor_bulk")
    publishing.archive(three[0], by=None)
    chosen = {"do": "archive", "article": [one.pk for one in three]}

    asked = browser.get(where, chosen)
    assert "2 articles will be archived" in text(asked)
    assert "1 cannot: it is archived already" in text(asked)
    done = browser.post(where, {**chosen, "seen": hidden(asked, "seen")}, follow=True)
    assert "2 articles archived." in text(done)
    assert Article.objects.filter(state="archived").count() == 3
    undone = browser.post(reverse("editor_undo", args=[Batch.objects.get().pk]), follow=True)
    assert "Undone: 2 articles as before." in text(undone)
    assert Article.objects.filter(state="archived").count() == 1


def test_what_was_not_asked_about_is_not_done(three: list[Article], editor: User, client_of: ClientOf) -> None:
    browser, where = client_of(editor), reverse("editor_bulk")
    everything = {"do": "archive", "all": "1", "list-q": "article"}
    asked = browser.get(where, everything)
    factories.article("Article 3")

    again = browser.post(where, {**everything, "seen": hidden(asked, "seen")})

    assert "The articles changed meanwhile." in text(again)
    assert "4 articles will be archived" in text(again)
    assert not Batch.objects.exists()
    browser.post(where, {**everything, "seen": hidden(again, "seen")})
    assert Article.objects.filter(state="archived").count() == 4


@pytest.mark.parametrize(
    ("do", "name", "field"),
    [("move", "collection", "collection"), ("audience", "audience", "audience"), ("owner", "owner", "owner")],
)
def test_what_needs_a_target_asks_for_it_first(
    do: str, name: str, field: str, three: list[Article], editor: User, signed_in, client_of: ClientOf
) -> None:
    browser, where = client_of(editor), reverse("editor_bulk")
    target = {"collection": factories.collection("Elsewhere").pk, "audience": signed_in.pk, "owner": editor.pk}[name]
    chosen = {"do": do, "article": [three[0].pk]}

    first = browser.get(where, chosen)
    assert "will be" not in text(first)
    wrong = browser.get(where, {**chosen, field: "99999"})
    assert "Select a valid choice" in text(wrong)
    seen = browser.get(where, {**chosen, field: target})
    browser.post(where, {**chosen, field: target, "seen": hidden(seen, "seen")})

    assert getattr(Article.objects.get(pk=three[0].pk), f"{field}_id") == target


def test_tags_are_added_and_removed(three: list[Article], editor: User, client_of: ClientOf) -> None:
    browser, where = client_of(editor), reverse("editor_bulk")
    for do, expected in (("tag", ["a b", "c"]), ("untag", [])):
        chosen = {"do": do, "article": [three[0].pk, three[1].pk], "tags": "a b, c"}
        browser.post(where, {**chosen, "seen": hidden(browser.get(where, chosen), "seen")})
        assert [Article.objects.get(pk=one.pk).tags for one in three] == [expected, expected, []]


def test_only_articles_of_ones_own_collections_are_chosen(
    article: Article, outsider: User, client_of: ClientOf
) -> None:
    response = client_of(outsider).get(reverse("editor_bulk"), {"do": "archive", "article": article.pk}, follow=True)
    assert "Choose at least one article first." in text(response)
    assert client_of(outsider).get(reverse("editor_bulk"), {"do": "explode"}).status_code == 400


def test_a_batch_is_followed_by_the_person_who_made_it_and_by_nobody_else(
    three: list[Article], editor: User, publisher: User, client_of: ClientOf, monkeypatch
) -> None:
    monkeypatch.setattr(batches, "AT_ONCE", 1)
    browser, where = client_of(editor), reverse("editor_bulk")
    chosen = {"do": "archive", "article": [one.pk for one in three]}
    page = browser.post(where, {**chosen, "seen": hidden(browser.get(where, chosen), "seen")})["Location"]

    assert "0 of 3 so far." in text(browser.get(page))
    assert "every 1s" in text(browser.get(page, headers={"HX-Request": "true"}))
    assert client_of(publisher).get(page).status_code == 404
    assert client_of(publisher).post(f"{page}undo/").status_code == 404
    early = browser.post(f"{page}undo/", follow=True)
    assert "This is being worked on." in text(early)
    batches.work(Batch.objects.get().pk)
    over = browser.get(page)
    assert "3 articles archived." in text(over)
    assert "Undo this" in text(over)
