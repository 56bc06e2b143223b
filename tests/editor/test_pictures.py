"""Images come into a text by upload, with and without scripts; what is wrong with one is said, and the text stays."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image as Pixels

from kb.models import Article, Audience, Collection, Image
from portal.editor.pictures import described
from portal.models import User
from tests import factories

ClientOf = Callable[[User], Client]
Typed = Callable[..., dict[str, Any]]


def picture(name: str = "save button.png") -> SimpleUploadedFile:
    out = BytesIO()
    Pixels.new("RGB", (64, 32), "red").save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue())


def test_an_uploaded_image_comes_back_as_the_markdown_that_shows_it(author: User, client_of: ClientOf) -> None:
    response = client_of(author).post(reverse("editor_upload"), {"file": picture()})

    image = Image.objects.get()
    assert response.status_code == 201
    assert response.content.decode() == f"![save button](/images/{image.digest}/save-button-64x32.png)"


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "Choose an image first."),
        ({"file": SimpleUploadedFile("a.svg", b"<svg onload='alert(1)'/>")}, "SVG is not accepted"),
        ({"file": SimpleUploadedFile("a.png", b"MZ")}, "This file is no image that pages show"),
        ({"file": SimpleUploadedFile("a.png", b"x" * 10_000_001)}, "at most 10,000,000 are possible"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(
    sent: dict[str, Any], message: str, author: User, client_of: ClientOf
) -> None:
    response = client_of(author).post(reverse("editor_upload"), sent)

    assert response.status_code == 422
    assert message in response.content.decode()
    assert not Image.objects.exists()


def test_without_scripts_an_image_is_put_at_the_end_of_the_text(
    article: Article, typed: Typed, author: User, client_of: ClientOf
) -> None:
    sent = {**typed(article, source="Typed.", do="image"), "image": picture()}

    page = client_of(author).post(reverse("editor_edit", args=[article.pk]), sent)

    assert page.status_code == 200
    assert f"Typed.\n\n![save button](/images/{Image.objects.get().digest}/" in page.content.decode()
    assert "data-unsaved" in page.content.decode()
    article.refresh_from_db()
    assert article.latest_version.number == 1


def test_without_scripts_a_file_that_is_no_image_leaves_the_text_as_it_is(
    collection: Collection, author: User, client_of: ClientOf
) -> None:
    sent = {"title": "T", "source": "Typed.", "do": "image", "image": SimpleUploadedFile("a.png", b"MZ")}

    page = client_of(author).post(reverse("editor_create"), sent)

    assert page.status_code == 422
    assert "This file is no image that pages show" in page.content.decode()
    assert "Typed.</textarea>" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "words"),
    [("save-button_2.png", "save button 2"), ("image.png", ""), ("IMG_1234.jpg", ""), ("Screenshot 2026.png", "")],
)
def test_a_description_begins_with_what_the_name_says(name: str, words: str) -> None:
    assert described(name) == words


# --- links


def titles(client: Client, query: str) -> list[str]:
    response = client.get(reverse("editor_picking"), {"q": query})
    assert response.status_code == 200
    return [article.shown for article in response.context["found"]]


def test_articles_to_link_to_are_found_by_words_of_their_titles(
    article: Article, collection: Collection, author: User, client_of: ClientOf
) -> None:
    factories.article("Older drafts", published=False, collection=collection)
    client = client_of(author)

    assert titles(client, "OLDER") == ["Older drafts", "Restore an older version"]
    assert titles(client, "version restore") == ["Restore an older version"]
    assert titles(client, "") == ["Older drafts", "Restore an older version"]
    assert titles(client, "%") == titles(client, "\0zzz") == []


def test_nobody_learns_of_articles_they_may_not_know(
    article: Article, operators: Audience, outsider: User, client_of: ClientOf, index: Callable[[], int]
) -> None:
    """An outsider reads what is published for everyone, by its published title."""
    factories.article("Canary draft", published=False)
    factories.article("Canary for operators", audience=operators)
    factories.article("A public canary")
    index()

    assert titles(client_of(outsider), "canary") == ["A public canary"]
