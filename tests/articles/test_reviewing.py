"""A second pair of eyes: who asks, who decides, about which version, and that readers notice nothing."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from kb import publishing, reviewing
from kb.models import Article
from kb.publishing import Content
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer(collection):
    return factories.person("reviewer", role="reviewer", where=collection)


@pytest.fixture
def draft(article, author):
    """A draft beside what readers have."""
    publishing.save(article, Content("Restore it", "New text."), by=author, based_on=1)
    return article


@pytest.fixture
def unread(collection, author):
    """A draft that nobody has published."""
    return publishing.create(collection, Content("Unread", "A draft."), by=author)


def words(article):
    found = Article.objects.with_stage().get(pk=article.pk)
    return found.state, found.in_review


def test_a_draft_beside_a_published_version_is_in_review_and_readers_keep_theirs(draft, author, reviewer, reader):
    reviewing.ask(draft, by=author, text="Is this right?")
    assert words(draft) == ("published", True)
    assert Article.objects.visible_to(reader).get().published_version.number == 1
    reviewing.approve(draft, by=reviewer, seen=2)
    assert words(draft) == ("published", False)
    assert Article.objects.visible_to(reader).get().published_version.number == 1


def test_an_article_that_nobody_published_is_in_review_until_it_is_decided(unread, author, reviewer):
    reviewing.ask(unread, by=author)
    assert words(unread) == ("in-review", True)
    assert set(Article.objects.with_stage().in_state("in-review")) == {unread}
    reviewing.request_changes(unread, by=reviewer, seen=1, text="Say how.")
    assert words(unread) == ("draft", False)
    kinds = [remark.kind for remark in unread.reviews.get().remarks.all()]
    assert kinds == ["asked", "changes"]


def test_only_reviewers_decide_and_not_about_their_own_words(draft, author, reviewer, publisher, outsider):
    reviewing.ask(draft, by=author)
    for person in (author, outsider):
        with pytest.raises(PermissionDenied):
            reviewing.approve(draft, by=person, seen=2)
    publishing.save(draft, Content("Restore it", "Newer."), by=reviewer, based_on=2)
    with pytest.raises(PermissionDenied, match="somebody else must approve"):
        reviewing.approve(draft, by=reviewer, seen=3)
    reviewing.approve(draft, by=publisher, seen=3)
    assert draft.reviews.get().version.number == 3


def test_a_version_that_was_not_looked_at_is_not_approved(draft, author, reviewer):
    reviewing.ask(draft, by=author)
    publishing.save(draft, Content("Restore it", "Newer."), by=author, based_on=2)
    with pytest.raises(ValidationError, match="Version 3 was saved meanwhile"):
        reviewing.approve(draft, by=reviewer, seen=2)
    assert draft.reviews.get().state == "open"


def test_changes_are_not_asked_for_without_words(draft, author, reviewer):
    reviewing.ask(draft, by=author)
    with pytest.raises(ValidationError, match="Say what should be changed"):
        reviewing.request_changes(draft, by=reviewer, seen=2, text=" \n")


def test_a_review_is_asked_for_once_and_only_of_what_readers_do_not_have(article, author):
    with pytest.raises(ValidationError, match="nothing to review"):
        reviewing.ask(article, by=author)
    publishing.save(article, Content("Restore it", "New."), by=author, based_on=1)
    reviewing.ask(article, by=author)
    with pytest.raises(ValidationError, match="asked for already"):
        reviewing.ask(article, by=author)
    reviewing.withdraw(article, by=author)
    reviewing.ask(article, by=author)
    assert [review.state for review in article.reviews.all()] == ["open", "withdrawn"]


@pytest.mark.parametrize("verb", [publishing.publish, publishing.archive])
def test_publishing_or_archiving_ends_an_open_review_without_a_decision(unread, author, publisher, verb):
    reviewing.ask(unread, by=author)
    verb(unread, by=publisher)
    assert unread.reviews.get().state == "overtaken"
    assert unread.state in ("published", "archived")


def test_reviewers_see_what_waits_and_authors_what_became_of_it(draft, author, reviewer, publisher, outsider):
    reviewing.ask(draft, by=author)
    assert [review.article for review in reviewing.waiting(reviewer).open] == [draft]
    assert (reviewing.count_waiting(reviewer), reviewing.count_waiting(author)) == (1, 0)
    assert not reviewing.waiting(outsider).open
    reviewing.approve(draft, by=reviewer, seen=2)
    assert [review.state for review in reviewing.waiting(author).own] == ["approved"]
    assert [review.article for review in reviewing.waiting(publisher).approved] == [draft]
    publishing.publish(draft, by=publisher)
    assert not reviewing.waiting(publisher).approved


def test_somebody_else_must_publish_what_one_wrote_if_a_setting_says_so(draft, publisher, editor, settings):
    publishing.save(draft, Content("Restore it", "By the publisher."), by=publisher, based_on=2)
    publishing.save(draft, Content("Restore it", "By an editor."), by=editor, based_on=3)
    settings.SEPARATE_PUBLISHER = True
    for person, number in ((publisher, 3), (editor, 4)):
        with pytest.raises(ValidationError, match=f"You wrote version {number} yourself"):
            publishing.publish(draft, by=person)
    publishing.publish(draft, by=factories.person("another", role="publisher"))
    assert draft.wanted_version.number == 4
