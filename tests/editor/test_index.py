"""The page of the index: its figures, what failed and why, once more, and who is shown what."""

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from kb import coverage, garbage, outbox, publishing
from kb.errors import ProviderError
from kb.models import Article, IndexJob, IndexRun, Worker
from kb.publishing import Content
from portal.models import User
from tests import factories

ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


def broken(article: Article) -> None:
    publishing.save(article, Content(article.title, "New."), by=None, based_on=article.latest_version.number)
    publishing.publish(article, by=None)
    outbox.put_back(outbox.claim(article.pk), ProviderError("no such model file", temporary=False))


def shown(client: Client, **headers: str) -> str:
    response = client.get(reverse("editor_index"), headers=headers)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_all_fresh_says_so_and_names_collections_and_the_last_work(
    article: Article, editor: User, client_of: ClientOf
) -> None:
    Worker.objects.beats("one@here")

    page = shown(client_of(editor))

    assert "Every published article is searchable exactly as published: 1 of them." in page
    assert "1 alive" in page
    assert "none waits" in page
    assert 'Guides</a></td> <td role="cell" class="n">1</td><td role="cell" class="n">1</td>' in page
    assert 'Restore an older version</a></td> <td role="cell" data-name="Version" class="n">1</td>' in page


def test_the_page_asks_for_its_figures_again_unless_told_not_to(editor: User, client_of: ClientOf) -> None:
    client = client_of(editor)

    assert 'hx-trigger="every 3s"' in shown(client, **HTMX)
    assert "<html" not in shown(client, **HTMX)
    assert "hx-trigger" not in client.get(reverse("editor_index"), {"still": "1"}).content.decode()


def test_without_a_worker_the_page_says_that_nothing_will_happen(editor: User, client_of: ClientOf) -> None:
    factories.article("Waits")

    page = shown(client_of(editor))

    assert "0 of 1 published articles are fresh" in page
    assert "1 is not, the longest for" in page
    assert "No worker is alive" in page
    assert "In the queue" in page


def test_a_worker_that_was_silent_for_long_is_not_alive(db: None) -> None:
    Worker.objects.create(name="frozen@here", beat="2020-01-01T00:00:00Z")
    assert coverage.overview()["workers"] == 0
    Worker.objects.beats("frozen@here")
    assert coverage.overview()["workers"] == 1


def test_failures_are_listed_with_their_reason_and_retried_all_at_once(
    article: Article, author: User, client_of: ClientOf, index: Callable[[], int]
) -> None:
    broken(article)
    client = client_of(author)
    assert "no such model file" in shown(client)

    response = client.post(reverse("editor_retry_all"), follow=True)

    assert "1 article will be indexed once more." in response.content.decode()
    assert IndexJob.objects.get(pk=article.pk).state == "queued"
    index()
    assert coverage.overview()["fresh"] == 1


def test_what_was_made_with_other_settings_is_indexed_once_more(
    article: Article, author: User, client_of: ClientOf, index: Callable[[], int], settings: Settings
) -> None:
    settings.CHUNK_LIMIT = 100
    client = client_of(author)
    assert "Index 1 once more" in shown(client)

    client.post(reverse("editor_retry_all"))

    assert "once more" not in shown(client).partition("</nav>")[2].replace("1 article will be indexed once more.", "")
    index()
    assert "Every published article is searchable exactly as published" in shown(client)


def test_one_failure_is_retried_from_the_page_and_leads_back_to_it(
    article: Article, author: User, client_of: ClientOf
) -> None:
    broken(article)
    address = reverse("editor_retry", args=[article.pk])

    response = client_of(author).post(address, {"next": reverse("editor_index")})

    assert response["Location"] == reverse("editor_index")
    assert IndexJob.objects.get(pk=article.pk).state == "queued"


def test_articles_of_other_collections_are_counted_and_neither_named_nor_retried(
    article: Article, outsider: User, client_of: ClientOf
) -> None:
    broken(article)
    client = client_of(outsider)

    page = shown(client)
    client.post(reverse("editor_retry_all"))

    assert "0 of 1 published articles" in page
    assert article.title not in page
    assert "Guides" not in page
    assert IndexJob.objects.get(pk=article.pk).state == "failed"


def test_the_command_and_the_page_have_the_same_figures(article: Article, editor: User, client_of: ClientOf) -> None:
    printed = StringIO()

    call_command("index_status", "--json", stdout=printed)

    response = client_of(editor).get(reverse("editor_index"))
    assert json.loads(printed.getvalue()) == response.context["figures"]
    assert response.context["figures"]["throughput"] == {
        "versions_last_minute": 1,
        "versions_last_hour": 1,
        "chunks_last_hour": 3,
        "embedded_last_hour": 3,
    }
    assert response.context["figures"]["collections"] == [
        {"name": "Guides", "address": "guides", "articles": 1, "fresh": 1, "chunks": 3}
    ]


def test_the_command_speaks_to_people_too(article: Article) -> None:
    printed = StringIO()
    call_command("index_status", stdout=printed)
    assert "Guides: 1 of 1 articles fresh, 3 chunks" in printed.getvalue()
    assert "workers alive: 0" in printed.getvalue()


def test_figures_of_a_week_ago_are_forgotten(article: Article) -> None:
    IndexRun.objects.update(finished="2020-01-01T00:00:00Z")
    Worker.objects.create(name="gone@here", beat="2020-01-01T00:00:00Z")
    garbage.collect()
    assert (IndexRun.objects.count(), Worker.objects.count()) == (0, 0)
