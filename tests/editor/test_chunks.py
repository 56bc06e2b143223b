"""The article as the retriever sees it, and the line that says how fresh the index is."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from kb import outbox, publishing
from kb.errors import ProviderError
from kb.models import Article, IndexJob
from kb.publishing import Content
from portal.models import User
from tests import factories

ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true"}


def test_chunks_have_their_heading_path_size_and_place(article: Article, author: User, client_of: ClientOf) -> None:
    response = client_of(author).get(reverse("editor_chunks", args=[article.pk]))

    page = response.content.decode()
    assert len(response.context["chunks"]) == 3
    assert "Restore an older version › Steps" in page
    assert "#s-steps" in page
    assert f'{reverse("editor_version", args=[article.pk, 1])}#b-5"' in page
    assert "of 200" in page


def test_chunks_of_a_newer_draft_can_be_seen_too(
    article: Article, author: User, client_of: ClientOf, index: Callable[[], int]
) -> None:
    publishing.save(article, Content("Restore it", "Only this."), by=author, based_on=1)
    index()
    client, address = client_of(author), reverse("editor_chunks", args=[article.pk])

    assert client.get(address).context["version"].number == 1
    draft = client.get(address, {"version": "2"})

    assert draft.context["version"].number == 2
    assert "which readers do not see" in draft.content.decode()


@pytest.mark.parametrize(("version", "status"), [("9", 404), ("x", 200), ("-1", 200), ("9" * 5000, 200)])
def test_a_version_without_chunks_is_not_found_and_nonsense_is_ignored(
    version: str, status: int, article: Article, author: User, client_of: ClientOf
) -> None:
    response = client_of(author).get(reverse("editor_chunks", args=[article.pk]), {"version": version})

    assert response.status_code == status


def test_an_article_that_is_not_indexed_yet_says_so(author: User, client_of: ClientOf) -> None:
    draft = factories.article("A draft", published=False)

    page = client_of(author).get(reverse("editor_chunks", args=[draft.pk])).content.decode()

    assert "Version 1 has no chunks yet" in page


# --- the line


def line(article: Article, client: Client) -> str:
    response = client.get(reverse("editor_status", args=[article.pk]), headers=HTMX)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_line_of_a_fresh_article(article: Article, author: User, client_of: ClientOf) -> None:
    said = line(article, client_of(author))

    assert "Answers use version 1." in said
    assert "hx-trigger" not in said
    assert 'id="freshness-news" hx-swap-oob="innerHTML">Answers use version 1.' in said


def test_the_line_while_the_index_catches_up_asks_again_every_second(
    article: Article, editor: User, client_of: ClientOf
) -> None:
    publishing.save(article, Content("Restore it", "New."), by=editor, based_on=1)
    publishing.publish(article, by=editor)

    said = line(article, client_of(editor))

    assert "Answers use version 1; version 2 will be ready in" in said
    assert 'hx-trigger="every 1s"' in said
    assert 'hx-swap-oob="innerHTML"></p>' in said


def test_the_line_of_a_draft(author: User, client_of: ClientOf) -> None:
    assert "Not published." in line(factories.article("A draft", published=False), client_of(author))


def test_the_line_of_a_first_version_on_its_way(author: User, client_of: ClientOf) -> None:
    assert "Version 1 will be ready in" in line(factories.article("New"), client_of(author))


def test_a_failure_is_said_with_its_reason_and_tried_again(
    article: Article, editor: User, client_of: ClientOf, index: Callable[[], int]
) -> None:
    publishing.save(article, Content("Restore it", "New."), by=editor, based_on=1)
    publishing.publish(article, by=editor)
    outbox.put_back(outbox.claim(article.pk), ProviderError("no such model file", temporary=False))
    client = client_of(editor)

    said = line(article, client)
    assert "Version 2 failed: ProviderError: no such model file" in said
    assert "Answers use version 1." in said

    again = client.post(reverse("editor_retry", args=[article.pk]), headers=HTMX)
    assert "version 2 will be ready in" in again.content.decode()
    assert IndexJob.objects.get(pk=article.pk).state == "queued"
    index()
    assert "Answers use version 2." in line(article, client)


def test_without_scripts_the_line_is_on_the_article_page(article: Article, author: User, client_of: ClientOf) -> None:
    response = client_of(author).get(reverse("editor_status", args=[article.pk]))

    assert response["Location"] == reverse("editor_edit", args=[article.pk])
