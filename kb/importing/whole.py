"""A whole import in one go, for commands: every file read, planned and written in this process.

What was interrupted is begun again: what was written already is found again, and left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from kb import converting
from kb.importing.folders import Failure, Folder, articles, open_folder
from kb.importing.pictures import Pictures
from kb.importing.planning import ImageAddress, Plan, Planner
from kb.importing.reading import Parsed, parse
from kb.importing.reasons import reason
from kb.importing.shelves import Options, Shelves, described, groups_of
from kb.importing.writing import write

Progress = Callable[[Iterable[str], str], Iterable[str]]


def silently(items: Iterable[str], label: str) -> Iterable[str]:
    return items


@dataclass
class Report:
    """What an import did, or would do. `notes`: what could not be kept, a sentence each."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        failed = [{"path": one.path, "reason": one.reason} for one in self.failed]
        return {
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "failed": failed,
            "notes": self.notes,
        }

    def count(self, plan: Plan) -> None:
        setattr(self, plan.outcome, getattr(self, plan.outcome) + 1)
        self.notes += [f"{plan.parsed.path}: {note}" for note in plan.notes]
        if plan.outcome == "changed":
            self.diffs.append(f"{plan.parsed.path}: {'; '.join(plan.changes)}\n{diff(plan)}")


def import_path(
    path: Path, options: Options, *, image: ImageAddress | None = None, progress: Progress = silently
) -> Report:
    """Import a folder, a zip or a file. Raises ValidationError when there is nothing to import there."""
    try:
        return import_folder(open_folder(path), options, image=image, progress=progress)
    except ValidationError as error:
        raise ValidationError([f"{path}: {message}" for message in error.messages]) from error


def import_folder(
    folder: Folder, options: Options, *, image: ImageAddress | None = None, progress: Progress = silently
) -> Report:
    """As `import_path`. `image` says where the image at a place of the folder is, if it is not to be stored."""
    report, pictures = Report(), Pictures(folder)
    names = articles(folder)
    shelves = Shelves(options, described(folder), groups_of(folder))
    planner = Planner(shelves, image or pictures.address)
    planner.take(list(read_all(folder, progress(names, "reading"), report)))
    report.failed += folder.refused + planner.failed
    report.notes += folder.notes
    for path in progress(list(planner.files), "writing"):
        try:
            plan = planner.plan(path)
            if not options.dry_run:
                pictures.store(plan.content.source, by=options.by)
                write(plan, options)
        except Exception as error:
            report.failed.append(Failure(path, reason(error)))
        else:
            report.count(plan)
    report.failed.sort(key=lambda failure: failure.path)
    return report


def read_all(folder: Folder, names: Iterable[str], report: Report) -> Iterable[Parsed]:
    with converting.Converter() as converter:
        for name in names:
            try:
                yield parse(name, folder.read(name), converter)
            except Exception as error:
                report.failed.append(Failure(name, reason(error)))


def diff(plan: Plan) -> str:
    """The change of a text as lines with + and -."""
    if plan.article is None or plan.article.latest_version is None:
        return ""
    before, after = plan.article.latest_version, plan.content
    old = [f"# {before.title}", *before.source.split("\n")]
    new = [f"# {after.title}", *after.source.split("\n")]
    return "\n".join(line.rstrip("\n") for line in unified_diff(old, new, "here", "import", lineterm=""))
