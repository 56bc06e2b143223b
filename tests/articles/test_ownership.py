"""Who looks after an article, by when it is read again, and who found it correct."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from kb import publishing, verifying
from kb.models import AuditEntry
from kb.publishing import Content

pytestmark = pytest.mark.django_db

MARCH = datetime.date(2027, 3, 3)


def test_owner_and_review_date_are_arranged_and_said_in_words(article, author, publisher):
    changed = publishing.arrange(article, by=publisher, owner=author, review_on=MARCH)
    assert changed == ["owner: author", "review on 3 March 2027"]
    assert (article.owner, article.review_on) == (author, MARCH)
    assert AuditEntry.objects.first().detail == "owner: author; review on 3 March 2027"
    assert publishing.arrange(article, by=publisher, owner=author, review_on=MARCH) == []
    assert publishing.arrange(article, by=publisher, tags=["a"]) == ["tags: a"]
    assert publishing.arrange(article, by=publisher, owner=None, review_on=None) == ["owner: nobody", "no review date"]


def test_somebody_without_a_role_in_its_collection_cannot_own_an_article(article, publisher, outsider, collection):
    message = "outsider has no role in “Guides”, so cannot look after this article."
    with pytest.raises(ValidationError, match=message):
        publishing.arrange(article, by=publisher, owner=outsider)
    with pytest.raises(ValidationError, match=message):
        publishing.create(collection, Content("New", ""), by=publisher, owner=outsider)


def test_an_outsider_cannot_hand_an_article_on(article, author, outsider):
    with pytest.raises(PermissionDenied):
        publishing.arrange(article, by=outsider, owner=author)


def test_who_makes_an_article_owns_it_unless_another_is_named(collection, author, publisher):
    assert publishing.create(collection, Content("Mine", ""), by=author).owner == author
    assert publishing.create(collection, Content("Yours", ""), by=author, owner=publisher).owner == publisher


def test_finding_an_article_correct_says_who_and_when_and_moves_the_review_date(article, author, settings):
    settings.REVIEW_DAYS = 90
    verifying.verify(article, by=author, seen=1)
    assert article.verified_by == author
    assert timezone.now() - article.verified_at < datetime.timedelta(minutes=1)
    assert article.review_on == timezone.localdate() + datetime.timedelta(90)
    assert (AuditEntry.objects.first().action, AuditEntry.objects.first().detail) == ("verified", "version 1")
    settings.REVIEW_DAYS = 0
    verifying.verify(article, by=author, seen=1)
    assert article.review_on is None


def test_only_the_version_that_readers_get_now_can_be_found_correct(article, publisher, outsider):
    with pytest.raises(ValidationError, match="Version 1 was published meanwhile"):
        verifying.verify(article, by=publisher, seen=2)
    with pytest.raises(PermissionDenied):
        verifying.verify(article, by=outsider, seen=1)
    publishing.unpublish(article, by=publisher)
    with pytest.raises(ValidationError, match="Readers do not get this article"):
        verifying.verify(article, by=publisher, seen=1)
