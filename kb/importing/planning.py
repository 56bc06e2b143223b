"""What an import would do with each file: which article it is, its address, its links, and what would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Literal

from kb import linking, markdown
from kb.importing.folders import IMAGES, Failure, Unreadable
from kb.importing.reading import Parsed
from kb.importing.reasons import reason
from kb.importing.shelves import Options, Shelves
from kb.models import Article, Audience, Collection, Redirect
from kb.publishing import Content

Outcome = Literal["created", "changed", "unchanged"]
State = Article.State
RELATED = ("latest_version", "wanted_version", "collection", "audience", "owner")
HERE = "\0"  # before the id of what was written here: only what an export made is taken for it
LEFT = {State.DRAFT, State.IN_REVIEW, State.SCHEDULED}  # what a file that says so is not published as
ImageAddress = Callable[[str], str | None]


@dataclass(frozen=True)
class Plan:
    """What is to be done with one file. `based_on`: the version that the article had; 0 for a new one."""

    parsed: Parsed
    collection: Collection
    article: Article | None
    slug: str
    content: Content
    audience: Audience | None = None
    owner: Any = None
    review_on: date | None = None
    aim: str = ""  # "publish" or "archive"
    has_draft: bool = False  # a newer text of it is in this import too
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if self.article is None:
            return "changed" if self.parsed.draft else "created"
        return "changed" if self.changes else "unchanged"

    @property
    def based_on(self) -> int:
        return self.article.latest_version.number if self.article and self.article.latest_version else 0


@dataclass
class Planner:
    """The files of one import beside each other: their articles and addresses are known before links are rewritten."""

    shelves: Shelves
    image: ImageAddress = field(default=lambda path: None)
    files: dict[str, tuple[Parsed, Collection, int | None]] = field(default_factory=dict)
    slugs: dict[str, str] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)
    drafts: set[tuple[str, str]] = field(default_factory=set)  # what is worked on beside what is published

    def take(self, every: Sequence[Parsed]) -> None:
        """Find each file's collection, article and address; a file that has none of these is failed."""
        known: dict[int, dict[str, int]] = {}
        seen: dict[tuple[str, str, bool], str] = {}
        for one in sorted(every, key=lambda one: one.draft):  # a draft after what it is the draft of
            try:
                collection = self.shelves.of(one)
                if collection.pk not in known:
                    known[collection.pk] = known_articles(collection)
                twin = seen.setdefault((collection.slug, one.identity, one.draft), one.path)
                if twin != one.path:
                    raise Unreadable(f"It has the same id as {twin}: “{one.identity}”.")
                self.files[one.path] = (one, collection, match(one, known[collection.pk]))
                if one.draft:
                    self.drafts.add((collection.slug, one.identity))
            except Exception as error:
                self.failed.append(Failure(one.path, reason(error)))
        self.assign_slugs()

    def assign_slugs(self) -> None:
        """Each file's address: the one its article has already, else a free one."""
        articles = [pk for _, _, pk in self.files.values() if pk]
        held = dict(Article.objects.filter(pk__in=articles).values_list("pk", "slug"))
        taken = set(Article.objects.values_list("slug", flat=True))
        taken |= set(Redirect.objects.values_list("old_slug", flat=True))
        published: dict[tuple[str, str], str] = {}
        for path, (one, collection, pk) in self.files.items():
            key = (collection.slug, one.identity)
            if one.draft and key in published:
                self.slugs[path] = published[key]
                continue
            slug, number = held.get(pk or 0, one.slug), 1
            while pk is None and slug in taken:
                number += 1
                slug = f"{one.slug}-{number}"
            taken.add(slug)
            self.slugs[path] = published[key] = slug

    def plan(self, path: str) -> Plan:
        """Raises ValidationError or Unreadable."""
        one, collection, pk = self.files[path]
        notes = list(one.notes)
        source = self.rewrite_links(one, notes)
        content = replace(one.content, source=source).clean()
        articles = Article.objects.select_related(
            "latest_version", "published_version", "collection", "audience", "owner"
        )
        if pk is None and one.draft and collection.pk:  # written a moment ago
            pk = known_articles(collection).get(one.identity)
        made = Plan(
            parsed=one,
            collection=collection,
            article=articles.get(pk=pk) if pk else None,
            has_draft=not one.draft and (collection.slug, one.identity) in self.drafts,
            slug=self.slugs[path],
            content=content,
            audience=self.shelves.audience(one.audience) if one.audience else None,
            owner=self.shelves.owner(one, collection),
            review_on=day(one.review),
        )
        if one.owner and made.owner is None:
            notes.append(f"there is no “{one.owner}” with a role here, so nobody of that name looks after the article.")
        if one.review and made.review_on is None:
            notes.append(f"“{one.review}” is no day to review the article: write it as 2026-01-31.")
        if one.state and one.state not in State.values:
            notes.append(f"“{one.state}” is no state of an article; it counts as if there were none.")
        made = replace(made, aim=aim(made, self.shelves.options))
        return replace(made, changes=tuple(changes(made)), notes=tuple(notes))

    def rewrite_links(self, one: Parsed, notes: list[str]) -> str:
        """Links to files of the import become links to their articles; images become ours, or are noted."""

        def link(target: str) -> str | None:
            if linking.is_elsewhere(target):
                return None
            path, _, fragment = target.partition("#")
            place = linking.resolve(one.path, path)
            slug = article_at(place, self.slugs)
            if slug is None and PurePosixPath(path).suffix.lower() in IMAGES:
                return image(target)
            if slug is None:
                notes.append(f"the link to “{target}” leads to no file of this import.")
                return None
            return f"/articles/{slug}/" + (f"#{markdown.anchor(fragment)}" if fragment else "")

        def image(target: str) -> str | None:
            if linking.is_elsewhere(target):
                if not target.startswith("/"):
                    notes.append(f"the image “{target}” is not part of this import; its address is kept.")
                return target
            place = linking.resolve(one.path, target)
            try:
                found = self.image(place) if place else None
                why = "was not imported"
            except Unreadable as error:
                found, why = None, f"was not imported ({str(error).rstrip('.')})"
            if found is None:
                notes.append(f"the image “{target}” {why}; its {'address' if one.exact else 'description'} is kept.")
            return found or (target if one.exact else None)

        return linking.rewrite(one.content.source, link=link, image=image)


