"""A save here is found by search once a real worker, in another process, has indexed it."""

from contextlib import suppress

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from kb import publishing
from kb.models import Article, ArticleVersion, IndexJob, Passage
from kb.publishing import Content
from kb.retrieval import retrieve
from portal.celery import app
from tests import factories
from tests.index.chaos.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(170)]


class Cancelled(Exception):
    """The save was rolled back."""


def found(question: str) -> list[str]:
    """What a search by nobody in particular finds, best first: the text of the passages."""
    return [hit.text for hit in retrieve(question, user=AnonymousUser())]


def test_a_save_becomes_searchable_and_a_rolled_back_one_leaves_nothing(worker, broker):
    with broker.running():
        one = worker()
        one.await_ready()
        with suppress(Cancelled), transaction.atomic():
            factories.article("Never", "This was rolled back.")
            raise Cancelled
        article = factories.article("Restore", "Open the history of the article.")
        wait_until(lambda: found("history of the article"), 30, "the first version is not found", one)
        article.refresh_from_db()
        with suppress(Cancelled), transaction.atomic():
            publishing.save(article, Content("Restore", "Rolled back, too."), by=None, based_on=1)
            publishing.publish(article, by=None)
            raise Cancelled
        article.refresh_from_db()
        publishing.save(article, Content("Restore", "Choose a version in the list."), by=None, based_on=1)
        publishing.publish(article, by=None)
        wait_until(lambda: found("choose a version") == ["Choose a version in the list."], 30, "no second version", one)
    assert set(ArticleVersion.objects.values_list("source", flat=True)) == {
        "Open the history of the article.",
        "Choose a version in the list.",
    }
    assert not Passage.objects.filter(text__icontains="rolled back").exists()
    assert IndexJob.objects.get().state == "done"


def test_a_save_while_the_broker_is_down_succeeds_and_the_sweep_catches_up(worker, broker):
    with broker.running():
        one = worker()
        one.await_ready()
    article = factories.article("Restore", "Open the history of the article.")
    assert Article.objects.get(pk=article.pk).latest_version.number == 1
    assert IndexJob.objects.get().state == "queued"
    with broker.running():
        wait_until(lambda: found("history of the article"), 60, "the sweep did not catch up", one)


def test_every_scheduled_task_is_one_that_a_worker_knows(settings):
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert "kb.probing.probe_recall" in scheduled
    assert scheduled - app.tasks.keys() == set()
