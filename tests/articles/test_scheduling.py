"""What is planned happens once, in the version that was planned, however late, and not after it was called off."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from kb import publishing, scheduling
from kb.models import Article, AuditEntry
from kb.publishing import Content
from portal.schedule import SCHEDULE
from tests import factories

pytestmark = pytest.mark.django_db


def ahead(**much):
    return timezone.now() + datetime.timedelta(**much)


@pytest.fixture
def draft(article, author, index):
    """Version 2 beside what readers have, indexed."""
    publishing.save(article, Content("Restore it", "New text."), by=author, based_on=1)
    index()
    return article


def past(article, *, publish=None, unpublish=None):
    """The planned times have come: so many seconds ago."""
    times = {"publish_at": publish, "unpublish_at": unpublish}
    ago = {name: timezone.now() - datetime.timedelta(seconds=s) for name, s in times.items() if s is not None}
    Article.objects.filter(pk=article.pk).update(**ago)


def done(article):
    article.refresh_from_db()
    entries = AuditEntry.objects.filter(article=article, action__in=["published", "unpublished"])
    return article.state, article.published_version and article.published_version.number, entries.count()


def test_the_planned_version_is_published_once_even_when_a_newer_draft_was_saved(draft, publisher):
    scheduling.schedule(draft, by=publisher, publish_at=ahead(hours=1), unpublish_at=None)
    publishing.save(draft, Content("Restore it", "Unfinished."), by=publisher, based_on=2)
    assert scheduling.carry_out_due() == 0
    past(draft, publish=1)
    assert [scheduling.carry_out_due() for _ in range(2)] == [1, 0]
    assert done(draft) == ("published", 2, 2)
    assert (draft.publish_at, draft.scheduled_version, draft.latest_version.number) == (None, None, 3)
    assert "as scheduled for" in draft.audit.first().detail
    assert draft.audit.first().by == publisher


def test_a_draft_that_nobody_has_published_is_scheduled_and_then_published(collection, publisher, reader, index):
    unread = publishing.create(collection, Content("Unread", "A draft."), by=publisher)
    index()
    scheduling.schedule(unread, by=publisher, publish_at=ahead(days=1), unpublish_at=ahead(days=2))
    assert unread.state == "scheduled"
    assert not Article.objects.visible_to(reader).exists()
    past(unread, publish=1)
    scheduling.carry_out_due()
    assert done(unread) == ("published", 1, 1)
    past(unread, unpublish=1)
    scheduling.carry_out_due()
    assert done(unread) == ("draft", None, 2)
    assert not Article.objects.visible_to(reader).exists()


def test_after_a_long_pause_what_is_due_is_done_in_the_order_of_its_times(draft, publisher, collection):
    """The scheduler was down over all of it: shown first and hidden after is hidden; the other way round is shown."""
    other = factories.article("Another", collection=collection)
    publishing.save(other, Content("Another", "New."), by=None, based_on=1)
    for one in (draft, other):
        scheduling.schedule(one, by=publisher, publish_at=ahead(hours=1), unpublish_at=ahead(hours=2))
    past(draft, publish=200, unpublish=100)
    past(other, publish=100, unpublish=200)
    assert scheduling.carry_out_due() == 2
    assert done(draft)[:2] == ("draft", None)
    other.refresh_from_db()
    assert (other.state, other.wanted_version.number) == ("published", 2)


@pytest.mark.parametrize("verb", [publishing.publish, publishing.unpublish, publishing.archive])
def test_doing_it_by_hand_calls_the_plan_off(draft, publisher, verb):
    scheduling.schedule(draft, by=publisher, publish_at=ahead(hours=1), unpublish_at=None)
    verb(draft, by=publisher)
    assert (draft.publish_at, draft.scheduled_version) == (None, None)
    assert scheduling.carry_out_due() == 0


def test_one_that_fails_keeps_nobody_else_from_being_published(draft, publisher, collection, caplog):
    other = factories.article("Another", published=False, collection=collection)
    for one in (draft, other):
        scheduling.schedule(one, by=publisher, publish_at=ahead(hours=1), unpublish_at=None)
        past(one, publish=1)
    in_the_way = factories.article("In the way", published=False)
    Article.objects.filter(pk=in_the_way.pk).update(wanted_version=draft.latest_version)  # the database wants it once
    assert scheduling.carry_out_due() == 1
    assert "it is tried again" in caplog.text
    Article.objects.filter(pk=in_the_way.pk).update(wanted_version=None)
    assert scheduling.carry_out_due() == 1
    assert done(draft)[:2] == ("published", 2)


def test_only_publishers_plan_and_only_what_can_happen(draft, author, publisher, settings):
    with pytest.raises(PermissionDenied):
        scheduling.schedule(draft, by=author, publish_at=ahead(hours=1), unpublish_at=None)
    wrong = [
        ({"publish_at": ahead(seconds=-1), "unpublish_at": None}, "This time has passed"),
        ({"publish_at": None, "unpublish_at": ahead(days=4000)}, "more than ten years ahead"),
    ]
    for times, message in wrong:
        with pytest.raises(ValidationError, match=message):
            scheduling.schedule(draft, by=publisher, **times)
    shown = draft.published_version
    with pytest.raises(ValidationError, match="is published already"):
        scheduling.schedule(draft, by=publisher, version=shown, publish_at=ahead(hours=1), unpublish_at=None)
    settings.SEPARATE_PUBLISHER = True
    publishing.save(draft, Content("Restore it", "My own."), by=publisher, based_on=2)
    with pytest.raises(ValidationError, match="You wrote version 3 yourself"):
        scheduling.schedule(draft, by=publisher, publish_at=ahead(hours=1), unpublish_at=None)


def test_hiding_what_nobody_gets_is_no_plan(collection, publisher):
    unread = factories.article("Unread", published=False, collection=collection)
    with pytest.raises(ValidationError, match="Readers do not get this article before then"):
        scheduling.schedule(unread, by=publisher, publish_at=None, unpublish_at=ahead(hours=1))
    with pytest.raises(ValidationError, match="Readers do not get this article before then"):
        scheduling.schedule(unread, by=publisher, publish_at=ahead(hours=2), unpublish_at=ahead(hours=1))


def test_beat_asks_within_seconds_of_the_minute() -> None:
    assert SCHEDULE["carry-out-schedules"]["schedule"] <= 5
