"""When an article is published by itself, and when it is hidden again."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from kb import publishing, scheduling
from kb.models import Article
from portal.editor.access import article_or_404, for_editors
from portal.editor.facts import facts
from portal.editor.lifecycle_forms import ScheduleForm
from portal.htmx import Request, render


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    publishing.check(request.user, "publish", article)
    cancelled = request.POST.get("do") == "cancel"
    form = ScheduleForm(request.POST or None, article=article)
    if cancelled or (form.is_bound and form.is_valid() and plan(request, article, form)):
        if cancelled:
            scheduling.schedule(article, by=request.user, publish_at=None, unpublish_at=None)
        messages.success(request, told(article))
        return redirect("editor_edit", pk)
    context = {"form": form, "plan": scheduling.plan(article), "zone": settings.TIME_ZONE, **facts(request, article)}
    return render(request, "editor/schedule.html", context, status=422 if form.is_bound else 200)


def plan(request: Request, article: Article, form: ScheduleForm) -> bool:
    """Plan what was typed; False, with the reason beside its field, when it cannot be."""
    typed = form.cleaned_data
    try:
        scheduling.schedule(
            article,
            by=request.user,
            version=form.versions.get(typed.get("version") or 0),
            publish_at=typed.get("publish_at"),
            unpublish_at=typed["unpublish_at"],
        )
    except ValidationError as error:
        known = hasattr(error, "error_dict") and set(error.error_dict) <= set(form.fields)
        form.add_error(None, error if known else error.messages)
    return form.is_valid()


def told(article: Article) -> str:
    words = scheduling.plan(article)
    return f"Scheduled: {words}." if words else "Nothing is scheduled any more."
