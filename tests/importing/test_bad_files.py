"""One bad file never stops the rest, and its reason is a sentence."""

import pytest

from kb import importing
from kb.models import Article
from tests.importing import documents

pytestmark = pytest.mark.django_db

BAD = {
    "binary.md": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "The file holds NUL bytes, so it is not a text."),
    "latin.md": ("Größe".encode("latin-1"), "The file is not UTF-8 (byte 2): save it as UTF-8."),
    "utf16.md": ("Größe".encode("utf-16-le"), "The file holds NUL bytes, so it is not a text."),
    "half16.md": ("Größe".encode("utf-16")[:-1], "The file begins like UTF-16 and is not: save it as UTF-8."),
    "empty.md": (b"", "The file is empty."),
    "blank.md": (b" \n\t\n", "The file is empty."),
    "long-title.md": (b"# " + b"long " * 50, "The title has 249 characters; at most 200 are possible."),
    "long-text.md": (b"a" * 500_001, "The article has 500,001 characters; at most 500,000 are possible."),
    "too-big.md": (b"a" * 10_000_001, "The file has 10,000,001 bytes; at most 10,000,000 are read."),
    "unclosed.md": (b'---\ntitle: "Open\n---\nText', "The front matter is not valid YAML: "),
    "no-such-day.md": (
        b"---\ndate: 2026-13-45\n---\nText",
        "The front matter is not valid YAML: month must be in 1..12.",
    ),
    "brackets.md": (b"---\ntitle: " + b"[" * 5000 + b"\n---\nText", "The front matter is not valid YAML: "),
    "endless.md": (
        b"---\na: " + b"x" * 20_001 + b"\n---\nText",
        "The front matter has 20,013 characters; at most 20,000",
    ),
    "language.md": (
        b"---\nlanguage: British English\n---\nText",
        "“British English” is no code of a language, such as ",
    ),
    "bomb.docx": (
        documents.bomb(),
        "The document unzips to 300,000,008 bytes, far more than a text; it was not opened.",
    ),
    "cut.docx": (b"PK\x03\x04 and no more", "The file is not a DOCX document: it is no zip archive."),
}


def test_bad_files_are_told_in_sentences_and_the_good_ones_are_imported(write, run):
    for name, (content, _) in BAD.items():
        write(name, content)
    write("a-good.md", "Before the bad ones.")
    write("z-good.md", "After the bad ones.")
    report = run()
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert report.created == 2
    assert reasons.keys() == BAD.keys()
    for name, (_, expected) in BAD.items():
        assert reasons[name].startswith(expected), name
        assert reasons[name].endswith("."), name


def test_a_file_of_another_kind_is_refused_in_words(write, collection):
    file = write("sheet.xlsx", b"PK")
    report = importing.import_path(file, importing.Options(collection=collection))
    [failure] = report.failed
    assert failure.reason == "A file of this kind is not read: only .docx, .htm, .html, .markdown, .md, .pdf, .txt are."


def test_front_matter_that_multiplies_itself_is_no_title(write, run):
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10))
    write("laughs.md", f"---\nl0: &l0 [ha, ha]\n{levels}\ntitle: *l9\ntags: *l9\n---\nText.")
    assert run().created == 1
    article = Article.objects.get()
    assert (article.latest_version.title, article.tags) == ("laughs", [])


def test_a_broken_link_in_the_file_system_is_told(write, run, folder):
    (folder / "gone.md").symlink_to(folder / "nowhere.md")
    write("good.md", "Text.")
    assert run().as_dict() == {"created": 1, "changed": 0, "unchanged": 0, "failed": [], "notes": []}


@pytest.mark.timeout(30)
def test_a_hostile_first_line_costs_no_time(write, run):
    write("spaces.md", "# a" + " " * 100_000 + "b")
    assert "100,000" not in str(run().failed)
