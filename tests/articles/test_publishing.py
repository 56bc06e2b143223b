"""Saving, publishing, withdrawing, restoring, arranging: what each does, at once, and who may."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from kb import publishing
from kb.models import Article, ArticleVersion, AuditEntry, Chunk, Redirect
from kb.publishing import Conflict, Content
from tests import factories

pytestmark = pytest.mark.django_db


def test_saving_makes_a_numbered_version_with_author_and_note(article, publisher):
    version = publishing.save(article, Content("Restore", "New text."), by=publisher, based_on=1, note="Shorter")
    assert (version.number, version.author, version.note, version.title) == (2, publisher, "Shorter", "Restore")
    assert article.latest_version == version
    assert article.published_version.number == 1


def test_saving_the_same_text_again_makes_no_version(article, publisher):
    same = Content.of(article.latest_version)
    assert publishing.save(article, same, by=publisher, based_on=1).number == 1


def test_the_second_of_two_writers_gets_a_conflict_and_writes_nothing(article, publisher, editor):
    publishing.save(article, Content("A", "first"), by=publisher, based_on=1)
    with pytest.raises(Conflict, match="publisher saved version 2 meanwhile") as caught:
        publishing.save(article, Content("A", "second"), by=editor, based_on=1)
    assert caught.value.theirs.source == "first"
    assert article.versions.count() == 2


@pytest.mark.parametrize("change", ["UPDATE kb_articleversion SET source = 'x'", "DELETE FROM kb_articleversion"])
def test_the_database_itself_refuses_to_change_a_version(article, change):
    with pytest.raises(IntegrityError, match="immutable"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_forgetting_an_author_leaves_the_version_as_it_was(article, publisher):
    publishing.save(article, Content("A", "text"), by=publisher, based_on=1)
    publisher.delete()
    version = ArticleVersion.objects.get(article=article, number=2)
    assert (version.author, version.source) == (None, "text")


def test_publishing_an_indexed_version_is_live_at_once(article, publisher, index):
    publishing.save(article, Content("A", "new words"), by=publisher, based_on=1)
    index()
    assert publishing.publish(article, by=publisher) is True
    assert article.published_version.number == 2


def test_publishing_waits_for_the_index_and_readers_keep_the_old_version(article, publisher, index):
    publishing.save(article, Content("A", "new words"), by=publisher, based_on=1)
    assert publishing.publish(article, by=publisher) is False
    assert article.published_version.number == 1
    index()
    article.refresh_from_db()
    assert article.published_version.number == 2
    assert not Chunk.objects.filter(version__number=1, version__article=article).exists()


@pytest.mark.parametrize(("verb", "state"), [(publishing.unpublish, "draft"), (publishing.archive, "archived")])
def test_withdrawing_hides_with_the_click(article, publisher, reader, verb, state):
    verb(article, by=publisher)
    assert article.state == state
    assert not Article.objects.visible_to(reader).exists()
    assert not Chunk.objects.visible_to(reader).exists()


def test_restoring_makes_a_new_version_with_the_old_text(article, publisher):
    first = article.latest_version
    publishing.save(article, Content("A", "worse"), by=publisher, based_on=1)
    restored = publishing.restore(first, by=publisher)
    assert (restored.number, restored.source, restored.note) == (3, first.source, "Restored version 1")
    assert article.versions.count() == 3


def test_a_new_address_keeps_the_old_one_leading_to_the_article(article, publisher):
    publishing.arrange(article, by=publisher, slug="bring-back")
    assert Redirect.objects.get(old_slug="restore-an-older-version").article == article
    publishing.arrange(article, by=publisher, slug="restore-an-older-version")
    assert not Redirect.objects.filter(old_slug="restore-an-older-version").exists()


def test_a_taken_or_impossible_address_is_refused_in_words(article, publisher, collection):
    other = factories.article("Other", collection=collection)
    with pytest.raises(ValidationError, match="Another article already has the address “other”"):
        publishing.arrange(article, by=publisher, slug=other.slug)
    with pytest.raises(ValidationError, match="only small letters"):
        publishing.arrange(article, by=publisher, slug="No Spaces!")


def test_narrowing_the_audience_takes_effect_at_once(article, publisher, reader, operators):
    publishing.arrange(article, by=publisher, audience=operators)
    assert not Article.objects.visible_to(reader).exists()


@pytest.mark.parametrize("verb", [publishing.publish, publishing.unpublish, publishing.archive])
def test_an_author_may_write_but_not_publish(article, author, verb):
    publishing.save(article, Content("A", "mine"), by=author, based_on=1)
    with pytest.raises(PermissionDenied, match="Your role in “Guides” does not allow this"):
        verb(article, by=author)


def test_an_author_may_not_change_who_reads(article, author, operators):
    with pytest.raises(PermissionDenied):
        publishing.arrange(article, by=author, audience=operators)


@pytest.mark.parametrize("who", ["outsider", "reader"])
def test_nobody_without_a_role_in_the_collection_writes(article, who, request):
    with pytest.raises(PermissionDenied):
        publishing.save(article, Content("A", "x"), by=request.getfixturevalue(who), based_on=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Content("  ", "text"), "An article needs a title."),
        (Content("x" * 201, ""), "The title has 201 characters; at most 200 are possible."),
        (Content("A", "a\0b"), "NUL character"),
        (Content("A", "x" * 500_001), "500,001 characters; at most 500,000"),
    ],
)
def test_impossible_content_is_refused_in_words(article, publisher, content, message):
    with pytest.raises(ValidationError, match=message):
        publishing.save(article, content, by=publisher, based_on=1)


def test_every_verb_leaves_an_audit_entry_with_who(article, publisher):
    publishing.save(article, Content("A", "x"), by=publisher, based_on=1)
    publishing.publish(article, by=publisher)
    publishing.unpublish(article, by=publisher)
    publishing.archive(article, by=publisher)
    publishing.restore(article.versions.get(number=1), by=publisher)
    publishing.arrange(article, by=publisher, tags=["new"])
    mine = AuditEntry.objects.filter(article=article, by=publisher)
    assert {entry.action for entry in mine} == {"saved", "published", "unpublished", "archived", "restored", "arranged"}


def test_a_taken_address_for_a_new_article_is_refused_in_words(article, collection):
    with pytest.raises(ValidationError, match="already has the address “restore-an-older-version”"):
        publishing.create(collection, Content("B", "x"), by=None, slug="restore-an-older-version")
