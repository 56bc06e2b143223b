"""Articles from a folder or a file: Markdown as it is, HTML and DOCX through kb.converting.

Importing again changes only what changed: an article is found again by its path inside the folder. One bad file never
stops the rest. Links between the files become links between the articles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.text import slugify

from kb import converting, linking, markdown, publishing
from kb.models import Article, Collection, Redirect
from kb.permissions import Reader
from kb.publishing import Conflict, Content

MARKDOWN = {".md", ".markdown"}
READABLE = MARKDOWN | converting.SUFFIXES
LARGEST = 10_000_000  # bytes of one file
LONGEST_FRONT_MATTER = 20_000  # characters; nested brackets make YAML's parser slow and deep

HEADING = re.compile(r"\s*# +(?P<title>[^\n]*)")

ImageAddress = Callable[[Path], str | None]


class Unreadable(Exception):
    """A file that cannot be imported, and why, in a sentence for people."""


@dataclass(frozen=True)
class Failure:
    path: str
    reason: str


@dataclass
class Report:
    """What an import did, or would do. `notes`: what could not be kept, a sentence each."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        failed = [{"path": one.path, "reason": one.reason} for one in self.failed]
        return {
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "failed": failed,
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Options:
    """How to import: where to, for whom, and whether anything is written."""

    collection: Collection
    by: Reader | None = None
    publish: bool = False
    dry_run: bool = False
    image_address: ImageAddress = field(default=lambda path: None)


@dataclass(frozen=True)
class Parsed:
    """One file as an article to be."""

    path: str
    file: Path
    content: Content
    slug: str
    tags: tuple[str, ...]
    position: int


def files(path: Path) -> list[Path]:
    """The importable files under a folder, or the one file; a name beginning with a dot or an underscore is no article.

    Raises ValidationError when there are none.
    """
    if path.is_file():
        return [path]
    found = (file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in READABLE)
    chosen = [file for file in found if not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)]
    if not chosen:
        raise ValidationError(f"There is nothing to import in {path}: no file ending in {', '.join(sorted(READABLE))}.")
    return sorted(chosen)


def import_path(path: Path, options: Options, *, progress: Callable[[Iterable[Path]], Iterable[Path]] = iter) -> Report:
    """Import a folder or a file. Raises ValidationError when there is nothing to import there."""
    root = path if path.is_dir() else path.parent
    report = Report()
    parsed = list(parse_all(progress(files(path)), root, report))
    addresses = assign_slugs(parsed, options.collection)
    for one in parsed:
        try:
            source = rewrite_links(one, addresses, options, report)
            outcome = write(one, source, addresses[one.path], options)
        except Exception as error:
            report.failed.append(Failure(one.path, reason(error)))
        else:
            setattr(report, outcome, getattr(report, outcome) + 1)
    return report


def parse_all(found: Iterable[Path], root: Path, report: Report) -> Iterator[Parsed]:
    for file in found:
        relative = file.relative_to(root).as_posix()
        try:
            yield parse(file, relative)
        except Exception as error:
            report.failed.append(Failure(relative, reason(error)))


def reason(error: Exception) -> str:
    """An error as a sentence for people."""
    match error:
        case ValidationError():
            return " ".join(error.messages)
        case Unreadable() | converting.ConversionError() | Conflict() | PermissionDenied():
            return str(error)
        case OSError():
            return f"The file could not be read: {error.strerror or error}."
        case _:
            return f"The file could not be imported ({type(error).__name__}: {error})."


def parse(file: Path, relative: str) -> Parsed:
    """Read one file: front matter, title, text."""
    if file.stat().st_size > LARGEST:
        raise Unreadable(f"The file has {file.stat().st_size:,} bytes; at most {LARGEST:,} are read.")
    meta, source = read(file)
    title = scalar(meta, "title")
    if not source.strip() and not title:
        raise Unreadable("The file is empty.")
    heading = HEADING.match(source)
    named = heading["title"].strip().rstrip("#").strip() if heading else ""
    title = title or named or file.stem.replace("-", " ").replace("_", " ")
    if heading and named == title.strip():
        source = source[heading.end() :].lstrip("\n")
    language = scalar(meta, "language") or scalar(meta, "lang") or "en"
    position = scalar(meta, "position")
    return Parsed(
        path=relative[-300:],
        file=file,
        content=Content(title, source, scalar(meta, "summary") or scalar(meta, "description"), language).clean(),
        slug=slugify(scalar(meta, "slug") or file.stem)[:150] or slugify(title)[:150] or "article",
        tags=as_tags(meta.get("tags")),
        position=int(position) if re.fullmatch("[0-9]{1,6}", position) else 0,
    )


