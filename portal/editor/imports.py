"""Import as editors see it: files handed in, looked at before anything is written, followed to what became of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Case, QuerySet, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kb import diffing
from kb.importing import orders, runs
from kb.models import ImportFile, ImportRun
from portal.editor.access import for_editors
from portal.editor.imports_forms import PlaceForm, UploadForm
from portal.htmx import Request, render

LISTED = 20  # imports
A_PAGE = 50  # files
SHOWN = ("created", "changed", "unchanged", "failed")
# What needs a look stands first.
ORDER = Case(When(state="failed", then=0), When(outcome="changed", then=1), When(outcome="created", then=2), default=3)


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: Request) -> HttpResponse:
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = UploadForm(*sent, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(orders.request(*form.archive(), form.options()))
        except ValidationError as error:
            form.add_error("upload", error)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "runs": mine(request)[:LISTED]}
    return render(request, "editor/imports.html", context, status=status)


def mine(request: Request) -> QuerySet[Any]:
    return ImportRun.objects.of(request.user).select_related("by", "collection")


@for_editors
@require_safe
def show(request: Request, pk: int) -> HttpResponse:
    run = get_object_or_404(mine(request), pk=pk)
    return render(request, "editor/import_run.html", run_context(request, run), partial="import")


def run_context(request: Request, run: ImportRun, form: PlaceForm | None = None) -> dict[str, Any]:
    counts = run.counts()
    shown = request.GET.get("show", "")
    files: QuerySet[Any] = run.files.select_related("article").defer("source", "parsed").annotate(order=ORDER)
    if shown == "failed":
        files = files.filter(state=ImportFile.State.FAILED)
    elif shown in SHOWN:
        files = files.filter(outcome=shown).exclude(state=ImportFile.State.FAILED)
    initial = {"collection": run.collection_id, "publish": run.publish, "create": run.create}
    return {
        "run": run,
        "counts": counts,
        "writes": counts["created"] + counts["changed"],
        "shown": shown if shown in SHOWN else "",
        "filters": [(name, counts[name]) for name in SHOWN if counts[name]],
        "page": Paginator(files.order_by("order", "path"), A_PAGE).get_page(request.GET.get("page")),
        "form": form or PlaceForm(initial=initial, user=request.user),
    }


@for_editors
@require_safe
def file(request: Request, pk: int, file: int) -> HttpResponse:
    """One file: what it becomes, beside what is there."""
    chosen = get_object_or_404(
        ImportFile.objects.filter(run__in=mine(request)).select_related("run", "article__latest_version"),
        run=pk,
        pk=file,
    )
    before = chosen.article.latest_version if chosen.article and chosen.state != ImportFile.State.DONE else None
    context = {
        "file": chosen,
        "before": before,
        "summary": chosen.content.get("summary", ""),
        "rows": diffing.rows(before.source, chosen.source) if before else [],
        "title_rows": diffing.rows(before.title, chosen.title) if before and before.title != chosen.title else [],
    }
    return render(request, "editor/import_file.html", context)


@for_editors
@require_POST
def begin(request: Request, pk: int) -> HttpResponse:
    """Write what was looked at; with another place or way than that, look again first."""
    run = get_object_or_404(mine(request), pk=pk)
    form = PlaceForm(request.POST, user=request.user)
    if not form.is_valid():
        return render(request, "editor/import_run.html", run_context(request, run, form), status=422)
    wanted = form.options()
    same = (run.collection, run.publish, run.create) == (wanted.collection, wanted.publish, wanted.create)
    try:
        if same and request.POST.get("do") == "import":
            orders.begin(run)
        else:
            orders.look_again(run, wanted)
            if request.POST.get("do") == "import":
                messages.info(request, "You chose otherwise than what was compared: look once more, then import.")
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    return redirect(run)


@for_editors
@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    run = get_object_or_404(mine(request), pk=pk)
    runs.cancel(run)
    messages.info(request, "The import is cancelled. What it had written by then is listed here.")
    return redirect(run)
