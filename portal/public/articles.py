"""The page of an article, and what readers think of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kb import markdown, permissions
from kb.browsing import related
from kb.languages import foreign
from kb.markdown import Heading, Rendered
from kb.models import Article, ArticleVersion, Feedback, ReadCount
from portal.htmx import Request, render
from portal.public.errors import not_found, not_here
from portal.public.forms import FeedbackForm
from portal.public.sessions import opens_first_today, visitor

DAY = 24 * 3600
LONG = 14  # headings
RENDERER = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted(Path(markdown.__file__).parent.glob("*.py")))
).hexdigest()[:12]


@require_safe
def article(request: Request, slug: str) -> HttpResponse:
    """An article as this reader may see it; an address that it once had leads to it."""
    seen = Article.objects.visible_to(request.user)
    found = seen.with_pages().with_minutes().filter(slug=slug).first()
    if found is None or found.published_version is None:
        return moved(request, slug)
    if request.method == "GET" and opens_first_today(request, found):
        ReadCount.objects.count_read(found, timezone.localdate())
    version = found.published_version
    page = rendered(version)
    context = feedback_context(request, found) | {
        "version": version,
        "page": page,
        "contents": contents(page),
        "language": foreign(version.language),
        "related": related(found, user=request.user),
        "may_edit": permissions.may(request.user, "write", found),
    }
    return render(request, "public/article.html", context)


def contents(page: Rendered) -> list[Heading]:
    """The headings of the contents list: two levels, or one where that would be long. Nothing for a single heading."""
    listed = [heading for heading in page.contents if heading.level <= 3]
    if len(listed) > LONG:
        listed = [heading for heading in listed if heading.level == 2]
    return listed if len(listed) > 1 else []


def moved(request: Request, slug: str) -> HttpResponse:
    """To the new address, if this reader may see the article: a redirect reveals that there is one."""
    there = Article.objects.visible_to(request.user).filter(redirects__old_slug=slug).first()
    return redirect(there, permanent=True) if there else not_here(request, slug)


@require_POST
def feedback(request: Request, slug: str) -> HttpResponse:
    """Keep what a visitor thinks of this version of the article: one opinion each, the last one counts."""
    found = Article.objects.visible_to(request.user).with_pages().filter(slug=slug).first()
    if found is None:
        return not_found(request)
    form = FeedbackForm(request.POST)
    if form.is_valid():
        Feedback.objects.update_or_create(
            version=found.published_version, session_hash=visitor(request), defaults=form.cleaned_data
        )
    if request.htmx:
        return render(
            request, "public/article.html", feedback_context(request, found) | {"form": form}, partial="helpful"
        )
    return redirect(f"{found.get_absolute_url()}#helpful")


def feedback_context(request: Request, found: Article) -> dict[str, object]:
    """The article, and what this visitor said about it before."""
    given = None
    if request.session.session_key:
        given = Feedback.objects.filter(version=found.published_version, session_hash=visitor(request)).first()
    return {"article": found, "given": given}


def rendered(version: ArticleVersion) -> Rendered:
    """The version's HTML, kept by its id, for a version never changes; what may change is how it is rendered."""
    key = f"rendered-{RENDERER}-{version.pk}"
    known: Rendered | None = cache.get(key)
    if known is None:
        known = markdown.render(version.source)
        cache.set(key, known, DAY)
    return known
