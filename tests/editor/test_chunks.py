"""The article as the retriever sees it, and the line that says how fresh the index is."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from kb import outbox, publishing
from kb.errors import ProviderError
from kb.models import Answer, AnswerSource, Article, Chunk, Collection, IndexJob
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


# --- what chunks served, copies, and trying a question


def answered(article: Article, passage: int, question: str, *, days: int = 0) -> None:
    """A question that was answered with this passage of the article among its sources, so many days ago."""
    answer = Answer.objects.create(question=question, state=Answer.State.ANSWERED)
    Answer.objects.filter(pk=answer.pk).update(created=Now() - timedelta(days=days))
    AnswerSource.objects.create(answer=answer, number=1, version=article.published_version, passage_id=passage)


def page_of(article: Article, client: Client, **query: str) -> str:
    response = client.get(reverse("editor_chunks", args=[article.pk]), query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_each_chunk_says_which_questions_it_served_and_which_never_did(
    article: Article, author: User, client_of: ClientOf
) -> None:
    first, second, third = Chunk.objects.filter(version=article.published_version).order_by("ordinal")
    answered(article, third.passage_id, "Refused")
    for _ in range(2):
        answered(article, first.passage_id, "What makes a version?")
    answered(article, first.passage_id, "What is saved?", days=10)
    answered(article, second.passage_id, "An old question", days=40)
    Answer.objects.filter(question="Refused").update(state=Answer.State.REFUSED)

    page = page_of(article, client_of(author))

    assert "This article was a source of 2 answers this week. 1 of its chunks was never retrieved." in page
    assert "Questions it served, 30 days: 3" in page
    assert '<span class="count">2</span>What makes a version?' in page
    assert "An old question" not in page
    assert "Refused" not in page  # it shows a passage and rests on none
    assert page.count("Not retrieved for an answer in 30 days.") == 1
    assert page.count("Never retrieved for an answer.") == 1


def test_near_copies_are_named_where_the_editor_may_write_and_nowhere_else(
    article: Article, author: User, editor: User, client_of: ClientOf, index: Callable[[], int]
) -> None:
    twin = "Every save makes a version."
    factories.article("Restore an older version", twin, collection=article.collection, slug="twin")
    factories.article("Restore an older version", twin, collection=factories.collection("Secret"), slug="secret-twin")
    index()

    assert page_of(article, client_of(author)).count("100&nbsp;% alike") == 1
    assert page_of(article, client_of(editor)).count("100&nbsp;% alike") == 2


def test_a_question_can_be_tried_on_the_article(article: Article, author: User, client_of: ClientOf) -> None:
    page = page_of(article, client_of(author), q="Open the history and press Restore")

    assert 'Nearest in meaning to “Open the history and press Restore”: <a href="#chunk-2">chunk 2</a>' in page
    assert ", place 1</dd>" in page
    assert "Nearest in meaning" not in page_of(article, client_of(author), q="  ")


@pytest.mark.parametrize("question", ["\0", "x" * 3000, "⟦1⟧ & <script>"])
def test_odd_questions_do_no_harm(question: str, article: Article, author: User, client_of: ClientOf) -> None:
    assert "<script>" not in page_of(article, client_of(author), q=question).split("</head>")[1]


def test_what_repeats_the_chunk_before_is_set_apart(
    author: User, client_of: ClientOf, index: Callable[[], int], settings: Settings, collection: Collection
) -> None:
    settings.CHUNK_LIMIT, settings.CHUNK_OVERLAP = 40, 8
    long = factories.article("Long", " ".join(f"Step {n} is here." for n in range(25)), collection=collection)
    index()

    rows = client_of(author).get(reverse("editor_chunks", args=[long.pk])).context["chunks"]

    assert rows[0].overlap == ""
    repeats = [(before.body, row.overlap) for before, row in pairwise(rows) if row.overlap]
    assert repeats
    assert all(before.endswith(overlap) for before, overlap in repeats)
