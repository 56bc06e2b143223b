"""The page Reminders: whose articles are due, what nobody verified, and one click that says an article is correct."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from kb import publishing, verifying
from kb.publishing import Content
from tests import factories
from tests.editor.test_links import text

pytestmark = pytest.mark.django_db

PAGE = reverse("editor_reminders")


def in_days(days):
    return timezone.localdate() + datetime.timedelta(days)


@pytest.fixture
def four(collection, author, publisher, index):
    """Due today and the author's; due in a week; due in a year and verified; and a draft."""
    factories.article("Due", owner=author, review_on=in_days(0))
    factories.article("Soon", owner=publisher, review_on=in_days(7))
    verified = factories.article("Later")
    factories.article("Draft", published=False, review_on=in_days(-9))
    index()
    verified.refresh_from_db()
    verifying.verify(verified, by=publisher, seen=1)
    return verified


def titles(response):
    return [article.published_version.title for article in response.context["page"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Due"]),
        ({"what": "soon"}, ["Soon"]),
        ({"what": "never"}, ["Due", "Soon"]),
        ({"what": "changed"}, []),
        ({"what": "undated"}, []),
        ({"what": "all"}, ["Due", "Soon", "Later"]),
        ({"what": "all", "who": "me"}, ["Due"]),
        ({"what": "all", "collection": "none-of-mine"}, ["Due", "Soon", "Later"]),
        ({"what": "nonsense"}, ["Due"]),
    ],
)
def test_published_articles_are_listed_by_their_review_dates_and_checks(four, author, client_of, query, expected):
    assert titles(client_of(author).get(PAGE, query)) == expected


def test_what_is_published_after_a_check_is_not_verified(four, publisher, client, client_of, index):
    assert "Checked" in text(client.get(four.get_absolute_url()))
    publishing.save(four, Content("Later", "Other words."), by=publisher, based_on=1)
    publishing.publish(four, by=publisher)
    index()
    assert "Checked" not in text(client.get(four.get_absolute_url()))
    response = client_of(publisher).get(PAGE, {"what": "changed"})
    assert titles(response) == ["Later"]
    assert "publisher; not since version 2" in text(response)
    assert "not since version 2; last" in text(client_of(publisher).get(reverse("editor_edit", args=[four.pk])))


def test_one_click_verifies_moves_the_date_and_leads_back(article, author, client_of):
    publishing.arrange(article, by=None, review_on=in_days(-1))
    client, back = client_of(author), f"{PAGE}?who=me"
    response = client.post(reverse("editor_verify", args=[article.pk]), {"seen": 1, "next": back}, follow=True)
    assert response.redirect_chain == [(back, 302)]
    assert "“Restore an older version” is verified. The next review is on" in response.content.decode()
    article.refresh_from_db()
    assert (article.verified_by, article.review_on) == (author, in_days(180))


@pytest.mark.parametrize("seen", ["2", "", "x"])
def test_another_version_than_the_one_that_was_read_is_not_verified(article, author, client_of, seen):
    response = client_of(author).post(reverse("editor_verify", args=[article.pk]), {"seen": seen}, follow=True)
    assert "Version 1 was published meanwhile. Read it, then say it is correct." in response.content.decode()
    article.refresh_from_db()
    assert article.verified_at is None


def test_nobody_else_gets_in(article, client, reader, outsider, client_of):
    address = reverse("editor_verify", args=[article.pk])
    assert client.get(PAGE)["Location"].startswith(reverse("account_login"))
    assert client.post(address)["Location"].startswith(reverse("account_login"))
    assert client_of(reader).get(PAGE).status_code == 403
    assert client_of(outsider).post(address, {"seen": 1}).status_code == 404
    assert titles(client_of(outsider).get(PAGE, {"what": "all"})) == []
    assert client_of(outsider).get(address).status_code == 405
