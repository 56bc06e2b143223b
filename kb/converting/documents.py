"""A DOCX document from outside: is it one, is it a bomb, and what of it no converter keeps."""

from __future__ import annotations

from kb import zips

UNZIPPED = 100_000_000  # bytes a .docx may unzip to
RATIO = 100  # ... and times its packed size; ordinary documents have 5 to 25, a bomb of 1 MB had 333
TYPES = "[Content_Types].xml"
LONGEST_TYPES = 1_000_000
LOST = {
    "word/comments.xml": "Its comments were left out.",
    "word/footnotes.xml": "Its footnotes were left out.",
    "word/vbaProject.bin": "Its macros were left out.",
}


class ConversionError(Exception):
    """A file that cannot be converted, and why, in a sentence for people."""


def look_inside(data: bytes) -> tuple[str, ...]:
    """Refuse what is no document, before anything unpacks it; say what will be lost."""
    try:
        with zips.opened(data) as archive:
            names = set(archive.namelist())
            unzipped = sum(entry.file_size for entry in archive.infolist())
            types = archive.open(TYPES).read(LONGEST_TYPES) if TYPES in names and unzipped <= UNZIPPED else b""
    except (zips.BadZip, *zips.UNREADABLE) as error:
        raise ConversionError("The file is not a DOCX document: it is no zip archive.") from error
    if not names >= {TYPES, "word/document.xml"}:
        raise ConversionError("The file is not a DOCX document: it is a zip archive of something else.")
    if unzipped > UNZIPPED or unzipped > RATIO * max(1, len(data)):
        raise ConversionError(f"The document unzips to {unzipped:,} bytes, far more than a text; it was not opened.")
    if b"macroEnabled" in types:
        raise ConversionError("The document is made for macros: save it as an ordinary DOCX document without them.")
    pictures = sum(name.startswith("word/media/") for name in names)
    were = "1 picture of the document was" if pictures == 1 else f"{pictures:,} pictures of the document were"
    notes = [f"{were} left out."] if pictures else []
    return tuple(notes + [note for name, note in LOST.items() if name in names])
