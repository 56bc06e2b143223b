"""The history of an article: every version, any two side by side, one as it was, and back to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Lag, Length
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from kb import collating, diffing, markdown, permissions, publishing
from kb.models import Article, ArticleVersion
from portal.editor.access import article_or_404, for_editors
from portal.editor.facts import facts
from portal.editor.forms import COMPARISONS, PairForm
from portal.editor.states import Question
from portal.htmx import Request, render

PAGE = 30
BESIDE = 8  # versions offered beside a comparison
ENTRIES = 50


@for_editors
@require_safe
def versions(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    page = Paginator(listed(article), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "pair": page.object_list[:2],
        "entries": article.audit.select_related("by")[:ENTRIES],
        "may_publish": permissions.may(request.user, "publish", article),
        **facts(request, article),
    }
    return render(request, "editor/history.html", context)


@for_editors
@require_safe
def compare(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    form = PairForm(request.GET)
    if not form.is_valid():
        messages.info(request, "Choose two versions to compare.")
        return redirect("editor_history", pk)
    numbers = sorted((form.cleaned_data["old"], form.cleaned_data["new"]))
    old, new = (get_object_or_404(article.versions.select_related("author"), number=number) for number in numbers)
    view = form.cleaned_data["view"]
    context = {
        "old": old,
        "new": new,
        "view": view,
        "views": COMPARISONS,
        "pairs": collating.collate(old.source, new.source) if view == "page" else [],
        "offered": listed(article).filter(beside(article, numbers)),
        **differences(old, new),
        **facts(request, article),
    }
    return render(request, "editor/compare.html", context)


@for_editors
@require_safe
def version(request: Request, pk: int, number: int) -> HttpResponse:
    article = article_or_404(request, pk)
    shown = get_object_or_404(article.versions.select_related("author"), number=number)
    context = {
        "version": shown,
        "html": markdown.render(shown.source).html,
        "words": len(shown.source.split()),
        "may_publish": permissions.may(request.user, "publish", article),
        **facts(request, article),
    }
    return render(request, "editor/version.html", context)


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: Request, pk: int, number: int) -> HttpResponse:
    """A new version with the text of an old one, unless somebody saved since the question was asked."""
    article = article_or_404(request, pk)
    old = get_object_or_404(article.versions.select_related("article__collection"), number=number)
    latest = article.latest_version.number if article.latest_version else 0
    meanwhile = request.method == "POST" and request.POST.get("latest") != str(latest)
    if request.method != "POST" or meanwhile:
        context = {
            "question": restoring(number, latest),
            "latest": latest,
            "meanwhile": meanwhile,
            **facts(request, article),
        }
        return render(request, "editor/confirm.html", context, status=409 if meanwhile else 200)
    new = publishing.restore(old, by=request.user)
    messages.success(
        request, f"Version {new.number} has the text of version {number}. Publish it to show it to readers."
    )
    return redirect("editor_edit", pk)


def restoring(number: int, latest: int) -> Question:
    return Question(
        f"Restore version {number}?",
        f"This makes a version {latest + 1} with the title, summary and text of version {number}. Nothing is removed"
        " from the history, and readers see no change until you publish it.",
        "Restore this version",
        "",
    )


def listed(article: Article) -> QuerySet[ArticleVersion]:
    """The versions, newest first, without their text, each with its size and how it changed, in characters."""
    size = Length("source")
    before = Window(Lag(size), order_by=F("number").asc())
    return article.versions.select_related("author").defer("source").annotate(size=size, change=size - before)


def beside(article: Article, numbers: list[int]) -> Q:
    """The newest versions, and the two compared."""
    newest = article.versions.values_list("number", flat=True)[:BESIDE]
    return Q(number__in=[*newest, *numbers])


def differences(old: ArticleVersion, new: ArticleVersion) -> dict[str, Any]:
    """The rows of both texts, and what differs, in numbers."""
    rows = diffing.rows(old.source, new.source)
    added, removed = diffing.counted(old.source, new.source)
    return {
        "rows": rows,
        "title_rows": diffing.rows(old.title, new.title) if old.title != new.title else [],
        "summary_rows": diffing.rows(old.summary, new.summary) if old.summary != new.summary else [],
        "changed": sum(row.kind not in ("same", "fold") for row in rows),
        "added": added,
        "removed": removed,
    }
