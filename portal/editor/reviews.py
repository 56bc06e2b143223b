"""Reviews: what waits for whom, and the thread of one article with its decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from kb import markdown, permissions, reviewing
from kb.models import Article, Review
from portal.editor.access import article_or_404, for_editors
from portal.editor.facts import facts
from portal.editor.history import differences
from portal.editor.lifecycle_forms import RemarkForm
from portal.htmx import Request, render

SHOWN = 50  # of each list, and rounds of one article
Verb = Callable[[Request, Article, str], str]


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    waiting = reviewing.waiting(request.user)
    context = {
        "open": waiting.open[:SHOWN],
        "approved": waiting.approved[:SHOWN],
        "own": waiting.own[:SHOWN],
    }
    return render(request, "editor/reviews.html", context)


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: Request, pk: int) -> HttpResponse:
    """The thread of an article's reviews; POST asks, comments, decides or withdraws."""
    article = article_or_404(request, pk)
    form = RemarkForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid() and act(request, article, form):
            return redirect("editor_review", pk)
        status = 422
    return render(request, "editor/review.html", page(request, article, form), status=status)


def act(request: Request, article: Article, form: RemarkForm) -> bool:
    """Do what the button says; False, with the reason in the form and the words still in it, when it was refused."""
    verb = VERBS.get(request.POST.get("do", ""))
    if verb is None:
        form.add_error(None, "Choose one of the buttons.")
        return False
    try:
        messages.success(request, verb(request, article, form.cleaned_data["text"]))
    except ValidationError as error:
        form.add_error(None, error.messages)
    except PermissionDenied as error:
        form.add_error(None, str(error))
    return form.is_valid()


def ask(request: Request, article: Article, text: str) -> str:
    reviewing.ask(article, by=request.user, text=text)
    return "Asked for a review. Reviewers find it in their list."


def comment(request: Request, article: Article, text: str) -> str:
    reviewing.comment(article, by=request.user, text=text)
    return "Comment added."


def approve(request: Request, article: Article, text: str) -> str:
    reviewing.approve(article, by=request.user, seen=seen(request), text=text)
    return f"Version {seen(request)} is approved."


def request_changes(request: Request, article: Article, text: str) -> str:
    reviewing.request_changes(article, by=request.user, seen=seen(request), text=text)
    return "Changes asked for. The author finds your words on this page."


def withdraw(request: Request, article: Article, _: str) -> str:
    reviewing.withdraw(article, by=request.user)
    return "The review is withdrawn."


VERBS: dict[str, Verb] = {
    "ask": ask,
    "comment": comment,
    "approve": approve,
    "changes": request_changes,
    "withdraw": withdraw,
}


def seen(request: Request) -> int:
    """The number of the version that the page showed."""
    number = request.POST.get("seen", "")
    return int(number) if number.isdecimal() and len(number) < 9 else 0


def page(request: Request, article: Article, form: RemarkForm) -> dict[str, Any]:
    related = ("asked_by", "decided_by", "version")
    newest = article.reviews.select_related(*related).prefetch_related("remarks__by", "remarks__version")[:SHOWN]
    rounds = list(reversed(newest))
    current = next((one for one in rounds if one.state == Review.State.OPEN), None)
    latest, before = article.latest_version, article.published_version
    wrote = current is not None and latest and request.user.pk in (latest.author_id, current.asked_by_id)
    return {
        "form": form,
        "rounds": rounds,
        "current": current,
        "before": before,
        "has_draft": article.has_draft,
        "may_review": permissions.may(request.user, "review", article),
        "may_publish": permissions.may(request.user, "publish", article),
        "wrote": wrote,
        **changes(article),
        **facts(request, article),
    }


def changes(article: Article) -> dict[str, Any]:
    """What a reviewer reads: the draft beside what readers have, or the whole draft when they have nothing."""
    latest, before = article.latest_version, article.published_version
    if latest is None or not article.has_draft:
        return {}
    if before is None:
        return {"html": markdown.render(latest.source).html}
    return differences(before, latest)
