"""The article as the retriever sees it: its chunks, whether they are up to date, and once more if that failed."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from kb import freshness, outbox, tasks
from kb.models import Article, ArticleVersion, Chunk, IndexedVersion
from portal.editor.access import article_or_404, for_editors
from portal.editor.facts import facts
from portal.editor.forms import VersionForm
from portal.htmx import Request, render


@for_editors
@require_safe
def index(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    shown = chosen_version(request, article)
    indexed = IndexedVersion.objects.filter(version=shown).select_related("embedder").first()
    context = {
        "version": shown,
        "indexed": indexed,
        "took": (indexed.finished - indexed.requested).total_seconds() if indexed else None,
        "chunks": Chunk.objects.filter(version=shown).select_related("passage").order_by("ordinal"),
        "others": [other for other in with_chunks(article) if other != shown],
        "limit": settings.CHUNK_LIMIT,
        **facts(request, article),
    }
    return render(request, "editor/chunks.html", context)


def with_chunks(article: Article) -> QuerySet[ArticleVersion]:
    return article.versions.filter(indexed__isnull=False).select_related("indexed").defer("source")


def chosen_version(request: Request, article: Article) -> ArticleVersion | None:
    """The version asked for; otherwise the published one, otherwise the latest."""
    form = VersionForm(request.GET)
    if form.is_valid() and form.cleaned_data["version"]:
        return get_object_or_404(with_chunks(article), number=form.cleaned_data["version"])
    return article.published_version or article.latest_version


@for_editors
@require_safe
def status(request: Request, pk: int) -> HttpResponse:
    """The line that says which version answers use; asked for again every second while the index catches up."""
    article = article_or_404(request, pk)
    if not request.htmx:
        return redirect("editor_edit", pk)
    return status_line(request, article)


@for_editors
@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    """Index once more after it failed. Whoever may write may do this: saving does the same."""
    article = article_or_404(request, pk)
    with transaction.atomic():
        outbox.request(article)
        tasks.wake_on_commit(article.pk)
    if request.htmx:
        return status_line(request, article)
    messages.success(request, "It will be indexed once more.")
    back = request.POST.get("next", "")
    ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, None)
    return HttpResponseRedirect(back if ours else reverse("editor_edit", args=[pk]))


def status_line(request: Request, article: Article) -> HttpResponse:
    return render(request, "editor/freshness.html", {"article": article, "freshness": freshness.of(article)})
