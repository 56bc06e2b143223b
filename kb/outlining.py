"""Which links and anchors a version has: noted when it is written, so that no page has to parse many articles."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from django.conf import settings
from django.db import transaction
from django.urls import Resolver404, resolve

from kb import markdown
from kb.markdown import Target
from kb.models import ArticleVersion, Link, Outline
from kb.models.links import CURRENT

RULES = 1  # raise it when what is noted changes: everything noted before is noted again in the background
HERE = "/articles/-/"  # every article stands at that depth, so relative addresses lead to the same place from each
CAUGHT_UP = 200  # versions a run


@transaction.atomic
def note(version: ArticleVersion) -> None:
    """Keep the anchors of a version that has none yet, and its links to places within this help center."""
    found = markdown.outline(version.source)
    Link.objects.bulk_create(links(version, found.targets))
    Outline.objects.bulk_create(
        [Outline(version=version, anchors=list(found.anchors), rules=RULES)],
        update_conflicts=True,
        unique_fields=["version"],
        update_fields=["anchors", "rules"],
    )


def links(version: ArticleVersion, targets: tuple[Target, ...]) -> Iterator[Link]:
    for target in targets:
        placed = place(target)
        if placed is not None:
            kind, slug, anchor = placed
            yield Link(
                version=version,
                kind=kind,
                address=target.address[:500],
                slug=slug[:500],
                anchor=anchor[:300],
                words=target.words[:200],
                line=target.line,
            )


def place(target: Target) -> tuple[str, str, str] | None:
    """Kind, slug and anchor of what a target leads to; None when it leads out of here or to another page of ours."""
    try:
        parts = urlsplit(urljoin(HERE, target.address))
    except ValueError:  # such as an address with a bracket in its host
        return (Link.Kind.NOWHERE, "", "")
    if not is_ours(parts):
        return None
    anchor = unquote(parts.fragment)
    if parts.path.startswith((settings.MEDIA_URL, settings.STATIC_URL)):
        return None
    if target.address.startswith("#"):
        return (Link.Kind.HERE, "", anchor)
    return named(unquote(parts.path), anchor)


def is_ours(parts: SplitResult) -> bool:
    if not parts.netloc:
        return not parts.scheme
    return parts.scheme in ("http", "https", "") and parts.netloc == urlsplit(settings.SITE_URL).netloc


def named(path: str, anchor: str) -> tuple[str, str, str] | None:
    """What stands at a path; one without its last slash is redirected, so it leads there too."""
    for tried in (path, f"{path}/"):
        try:
            match = resolve(tried)
        except Resolver404:
            continue
        if match.url_name in (Link.Kind.ARTICLE, Link.Kind.COLLECTION):
            return (str(match.url_name), str(match.kwargs["slug"]), anchor)
        if match.url_name == Link.Kind.IMAGE:
            return (Link.Kind.IMAGE, str(match.kwargs["digest"]), "")
        return None
    return (Link.Kind.NOWHERE, "", anchor)


def catch_up() -> int:
    """Note current versions that were written before the rules of today; forget those that nobody gets any more."""
    Outline.objects.exclude(version__in=ArticleVersion.objects.filter(CURRENT)).delete()
    Link.objects.exclude(version__in=ArticleVersion.objects.filter(CURRENT)).delete()
    missing = ArticleVersion.objects.filter(CURRENT).exclude(outline__rules=RULES)[:CAUGHT_UP]
    for version in missing:
        with transaction.atomic():
            version.links.all().delete()
            note(version)
    return len(missing)
