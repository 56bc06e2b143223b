"""What was handed in: a folder, a single file, or a zip archive. Names are checked before anything is read."""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from django.core.exceptions import ValidationError

from kb import converting, zips

MARKDOWN = {".md", ".markdown"}
READABLE = MARKDOWN | converting.SUFFIXES | {".txt"}
IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif", ".bmp", ".tif", ".tiff"}
ARCHIVES = {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz"}
LARGEST = 10_000_000  # bytes of one file
LARGEST_TOGETHER = 200_000_000  # ... and of an archive's files, unpacked
MOST = 5_000  # files of one import
RATIO = 200  # a file of an archive may unpack to so many times its packed size
LISTED = 10  # names in one note


class Unreadable(Exception):
    """A file that cannot be imported, and why, in a sentence for people."""


@dataclass(frozen=True)
class Failure:
    path: str
    reason: str


class Folder(Protocol):
    """Files by their path inside the folder, with slashes. `refused`: files that are not even looked into."""

    refused: list[Failure]
    notes: list[str]

    @property
    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes:
        """Raises Unreadable."""
        ...


class Directory:
    """A folder or a single file on this machine."""

    def __init__(self, path: Path) -> None:
        self.root = path if path.is_dir() else path.parent
        self.refused: list[Failure] = []
        self.notes: list[str] = []
        self.single = path.is_file()
        found = [path] if self.single else (file for file in path.rglob("*") if file.is_file())
        self.files = {shown(file.relative_to(self.root).as_posix()): file for file in found}
        self.names = sorted(self.files)

    def read(self, name: str) -> bytes:
        file = self.files[name]
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise Unreadable("It is a symbolic link that leads out of the folder, and is not followed.")
        size = file.stat().st_size
        if size > LARGEST:
            raise Unreadable(f"The file has {size:,} bytes; at most {LARGEST:,} are read.")
        return file.read_bytes()


class Archive:
    """A zip archive. A folder that holds all of it is not part of its names, so that a zip is as its folder was."""

    def __init__(self, data: bytes) -> None:
        try:
            self.archive = zips.opened(data)
        except zips.BadZip as error:
            raise ValidationError(str(error)) from error
        self.refused: list[Failure] = []
        self.notes: list[str] = []
        self.entries: dict[str, zipfile.ZipInfo] = {}
        entries = [entry for entry in self.archive.infolist() if not entry.is_dir()]
        check_amount(entries)
        for entry in entries:
            self.take(entry)
        top = {name.split("/", 1)[0] for name in self.entries if "/" in name}
        if len(top) == 1 and all("/" in name for name in self.entries):
            self.entries = {name.split("/", 1)[1]: entry for name, entry in self.entries.items()}
        self.names = sorted(self.entries)

    def take(self, entry: zipfile.ZipInfo) -> None:
        name, is_certain = zips.name_of(entry)
        why_not = zips.why_not(entry, name, largest=LARGEST, ratio=RATIO)
        path = shown(name)
        if path in self.entries and not why_not:
            path, why_not = f"{path} (again)", "The archive holds another file of this name."
        if why_not:
            self.refused.append(Failure(path, why_not))
            return
        if not is_certain:
            self.notes.append(f"{path}: the name is not UTF-8, so it may be spelt wrongly.")
        self.entries[path] = entry

    def read(self, name: str) -> bytes:
        try:
            with self.archive.open(self.entries[name]) as file:
                return file.read(LARGEST)
        except zips.UNREADABLE as error:
            raise Unreadable(f"The file cannot be unpacked: {error}.") from error


def check_amount(entries: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse an archive that is too much as a whole."""
    sizes = [min(entry.file_size, LARGEST) for entry in entries]  # what is larger is not read at all
    if len(sizes) > MOST:
        raise ValidationError(
            f"The archive holds {len(sizes):,} files; at most {MOST:,} are imported at once. Divide it."
        )
    if sum(sizes) > LARGEST_TOGETHER:
        raise ValidationError(
            f"The archive unpacks to {sum(sizes):,} bytes; at most {LARGEST_TOGETHER:,} are read at once. Divide it."
        )


def open_folder(path: Path) -> Directory | Archive:
    """A folder, a file or a zip on this machine. Raises ValidationError."""
    if path.is_file() and path.suffix.lower() == ".zip":
        return Archive(path.read_bytes())
    return Directory(path)


def articles(folder: Folder) -> list[str]:
    """The names of the files to import; what else was handed in is refused or noted.

    Names with a dot or an underscore in front are no articles. Raises ValidationError when there is nothing at all.
    """
    if isinstance(folder, Directory) and folder.single:
        return folder.names
    chosen: list[str] = []
    others: list[str] = []
    for name in folder.names:
        suffix = PurePosixPath(name).suffix.lower()
        if is_hidden(name):
            continue
        if suffix in READABLE:
            chosen.append(name)
        elif suffix in ARCHIVES:
            folder.refused.append(Failure(name, "An archive inside is not opened: unpack it first."))
        elif suffix not in IMAGES:
            others.append(name)
    if others:
        more = f" and {len(others) - LISTED:,} more" if len(others) > LISTED else ""
        folder.notes.append(f"Left out, because no article can be made of them: {', '.join(others[:LISTED])}{more}.")
    folder.notes.extend(alike(chosen))
    if not chosen and not folder.refused:
        raise ValidationError(f"There is nothing to import: no file ending in {', '.join(sorted(READABLE))}.")
    return chosen


def alike(names: Iterable[str]) -> Iterator[str]:
    times = Counter(name.casefold() for name in names)
    for name in names:
        if times[name.casefold()] > 1:
            yield f"{name}: another file has this name but for its capitals; both are taken."


def is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def shown(name: str) -> str:
    """A name as it can be stored and shown: no signs that are none."""
    text = name if name.isascii() else os.fsencode(name).decode(errors="replace")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)[-300:]


def packed(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Uploaded files as one archive; a single archive stays as it is."""
    files = list(files)
    if len(files) == 1 and files[0][0].lower().endswith(".zip"):
        return files[0][1]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(PurePosixPath(name.replace("\\", "/")).name or "file"), data)
    return made.getvalue()
