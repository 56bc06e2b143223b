"""Links between the files become links between the articles; images are kept where they can be; code is left alone."""

from pathlib import Path

import pytest

from kb import linking
from kb.models import Article

pytestmark = pytest.mark.django_db

INSIDE = [
    ("[a](install.md)", "[a](/articles/install/)"),
    ("[a](./install.md)", "[a](/articles/install/)"),
    ("[a](install)", "[a](/articles/install/)"),
    ("[a](install.md#next-steps)", "[a](/articles/install/#s-next-steps)"),
    ("[a](install.md#Next%20Steps)", "[a](/articles/install/#s-next-steps)"),
    ('[a](install.md "How to")', '[a](/articles/install/ "How to")'),
    ("[a `b` c](install.md)", "[a `b` c](/articles/install/)"),
    ("[a](../faq.md)", "[a](/articles/faq/)"),
    ("[a](../admin)", "[a](/articles/admin-home/)"),
    ("[a](../admin/)", "[a](/articles/admin-home/)"),
    ("[a](..)", "[a](/articles/home/)"),
    ("[a](../admin/users%20and%20groups.md)", "[a](/articles/users/)"),
    ("[a](<../admin/users and groups.md>)", "[a](/articles/users/)"),
    ("[a](names_(old).md)", "[a](/articles/names_old/)"),
    ("text\n\n[ref]: install.md\n", "text\n\n[ref]: /articles/install/\n"),
    ("- [a](install.md)\n- [b](../faq.md)", "- [a](/articles/install/)\n- [b](/articles/faq/)"),
]
UNTOUCHED = [
    "[a](https://example.org/install.md)",
    "[a](mailto:somebody@example.org)",
    "[a](#next-steps)",
    "[a](/articles/other/)",
    "\\[a](install.md)",
    "`[a](install.md)`",
    "``[a](install.md) ` ``",
    "```\n[a](install.md)\n```",
    "~~~~\n~~~\n[a](install.md)\n~~~~",
    "1. Step\n\n   ```sh\n   [a](install.md)\n   ```",
    "> ```\n> [a](install.md)\n> ```",
    "Text\n\n    [a](install.md)",
    "```\nnever closed [a](install.md)",
    "[^1]: install.md",
]
NOTED = [
    ("[a](missing.md)", "the link to “missing.md” leads to no file of this import."),
    ("[a](../../../etc/passwd)", "the link to “../../../etc/passwd” leads to no file of this import."),
    ("[a](../../handbook/faq.md)", "the link to “../../handbook/faq.md” leads to no file of this import."),
]


@pytest.fixture
def imported(write, run):
    """The text of guide/page.md after an import beside other files, and the notes of the import."""

    def imported(text: str, **options) -> tuple[str, list[str]]:
        write("index.md", "---\ntitle: Home\nslug: home\n---\nWelcome.")
        write("faq.md", "Questions.")
        write("guide/install.md", "## Next steps\n\nText.")
        write("guide/names_(old).md", "Names.")
        write("admin/index.md", "---\ntitle: Administration\nslug: admin-home\n---\nFor admins.")
        write("admin/users and groups.md", "---\ntitle: Users\nslug: users\n---\nPeople.")
        write("guide/page.md", text)
        report = run(**options)
        assert not report.failed
        source = Article.objects.get(external_id="guide/page.md").latest_version.source
        return source, [note.removeprefix("guide/page.md: ") for note in report.notes]

    return imported


@pytest.mark.parametrize(("text", "expected"), INSIDE)
def test_a_relative_link_leads_to_the_article_of_its_file(imported, text, expected):
    assert imported(text) == (expected.strip("\n"), [])


@pytest.mark.parametrize("text", UNTOUCHED)
def test_code_and_what_leads_elsewhere_stay_as_they_are(imported, text):
    assert imported(text) == (text, [])


@pytest.mark.parametrize(("text", "note"), NOTED)
def test_a_link_to_no_file_of_the_import_is_kept_and_noted(imported, text, note):
    assert imported(text) == (text, [note])


def test_the_two_files_of_a_circle_link_to_each_other(write, run):
    write("a.md", "See [b](b.md).")
    write("b.md", "See [a](a.md).")
    run()
    sources = dict(Article.objects.values_list("slug", "latest_version__source"))
    assert sources == {"a": "See [b](/articles/b/).", "b": "See [a](/articles/a/)."}


def test_an_image_that_is_not_imported_is_noted_and_its_description_kept(imported):
    text, notes = imported("Before ![The history](shots/history.png) and ![](shots/none.png) after")
    assert text == "Before *The history* and  after"
    assert notes == [
        "the image “shots/history.png” was not imported; its description is kept.",
        "the image “shots/none.png” was not imported; its description is kept.",
    ]


def test_an_image_with_an_address_is_shown_from_there(imported):
    seen = []

    def address(place: str) -> str:
        seen.append(place)
        return f"/media/{Path(place).name}"

    text, notes = imported('![The history](../shots/history.png "As it looks")', image=address)
    assert (text, notes, seen) == ('![The history](/media/history.png "As it looks")', [], ["shots/history.png"])


def test_an_image_of_another_site_is_noted(imported):
    text, notes = imported("![Logo](https://example.org/logo.png)")
    assert text == "![Logo](https://example.org/logo.png)"
    assert notes == ["the image “https://example.org/logo.png” is not part of this import; its address is kept."]


def test_an_image_that_is_a_link_keeps_the_link(imported):
    text, notes = imported("[![Install](button.png)](install.md)")
    assert text == "[*Install*](/articles/install/)"
    assert len(notes) == 1


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["[" * 200_000, "[a](" * 60_000, "`" * 1001 + "a`" * 60_000, "![" * 100_000 + "](" * 50_000]
)
def test_hostile_text_costs_no_time(text):
    assert linking.rewrite(text, link=lambda target: None, image=lambda target: target) == text
