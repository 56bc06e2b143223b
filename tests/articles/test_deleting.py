"""Into the trash, out of it as it stood, and after its days for good; gone for readers with the click."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from kb import deleting, publishing, retrieval, reviewing
from kb.models import Answer, AnswerSource, Article, AuditEntry, Chunk, Deletion, EvaluationSet
from kb.publishing import Content
from tests import factories

pytestmark = pytest.mark.django_db


def in_trash_since(article, days):
    Deletion.objects.filter(article=article).update(at=timezone.now() - datetime.timedelta(days=days))


def test_deleting_hides_from_pages_search_and_editors_with_the_click(article, publisher, reader):
    deleting.delete(article, by=publisher)
    assert not Article.objects.visible_to(reader).exists()
    assert not Chunk.objects.visible_to(reader).exists()
    assert not retrieval.retrieve("restore a version", user=reader)
    assert not Article.objects.editable_by(publisher).exists()
    assert article.versions.count() == 1


def test_what_comes_out_of_the_trash_stands_as_it_stood(article, publisher, author, reader, index):
    publishing.save(article, Content("Restore it", "New."), by=author, based_on=1)
    reviewing.ask(article, by=author)
    deleting.delete(article, by=publisher)
    assert article.reviews.get().state == "overtaken"
    deleting.restore(article, by=publisher)
    index()
    shown = Article.objects.visible_to(reader).get()
    assert (shown.published_version.number, shown.latest_version.number) == (1, 2)
    assert article.reviews.get().state == "open"
    assert retrieval.retrieve("restore a version", user=reader)
    with pytest.raises(ValidationError, match="not in the trash any more"):
        deleting.restore(article, by=publisher)


@pytest.mark.django_db(transaction=True)
def test_it_comes_out_of_the_trash_without_people_who_are_gone_but_not_without_its_collection(article, editor, author):
    elsewhere = factories.collection("Elsewhere")
    somebody = factories.person("somebody", role="author", where=elsewhere)
    publishing.arrange(article, by=editor, collection=elsewhere, owner=somebody)
    deleting.delete(article, by=editor)
    somebody.delete()
    deletion = Deletion.objects.get(article=article)
    Deletion.objects.filter(pk=deletion.pk).update(before=deletion.before | {"collection_id": 0})
    with pytest.raises(ValidationError, match="The collection that it was in is gone"):
        deleting.restore(article, by=editor)
    Deletion.objects.filter(pk=deletion.pk).update(before=deletion.before)
    deleting.restore(article, by=editor)
    article.refresh_from_db()
    assert (article.owner, article.collection) == (None, elsewhere)


def test_readers_articles_are_deleted_by_publishers_and_drafts_by_whoever_writes(article, author, outsider, collection):
    draft = publishing.create(collection, Content("A draft", "Text."), by=author)
    for person, one in ((author, article), (outsider, draft)):
        with pytest.raises(PermissionDenied):
            deleting.delete(one, by=person)
    deleting.delete(draft, by=author)
    deleting.restore(draft, by=author)
    assert draft.state == "draft"


def test_nothing_is_done_to_what_is_in_the_trash(article, publisher):
    same = Article.objects.get(pk=article.pk)
    deleting.delete(article, by=publisher)
    for verb in (publishing.publish, publishing.archive, deleting.delete):
        with pytest.raises(ValidationError, match="is in the trash"):
            verb(same, by=publisher)


def test_after_its_days_it_is_deleted_for_good_with_the_answers_that_quote_it(article, publisher, settings):
    other = factories.article("Another")
    answers = [Answer.objects.create(question=f"How {number}?") for number in range(2)]
    chunk = Chunk.objects.filter(version=article.published_version).first()
    for answer, version in zip(answers, (article.published_version, other.latest_version), strict=True):
        AnswerSource.objects.create(answer=answer, number=1, version=version, passage=chunk.passage)
    factories.case(EvaluationSet.objects.create(name="Set"), "Where?", article)
    deleting.delete(article, by=publisher)
    in_trash_since(article, settings.TRASH_DAYS - 1)
    assert deleting.purge() == 0
    in_trash_since(article, settings.TRASH_DAYS + 1)
    assert [deleting.purge() for _ in range(2)] == [1, 0]
    assert [*Article.objects.all()] == [other]
    assert [*Answer.objects.all()] == [answers[1]]
    assert AuditEntry.objects.filter(action="deleted for good", detail="Restore an older version").exists()


def test_zero_days_keep_everything(article, publisher, settings):
    deleting.delete(article, by=publisher)
    in_trash_since(article, 5000)
    settings.TRASH_DAYS = 0
    assert deleting.purge() == 0


def test_only_what_is_in_the_trash_is_deleted_for_good(article):
    assert deleting.delete_for_good(article.pk) is False
    assert Article.objects.filter(pk=article.pk).exists()


def test_what_leads_here_is_found_by_every_address_it_had_and_no_hidden_draft_is_named(article, publisher, operators):
    publishing.arrange(article, by=None, slug="restored")
    factories.article("Leads by the old one", "See [it](/articles/restore-an-older-version/#steps).")
    factories.article("Leads by the new one", "See [it](/articles/restored).", published=False)
    factories.article("Leads elsewhere", "See [it](/articles/restored-chairs/).")
    elsewhere = factories.collection("Far away")
    factories.article("Secret plan", "See [it](/articles/restored/).", collection=elsewhere, published=False)
    factories.article("For operators", "See [it](/articles/restored/).", collection=elsewhere, audience=operators)
    far = factories.article("Far away", "See [it](/articles/restored/).", collection=elsewhere)
    Article.objects.filter(pk=far.pk).update(published_version=far.latest_version)
    found = {link.title: link.pk is not None for link in deleting.links_here(article, publisher)}
    assert found == {"Leads by the old one": True, "Leads by the new one": True, "Far away": False}
