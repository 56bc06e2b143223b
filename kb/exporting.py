"""Articles as a zip of Markdown files with front matter, and their images: what an import makes the same articles of.

    <collection>/_collection.md     title, address, description, position, audience
    <collection>/<article>.md       what readers get; of a draft, its latest text
    <collection>/<article>.draft.md the text that an editor of it works on, if it is newer
    images/<hash>/<name>            the images that these show
    _audiences.yaml                 which groups are in which audience; only for those who manage them

Two exports of the same articles are the same bytes: names in order, one date for all.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import yaml

from kb import images, linking, markdown, permissions
from kb.importing import exported_path
from kb.models import Article, ArticleVersion, Audience, Collection, Image
from kb.permissions import Reader

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date a zip can hold
ARTICLE = re.compile(r"/articles/([-\w]+)/(?:#(.+))?")
PLAIN = {Audience.Kind.EVERYONE: "everyone", Audience.Kind.SIGNED_IN: "signed-in"}
VERSION = 1  # of this format; a file with it is taken as it is when imported

Progress = Callable[[Iterable[Any], str], Iterable[Any]]


@dataclass
class Exported:
    """What an export holds."""

    articles: int = 0
    images: int = 0


@dataclass
class Export:
    """One export on its way into a zip. `user` None: everything."""

    archive: zipfile.ZipFile
    user: Reader | None
    paths: dict[str, str] = field(default_factory=dict)  # article's address → file
    images: dict[str, str] = field(default_factory=dict)  # hash → file
    audiences: dict[int, Audience] = field(default_factory=dict)

    def put(self, path: str, content: str | bytes) -> None:
        entry = zipfile.ZipInfo(path, LONG_AGO)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every machine
        self.archive.writestr(entry, content)

    def put_article(self, article: Article, *, edits: bool) -> None:
        path = self.paths[article.slug]
        version = shown(article, edits=edits)
        if version is None:
            return
        self.audiences[article.audience_id] = article.audience
        self.put(path, self.file(article, version, path, edits=edits))
        latest = article.latest_version
        if edits and latest is not None and latest.number > version.number:
            draft = path.removesuffix(".md") + ".draft.md"
            self.put(draft, self.file(article, latest, draft, edits=True, draft=True))

    def file(self, article: Article, version: ArticleVersion, path: str, *, edits: bool, draft: bool = False) -> str:
        """A version as a file. Empty fields are left out."""
        fields = {
            "footnote": VERSION,
            "id": article.external_id or exported_path(article.collection.slug, article.slug),
            "draft": draft or None,
            "title": version.title,
            "slug": article.slug,
            "collection": article.collection.name,
            "language": version.language,
            "summary": version.summary,
            "tags": article.tags,
            "audience": audience_name(article.audience),
            "state": state(article),
            "position": article.position or None,
            "owner": article.owner.get_username() if edits and article.owner else "",
            "review": article.review_on.isoformat() if edits and article.review_on else "",
        }
        return front_matter(fields) + "\n" + self.with_paths(version.source, path) + "\n"

    def with_paths(self, source: str, path: str) -> str:
        """Links to articles and images of this export as links to their files."""
        if "/articles/" not in source and "/images/" not in source:
            return source

        def link(target: str) -> str | None:
            found = ARTICLE.fullmatch(target)
            if not found or found[1] not in self.paths:
                return image_file(target)
            anchor = found[2] or ""
            if anchor and markdown.anchor(anchor.removeprefix("s-")) != anchor:
                return None  # not one that an import would make again
            return relative(self.paths[found[1]], path) + (f"#{anchor.removeprefix('s-')}" if anchor else "")

        def image_file(target: str) -> str | None:
            found = images.ADDRESS.fullmatch(target)
            return relative(self.images[found[1]], path) if found and found[1] in self.images else None

        return linking.rewrite(source, link=link, image=lambda target: image_file(target) or target)


def export(
    out: IO[bytes], *, user: Reader | None, collection: Collection | None = None, progress: Progress
) -> Exported:
    """Write the zip. `user` None is the system; a person gets what they may read, and drafts where they may write."""
    every = articles(user, collection)
    edited = set(Article.objects.editable_by(user).values_list("pk", flat=True)) if user else None
    made = Exported()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        run = Export(archive, user, dict(paths(every)))
        run.images = image_files(user, every)
        for shelf in (
            Collection.objects.filter(articles__in=every).distinct().select_related("audience").order_by("slug")
        ):
            put_collection(run, shelf)
        for article in progress(every.iterator(chunk_size=100), "exporting"):
            run.put_article(article, edits=edited is None or article.pk in edited)
            made.articles += 1
        for digest, path in progress(sorted(run.images.items()), "images"):
            run.put(path, bytes(Image.objects.only("data").get(digest=digest).data))
            made.images += 1
        put_audiences(run)
    return made


def articles(user: Reader | None, collection: Collection | None) -> Any:
    """What this person may know of, in the order of their files."""
    known = Article.objects.kept() if user is None else Article.objects.known_to(user)
    if collection is not None:
        known = known.filter(collection=collection)
    versions = ("collection", "audience", "owner", "latest_version", "wanted_version", "published_version")
    return known.select_related(*versions).order_by("collection__slug", "slug")


def paths(every: Any) -> Iterator[tuple[str, str]]:
    for slug, shelf in every.values_list("slug", "collection__slug"):
        yield slug, exported_path(shelf, slug)


def shown(article: Article, *, edits: bool) -> ArticleVersion | None:
    """What readers get; for editors what was published, even if it waits for its index, and of a draft its text."""
    return (article.wanted_version or article.latest_version) if edits else article.published_version


def state(article: Article) -> str:
    """A review and a time to publish at are left behind: such an article is a draft elsewhere."""
    kept = (Article.State.PUBLISHED, Article.State.ARCHIVED)
    return str(article.state) if article.state in kept else str(Article.State.DRAFT)


def image_files(user: Reader | None, every: Any) -> dict[str, str]:
    """The images that versions of these articles show, of those this person may see."""
    seen = Image.objects.all() if user is None else Image.objects.visible_to(user)
    used = seen.filter(uses__version__article__in=every.values("pk")).distinct()
    return {digest: f"images/{digest}/{name}" for digest, name in used.values_list("digest", "name")}


def put_collection(run: Export, shelf: Collection) -> None:
    run.audiences[shelf.audience_id] = shelf.audience
    fields = {
        "title": shelf.name,
        "slug": shelf.slug,
        "description": shelf.description,
        "position": shelf.position,
        "audience": audience_name(shelf.audience),
    }
    run.put(f"{shelf.slug}/_collection.md", front_matter(fields))


def put_audiences(run: Export) -> None:
    """Only for those who manage them: the names of groups are nobody else's business."""
    if run.user is not None and not permissions.is_admin(run.user):
        return
    groups = {
        audience.name: sorted(audience.groups.values_list("name", flat=True))
        for audience in sorted(run.audiences.values(), key=lambda audience: audience.name)
        if audience.kind == Audience.Kind.GROUPS
    }
    if groups:
        run.put("_audiences.yaml", dumped(groups))


def audience_name(audience: Audience) -> str:
    return PLAIN.get(Audience.Kind(audience.kind), f"group:{audience.name}")


def front_matter(fields: dict[str, Any]) -> str:
    kept = {name: value for name, value in fields.items() if value not in ("", [], None)}
    return f"---\n{dumped(kept)}---\n"


def dumped(fields: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=1_000_000)
    return text


def relative(path: str, start: str) -> str:
    return posixpath.relpath(path, posixpath.dirname(start))


def quietly(items: Iterable[Any], label: str) -> Iterator[Any]:
    yield from items
