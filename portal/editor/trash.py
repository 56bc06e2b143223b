"""Deleting an article, the trash, and out of it again."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kb import batches, deleting, permissions, publishing
from kb.models import Deletion
from kb.verbs import VERBS, Change
from portal.editor.access import article_or_404, for_editors
from portal.editor.bulk import tell
from portal.editor.facts import facts
from portal.htmx import Request, render

PAGE = 30
LINKS = 30


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask, with what leads here; then into the trash."""
    article = article_or_404(request, pk)
    publishing.check(request.user, permissions.deleting(article), article)
    if request.method != "POST":
        links = deleting.links_here(article, request.user)
        context = {"links": links[:LINKS], "more": max(0, len(links) - LINKS), "days": settings.TRASH_DAYS}
        return render(request, "editor/delete.html", {**context, **facts(request, article)})
    made = batches.start(Change(VERBS["delete"]), [article], by=request.user)
    tell(request, made, f"“{article.title}” is in the trash: readers no longer find it.")
    return redirect("editor_articles")


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    found = Deletion.objects.restorable_by(request.user).select_related("article__collection", "by")
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return render(request, "editor/trash.html", {"page": page, "days": settings.TRASH_DAYS})


@for_editors
@require_POST
def restore(request: Request, pk: int) -> HttpResponse:
    """Out of the trash, as it stood. `pk` is the article's."""
    deletion = get_object_or_404(Deletion.objects.restorable_by(request.user).select_related("article"), article=pk)
    article = deletion.article
    try:
        restored = deleting.restore(article, by=request.user) if article else None
    except (ValidationError, PermissionDenied) as error:
        messages.warning(request, error.messages[0] if isinstance(error, ValidationError) else str(error))
        return redirect("editor_trash")
    again = " Readers have it again." if restored and restored.wanted_version_id else ""
    messages.success(request, f"“{deletion.title}” is back.{again}")
    return redirect("editor_edit", pk)
