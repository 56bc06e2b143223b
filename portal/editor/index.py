"""The index, seen: how fresh it is, what waits, what failed and why, and who works on it."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kb import coverage, outbox, tasks
from kb.models import Article
from portal.editor.access import for_editors
from portal.htmx import Request, render

SHOWN = 10  # of the jobs that wait, and of what was done last
FAILED_SHOWN = 50


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    """The figures are of the whole help center; articles and collections are named to those who may write there."""
    mine = Article.objects.editable_by(request.user)
    failed = coverage.failed(mine)
    context = {
        "now": timezone.now(),
        "still": "still" in request.GET,
        "figures": coverage.overview(),
        "collections": coverage.by_collection(mine),
        "failed": failed.select_related("article__latest_version")[:FAILED_SHOWN],
        "failed_count": failed.count(),
        "unattended_count": coverage.unattended(mine).count(),
        "waiting": coverage.waiting(mine).select_related("article__latest_version")[:SHOWN],
        "runs": coverage.last_runs(mine).select_related("version__article").defer("version__source")[:SHOWN],
    }
    return render(request, "editor/index.html", context, partial="figures")


@for_editors
@require_POST
def retry_all(request: Request) -> HttpResponse:
    """Index once more what failed or is stale, and waits for nobody, in the collections in which this person writes."""
    articles = coverage.unattended(Article.objects.editable_by(request.user))
    with transaction.atomic():
        for article in articles:
            outbox.request(article)
            tasks.wake_on_commit(article.pk)
    count = len(articles)
    messages.success(request, f"{count} article{'' if count == 1 else 's'} will be indexed once more.")
    return redirect("editor_index")
