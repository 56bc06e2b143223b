"""What was exported and imported into an empty help center is exported again as the same bytes."""

import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from PIL import Image as Picture

from kb import exporting, importing, publishing
from kb.importing import Archive, Options
from kb.models import Article, Audience, Collection, Image
from tests import factories

pytestmark = pytest.mark.django_db

SHARED = Path(settings.BASE_DIR).parent / "shared/data"


def exported(**options) -> bytes:
    made = io.BytesIO()
    exporting.export(made, user=options.pop("user", None), progress=exporting.quietly, **options)
    return made.getvalue()


def imported(data: bytes, **options) -> importing.Report:
    return importing.import_folder(Archive(data), Options(publish=True, create=True, **options))


def empty() -> None:
    """An empty help center."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL footnote.purge = 'on'")
        for model in (Article, Collection, Image):
            model.objects.all().delete()
        Audience.objects.all().delete()
        cursor.execute("SET LOCAL footnote.purge = 'off'")


def contents(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}


def go_round() -> dict[str, str]:
    """Export, import into nothing, export: the same. Returns the files."""
    first = exported()
    again = imported(first)
    assert (again.created, again.changed, again.failed) == (0, 0, []), "an import of what is there changes nothing"
    empty()
    report = imported(first)
    assert report.failed == []
    second = exported()
    assert contents(second) == contents(first)
    assert second == first
    return contents(first)


def png(colour: str) -> bytes:
    made = io.BytesIO()
    Picture.new("RGB", (8, 6), colour).save(made, "PNG")
    return made.getvalue()


def test_everything_an_article_is_comes_back(write, run, index, operators, signed_in, collection):
    write(
        "a.md",
        "---\ntags: [one, 'two, three']\nposition: 7\nsummary: 'A: summary'\n---\n# A\n\nSee [b](b.md#next-steps).",
    )
    write("b.md", "# B\n\n## Next steps\n\n![A dot](img/dot.png) and [again](img/dot.png)\n\n```\n[a](a.md)\n```")
    write("img/dot.png", png("red"))
    run(publish=True)
    desk = factories.collection("Desk", kind="signed-in")
    source = "\n\n# “Odd”: a title\n\n<b>kept</b> ![](nowhere.png) [x](missing.md)\n\n"
    odd = factories.article(
        "“Odd”: a title", source, audience=operators,
        collection=desk, language="de",
    )  # fmt: skip
    factories.article("A draft", "Not yet.", published=False, audience=signed_in)
    publishing.archive(factories.article("Old", "Put away."), by=None)
    index()
    publishing.save(odd, publishing.Content("Odd", "Being worked on.", language="de"), by=None, based_on=1)
    index()

    files = go_round()

    assert set(files) == {
        "_audiences.yaml", "desk/_collection.md", "desk/odd-a-title.md", "desk/odd-a-title.draft.md",
        "guides/_collection.md", "guides/a.md", "guides/a-draft.md", "guides/b.md", "guides/old.md",
        next(name for name in files if name.startswith("images/")),
    }  # fmt: skip
    assert "See [b](b.md#next-steps)." in files["guides/a.md"]
    assert "![A dot](../images/" in files["guides/b.md"]
    assert "[a](a.md)" in files["guides/b.md"]
    states = dict(Article.objects.values_list("slug", "state"))
    assert states == {
        "a": "published",
        "b": "published",
        "odd-a-title": "published",
        "a-draft": "draft",
        "old": "archived",
    }
    odd = Article.objects.get(slug="odd-a-title")
    assert (odd.audience.name, odd.latest_version.source) == ("Operators", "Being worked on.")
    assert list(odd.audience.groups.values_list("name", flat=True)) == ["Operators"]
    assert odd.wanted_version.source == source


def test_the_demo_content_goes_round(seeded):
    assert len(go_round()) > 50


@pytest.fixture
def seeded() -> None:
    from portal.management.commands.seed import plant

    assert plant().failed == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("arduino-help-center/articles/Custom", "Custom"),
        pytest.param("arduino-help-center/articles", "Arduino", marks=pytest.mark.proof),
        pytest.param("hugo-docs/articles", "Hugo", marks=pytest.mark.proof),
    ],
)
def test_a_real_help_center_goes_round(folder, name):
    if not (SHARED / folder).is_dir():
        pytest.skip(f"the articles are not at {SHARED / folder}")
    report = importing.import_path(SHARED / folder, Options(collection=factories.collection(name), publish=True))
    assert report.failed == []
    assert len(go_round()) == report.created + 1


def test_an_export_holds_only_what_its_person_may_know(collection, operators, signed_in, index, author, reader):
    factories.article("For all", "Seen.", collection=collection)
    factories.article("Night", "The code is 4711.", audience=operators, collection=factories.collection("Desk"))
    factories.article("A draft", "Soon.", collection=collection, published=False)
    index()
    shown = contents(exported(user=author))
    assert set(shown) == {"guides/_collection.md", "guides/a-draft.md", "guides/for-all.md"}
    assert set(contents(exported(user=reader))) == {"guides/_collection.md", "guides/for-all.md"}


def test_one_collection_alone_links_to_the_rest_as_it_did(index):
    factories.article("One", "See [two](/articles/two/#s-more).", collection=factories.collection("Guides"))
    factories.article("Two", "## More\n\nText.", collection=factories.collection("Desk"))
    index()
    files = contents(exported(collection=factories.collection("Guides")))
    assert "[two](/articles/two/#s-more)" in files["guides/one.md"]
    assert "[two](../desk/two.md#more)" in contents(exported())["guides/one.md"]
