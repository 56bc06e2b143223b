"""HTML and DOCX to Markdown, by unstructured in a child process with limits: a hostile file can hurt only that."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

SUFFIXES = {".html", ".htm", ".docx"}
SECONDS = 60
UNZIPPED = 100_000_000  # bytes a .docx may unzip to
RATIO = 100  # ... and times its packed size; ordinary documents have 5 to 25, a bomb of 1 MB had 333


class ConversionError(Exception):
    """A file that cannot be converted, and why, in a sentence for people."""


def convert(file: Path) -> str:
    """The file's text as Markdown. Raises ConversionError; an empty result is an error, not an empty article."""
    if file.suffix.lower() == ".docx":
        refuse_bomb(file)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kb.partitioning", str(file)],
            capture_output=True,
            timeout=SECONDS,
            check=False,
            cwd=Path(__file__).parent.parent,
            env=environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise ConversionError(f"Reading the file took longer than {SECONDS} seconds, so it was given up.") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["reading it took too much memory"]
        raise ConversionError(f"The file could not be read: {last[0][:300]}.")
    markdown = done.stdout.decode(errors="replace")
    if not markdown.strip():
        raise ConversionError("No text was found in the file.")
    return markdown


def environment() -> dict[str, str]:
    """What the child is told: nothing secret, for it reads files of strangers, and to call nobody."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    quiet = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
    return {**kept, **quiet, "PYTHONUTF8": "1"}


def refuse_bomb(file: Path) -> None:
    """Look at the sizes a .docx declares before anything unpacks it."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            unzipped = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise ConversionError("The file is not a DOCX document: it is no zip archive.") from error
    if not names >= {"[Content_Types].xml", "word/document.xml"}:
        raise ConversionError("The file is not a DOCX document: it is a zip archive of something else.")
    if unzipped > UNZIPPED or unzipped > RATIO * max(1, file.stat().st_size):
        raise ConversionError(f"The document unzips to {unzipped:,} bytes, far more than a text; it was not opened.")
