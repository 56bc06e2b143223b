"""One `up` for one data folder: who holds the lock, and where its pages are."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from portal.embedded.errors import EmbeddedError, readable_errors


@dataclass(frozen=True)
class Running:
    """The `up` that holds the lock, or was killed while it held it."""

    pid: int
    url: str


@contextmanager
def alone(var: Path, *, url: str) -> Iterator[Running | None]:
    """Be the only `up` on `var`; yields the one before us if it was killed, so that its remains can be awaited."""
    with readable_errors(var):
        var.mkdir(parents=True, exist_ok=True)
        with open(var / "up.lock", "a+") as file:
            before = _read(file.name)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                where = f" at {before.url} (process {before.pid})" if before else ""
                raise EmbeddedError(
                    f"Footnote already runs from this folder{where}: "
                    "stop that one with `manage.py down`, or set FOOTNOTE_VAR to another folder."
                ) from None
            _write(file.name, Running(os.getpid(), url))
            try:
                yield before
            finally:
                _write(file.name, None)


def running(var: Path) -> Running | None:
    """The `up` that runs on `var` now."""
    try:
        with open(var / "up.lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _read(str(var / "up.lock"))


def _read(path: str) -> Running | None:
    with suppress(ValueError, TypeError):  # empty, or cut short by a kill
        return Running(**json.loads(Path(path).read_text()))
    return None


def _write(path: str, found: Running | None) -> None:
    Path(path).write_text(json.dumps(asdict(found)) if found else "")
