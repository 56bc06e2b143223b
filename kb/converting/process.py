"""The parent's side: one child process reads document after document, and is replaced when one of them breaks it."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kb.converting.documents import ConversionError, look_inside

SUFFIXES = {".html", ".htm", ".docx", ".pdf"}
LOADING_SECONDS = 60.0  # importing a partitioner: 4 s on a quiet machine
SECONDS = 30.0  # one document
LONGEST_REPLY = 40_000_000  # bytes; eight times the characters that the child sends at most


@dataclass(frozen=True)
class Converted:
    """A document as Markdown, and what of it could not be kept, a sentence each."""

    text: str
    notes: tuple[str, ...] = ()


class Converter:
    """`with Converter() as converter: converter.convert(data, ".pdf")`; the child starts with the first document."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def convert(self, data: bytes, suffix: str) -> Converted:
        """Raises ConversionError; an empty result is an error, not an empty article."""
        notes = look_inside(data) if suffix == ".docx" else ()
        with tempfile.NamedTemporaryFile(suffix=suffix) as file:
            file.write(data)
            file.flush()
            reply = self.ask(file.name)
        if "error" in reply:
            raise ConversionError(str(reply["error"]))
        if not str(reply["text"]).strip():
            raise ConversionError("No text was found in the file.")
        return Converted(str(reply["text"]), (*notes, *reply["notes"]))

    def ask(self, path: str) -> dict[str, Any]:
        """Have the child read a file. One that is too slow, or ends, is replaced for the next file."""
        child = self.child = self.child or start()
        try:
            with suppress(BrokenPipeError):  # something ended it meanwhile: then there is no answer either
                if child.stdin is not None:
                    child.stdin.write(path.encode() + b"\n")
                    child.stdin.flush()
            line(child, LOADING_SECONDS)
            reply = dict(json.loads(line(child, SECONDS)))
        except ConversionError:
            self.stop()
            raise
        if reply["last"]:
            self.stop()
        return reply

    def stop(self) -> None:
        if self.child is not None:
            self.child.kill()
            with suppress(BrokenPipeError):
                self.child.communicate()
            self.child = None


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "kb.converting.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent.parent,
        env=environment(),
    )


def line(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    """The child's next line, or ConversionError when it does not come in time, or not at all."""
    read, ends = bytearray(), time.monotonic() + seconds
    out = child.stdout
    if out is None:
        raise ConversionError("The file could not be read: its reader cannot be heard.")
    with selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ)
        while not read.endswith(b"\n"):
            if not selector.select(max(0.0, ends - time.monotonic())):
                raise ConversionError(f"Reading the file took longer than {seconds:g} seconds, so it was given up.")
            piece = os.read(out.fileno(), 1 if not read else 65_536)
            if not piece or len(read) > LONGEST_REPLY:
                raise ConversionError("The file could not be read: it took too much memory or time, or it is damaged.")
            read += piece
            if read == b"\n":  # the line that says the child is ready is empty
                break
    return bytes(read)


def environment() -> dict[str, str]:
    """What the child is told: nothing secret, for it reads files of strangers, and to call nobody."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    quiet = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
    return {**kept, **quiet, "PYTHONUTF8": "1"}
