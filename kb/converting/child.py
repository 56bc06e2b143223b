"""The child process of kb.converting: reads a file's name from each line, and answers with its text as Markdown.

Importing a partitioner costs 4 s and 130 MB, and a hostile file can take any amount of both: never in a web process,
and once for many files. For each file two lines go out: an empty one when the reader is imported, and then a JSON
object, {"text", "notes"} or {"error"}, with {"last"}: whether the process ends with it, since it has grown too large.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kb.converting.documents import ConversionError

MEMORY = 2 * 1024**3  # bytes of address space
RESIDENT = 700_000  # KB; a process that grew beyond makes room for a fresh one
SECONDS = 60  # of processor time for one file: for a parent that was killed and cannot give up waiting
LONGEST = 5_000_000  # characters to answer; ten times what an article may have, and little for the parent to hold

Reader = Callable[[Path], tuple[str, list[str]]]


def main() -> None:
    limit(resource.RLIMIT_AS, MEMORY)
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        limit(resource.RLIMIT_CPU, int(used(resource.RUSAGE_SELF)) + SECONDS)
        read = reader(path.suffix.lower())
        answer("")
        made = reply(read, path)
        is_last = peak() > RESIDENT
        answer(json.dumps(made | {"last": is_last}, ensure_ascii=False))
        if is_last:
            return


def answer(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def reply(read: Reader, path: Path) -> dict[str, object]:
    try:
        text, notes = read(path)
    except ConversionError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "Reading the file took too much memory, so it was given up."}
    except Exception as error:
        why = " ".join(str(error).split())[:200] or "no reason given"
        return {"error": f"The file could not be read: {type(error).__name__}: {why}."}
    return {"text": text[:LONGEST].encode(errors="replace").decode(), "notes": notes}


def reader(suffix: str) -> Reader:
    if suffix == ".pdf":
        from kb.converting import pdf

        return pdf.read
    from kb.converting import elements

    return elements.reader(suffix)


def peak() -> int:
    """KB that were resident at most. On Linux not by getrusage: that goes on from the peak of the parent."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # macOS counts bytes


def used(who: int) -> float:
    return resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime


def limit(what: int, value: int) -> None:
    """Linux counts both exactly; macOS may refuse the limit, and the time limit of the parent remains."""
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (value, resource.getrlimit(what)[1]))


if __name__ == "__main__":
    main()