def known_articles(collection: Collection) -> dict[str, int]:
    """Articles by what an import finds them again by; one that was written here by the id that an export gives it."""
    rows = collection_rows(collection)
    return {identity or HERE + exported_path(collection.slug, slug): pk for pk, identity, slug in rows}


def collection_rows(collection: Collection) -> list[tuple[int, str, str]]:
    if not collection.pk:
        return []
    return list(Article.objects.filter(collection=collection).values_list("pk", "external_id", "slug"))


def exported_path(shelf: str, slug: str) -> str:
    """The path of an article's file in an export, and the id by which it is known there."""
    return f"{shelf}/{slug}.md"


def match(one: Parsed, known: Mapping[str, int]) -> int | None:
    """By its id; one that has an id of its own may have been imported by its path before."""
    found = known.get(one.identity) or known.get(one.path)
    return found or (known.get(HERE + one.identity) if one.exact else None)


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def article_at(place: str | None, addresses: Mapping[str, str]) -> str | None:
    """The address of the article imported from this path: the file, with or without its ending, or a folder's index."""
    if place is None:
        return None
    folder = f"{place}/" if place else ""
    candidates = (place, f"{place}.md", f"{folder}index.md", f"{folder}README.md")
    return next((addresses[path] for path in candidates if path in addresses), None)


def aim(plan: Plan, options: Options) -> str:
    """Whether to publish or archive: only when told to publish, as the file says, and unless an editor put it away."""
    article, state = plan.article, plan.parsed.state
    is_archived = article is not None and article.state == State.ARCHIVED
    if not options.publish or state in LEFT or is_archived or plan.parsed.draft:
        return ""
    if state == State.ARCHIVED:
        return "archive"
    return "publish" if article is None or text_changes(plan) or not is_published(plan) else ""


def is_published(plan: Plan) -> bool:
    article = plan.article
    if article is None or article.state != State.PUBLISHED:
        return False
    return plan.has_draft or article.wanted_version_id == article.latest_version_id


def text_changes(plan: Plan) -> list[str]:
    """What differs from the latest text, or from the published one where the file beside it has the latest."""
    article = plan.article
    if article is None or article.latest_version is None:
        return []
    reference = article.wanted_version if plan.has_draft and article.wanted_version else article.latest_version
    before, after = Content.of(reference), plan.content
    names = {"title": "title", "summary": "summary", "language": "language", "source": "text"}
    return [word for name, word in names.items() if getattr(before, name) != getattr(after, name)]


def changes(plan: Plan) -> list[str]:
    """What would change of an article that is there, in words; nothing for a new one."""
    article, one = plan.article, plan.parsed
    if article is None:
        return []
    made = text_changes(plan)
    if article.tags != list(one.tags):
        made.append(f"tags: {', '.join(one.tags) or 'none'}")
    if one.position and article.position != one.position:
        made.append(f"position: {one.position}")
    if plan.audience is not None and plan.audience.pk != article.audience_id:
        made.append(f"audience: {plan.audience} instead of {article.audience}")
    if plan.owner is not None and plan.owner.pk != article.owner_id:
        made.append(f"owner: {one.owner}")
    if plan.review_on is not None and plan.review_on != article.review_on:
        made.append(f"review: {plan.review_on.isoformat()}")
    if plan.aim == "archive":
        made.append("archived")
    if plan.aim == "publish" and not is_published(plan):
        made.append("published")
    return made
