"""A zip archive from outside, opened so that its list of contents cannot hurt: its names, sizes and odd entries."""

from __future__ import annotations

import io
import stat
import struct
import zipfile

LARGEST_DIRECTORY = 8_000_000  # bytes of the list of contents; zipfile makes an object of about 600 bytes of each 50
END = b"PK\x05\x06"
ENTRY = b"PK\x01\x02"
UTF_8 = 0x800  # the flag that says that a name is UTF-8
ENCRYPTED = 0x1
UNREADABLE = (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError, struct.error)


class BadZip(Exception):
    """An archive that cannot be opened, and why, in a sentence for people."""


def opened(data: bytes) -> zipfile.ZipFile:
    """The archive; its contents are not read. Raises BadZip."""
    start = data.rfind(END)
    if start < 0 or len(data) < start + 22:
        raise BadZip("It is no zip archive, or only a part of one.")
    size, offset = struct.unpack_from("<II", data, start + 12)
    if size > LARGEST_DIRECTORY:
        raise BadZip("It holds far more files than anybody writes: it was not opened.")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except UnicodeDecodeError:
        return reopened(data, offset)
    except UNREADABLE as error:
        raise BadZip(f"It is no zip archive, or a damaged one ({error}).") from error


def reopened(data: bytes, offset: int) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(without_wrong_flags(data, offset)))
    except UNREADABLE as error:
        raise BadZip(f"It holds names that cannot be read ({error}).") from error


def without_wrong_flags(data: bytes, offset: int) -> bytes:
    """The archive with its list of contents put right: names that are said to be UTF-8 and are not."""
    fixed = bytearray(data)
    while fixed[offset : offset + 4] == ENTRY:
        (flags,) = struct.unpack_from("<H", fixed, offset + 8)
        name, extra, comment = struct.unpack_from("<HHH", fixed, offset + 28)
        try:
            fixed[offset + 46 : offset + 46 + name].decode()
        except UnicodeDecodeError:
            struct.pack_into("<H", fixed, offset + 8, flags & ~UTF_8)
            (local,) = struct.unpack_from("<I", fixed, offset + 42)
            struct.pack_into("<H", fixed, local + 6, flags & ~UTF_8)  # the same once more, before the file itself
        offset += 46 + name + extra + comment
    return bytes(fixed)


def name_of(entry: zipfile.ZipInfo) -> tuple[str, bool]:
    """An entry's name with slashes, and whether it is certain. Many programs write UTF-8 without saying so."""
    name = entry.orig_filename.replace("\\", "/")
    if entry.flag_bits & UTF_8:
        return name, True
    try:
        return name.encode("cp437").decode(), True
    except UnicodeError:
        return name, False


def why_not(entry: zipfile.ZipInfo, name: str, *, largest: int, ratio: int) -> str:
    """Why an entry must not be read, in a sentence; empty when it may be."""
    if "\0" in name:
        return "The name holds a NUL character."
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return "The name leads out of the archive."
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "It is a symbolic link, and links are not followed."
    if entry.flag_bits & ENCRYPTED:
        return "It is encrypted: pack it without a password."
    if entry.file_size > largest:
        return f"The file has {entry.file_size:,} bytes; at most {largest:,} are read."
    if entry.file_size > max(1_000_000, ratio * entry.compress_size):
        return f"It unzips to {entry.file_size:,} bytes, far more than a text; it was not opened."
    return ""
