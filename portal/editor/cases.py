"""Evaluation cases: written, made from a search or from an unanswered question, changed, deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from kb.models import EvaluationCase
from portal.editor.access import for_editors
from portal.editor.quality_forms import CaseForm
from portal.htmx import Request, render

PRESET = ("question", "audience", "note", "origin", "set", "article_1")


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request) -> HttpResponse:
    """A new case; what the address names is filled in. A search or a question sends all at once."""
    if request.method == "POST":
        return stored(request, CaseForm(request.POST, user=request.user), "The case is in the set.")
    preset = {name: request.GET[name].replace("\0", " ") for name in PRESET if request.GET.get(name)}
    return form_page(request, CaseForm(user=request.user, initial=preset))


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, pk: int) -> HttpResponse:
    case = case_or_404(request, pk)
    if request.method == "POST":
        return stored(request, CaseForm(request.POST, user=request.user, case=case), "The case is changed.")
    return form_page(request, CaseForm(user=request.user, case=case))


def stored(request: Request, form: CaseForm, done: str) -> HttpResponse:
    if not form.is_valid():
        return form_page(request, form, status=422)
    case = form.store()
    messages.success(request, f"{done} Run the set to see where its article stands.")
    return redirect(case.set)


def form_page(request: Request, form: CaseForm, *, status: int = 200) -> HttpResponse:
    places = [(form[f"article_{place}"], form[f"grade_{place}"]) for place in form.places]
    context: dict[str, Any] = {"form": form, "case": form.case, "places": places, "offered": form.offered()}
    return render(request, "editor/quality_case.html", context, status=status)


def case_or_404(request: Request, pk: int) -> EvaluationCase:
    """A case all of whose articles this person may see; to everybody else it does not exist."""
    return get_object_or_404(EvaluationCase.objects.known_to(request.user).select_related("set"), pk=pk)


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask first."""
    case = case_or_404(request, pk)
    if request.method == "POST":
        case.delete()
        messages.success(request, "The case is deleted. Earlier runs keep what they measured.")
        return redirect(case.set)
    context = {
        "title": "Delete this case?",
        "explanation": f"“{case.question}” will not be asked any more. Earlier runs keep what they measured.",
        "button": "Delete the case",
        "back": case.set.get_absolute_url(),
    }
    return render(request, "editor/quality_confirm.html", context)
