"""The article as the retriever sees it: its chunks, whether they are up to date, and once more if that failed."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kb import freshness, inspecting, outbox, tasks
from kb.inspecting import Copy, Served
from kb.models import Article, ArticleVersion, Chunk, IndexedVersion
from kb.permissions import Reader
from portal.editor.access import article_or_404, back, for_editors
from portal.editor.facts import facts
from portal.editor.forms import VersionForm
from portal.htmx import Request, render

NEAREST_SHOWN, COPIES_SHOWN = 3, 3


class TryForm(forms.Form):
    """A question to try on one article."""

    q = forms.CharField(max_length=2000)


@dataclass(frozen=True)
class Row:
    """One chunk with what is known of it. `overlap`: the beginning that repeats the chunk before, `body` the rest."""

    chunk: Chunk
    overlap: str
    body: str
    copies: list[Copy]
    served: Served
    is_unused: bool
    near: float | None
    place: int | None


@for_editors
@require_safe
def index(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    shown = chosen_version(request, article)
    indexed = IndexedVersion.objects.filter(version=shown).select_related("embedder").first()
    form = TryForm(request.GET)
    question = form.cleaned_data["q"] if form.is_valid() else ""
    rows = rows_of(shown, article, question=question, user=request.user) if shown else []
    context = {
        "version": shown,
        "indexed": indexed,
        "took": (indexed.finished - indexed.requested).total_seconds() if indexed else None,
        "chunks": rows,
        "unused": sum(row.is_unused for row in rows),
        "question": question,
        "nearest": sorted((row for row in rows if row.place), key=lambda row: row.place or 0)[:NEAREST_SHOWN],
        "this_week": inspecting.answered_this_week(article),
        "others": [other for other in with_chunks(article) if other != shown],
        "limit": settings.CHUNK_LIMIT,
        **facts(request, article),
    }
    return render(request, "editor/chunks.html", context)


def rows_of(version: ArticleVersion, article: Article, *, question: str, user: Reader) -> list[Row]:
    """The chunks in reading order; near copies are named where this person may write."""
    chunks = list(Chunk.objects.filter(version=version).select_related("passage").order_by("ordinal"))
    copies = inspecting.near_copies(version, among=Article.objects.editable_by(user))
    served = inspecting.served(chunks, article)
    used = inspecting.ever_retrieved(chunks, article)
    near = inspecting.nearness(version, question) if question else {}
    places = {chunk_id: place for place, chunk_id in enumerate(near, 1)}
    rows, before = [], ""
    for chunk in chunks:
        body = chunk.passage.body
        repeats = inspecting.repeated(before, body) if settings.CHUNK_OVERLAP else 0
        rows.append(
            Row(
                chunk=chunk,
                overlap=body[:repeats],
                body=body[repeats:],
                copies=copies.get(chunk.pk, [])[:COPIES_SHOWN],
                served=served.get(chunk.passage_id, Served()),
                is_unused=chunk.passage_id not in used,
                near=near.get(chunk.pk),
                place=places.get(chunk.pk),
            )
        )
        before = body
    return rows


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
    return back(request, reverse("editor_edit", args=[pk]))


def status_line(request: Request, article: Article) -> HttpResponse:
    return render(request, "editor/freshness.html", {"article": article, "freshness": freshness.of(article)})
