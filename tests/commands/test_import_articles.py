"""manage.py import_articles: what an operator types and reads."""

import pytest
from django.core.management import CommandError

from kb.models import Article, Audience, Chunk, Collection, IndexJob

pytestmark = pytest.mark.django_db

SHAPE = ["created", "changed", "unchanged", "failed", "notes"]


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "handbook"
    made.mkdir()
    (made / "install.md").write_text("# Install\n\nSee [the questions](faq.md) and ![a picture](one.png).")
    (made / "faq.md").write_text("# Questions\n\nNone yet.")
    (made / "bad.md").write_bytes(b"\xff")
    return str(made)


def test_the_report_as_json_has_exactly_these_fields(told, folder):
    report = told("import_articles", folder, "--collection", "Handbook", "--publish")
    assert list(report) == SHAPE
    assert report == {
        "created": 2,
        "changed": 0,
        "unchanged": 0,
        "failed": [{"path": "bad.md", "reason": "The file is not UTF-8 (byte 0): save it as UTF-8."}],
        "notes": ["install.md: the image “one.png” was not imported; its description is kept."],
    }


def test_what_was_imported_is_published_and_searchable_at_once(told, folder, reader):
    told("import_articles", folder, "--collection", "Handbook", "--publish")
    assert set(Article.objects.visible_to(reader).values_list("slug", flat=True)) == {"install", "faq"}
    assert Chunk.objects.visible_to(reader).count() == 2
    assert told("import_articles", folder, "--collection", "Handbook", "--publish")["unchanged"] == 2


def test_a_new_collection_is_made_for_everyone_and_a_known_one_is_found_by_name_or_address(said, folder):
    for name in ("Hand Book", "hand-book", "Hand book"):
        said("import_articles", folder, "--collection", name)
    collection = Collection.objects.get()
    assert (collection.name, collection.slug, collection.audience.kind) == ("Hand Book", "hand-book", "everyone")


def test_a_dry_run_writes_nothing_at_all(told, said, folder):
    planned = told("import_articles", folder, "--collection", "Handbook", "--dry-run")
    assert planned["created"] == 2
    words = said("import_articles", folder, "--collection", "Handbook", "--dry-run")
    assert words.splitlines()[-1] == "2 would be created, 0 would be changed, 0 unchanged, 1 failed"
    for model in (Article, Audience, Collection, IndexJob):
        assert not model.objects.exists()


def test_in_words_each_note_and_failure_has_its_line(said, folder):
    assert said("import_articles", folder, "--collection", "Handbook").splitlines() == [
        "note: install.md: the image “one.png” was not imported; its description is kept.",
        "failed: bad.md: The file is not UTF-8 (byte 0): save it as UTF-8.",
        "2 created, 0 changed, 0 unchanged, 1 failed",
    ]


def test_what_could_not_be_indexed_is_noted(told, folder, settings):
    settings.EMBEDDER = "tests.index.test_indexing.Broken"
    notes = told("import_articles", folder, "--collection", "Handbook", "--publish")["notes"]
    assert "faq.md: not indexed yet: ProviderError: The embedding model is not there: run make setup." in notes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/no/such/folder", "--collection", "A"], "There is no file or folder /no/such/folder."),
        (["{empty}", "--collection", "A"], "There is nothing to import: no file ending in "),
        (["{folder}", "--collection", "!?"], "The collection's name needs letters or digits."),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence_and_leaves_nothing(said, folder, tmp_path, arguments, message):
    places = {"folder": folder, "empty": tmp_path / "empty"}
    places["empty"].mkdir()
    with pytest.raises(CommandError) as caught:
        said("import_articles", *(argument.format(**places) for argument in arguments))
    assert str(caught.value).startswith(message.format(**places))
    assert not Collection.objects.exists()
