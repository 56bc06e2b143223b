"""A folder to fill with files, and the import into the collection “Guides”."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb import importing
from kb.importing import Report
from kb.importing.planning import ImageAddress
from kb.models import Collection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "handbook"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file of the folder, its own folders made."""

    def write(name: str, content: str | bytes) -> Path:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


@pytest.fixture
def run(folder: Path, collection: Collection) -> Callable[..., Report]:
    """Import the folder; options as of importing.Options."""

    def run(*, image: ImageAddress | None = None, **options: Any) -> Report:
        return importing.import_path(folder, importing.Options(collection=collection, **options), image=image)

    return run