def read(file: Path) -> tuple[dict[str, Any], str]:
    """Front matter and Markdown of a file."""
    suffix = file.suffix.lower()
    if suffix in converting.SUFFIXES:
        return {}, converting.convert(file).strip("\n")
    if suffix not in MARKDOWN:
        raise Unreadable(f"A file of this kind is not read: only {', '.join(sorted(READABLE))} are.")
    raw = file.read_bytes()
    if b"\0" in raw:
        raise Unreadable("The file holds NUL bytes, so it is not a text.")
    try:
        fields, source = markdown.split_front_matter(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"The file is not UTF-8 (byte {error.start:,}): save it as UTF-8.") from error
    return front_matter(fields), source.strip("\n")


def front_matter(fields: str) -> dict[str, Any]:
    if len(fields) > LONGEST_FRONT_MATTER:
        raise Unreadable(f"The front matter has {len(fields):,} characters; at most {LONGEST_FRONT_MATTER:,} are read.")
    try:
        meta = yaml.safe_load(fields.strip().strip("-")) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"The front matter is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(meta, dict):
        raise Unreadable("The front matter is not a list of names and values.")
    return meta


def scalar(meta: Mapping[str, Any], name: str) -> str:
    """A field of the front matter as text; a list or a mapping is none (and a hostile one may be endless)."""
    value = meta.get(name)
    return str(value).strip() if isinstance(value, str | int | float | date) else ""


def as_tags(value: object) -> tuple[str, ...]:
    values = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    tags = (str(tag).strip()[:40] for tag in values if isinstance(tag, str | int | float))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def assign_slugs(parsed: Sequence[Parsed], collection: Collection) -> dict[str, str]:
    """Each file's address: the one its article has already, else a free one. Known before the links are rewritten."""
    known = dict(
        Article.objects.filter(collection=collection).exclude(external_id="").values_list("external_id", "slug")
    )
    taken = set(Article.objects.values_list("slug", flat=True)) | set(
        Redirect.objects.values_list("old_slug", flat=True)
    )
    addresses: dict[str, str] = {}
    for one in parsed:
        slug, number = known.get(one.path, one.slug), 1
        while one.path not in known and slug in taken:
            number += 1
            slug = f"{one.slug}-{number}"
        taken.add(slug)
        addresses[one.path] = slug
    return addresses


def rewrite_links(one: Parsed, addresses: Mapping[str, str], options: Options, report: Report) -> str:
    """Links to files of the import become links to their articles; images become addresses, or are noted."""

    def link(target: str) -> str | None:
        if linking.is_elsewhere(target):
            return None
        path, _, fragment = target.partition("#")
        slug = article_at(linking.resolve(one.path, path), addresses)
        if slug is None:
            report.notes.append(f"{one.path}: the link to “{target}” leads to no file of this import.")
            return None
        return f"/articles/{slug}/" + (f"#{markdown.anchor(fragment)}" if fragment else "")

    def image(target: str) -> str | None:
        if linking.is_elsewhere(target):
            report.notes.append(f"{one.path}: the image “{target}” is not part of this import; its address is kept.")
            return target
        found = options.image_address((one.file.parent / target).resolve())
        if found is None:
            report.notes.append(f"{one.path}: the image “{target}” was not imported; its description is kept.")
        return found

    return linking.rewrite(one.content.source, link=link, image=image)


def article_at(place: str | None, addresses: Mapping[str, str]) -> str | None:
    """The address of the article imported from this path: the file, with or without its ending, or a folder's index."""
    if place is None:
        return None
    folder = f"{place}/" if place else ""
    candidates = (place, f"{place}.md", f"{folder}index.md", f"{folder}README.md")
    return next((addresses[path] for path in candidates if path in addresses), None)


@transaction.atomic
def write(one: Parsed, source: str, slug: str, options: Options) -> str:
    """Create or change one article. Returns "created", "changed" or "unchanged"."""
    content = Content(one.content.title, source, one.content.summary, one.content.language).clean()
    articles = Article.objects.select_related("latest_version", "collection")
    article = articles.filter(collection=options.collection, external_id=one.path).first()
    if article is None:
        if not options.dry_run:
            fields = {"slug": slug, "tags": list(one.tags), "external_id": one.path, "position": one.position}
            article = publishing.create(options.collection, content, by=options.by, note="Imported", **fields)
            publish(article, options)
        return "created"
    latest = article.latest_version
    same = latest is not None and Content.of(latest) == content and article.tags == list(one.tags)
    if not same and not options.dry_run:
        number = latest.number if latest else 0
        publishing.save(article, content, by=options.by, based_on=number, note="Imported again")
        publishing.arrange(article, by=options.by, tags=one.tags)
    return "unchanged" if not publish(article, options) and same else "changed"


def publish(article: Article, options: Options) -> bool:
    """Publish what was imported unless readers have it already, or an editor put it away. True when it had to be."""
    done = article.state == Article.State.PUBLISHED and article.wanted_version_id == article.latest_version_id
    if not options.publish or done or article.state == Article.State.ARCHIVED:
        return False
    if not options.dry_run:
        publishing.publish(article, by=options.by)
    return True
