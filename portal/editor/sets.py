"""What is done with an evaluation set: make it, run it, take it out and in, delete it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kb import permissions
from kb.evaluation import EvaluationError, exchanging, running
from kb.models import EvaluationSet
from portal.editor.access import for_editors
from portal.editor.quality import set_context
from portal.editor.quality_forms import ImportForm, SetForm
from portal.htmx import Request, render

ONLY_ADMINS = "Only admins of the whole help center delete an evaluation set: it holds cases of all collections."
SAID = 10  # problems of an import


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request) -> HttpResponse:
    form = SetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = EvaluationSet.objects.create(name=form.cleaned_data["name"], by_id=request.user.pk)
        return redirect(made)
    status = 422 if request.method == "POST" else 200
    return render(request, "editor/quality_create.html", {"form": form}, status=status)


@for_editors
@require_POST
def run(request: Request, pk: int) -> HttpResponse:
    """Ask a worker to measure it; the page follows the run."""
    chosen = get_object_or_404(EvaluationSet, pk=pk)
    running.request(chosen, by=request.user)
    if request.htmx:
        return render(request, "editor/quality_set.html", set_context(request, chosen), partial="measured")
    return redirect(chosen)


@for_editors
@require_safe
def export(request: Request, pk: int) -> HttpResponse:
    chosen = get_object_or_404(EvaluationSet, pk=pk)
    response = HttpResponse(exchanging.export(chosen, user=request.user), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{slugify(chosen.name) or "set"}.zip"'
    return response


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: Request, pk: int) -> HttpResponse:
    """Add the cases of uploaded files."""
    chosen = get_object_or_404(EvaluationSet, pk=pk)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        files = [(file.name, file) for file in form.cleaned_data["upload"]]
        try:
            found = exchanging.read(files, chosen, by=request.user)
        except EvaluationError as error:
            form.add_error("upload", str(error))
        else:
            tell(request, found)
            return redirect(chosen)
    status = 422 if request.method == "POST" else 200
    return render(request, "editor/quality_import.html", {"form": form, "set": chosen}, status=status)


def tell(request: Request, found: exchanging.Imported) -> None:
    cases = "1 case was" if found.added == 1 else f"{found.added} cases were"
    messages.success(request, f"{cases} added; {found.known} were in the set already.")
    if found.problems:
        more = f" And {len(found.problems) - SAID} more." if len(found.problems) > SAID else ""
        messages.warning(request, f"Left out: {' '.join(found.problems[:SAID])}{more}")


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask first: the runs go with it."""
    chosen = get_object_or_404(EvaluationSet, pk=pk)
    if not permissions.is_admin(request.user):
        raise PermissionDenied(ONLY_ADMINS)
    if request.method == "POST":
        chosen.delete()
        messages.success(request, f"The set “{chosen.name}” is deleted.")
        return redirect("editor_quality")
    context = {
        "title": f"Delete the set “{chosen.name}”?",
        "explanation": f"Its {chosen.cases.count()} cases and what was measured on them are gone for good. "
        "Export it first if you may want it back.",
        "button": "Delete the set",
        "back": chosen.get_absolute_url(),
    }
    return render(request, "editor/quality_confirm.html", context)
