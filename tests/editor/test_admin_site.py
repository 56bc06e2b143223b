"""The Django admin: people, audiences and jobs can be changed there; text, answers and the audit trail cannot."""

from collections.abc import Callable

import pytest
from django.contrib import admin as site
from django.test import Client
from django.urls import reverse

from kb import outbox, publishing
from kb.errors import ProviderError
from kb.models import Answer, Article, ArticleVersion, AuditEntry, IndexJob, Passage
from kb.publishing import Content
from portal.models import User

ClientOf = Callable[[User], Client]
LISTS = ["portal_user", "auth_group", "kb_audience", "kb_collection", "kb_membership"]
LISTS += ["kb_indexjob", "kb_answer", "kb_auditentry"]
READ_ONLY = ["answer", "auditentry", "indexjob"]


@pytest.fixture
def answer(article: Article) -> Answer:
    made = Answer.objects.create(question="How do I restore?", text="Press Restore.⟦1⟧", state="answered")
    made.sources.create(number=1, version=article.published_version, passage=Passage.objects.first())
    return made


def test_articles_and_versions_are_not_in_the_admin() -> None:
    assert not site.site.is_registered(Article)
    assert not site.site.is_registered(ArticleVersion)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_of_the_admin_opens(name: str, answer: Answer, admin: User, client_of: ClientOf) -> None:
    assert client_of(admin).get(reverse(f"admin:{name}_changelist")).status_code == 200


@pytest.mark.parametrize("name", ["portal_user", "kb_audience", "kb_collection", "kb_membership", "auth_group"])
def test_what_may_be_added_has_a_form(name: str, admin: User, client_of: ClientOf) -> None:
    assert client_of(admin).get(reverse(f"admin:{name}_add")).status_code == 200


@pytest.mark.parametrize("name", READ_ONLY)
def test_even_an_admin_cannot_add_what_is_only_shown(name: str, admin: User, client_of: ClientOf) -> None:
    assert client_of(admin).get(reverse(f"admin:kb_{name}_add")).status_code == 403


def test_an_answer_is_shown_with_its_sources_and_cannot_be_changed(
    answer: Answer, admin: User, client_of: ClientOf
) -> None:
    address = reverse("admin:kb_answer_change", args=[answer.pk])

    page = client_of(admin).get(address).content.decode()
    refused = client_of(admin).post(address, {"question": "Changed"})

    assert "Restore an older version, version 1" in page
    assert 'name="_save"' not in page
    assert refused.status_code == 403
    answer.refresh_from_db()
    assert answer.question == "How do I restore?"


def test_the_audit_trail_cannot_be_deleted(article: Article, admin: User, client_of: ClientOf) -> None:
    entry = AuditEntry.objects.first()

    assert client_of(admin).post(reverse("admin:kb_auditentry_delete", args=[entry.pk])).status_code == 403


def test_a_failed_job_is_found_with_its_reason_and_tried_again(
    article: Article, admin: User, client_of: ClientOf
) -> None:
    publishing.save(article, Content("Restore it", "New."), by=None, based_on=1)
    outbox.put_back(outbox.claim(article.pk), ProviderError("no such model file", temporary=False))
    address = reverse("admin:kb_indexjob_changelist")

    page = client_of(admin).get(address, {"state__exact": "failed"}).content.decode()
    response = client_of(admin).post(address, {"action": "retry", "_selected_action": [article.pk]}, follow=True)

    assert "no such model file" in page
    assert "1 asked for once more." in response.content.decode()
    assert IndexJob.objects.get(pk=article.pk).state == "queued"


def test_a_role_is_given_on_the_page_of_the_person(reader: User, admin: User, client_of: ClientOf) -> None:
    page = client_of(admin).get(reverse("admin:portal_user_change", args=[reader.pk])).content.decode()

    assert 'name="memberships-TOTAL_FORMS"' in page


def test_an_editor_has_no_business_in_the_admin(editor: User, client_of: ClientOf) -> None:
    assert client_of(editor).get(reverse("admin:kb_answer_changelist")).status_code == 302
