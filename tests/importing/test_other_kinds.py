"""PDF, plain text, UTF-16, zips, images, and HTML inside of Markdown."""

import io
import zipfile

import pytest
from PIL import Image as Picture

from kb import importing
from kb.importing import Archive, Options, reading, tidying
from kb.models import Article, Image
from tests.importing import documents

pytestmark = pytest.mark.django_db

PAGES = [
    [
        "Handbook",
        ("Restore a version", 20),
        "Every save makes a version and it is kept for",
        "ever in the history.",
        "1",
    ],
    ["Handbook", ("Steps", 15), "1. Open the history.", "2. Press Restore and wait for as long as it", "takes.", "2"],
    ["Handbook", "The last page says nothing new.", "3"],
]
PDF_AS_MARKDOWN = """Every save makes a version and it is kept for ever in the history.

## Steps

1. Open the history.
2. Press Restore and wait for as long as it takes.

The last page says nothing new."""

TIDIED = [
    ("Press <kbd>Ctrl</kbd>+<kbd>C</kbd>.", "Press `Ctrl`+`C`."),
    ("One<br>two<br/>\nthree<br>", "One\\\ntwo\\\nthree"),
    ("<b>Bold <i>and</i></b> x<sup>2</sup>", "**Bold *and*** x2"),
    ('<a href="a b.md">A <img src="i.png" alt="pic"></a>', "[A ![pic](i.png)](a%20b.md)"),
    ("| a |\n|---|\n| x<br>y |", "| a |\n|---|\n| x y |"),
    ("<div>\n    <p>Indented <em>text</em> &amp; more</p>\n</div>", "Indented *text* & more"),
    ("<table><tr><th>A</th></tr>\n\n<tr><td>1 | 2</td></tr></table>", "| A |\n| --- |\n| 1 \\| 2 |"),
    ("1. Step\n   <details><summary>More</summary>\n   Inside\n   </details>", "1. Step\n   **More**\n\n   Inside"),
    ("The <port> of `<kbd>` and \\<b>", "The <port> of `<kbd>` and \\<b>"),
    ("```html\n<div>code</div>\n```", "```html\n<div>code</div>\n```"),
]


def test_a_pdf_becomes_headings_paragraphs_and_lists_without_its_page_furniture(write, run):
    write("manual.pdf", documents.pdf(*PAGES))
    report = run()
    version = Article.objects.get().latest_version
    assert (version.title, version.source) == ("Restore a version", PDF_AS_MARKDOWN)
    assert report.notes == [
        "manual.pdf: A PDF has no structure: check headings, lists and tables.",
        "manual.pdf: 6 lines that repeat at the edges of pages were left out.",
    ]


def test_a_pdf_without_headings_is_divided_by_its_pages(write, run):
    write("letter.pdf", documents.pdf(["First page."], ["Second page."]))
    run()
    assert Article.objects.get().latest_version.source == "## Page 1\n\nFirst page.\n\n## Page 2\n\nSecond page."


def test_a_pdf_without_text_says_what_to_do(write, run):
    write("scan.pdf", documents.pdf([], []))
    [failure] = run().failed
    assert failure.reason == "The PDF holds no text, only pictures of its 2 pages: run text recognition first."


def test_plain_text_is_shown_as_it_was_written(write, run):
    text = "Short line\nanother *one*\n\n- item\n- [item]\n\n" + "long " * 20 + "\nwith https://example.org/a_b\n"
    write("notes.txt", text)
    run()
    source = Article.objects.get().latest_version.source
    assert source.startswith("Short line\\\nanother \\*one\\*\n\n- item\n- \\[item\\]\n\nlong long")
    assert source.endswith("\nwith https://example.org/a_b")


def test_utf_16_that_says_so_is_decoded_and_noted(write, run):
    write("sixteen.md", "# Größe\n\nText.".encode("utf-16"))
    report = run()
    assert Article.objects.get().title == "Größe"
    assert report.notes == ["sixteen.md: The file was UTF-16; it is UTF-8 here."]


@pytest.mark.parametrize(("source", "tidied"), TIDIED)
def test_html_in_markdown_becomes_markdown(source, tidied):
    assert tidying.tidy(source) == (tidied, ())


def test_html_that_markdown_does_not_have_is_noted():
    blocks = (
        '<iframe src="https://example.org/v"></iframe>',
        '<p style="display:none">secret</p>',
        "<form><input></form>",
    )
    source = "\n\n".join(("Text", *blocks))
    assert tidying.tidy(source) == (
        "Text\n\n<https://example.org/v>",
        ("HTML that Markdown does not have was left out: form, hidden text, iframe, input.",),
    )


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "source", ["<b>" * 150_000, "<div>" * 80_000, "<a href='" * 40_000, "a<br>" * 90_000, "<table>\n\n" * 20_000]
)
def test_hostile_html_in_markdown_costs_no_time(source):
    tidying.tidy(source)


def test_a_zip_is_as_its_folder_was(write, run, folder, collection):
    write("guide/one.md", "# One")
    write("two.md", "[one](guide/one.md)")
    run()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for file in folder.rglob("*.md"):
            archive.write(file, file.relative_to(folder.parent))
    report = importing.import_folder(Archive(made.getvalue()), Options(collection=collection))
    assert (report.created, report.changed, report.unchanged) == (0, 0, 2)


def test_images_beside_the_files_become_images_here(write, run):
    made = io.BytesIO()
    Picture.new("RGB", (8, 6), "red").save(made, "PNG")
    write("img/the dot.png", made.getvalue())
    write("guide/a.md", "![A dot](../img/the%20dot.png)")
    assert run(dry_run=True).notes == []
    assert not Image.objects.exists()
    assert run().notes == []
    image = Image.objects.get()
    article = Article.objects.get()
    assert article.latest_version.source == f"![A dot]({image.get_absolute_url()})"
    assert list(image.uses.values_list("version", flat=True)) == [article.latest_version_id]
    assert run().unchanged == 1


def test_a_file_that_moved_is_found_again_by_its_id(write, run, folder):
    write("a.md", "---\nid: 4711\n---\n# A\n\nText.")
    run()
    (folder / "a.md").unlink()
    write("moved/b.md", "---\nid: 4711\n---\n# A\n\nText.")
    assert run().unchanged == 1
    assert Article.objects.get().external_id == "4711"


def test_an_article_that_was_imported_by_its_path_is_found_when_its_file_gets_an_id(write, run):
    write("a.md", "# A")
    run()
    write("a.md", "---\nid: 4711\n---\n# A")
    assert run().unchanged == 1
    assert Article.objects.get().external_id == "4711"


def test_two_files_with_one_id_are_one_article_and_one_sentence(write, run):
    write("a.md", "---\nid: 1\n---\n# A")
    write("b.md", "---\nid: 1\n---\n# B")
    [failure] = run().failed
    assert (failure.path, failure.reason) == ("b.md", "It has the same id as a.md: “1”.")


def test_front_matter_that_no_database_can_hold_loses_only_that(write, run):
    write("a.md", '---\ntitle: "A \\0 \\ud800 title"\ntags: ["x\\0"]\n---\nText.')
    report = run()
    assert report.failed == []
    assert Article.objects.get().tags == ["x"]


def test_a_parsed_file_survives_being_stored():
    parsed = reading.Parsed("a.md", importing.reading.Content("A", "Text."), "a", "1", tags=("x",), notes=("n",))
    assert reading.Parsed.from_dict(parsed.as_dict()) == parsed
