"""What hostile people send: each file gets its sentence, the rest is imported, nothing is half written."""

import io
import stat
import struct
import zipfile

import pytest
from django.core.exceptions import ValidationError

from kb import importing, zips
from kb.importing import Archive, Options
from kb.models import Article, Image
from tests.importing import documents

pytestmark = pytest.mark.django_db


def entry(name: str, *, mode: int = 0o644, **fields) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = mode << 16
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def packed(*files: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else entry(name), data)
    return made.getvalue()


def imported(data: bytes, collection) -> importing.Report:
    return importing.import_folder(Archive(data), Options(collection=collection))


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """An archive with a name that no library writes."""
    assert len(old) == len(new)
    return data.replace(old, new)


def test_each_hostile_entry_gets_its_sentence_and_the_rest_is_imported(collection):
    data = packed(
        ("good.md", b"# Good"),
        ("../../etc/cron.md", b"# Out"),
        ("/etc/passwd.md", b"# Absolute"),
        ("C:\\windows.md", b"# Drive"),
        ("..\\back.md", b"# Backslash"),
        (entry("link.md", mode=stat.S_IFLNK | 0o777), b"/etc/passwd"),
        ("inner.zip", packed(("a.md", b"# A"))),
        ("bomb.md", b"a" * 9_000_000),
        ("page.html", documents.DEEP.encode()),
        ("binary.md", b"\x89PNG\r\n\x1a\n\0\0"),
        ("brackets.md", b"[" * 20_000 + b"]" * 20_000),
        ("nul_name.md", b"# NUL"),
        ("cut.pdf", documents.pdf(["Text."])[:300]),
        ("secret.pdf", documents.pdf(["Text."], encrypt=True)),
        ("Case.md", b"# Upper"),
        ("case.md", b"# Lower"),
    )
    data = renamed(data, b"nul_name.md", b"nul\0name.md")
    report = imported(data, collection)
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert reasons == {
        "../../etc/cron.md": "The name leads out of the archive.",
        "/etc/passwd.md": "The name leads out of the archive.",
        "C:/windows.md": "The name leads out of the archive.",
        "../back.md": "The name leads out of the archive.",
        "link.md": "It is a symbolic link, and links are not followed.",
        "inner.zip": "An archive inside is not opened: unpack it first.",
        "bomb.md": "It unzips to 9,000,000 bytes, far more than a text; it was not opened.",
        "page.html": "No text was found in the file.",
        "binary.md": "The file holds NUL bytes, so it is not a text.",
        "nul\ufffdname.md": "The name holds a NUL character.",
        "cut.pdf": "The file is no PDF, or it is damaged or cut off.",
        "secret.pdf": "The PDF is encrypted: save it without a password.",
    }
    assert {article.external_id for article in Article.objects.all()} == {
        "good.md",
        "Case.md",
        "case.md",
        "brackets.md",
    }
    assert "Case.md: another file has this name but for its capitals; both are taken." in report.notes


def test_an_encrypted_entry_and_an_unknown_packing_are_told(collection):
    data = bytearray(packed(("a.md", b"# A"), ("b.md", b"# B"), ("c.md", b"# C")))
    places = [place for place in range(len(data)) if data[place : place + 4] == zips.ENTRY]
    struct.pack_into("<H", data, places[0] + 8, 1)
    struct.pack_into("<H", data, places[1] + 10, 99)
    report = imported(bytes(data), collection)
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert reasons["a.md"] == "It is encrypted: pack it without a password."
    assert reasons["b.md"].startswith("The file cannot be unpacked: ")
    assert report.created == 1


def test_two_entries_of_one_name_are_one_article_and_one_sentence(collection):
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed(("a.md", b"# First"), ("a.md", b"# Second"))
    report = imported(data, collection)
    assert [(one.path, one.reason) for one in report.failed] == [
        ("a.md (again)", "The archive holds another file of this name.")
    ]
    assert Article.objects.get().title == "First"


def test_names_that_are_not_utf_8_are_read_and_noted(collection):
    data = packed(("gr__e.md", b"# A"), ("caf__.md", b"# B"))
    data = renamed(data, b"gr__e.md", "gr\u00fc\u00e4e.md".encode("latin-1").ljust(8, b"_"))
    data = renamed(data, b"caf__.md", "café.md".encode().ljust(8, b"_"))
    report = imported(data, collection)
    names = {article.external_id for article in Article.objects.all()}
    assert "café.md" in names
    assert report.failed == []
    assert [note for note in report.notes if "is not UTF-8, so it may be spelt wrongly" in note]


def test_a_name_that_claims_to_be_utf_8_and_is_not_spoils_nothing(collection):
    data = renamed(packed(("größe.md", b"# A"), ("b.md", b"# B")), "größe.md".encode(), b"gr\xff\xff\xc3\x9fe.md")
    report = imported(data, collection)
    assert (report.created, report.failed) == (2, [])


def test_too_many_files_and_too_much_of_them_are_refused_before_anything_is_read():
    with pytest.raises(ValidationError, match="The archive holds 10,000 files; at most 5,000 are imported at once"):
        Archive(packed(*((f"f{number}.md", b"# A") for number in range(10_000))))
    with pytest.raises(ValidationError, match="The archive unpacks to 225,000,000 bytes; at most 200,000,000"):
        Archive(packed(*((f"f{number}.md", bytes(9_000_000)) for number in range(25))))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"PK\x05\x06" + bytes(10), bytes(1000), packed(("a.md", b"# A"))[:60]],
    ids=["empty", "two letters", "an end alone", "zeros", "cut"],
)
def test_what_is_no_zip_is_refused_in_words(data):
    with pytest.raises(ValidationError, match="It is no zip archive"):
        Archive(data)


def test_a_list_of_contents_that_is_too_long_is_not_read():
    data = bytearray(packed(("a.md", b"# A")))
    struct.pack_into("<I", data, data.rfind(zips.END) + 12, zips.LARGEST_DIRECTORY + 1)
    with pytest.raises(ValidationError, match="far more files than anybody writes"):
        Archive(bytes(data))


def test_a_document_with_macros_is_told(collection):
    plain = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"}
    macros = plain | {"[Content_Types].xml": b'<Override ContentType="application/vnd.ms-word.document.macroEnabled"/>'}
    [failure] = imported(packed(("a.docx", packed(*macros.items()))), collection).failed
    assert failure.reason == "The document is made for macros: save it as an ordinary DOCX document without them."


def test_an_image_that_is_none_leaves_its_description(write, run):
    write("a.md", "![A drawing](a.svg) ![Nothing](b.png)")
    write("a.svg", "<svg onload='alert(1)'/>")
    write("b.png", b"no image")
    report = run()
    assert Article.objects.get().latest_version.source == "*A drawing* *Nothing*"
    assert "SVG is not accepted" in report.notes[0]
    assert not Image.objects.exists()


def test_a_link_of_the_file_system_that_leads_out_is_not_followed(write, run, folder):
    secret = folder.parent / "secret.md"
    secret.write_text("# Secret")
    (folder / "link.md").symlink_to(secret)
    write("good.md", "Text.")
    report = run()
    assert [one.reason for one in report.failed] == [
        "It is a symbolic link that leads out of the folder, and is not followed."
    ]
    assert report.created == 1
