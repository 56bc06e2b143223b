"""Many articles at once: done one by one, undone exactly, and left alone where somebody changed them since."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from kb import batches, deleting, publishing, reviewing, scheduling
from kb.models import Article, Batch, Membership
from kb.publishing import Content
from kb.verbs import VERBS, Change, outlook
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(collection, index):
    made = [factories.article(f"Article {number}", collection=collection, tags=["old"]) for number in range(3)]
    index()
    return [Article.objects.select_related("collection", "latest_version").get(pk=one.pk) for one in made]


def standing(articles):
    return list(
        Article.objects.filter(pk__in=[one.pk for one in articles])
        .order_by("pk")
        .values_list("state", "published_version", "collection", "audience", "owner", "tags")
    )


def start(name, articles, by, value=None):
    return batches.start(Change(VERBS[name], value), articles, by=by)


@pytest.fixture
def values(signed_in, publisher):
    return {
        "collection": factories.collection("Elsewhere").pk,
        "audience": signed_in.pk,
        "owner": publisher.pk,
        "tags": ["new", "old"],
    }


@pytest.mark.parametrize("name", sorted(set(VERBS) - {"publish"}))
def test_every_change_is_undone_exactly(name, three, editor, values, index, settings):
    before = standing(three)
    value = ["old"] if name == "untag" else values.get(VERBS[name].needs)
    batch = start(name, three, editor, value)
    assert (batch.state, batches.counts(batch)) == ("done", {"done": 3})
    assert all(was != now for was, now in zip(before, standing(three), strict=True))
    batches.undo(batch, by=editor)
    index()
    assert standing(three) == before
    with pytest.raises(ValidationError, match="undone already"):
        batches.undo(batch, by=editor)


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_undone_is_kept_and_says_why(three, editor, values):
    first = three[0].collection
    batch = start("move", three, editor, values["collection"])
    first.delete()
    batches.undo(batch, by=editor)
    assert batches.counts(batch) == {"kept": 3}
    assert set(batch.items.values_list("reason", flat=True)) == {"The collection that it was in is gone."}
    batch.refresh_from_db()
    assert batch.state == "undone"


def test_what_readers_have_is_moved_by_those_who_publish_in_both_collections(three, collection):
    elsewhere = factories.collection("Elsewhere")
    mover = factories.person("mover", role="author", where=collection)
    Membership.objects.create(user=mover, collection=elsewhere, role="publisher")
    with pytest.raises(PermissionDenied):
        publishing.arrange(three[0], by=mover, collection=elsewhere)
    change = Change(VERBS["move"], elsewhere.pk)
    [(_, reason)] = outlook(change, three[:1], by=mover).refused
    assert reason == f"it is published, and you do not publish in “{collection}”"
    publishing.unpublish(three[0], by=None)
    publishing.arrange(Article.objects.get(pk=three[0].pk), by=mover, collection=elsewhere)


def test_publishing_is_undone_to_what_readers_had(three, editor, author, index):
    publishing.save(three[0], Content("Article 0", "New."), by=author, based_on=1)
    reviewing.ask(three[0], by=author)
    publishing.unpublish(three[1], by=editor)
    index()
    before = standing(three)
    batch = start("publish", three[:2], editor)
    assert Article.objects.get(pk=three[0].pk).published_version.number == 2
    assert three[0].reviews.get().state == "overtaken"
    batches.undo(batch, by=editor)
    index()
    assert standing(three) == before
    assert three[0].reviews.get().state == "open"


def test_what_somebody_changed_since_is_left_alone(three, editor, publisher):
    batch = start("archive", three, editor)
    publishing.publish(three[1], by=publisher)
    batches.undo(batch, by=editor)
    assert batches.counts(batch) == {"undone": 2, "kept": 1}
    assert "Somebody changed this since" in batch.items.get(state="kept").reason
    assert [one[0] for one in standing(three)] == ["published"] * 3


def test_a_new_draft_is_in_nobodys_way(three, editor, author):
    batch = start("archive", three, editor)
    publishing.save(three[0], Content("Article 0", "New."), by=author, based_on=1)
    batches.undo(batch, by=editor)
    assert Article.objects.get(pk=three[0].pk).wanted_version.number == 1


def test_a_plan_whose_time_passed_meanwhile_is_not_carried_out_on_undoing(three, editor):
    later = timezone.now() + datetime.timedelta(days=1)
    publishing.save(three[0], Content("Article 0", "New."), by=None, based_on=1)
    scheduling.schedule(three[0], by=editor, publish_at=later, unpublish_at=None)
    batch = start("archive", three[:1], editor)
    batches.undo(batch, by=editor)
    again = Article.objects.get(pk=three[0].pk)
    assert (again.publish_at, again.scheduled_version.number) == (later, 2)
    batch = start("archive", three[:1], editor)
    item = batch.items.get()
    item.before["publish_at"] = (timezone.now() - datetime.timedelta(seconds=1)).isoformat()
    item.save()
    batches.undo(batch, by=editor)
    again.refresh_from_db()
    assert (again.publish_at, again.wanted_version.number) == (None, 1)


def test_the_role_is_asked_of_every_article_when_it_is_done_and_undone(three, publisher, collection, editor):
    elsewhere = factories.article("Not mine", collection=factories.collection("Elsewhere"))
    batch = start("archive", [*three, elsewhere], publisher)
    assert batches.counts(batch) == {"done": 3, "refused": 1}
    with pytest.raises(PermissionDenied, match="Only the person who did this"):
        batches.undo(batch, by=editor)
    publisher.memberships.all().delete()
    batches.undo(batch, by=publisher)
    assert batches.counts(batch) == {"kept": 3, "refused": 1}
    assert {one[0] for one in standing(three)} == {"archived"}


def test_after_an_hour_it_is_not_undone_as_a_whole(three, editor):
    batch = start("archive", three, editor)
    Batch.objects.update(at=timezone.now() - datetime.timedelta(minutes=61))
    batch.refresh_from_db()
    with pytest.raises(ValidationError, match="more than an hour ago"):
        batches.undo(batch, by=editor)


def test_a_large_batch_waits_for_a_worker_and_goes_on_after_one_that_died(three, editor, monkeypatch):
    monkeypatch.setattr(batches, "AT_ONCE", 2)
    batch = start("archive", three, editor)
    assert (batch.state, batches.counts(batch)) == ("doing", {"waiting": 3})
    assert batches.take_one(batch)
    assert batches.counts(batch) == {"done": 1, "waiting": 2}
    Batch.objects.update(at=timezone.now() - datetime.timedelta(seconds=10))
    assert [batches.go_on_with_unfinished() for _ in range(2)] == [2, 0]
    batch.refresh_from_db()
    assert (batch.state, batches.counts(batch)) == ("done", {"done": 3})
    batches.undo(batch, by=editor)
    assert batch.items.filter(state="done").count() == 3
    batches.go_on_with_unfinished()
    assert [one[0] for one in standing(three)] == ["published"] * 3


def test_what_would_happen_is_told_before(three, publisher, author, collection):
    elsewhere = factories.collection("Elsewhere")
    publishing.archive(three[0], by=publisher)
    foreign = factories.article("Not mine", collection=elsewhere)
    every = Article.objects.select_related("collection", "latest_version")

    def told(name, by, value=None):
        seen = outlook(Change(VERBS[name], value), every.order_by("pk"), by=by)
        return [one.title for one in seen.doable], [reason for _, reason in seen.refused]

    assert told("archive", publisher) == (
        ["Article 1", "Article 2"],
        ["it is archived already", "your role in “Elsewhere” does not allow it"],
    )
    assert told("archive", author)[0] == []
    assert told("publish", publisher)[0] == ["Article 0"]
    assert told("untag", author, ["new"]) == ([], ["it has no such tag"] * 3 + told("archive", publisher)[1][1:])
    assert "you do not publish in “Elsewhere”" in told("move", publisher, elsewhere.pk)[1][1]
    assert foreign.pk


def test_a_target_that_is_gone_refuses_each_article_with_the_reason(three, editor):
    gone = factories.collection("Short-lived")
    change = Change(VERBS["move"], gone.pk)
    gone.delete()
    batch = batches.start(change, three, by=editor)
    assert batches.counts(batch) == {"refused": 3}
    assert "does not exist any more" in batch.items.first().reason


def test_an_article_deleted_meanwhile_is_refused(three, editor):
    deleting.delete(Article.objects.get(pk=three[0].pk), by=editor)
    batch = start("archive", three, editor)
    assert "trash" in batch.items.get(state="refused").reason
