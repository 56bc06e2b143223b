"""Articles from a folder or a file: Markdown as it is, HTML and DOCX through kb.converting.

Importing again changes only what changed: an article is found again by its path inside the folder. One bad file never
stops the rest. Links between the files become links between the articles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import frontmatter
import yaml
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from kb import converting, publishing
from kb.models import Article, Collection, Redirect
from kb.permissions import Reader
from kb.publishing import Content

MARKDOWN = {".md", ".markdown"}
READABLE = MARKDOWN | converting.SUFFIXES
LARGEST = 10_000_000  # bytes of one file

LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]\n]*)\]\((?P<target>[^)\s]+)(?P<rest>[^)\n]*)\)")
CODE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)|`[^`\n]+`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"\A\s*# +(?P<title>.+?) *#*\s*$", re.MULTILINE)

ImageAddress = Callable[[Path], str | None]


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
    """The importable files under a folder, or the one file; names beginning with a dot or an underscore are not articles."""
    if path.is_file():
        return [path]
    found = (file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in READABLE)
    return sorted(file for file in found if not any(part.startswith((".", "_")) for part in file.relative_to(path).parts))


def import_path(path: Path, options: Options, *, progress: Callable[[Iterable[Path]], Iterable[Path]] = iter) -> Report:
    """Import a folder or a file. Raises ValidationError when there is nothing to import there."""
    found = files(path)
    if not found:
        kinds = ", ".join(sorted(READABLE))
        raise ValidationError(f"There is nothing to import in {path}: no file ending in {kinds}.")
    root = path if path.is_dir() else path.parent
    report = Report()
    parsed = list(parse_all(progress(found), root, report))
    addresses = assign_slugs(parsed, options.collection)
    for one in parsed:
        try:
            source = rewrite_links(one, addresses, root, options, report)
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
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, converting.ConversionError | ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def parse(file: Path, relative: str) -> Parsed:
    """Read one file: front matter, title, text."""
    if file.stat().st_size > LARGEST:
        raise ValueError(f"The file has {file.stat().st_size:,} bytes; at most {LARGEST:,} are read.")
    meta, source = read(file)
    if not source.strip() and not meta.get("title"):
        raise ValueError("The file is empty.")
    heading = HEADING.match(source)
    title = str(meta.get("title") or (heading["title"] if heading else "") or file.stem.replace("-", " ").replace("_", " "))
    if heading and heading["title"].strip() == title.strip():
        source = source[heading.end() :].lstrip("\n")
    language = str(meta.get("language") or meta.get("lang") or "en")
    summary = str(meta.get("summary") or meta.get("description") or "")
    return Parsed(
        path=relative[-300:],
        file=file,
        content=Content(title, source, summary, language).clean(),
        slug=slugify(str(meta.get("slug") or file.stem))[:150] or slugify(title)[:150] or "article",
        tags=as_tags(meta.get("tags")),
        position=int(meta["position"]) if str(meta.get("position", "")).isdigit() else 0,
    )


def read(file: Path) -> tuple[dict[str, Any], str]:
    """Front matter and Markdown of a file."""
    if file.suffix.lower() not in MARKDOWN:
        return {}, converting.convert(file)
    raw = file.read_bytes()
    if b"\0" in raw:
        raise ValueError("The file holds NUL bytes, so it is not a text.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"The file is not UTF-8 (byte {error.start:,}): save it as UTF-8.") from error
    try:
        post = frontmatter.loads(text)
    except yaml.YAMLError as error:
        raise ValueError(f"The front matter is not valid YAML: {' '.join(str(error).split())}") from error
    return dict(post.metadata), post.content


def as_tags(value: object) -> tuple[str, ...]:
    values = value.split(",") if isinstance(value, str) else value if isinstance(value, Sequence) else ()
    return tuple(dict.fromkeys(str(tag).strip()[:40] for tag in values if str(tag).strip()))


def assign_slugs(parsed: Sequence[Parsed], collection: Collection) -> dict[str, str]:
    """Each file's address: the one its article has already, else a free one. Known before the links are rewritten."""
    known = dict(Article.objects.filter(collection=collection).exclude(external_id="").values_list("external_id", "slug"))
    taken = set(Article.objects.values_list("slug", flat=True)) | set(Redirect.objects.values_list("old_slug", flat=True))
    addresses: dict[str, str] = {}
    for one in parsed:
        slug, number = known.get(one.path, one.slug), 1
        while one.path not in known and slug in taken:
            number += 1
            slug = f"{one.slug}-{number}"
        taken.add(slug)
        addresses[one.path] = slug
    return addresses


def rewrite_links(one: Parsed, addresses: dict[str, str], root: Path, options: Options, report: Report) -> str:
    """Links to files of the import become links to their articles; images become addresses, or are noted. Code is left alone."""

    def replace(match: re.Match[str]) -> str:
        target = unquote(match["target"])
        if re.match(r"[a-z][a-z0-9+.-]*:|[/#]", target, re.IGNORECASE):
            return match[0]
        path, _, fragment = target.partition("#")
        if match["image"]:
            return image(match, (one.file.parent / path).resolve())
        place = resolve(one.path, path)
        slug = addresses.get(place) or addresses.get(f"{place}.md") or addresses.get(f"{place}/index.md")
        if slug is None:
            report.notes.append(f"{one.path}: the link to “{target}” leads to no file of this import.")
            return match[0]
        anchor = f"#s-{fragment.removeprefix('s-')}" if fragment else ""
        return f"[{match['text']}](/articles/{slug}/{anchor}{match['rest']})"

    def image(match: re.Match[str], file: Path) -> str:
        address = options.image_address(file)
        if address is None:
            report.notes.append(f"{one.path}: the image “{match['target']}” was not imported; its description is kept.")
            return f"*{match['text']}*" if match["text"] else ""
        return f"![{match['text']}]({address}{match['rest']})"

    return outside_code(one.content.source, lambda text: LINK.sub(replace, text))


def resolve(path: str, target: str) -> str:
    """A relative target as a path inside the import; what leads outside of it is nothing."""
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / target).parts:
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def outside_code(source: str, change: Callable[[str], str]) -> str:
    """Change a Markdown text everywhere but in its code."""
    made, position = [], 0
    for code in CODE.finditer(source):
        made += [change(source[position : code.start()]), code[0]]
        position = code.end()
    return "".join([*made, change(source[position:])])


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
    if not options.dry_run:
        if not same:
            number = latest.number if latest else 0
            publishing.save(article, content, by=options.by, based_on=number, note="Imported again")
            publishing.arrange(article, by=options.by, tags=one.tags)
        publish(article, options)
    return "unchanged" if same else "changed"


def publish(article: Article, options: Options) -> None:
    """Publish what was imported, unless readers have it already."""
    done = article.state == Article.State.PUBLISHED and article.wanted_version_id == article.latest_version_id
    if options.publish and not done:
        publishing.publish(article, by=options.by)
