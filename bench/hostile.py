"""`python -m bench.hostile`: what hostile files get, and what they cost: the message, seconds, and peak memory.

Each row is an archive with one such file and a good one, imported by a process of its own into a throwaway database;
`good` says whether the other file arrived. The first row holds nothing hostile: what an import takes anyway. Peak
memory is that of the importing process, and of its child that reads documents, in megabytes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.importing import documents

Files = list[tuple[zipfile.ZipInfo | str, bytes]]
WIDE = 100


def packed(*files: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return made.getvalue()


def link() -> Files:
    made = zipfile.ZipInfo("link.md")
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    return [(made, b"/etc/passwd")]


def inflating() -> Files:
    """A .docx of 1 MB that unzips to 341 MB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/media/image1.png", os.urandom(650_000))
        with archive.open("word/document.xml", "w") as text:
            for _ in range(341):
                text.write(b" " * 1_000_000)
    return [("inflating.docx", made.getvalue())]


def endless() -> Files:
    """More paragraphs than the parser gets through in the time it has; of words that do not compress."""
    return [("endless.html", b"".join(b"<p>The %s is." % os.urandom(12).hex().encode() for _ in range(200_000)))]


def macros() -> Files:
    kind = b'<Override ContentType="application/vnd.ms-word.document.macroEnabled"/>'
    return [("macros.docx", packed(("[Content_Types].xml", kind), ("word/document.xml", b"<x/>")))]


CASES: dict[str, Callable[[], Files]] = {
    "nothing hostile": list,
    "zip bomb": lambda: [("bomb.md", b"a" * 100_000_000)],
    "path traversal": lambda: [("../../etc/cron.md", b"# Out")],
    "symbolic link": link,
    "nested zip": lambda: [("inner.zip", packed(("a.md", b"# A")))],
    "10,000 files": lambda: [(f"{number}.md", b"# A") for number in range(10_000)],
    "docx of 341 MB": inflating,
    "truncated pdf": lambda: [("cut.pdf", documents.pdf(["Text."])[:300])],
    "encrypted pdf": lambda: [("secret.pdf", documents.pdf(["Text."], encrypt=True))],
    "deep html": lambda: [("deep.html", documents.DEEP.encode())],
    "binary as .md": lambda: [("binary.md", b"\x89PNG\r\n\x1a\n\0\0" * 1000)],
    "40 KB of [": lambda: [("brackets.md", b"[" * 40_000)],
    "UTF-16": lambda: [("sixteen.md", "# Title\n\nText.".encode("utf-16"))],
    "Latin-1": lambda: [("latin.md", "# Größe\n\nMaß.".encode("latin-1"))],
    "macros": macros,
    "endless parser": endless,
}


def inside(case: str) -> dict[str, Any]:
    """Import one archive in this process."""
    setup()
    from django.core.exceptions import ValidationError

    from kb import importing
    from kb.models import Audience, Collection

    audience, _ = Audience.objects.get_or_create(kind=Audience.Kind.EVERYONE, defaults={"name": "Everyone"})
    collection = Collection.objects.create(name=case, slug=f"case-{list(CASES).index(case)}", audience=audience)
    data = packed(("good.md", b"# Good\n\nText."), *CASES[case]())
    before, started = peaks(), time.perf_counter()
    try:
        report = importing.import_folder(importing.Archive(data), importing.Options(collection=collection))
        said = [failure.reason for failure in report.failed] or report.notes or ["taken"]
    except ValidationError as error:
        said = error.messages
    return {
        "bytes": len(data),
        "said": " ".join(said),
        "good": collection.articles.filter(external_id="good.md").exists(),
        "seconds": round(time.perf_counter() - started, 2),
        "peak_mb": peaks()["self"],
        "more_mb": round(peaks()["self"] - before["self"], 1),
        "child_mb": peaks()["children"],
    }


def peaks() -> dict[str, float]:
    unit = 1024 if sys.platform == "linux" else 1024 * 1024  # kilobytes there, bytes on macOS
    who = {"self": resource.RUSAGE_SELF, "children": resource.RUSAGE_CHILDREN}
    return {name: round(resource.getrusage(one).ru_maxrss / unit, 1) for name, one in who.items()}


def measured(environment: dict[str, str], case: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.hostile", "--inside", case]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{case}: the process ended with {done.returncode}.\n{done.stderr}")
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def setup() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inside", choices=list(CASES), help="measure this process")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(inside(options.inside)))
        return
    setup()
    from django.db import connection

    from kb import evaluation
    from portal import embedded

    embedded.ensure()
    made = {}
    print(f"{'file':>16} {'KB':>7} {'seconds':>8} {'peak MB':>8} {'more':>6} {'child':>6} {'good':>5}  said")
    with evaluation.throwaway_database("bench_hostile") as name:
        connection.close()
        for case in CASES:
            row = made[case] = measured({**os.environ, "DATABASE_NAME": name}, case)
            print(
                f"{case:>16} {row['bytes'] / 1000:7.0f} {row['seconds']:8} {row['peak_mb']:8} {row['more_mb']:6}"
                f" {row['child_mb']:6} {'yes' if row['good'] else 'no':>5}  {row['said'][:WIDE]}",
                flush=True,
            )
    if options.json:
        Path(options.json).write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main()
