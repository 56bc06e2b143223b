"""Images of articles: an image is seen by whoever may read an article that shows it, and by nobody else."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image as Pixels

from kb import garbage, images, markdown, publishing
from kb.models import Article, Audience, Collection, Image, ImageUpload
from kb.publishing import Content
from portal.models import User
from tests import factories

pytestmark = pytest.mark.django_db


def png(colour: str = "red") -> bytes:
    out = BytesIO()
    Pixels.new("RGB", (64, 32), colour).save(out, "PNG")
    return out.getvalue()


def shown(image: Image) -> str:
    return f"Press this:\n\n![The button]({images.address(image)})"


@pytest.fixture
def stored(author: User) -> Image:
    return images.store(png(), "Save Button (2).PNG", by=author)


def sees(person: User | None, image: Image) -> bool:
    client = Client()
    if person:
        client.force_login(person)
    status = client.get(images.address(image)).status_code
    assert status in (200, 404)
    return status == 200


def test_an_address_holds_the_hash_a_safe_name_and_the_size(stored: Image) -> None:
    assert images.address(stored) == f"/images/{stored.digest}/save-button-2-64x32.png"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd-64x32.png"),
        ("C:\\Pictures\\Žlutý kůň.jpeg", "zluty-kun-64x32.png"),
        ("図.png", "image-64x32.png"),
        ("button-64x32.png", "button-64x32.png"),
        ("<script>.svg", "script-64x32.png"),
        ("x" * 300, "x" * 60 + "-64x32.png"),
    ],
)
def test_names_are_made_safe(name: str, safe: str, db: None) -> None:
    assert images.store(png(), name, by=None).name == safe


def test_the_same_image_is_stored_once_whoever_brings_it(stored: Image, editor: User) -> None:
    again = images.store(png(), "other.png", by=editor)

    assert (again, Image.objects.count(), again.name) == (stored, 1, "save-button-2-64x32.png")
    assert {upload.by.username for upload in stored.uploads.all()} == {"author", "editor"}


def test_an_image_is_served_as_an_image_and_nothing_else(stored: Image, author: User) -> None:
    client = Client()
    client.force_login(author)

    response = client.get(images.address(stored))

    assert response.content == png()
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "private, max-age=86400"
    again = client.get(images.address(stored), headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_until_an_article_shows_it_only_who_brought_it_sees_it(
    stored: Image, author: User, editor: User, reader: User
) -> None:
    assert [sees(person, stored) for person in (author, editor, reader, None)] == [True, False, False, False]


def test_readers_see_an_image_with_the_published_version_that_shows_it(
    stored: Image, author: User, editor: User, outsider: User, collection: Collection, index: Callable[[], int]
) -> None:
    article = publishing.create(collection, Content("Saving", shown(stored)), by=author)
    assert [sees(person, stored) for person in (editor, outsider, None)] == [True, False, False]

    publishing.publish(article, by=None)
    index()
    assert sees(None, stored)

    publishing.save(article, Content("Saving", "Without a picture."), by=author, based_on=1)
    assert sees(None, stored), "readers still get version 1"
    publishing.publish(article, by=None)
    index()
    assert [sees(person, stored) for person in (editor, None)] == [True, False], "it is history now"


def test_an_image_follows_the_audience_of_its_article(
    stored: Image, operators: Audience, operator: User, reader: User, collection: Collection, index: Callable[[], int]
) -> None:
    factories.article("Night shift", shown(stored), collection=collection, audience=operators)
    index()

    assert [sees(person, stored) for person in (operator, reader, None)] == [True, False, False]


def test_nobody_opens_an_image_to_others_by_naming_an_address_they_may_not_see(
    stored: Image, outsider: User, index: Callable[[], int]
) -> None:
    elsewhere = Collection.objects.get(name="Elsewhere")
    article = publishing.create(elsewhere, Content("A guess", shown(stored)), by=outsider)
    publishing.publish(article, by=outsider)
    index()

    assert [sees(person, stored) for person in (outsider, None)] == [False, False]


@pytest.mark.parametrize("address", ["/images/{digest}0/a.png", "/images/{other}/a.png", "/images/x/a.png"])
def test_an_address_without_an_image_is_nothing(address: str, stored: Image, client: Client) -> None:
    assert client.get(address.format(digest=stored.digest, other="0" * 32)).status_code == 404


def test_a_page_leaves_the_room_for_an_image(stored: Image) -> None:
    assert 'loading="lazy" width="64" height="32"' in markdown.render(shown(stored)).html


def test_images_nobody_shows_are_forgotten_after_a_while(
    stored: Image, author: User, article: Article, index: Callable[[], int]
) -> None:
    unused = images.store(png("blue"), "blue.png", by=author)
    fresh = images.store(png("green"), "green.png", by=author)
    publishing.save(article, Content("Saving", shown(stored)), by=author, based_on=1)
    long_ago = timezone.now() - timedelta(days=31)
    Image.objects.update(created=long_ago)
    ImageUpload.objects.exclude(image=fresh).update(at=long_ago)

    garbage.collect()

    assert set(Image.objects.all()) == {stored, fresh}
    assert not Image.objects.filter(pk=unused.pk).exists()
