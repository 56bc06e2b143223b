"""What search could not answer: questions that were refused or did not help, and what to do about them."""

from __future__ import annotations

import re

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from kb.models import Collection, EvaluationCase
from kb.unanswered import bring_back, key_of, unanswered
from kb.unanswered import dismiss as put_aside
from portal.editor.access import for_editors
from portal.htmx import Request, render

A_PAGE = 30


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    dismissed = request.GET.get("dismissed") == "1"
    page = Paginator(unanswered(request.user, dismissed=dismissed), A_PAGE).get_page(request.GET.get("page"))
    cases = EvaluationCase.objects.known_to(request.user)
    context = {
        "page": page,
        "dismissed": dismissed,
        "asked": {key_of(question) for question in cases.values_list("question", flat=True)},
        "may_write": Collection.objects.writable_by(request.user).exists(),
    }
    return render(request, "editor/questions.html", context)


@for_editors
@require_POST
def dismiss(request: Request) -> HttpResponse:
    """Put a question aside, or take it back."""
    key = request.POST.get("key", "")
    if not re.fullmatch("[0-9a-f]{64}", key):
        raise BadRequest("Which question? Go back and choose one of the list.")
    if request.POST.get("do") == "undo":
        bring_back(key)
        messages.success(request, "The question is in the list again.")
    else:
        put_aside(key, by=request.user)
        messages.success(request, "Dismissed. It comes back when somebody asks it again.")
    return redirect("editor_questions")
