"""Publish what is saved, take an article from the readers, put it away: one click, and a question before what hides."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from kb import batches, publishing
from kb.models import Article
from kb.verbs import VERBS, Change, Verb
from portal.editor.access import article_or_404, for_editors
from portal.editor.bulk import tell
from portal.editor.facts import facts
from portal.editor.writing import publishing_words
from portal.htmx import Request, render


@dataclass(frozen=True)
class Question:
    """What a page asks before something is done, and what it says after."""

    title: str
    explanation: str
    button: str
    done: str


UNPUBLISH = Question(
    "Unpublish this article?",
    "It becomes a draft again. Readers, search and answers are without it at once; every version is kept, and you can"
    " publish it again at any time.",
    "Unpublish",
    "Unpublished: readers no longer find it.",
)
ARCHIVE = Question(
    "Archive this article?",
    "It is put away: readers, search and answers are without it at once, and it leaves the list of articles unless one"
    " asks for archived ones. Every version is kept, and publishing brings it back.",
    "Archive",
    "Archived: readers no longer find it.",
)


@for_editors
@require_POST
def publish(request: Request, pk: int) -> HttpResponse:
    """Publish the latest saved version, if it is the one that was looked at."""
    article = article_or_404(request, pk)
    latest, seen = article.latest_version, request.POST.get("version", "")
    if latest and seen and seen != str(latest.number):
        messages.warning(request, f"Version {latest.number} was saved meanwhile. Look at it, then publish.")
        return redirect("editor_edit", pk)
    try:
        live = publishing.publish(article, by=request.user)
        messages.success(request, publishing_words(article, live=live))
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect("editor_edit", pk)


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def unpublish(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    if article.state != Article.State.PUBLISHED:
        messages.info(request, "This article is not published.")
        return redirect("editor_edit", pk)
    return ask_then(request, article, UNPUBLISH, VERBS["unpublish"])


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    if article.state == Article.State.ARCHIVED:
        messages.info(request, "This article is archived already.")
        return redirect("editor_edit", pk)
    return ask_then(request, article, ARCHIVE, VERBS["archive"])


def ask_then(request: Request, article: Article, question: Question, verb: Verb) -> HttpResponse:
    """GET asks, POST does, and can be undone. Whoever may not do it is told before being asked."""
    publishing.check(request.user, verb.action, article)
    if request.method != "POST":
        return render(request, "editor/confirm.html", {"question": question, **facts(request, article)})
    tell(request, batches.start(Change(verb), [article], by=request.user), question.done)
    return redirect("editor_edit", article.pk)
