"""What the tests of this folder read: the files of the repository, and the documents among them."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PACKAGES = ("kb", "portal", "streaming")
FENCE = re.compile(r"^([ ]*)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file but those that .gitignore leaves out; without git, which a fresh machine may not have."""
    lines = (ROOT / ".gitignore").read_text().splitlines()
    ignored = {line.strip("/") for line in lines if "*" not in line} | {".git"}
    return tuple(sorted(_files(ROOT, ignored)))


def _files(folder: Path, ignored: set[str]) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in ignored or path.suffix == ".pyc":
            continue
        if path.is_dir():
            yield from _files(path, ignored)
        else:
            yield path


def modules(*folders: str) -> list[Path]:
    """The Python files below these folders, of the three packages when none is named; migrations left out."""
    found = [path for path in tracked() if path.suffix == ".py" and "migrations" not in path.parts]
    return [path for path in found if path.relative_to(ROOT).parts[0] in (folders or PACKAGES)]


def name_of(path: Path) -> str:
    """A file as the repository names it."""
    return path.relative_to(ROOT).as_posix()


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code_of(name: str) -> str:
    """All code of a Markdown document, fenced and inline, a line each."""
    text = text_of(name)
    fenced = "\n".join(match[3] for match in FENCE.finditer(text))
    return fenced + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", FENCE.sub("", text)))


def fenced(name: str, language: str = "") -> list[str]:
    """The fenced blocks of a document in one language; those without a language for none."""
    return [match[3] for match in FENCE.finditer(text_of(name)) if match[2] == language]
