"""An edit history, replayed through publishing, outbox and indexing, and checked at random points and at the end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from kb import indexing, publishing, tasks
from kb.embedding import get_embedder
from kb.evaluation import serving
from kb.evaluation.edits import Edit
from kb.evaluation.searchable import Findings, check
from kb.evaluation.throwaway import Progress
from kb.models import Article, Audience, Collection, IndexedVersion, IndexJob, IndexRun
from kb.publishing import Content

Kind = Literal["creations", "edits", "renames", "deletions"]
CHECKS = 25  # spread over the run at random, beside the one at the end
SETTLE_SECONDS = 120.0  # for jobs that failed at first


@dataclass
class Writer:
    """An editor who does what the history says. `published`: what readers should find, by article, and nothing else."""

    audience: Audience
    collections: dict[str, Collection] = field(default_factory=dict)  # folder → collection
    articles: dict[str, int] = field(default_factory=dict)  # path → article
    published: dict[int, Content] = field(default_factory=dict)

    def act(self, edit: Edit) -> Iterator[Kind]:
        """Do it, and say what it was; a rename that also changes the text is a rename, and then an edit.

        An edit of an unknown path creates it; a deleted article is archived, and an addition brings it back.
        """
        if edit.content is None:
            yield from self.delete(edit.path)
            return
        if edit.operation == "R" and edit.old_path in self.articles and edit.old_path != edit.path:
            yield from self.rename(edit.old_path, edit.path)
        if edit.path not in self.articles:
            yield self.create(edit.path, edit.content)
        elif self.published.get(self.articles[edit.path]) != edit.content or edit.operation != "R":
            yield self.change(self.articles[edit.path], edit.content)

    def create(self, path: str, content: Content) -> Kind:
        made = publishing.create(self.collection(path), content, by=None, slug=address(path))
        publishing.publish(made, by=None)
        self.articles[path] = made.pk
        self.published[made.pk] = content
        return "creations"

    def change(self, number: int, content: Content) -> Kind:
        article = Article.objects.select_related("latest_version").get(pk=number)
        before = article.latest_version.number if article.latest_version else 0
        publishing.save(article, content, by=None, based_on=before)
        publishing.publish(article, by=None)
        kind: Kind = "edits" if number in self.published else "creations"
        self.published[number] = content
        return kind

    def rename(self, old: str, new: str) -> Iterator[Kind]:
        """A new name is a new address, a new folder another collection; whatever was there before is deleted."""
        yield from self.delete(new)
        number = self.articles.pop(old)
        self.articles[new] = number
        slug = address(new) if PurePosixPath(old).stem != PurePosixPath(new).stem else None
        article = Article.objects.get(pk=number)
        publishing.arrange(article, by=None, collection=self.collection(new), slug=slug)
        yield "renames"

    def delete(self, path: str) -> Iterator[Kind]:
        number = self.articles.get(path)
        if number in self.published:
            publishing.archive(Article.objects.get(pk=number), by=None)
            del self.published[number]
            yield "deletions"

    def collection(self, path: str) -> Collection:
        folder = str(PurePosixPath(path).parent)
        if folder not in self.collections:
            slug = f"folder-{len(self.collections) + 1}"
            self.collections[folder] = Collection.objects.create(
                name=f"{slug} {folder}"[:120], slug=slug, audience=self.audience
            )
        return self.collections[folder]


def address(path: str) -> str:
    return publishing.free_slug(PurePosixPath(path).stem)


def writer() -> Writer:
    return Writer(Audience.objects.create(name="Everyone", kind=Audience.Kind.EVERYONE))


@dataclass
class Tally:
    """Of the chunks that are searchable after an edit: how many had to be embedded for it, how many had not."""

    chunks_embedded: int = 0
    chunks_reused: int = 0

    @property
    def share_reused(self) -> float | None:
        both = self.chunks_embedded + self.chunks_reused
        return self.chunks_reused / both if both else None


@dataclass
class Result:
    """What a replay found. `stale` and `lost`: summed over all checks."""

    events: int = 0
    checks: int = 0
    stale: int = 0
    lost: int = 0
    out_of_order: int = 0
    seconds: float = 0.0
    tallies: dict[Kind, Tally] = field(
        default_factory=lambda: {"edits": Tally(), "renames": Tally(), "creations": Tally()}
    )

    def note(self, findings: Findings) -> None:
        self.checks += 1
        self.stale += len(findings.stale)
        self.lost += len(findings.lost)

    def as_dict(self) -> dict[str, Any]:
        figures: dict[str, Any] = {
            "events": self.events,
            "stale": self.stale,
            "lost": self.lost,
            "out_of_order": self.out_of_order,
        }
        tallies: dict[str, Any] = {kind: vars(tally) for kind, tally in self.tallies.items()}
        return {**figures, **tallies, "checks": self.checks, "seconds": round(self.seconds, 1)}


def replay(edits: Sequence[Edit], *, progress: Progress, seed: int = 0) -> Result:
    """Do every edit, index it in this process, and check at random points and at the end.

    Raises ProviderError at once when the embedder cannot work.
    """
    get_embedder().encode(["warm"])
    chance, result, editor = random.Random(seed), Result(events=len(edits)), writer()  # noqa: S311  # no secret
    started = time.monotonic()
    with serving.watched(), tasks.without_wake_ups():
        for edit in progress(edits, "replaying"):
            for kind in editor.act(edit):
                count(kind, editor.articles.get(edit.path), result)
            if chance.random() < CHECKS / len(edits):
                result.note(check(editor.published))
        settle()
        result.note(check(editor.published))
        result.out_of_order = serving.moves_backwards()
    result.seconds = time.monotonic() - started
    return result


def count(kind: Kind, number: int | None, result: Result) -> None:
    """Index what one edit has asked for, and note what was embedded for it."""
    before = IndexRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    indexing.drain()
    if kind not in result.tallies:
        return
    runs = IndexRun.objects.filter(pk__gt=before, version__article=number)
    embedded = sum(runs.values_list("embedded", flat=True))
    served = IndexedVersion.objects.filter(version__published_in=number).values_list("chunks", flat=True)
    tally = result.tallies[kind]
    tally.chunks_embedded += embedded
    tally.chunks_reused += max(0, sum(served) - embedded)


def settle() -> None:
    """Work until no job waits, with those that failed for a moment; what is given up is found by the check."""
    deadline = time.monotonic() + SETTLE_SECONDS
    unfinished = IndexJob.objects.filter(state__in=[IndexJob.State.QUEUED, IndexJob.State.RUNNING])
    while unfinished.exists() and time.monotonic() < deadline:
        if not indexing.drain():
            time.sleep(0.2)
