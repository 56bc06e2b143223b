"""Import in the browser: a zip with two articles, an image and a broken file, looked at, imported, and read."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from playwright.sync_api import FilePayload, Page, expect

from e2e.conftest import OpenAs
from e2e.writing import published


def pixel() -> bytes:
    """A red PNG of one pixel."""

    def part(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    size = (1).to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    rows = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", size) + part(b"IDAT", rows) + part(b"IEND", b"")


def handbook(name: str, opens: str) -> FilePayload:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("opening.md", f"# {name} opens\n\nThe desk {opens}. See [the closing](closing.md).")
        archive.writestr("closing.md", f"# {name} closes\n\nAt five.\n\n![A red dot](img/dot.png)")
        archive.writestr("img/dot.png", pixel())
        archive.writestr("broken.pdf", b"%PDF-1.4 and no more")
    return {"name": f"{name}.zip", "mimeType": "application/zip", "buffer": made.getvalue()}


def upload(page: Page, file: FilePayload, *, publish: bool = True) -> None:
    page.goto("/editor/import/")
    page.get_by_label("A zip, or files").set_input_files(file)
    page.get_by_label("Collection").select_option(label="Writing and publishing")
    if publish:
        page.get_by_label("Publish them").check()
    page.get_by_role("button", name="Look at them").click()


def test_an_editor_imports_a_zip_and_reads_it(editor: Page) -> None:
    upload(editor, handbook("Harbour", "opens at eight"))
    expect(editor.get_by_text("2 articles would be created and 0 changed")).to_be_visible()
    broken = editor.get_by_role("row").filter(has_text="broken.pdf")
    expect(broken).to_contain_text("The file is no PDF, or it is damaged or cut off.")
    editor.get_by_role("button", name="Import 2 articles").click()
    expect(editor.get_by_text("2 articles were created and 0 changed")).to_be_visible()
    editor.get_by_role("link", name="Open the article Harbour closes").click()
    expect(editor.get_by_label("Markdown")).to_have_value(re.compile("A red dot"))
    published(editor)
    editor.goto("/articles/closing/")
    image = editor.get_by_role("img", name="A red dot")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth") == 1

    upload(editor, handbook("Harbour", "opens at nine"))
    expect(editor.get_by_text("0 articles would be created and 1 changed; 1 is the same already")).to_be_visible()
    editor.get_by_role("link", name="Harbour opens").click()
    expect(editor.get_by_role("deletion")).to_have_text("eight")
    expect(editor.get_by_role("insertion")).to_have_text("nine")


def test_an_import_works_without_scripts_and_can_be_cancelled(open_as: OpenAs) -> None:
    page = open_as("editor", java_script_enabled=False)
    upload(page, handbook("Quay", "opens at ten"), publish=False)
    for _ in range(60):
        if page.get_by_text("would be created").count():
            break
        page.wait_for_timeout(500)
        page.get_by_role("link", name="Look again").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("This import was cancelled.")).to_be_visible()


def test_an_export_is_a_zip_of_markdown(editor: Page) -> None:
    editor.goto("/editor/export/")
    editor.get_by_label("Collection").select_option(label="Writing and publishing")
    with editor.expect_download() as started:
        editor.get_by_role("button", name="Download").click()
    assert started.value.suggested_filename == "writing.zip"
    with zipfile.ZipFile(started.value.path()) as archive:
        assert "writing/_collection.md" in archive.namelist()
        assert archive.read("writing/restore-a-version.md").startswith(b"---\nfootnote: 1\n")
