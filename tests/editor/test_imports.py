"""The pages of import and export: what an editor sees and does, and what nobody else may."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kb.importing import Options, orders, packed
from kb.models import Article, ImportRun
from portal.editor.imports_urls import urlpatterns
from tests import factories
from tests.importing.test_runs import worked

pytestmark = pytest.mark.django_db

INDEX = reverse("editor_import")
FILES = [("one.md", b"# One\n\nSee [two](two.md)."), ("two.md", b"# Two\n\nText."), ("bad.md", b"\xff")]
WRITES = ("editor_import_begin", "editor_import_cancel")


def upload(*files: tuple[str, bytes]) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, data) for name, data in files]


@pytest.fixture
def run(collection, publisher) -> ImportRun:
    return worked(orders.request(packed(FILES), "handbook.zip", Options(collection, by=publisher)))


def address(name: str, run: ImportRun) -> str:
    pattern = next(pattern for pattern in urlpatterns if pattern.name == name)
    values = {"pk": run.pk, "file": run.files.first().pk}
    return reverse(name, kwargs={key: values[key] for key in pattern.pattern.converters})


@pytest.mark.parametrize("name", [pattern.name for pattern in urlpatterns])
def test_nobody_gets_in_without_a_role(name, run, client, client_of, reader):
    assert client.get(address(name, run)).status_code == 302
    assert client_of(reader).get(address(name, run)).status_code == 403


@pytest.mark.parametrize("name", [pattern.name for pattern in urlpatterns if "pk" in pattern.pattern.converters])
def test_an_import_is_its_own_persons(name, run, client_of, outsider, editor):
    method = "post" if name in WRITES else "get"
    for other in (outsider, editor):
        assert getattr(client_of(other), method)(address(name, run)).status_code == 404
    assert client_of(outsider).get(INDEX).context["runs"].count() == 0


def test_the_day_of_an_import(collection, publisher, client_of):
    client = client_of(publisher)
    assert "You have imported nothing yet" in client.get(INDEX).content.decode()

    response = client.post(INDEX, {"upload": upload(*FILES), "collection": collection.pk})
    run = ImportRun.objects.get()
    assert (response.url, run.name) == (run.get_absolute_url(), "one.md and 2 more")
    page = client.get(response.url).content.decode()
    assert "Reading the files: 0 of 3, waiting for the background worker" in page
    assert "every 1s" in page

    worked(run)
    page = client.get(response.url).content.decode()
    assert "2 articles would be created and 0 changed" in page
    assert "1 file cannot be imported" in page
    assert "The file is not UTF-8 (byte 0): save it as UTF-8." in page
    assert "See [two](/articles/two/)." in client.get(run.files.get(path="one.md").get_absolute_url()).content.decode()
    assert not Article.objects.exists()

    wanted = {"collection": collection.pk, "do": "import"}
    assert client.post(address("editor_import_begin", run), wanted).url == response.url
    worked(run)
    page = client.get(response.url).content.decode()
    assert "2 articles were created and 0 changed" in page
    assert reverse("editor_edit", args=[Article.objects.get(slug="one").pk]) in page
    assert set(Article.objects.values_list("state", flat=True)) == {"draft"}


def test_the_difference_is_shown_before_it_is_written(collection, publisher, client_of):
    factories.article("One", "The old text.", collection=collection, external_id="one.md")
    run = worked(
        orders.request(packed([("one.md", b"# One\n\nThe new text.")]), "one.md", Options(collection, by=publisher))
    )
    page = client_of(publisher).get(run.files.get().get_absolute_url()).content.decode()
    assert "<del>old</del>" in page
    assert "<ins>new</ins>" in page


def test_another_choice_than_was_compared_is_compared_first(run, publisher, client_of):
    other = factories.collection("Other")
    publisher.memberships.create(collection=other, role="publisher")
    page = client_of(publisher).post(
        address("editor_import_begin", run), {"collection": other.pk, "do": "import"}, follow=True
    )
    assert "look once more, then import" in page.content.decode()
    run = worked(run)
    assert (run.state, run.collection, Article.objects.exists()) == ("planned", other, False)


def test_an_author_cannot_choose_to_publish(collection, author, client_of):
    response = client_of(author).post(INDEX, {"upload": upload(*FILES), "collection": collection.pk, "publish": "on"})
    assert response.status_code == 422
    assert "does not allow publishing" in response.content.decode()


def test_only_admins_make_collections_by_importing(collection, publisher, admin, client_of):
    assert "Make collections" not in client_of(publisher).get(INDEX).content.decode()
    assert "Make collections" in client_of(admin).get(INDEX).content.decode()
    sent = {"upload": upload(("a.md", b"---\ncollection: New\n---\n# A")), "create": "on"}
    client_of(publisher).post(INDEX, sent)
    assert not ImportRun.objects.get().create


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "Choose a zip or some files."),
        ([("empty.md", b"")], "The file is empty."),
        ([("a.zip", b"no zip")], "It is no zip archive, or only a part of one."),
        ([("a.exe", b"MZ")], "There is nothing to import: no file ending in "),
        ([("big.md", b"x" * (orders.UPLOAD + 1))], "at most 25,000,000 can be uploaded at once. Divide them."),
    ],
)
def test_what_cannot_be_an_import_is_said_in_the_form(files, message, publisher, client_of):
    response = client_of(publisher).post(INDEX, {"upload": upload(*files)})
    assert response.status_code == 422
    assert message in response.content.decode()
    assert not ImportRun.objects.exists()


def test_a_cancelled_import_says_so(run, publisher, client_of):
    page = client_of(publisher).post(address("editor_import_cancel", run), follow=True).content.decode()
    assert "This import was cancelled." in page


def test_the_export_holds_what_its_person_may_know(collection, publisher, operators, client_of, index):
    factories.article("Mine", "A draft.", collection=collection, published=False)
    factories.article("Night", "The code is 4711.", audience=operators, collection=factories.collection("Desk"))
    index()
    client = client_of(publisher)
    response = client.get(reverse("editor_export_zip"))
    assert response["Content-Disposition"] == 'attachment; filename="articles.zip"'
    names = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))).namelist()
    assert names == ["guides/_collection.md", "guides/mine.md"]
    assert client.get(reverse("editor_export_zip"), {"collection": "desk"}).status_code == 422
    page = client.get(reverse("editor_export")).content.decode()
    assert "Guides" in page
    assert "Desk" not in page
