"""What lies on an editor's desk: text typed and not saved, and who else has the article open."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import time_format
from django.views.decorators.http import require_POST, require_safe

from kb import autosaving, diffing, presence
from kb.models import Article, Autosave, Presence
from portal.editor.access import article_or_404, for_editors
from portal.editor.forms import ArticleForm, current
from portal.htmx import Request, render

TYPING = timedelta(minutes=1)
MOST = 3  # texts offered; the others wait until these are taken or discarded


@for_editors
@require_POST
def autosave(request: Request, pk: int | None = None) -> HttpResponse:
    """Keep what a form holds; for scripts, every few seconds while somebody types."""
    article = article_or_404(request, pk) if pk else None
    key = key_of(request)
    if key is None:
        return HttpResponse("This form has no key: load the page anew.", status=422, content_type="text/plain")
    typed = {name: request.POST[name] for name in ArticleForm.base_fields if name in request.POST and name != "key"}
    try:
        autosaving.keep(key, typed, article=article, by=request.user)
    except ValidationError as error:
        return HttpResponse(error.messages[0], status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@for_editors
@require_safe
def left(request: Request, key: UUID) -> HttpResponse:
    """What was typed and not saved beside the article as it is, to take it or to let it go."""
    kept = own_or_404(request, key)
    now = current(kept.article) if kept.article else {"title": "", "source": ""}
    context = {
        "kept": kept,
        "article": kept.article,
        "title_rows": diffing.rows(now["title"], kept.title) if now["title"] != kept.title else [],
        "rows": diffing.rows(now["source"], kept.source),
    }
    return render(request, "editor/left.html", context)


@for_editors
@require_POST
def discard(request: Request, key: UUID) -> HttpResponse:
    kept = own_or_404(request, key)
    autosaving.forget(key, by=request.user)
    messages.success(request, "Discarded what was typed and not saved.")
    return redirect("editor_edit", kept.article.pk) if kept.article else redirect("editor_create")


def own_or_404(request: Request, key: UUID) -> Autosave:
    """Only what this person typed, and only while the article is one of theirs."""
    kept = get_object_or_404(Autosave.objects.select_related("article"), by=request.user.pk, key=key)
    if kept.article is not None:
        kept.article = article_or_404(request, kept.article.pk)
    return kept


@for_editors
@require_POST
def company(request: Request, pk: int) -> HttpResponse:
    """Say that this form is still open, and learn who else is there; nothing when that is known already."""
    article, key = article_or_404(request, pk), key_of(request)
    if key is None or "left" in request.POST:
        if key:
            presence.leave(key, by=request.user)
        return HttpResponse(status=204)
    context = met(request, article, key, based_on=request.POST.get("based_on", ""))
    if context["met_mark"] == request.POST.get("met"):
        return HttpResponse(status=204)
    return render(request, "editor/edit.html", context, partial="company")


def met(request: Request, article: Article, key: UUID, *, based_on: str) -> dict[str, Any]:
    """Who else has this article open, and whether it was saved meanwhile, in sentences."""
    presence.note(article, key, by=request.user)
    others = list(presence.others(article, key))
    recent = Autosave.objects.filter(key__in=[other.key for other in others], at__gte=Now() - TYPING)
    typing = set(recent.values_list("key", flat=True))
    told = list(dict.fromkeys(meeting(request, other, typing=other.key in typing) for other in others))
    latest = article.latest_version
    if latest and based_on.isdigit() and int(based_on) < latest.number:
        who, when = latest.author or "The system", time_format(timezone.localtime(latest.created), "H:i")
        told.append(
            f"{who} saved version {latest.number} at {when}: when you save, you get both texts beside each other."
        )
    return {"article": article, "met": told, "met_mark": str(zlib.crc32("\n".join(told).encode()))}


def meeting(request: Request, other: Presence, *, typing: bool) -> str:
    since = time_format(timezone.localtime(other.since), "H:i")
    who = "You have" if other.by_id == request.user.pk else f"{other.by} has"
    where = " in another tab" if other.by_id == request.user.pk else ""
    doing = ", with changes that are not saved" if typing else ""
    return f"{who} this article open{where} since {since}{doing}."


def offered(request: Request, article: Article | None, form: ArticleForm) -> list[Autosave]:
    """What this person typed here before and has not saved: not what this form holds, nor what is saved already."""
    key = form["key"].value()
    found = Autosave.objects.left_by(request.user, article).exclude(key=key)
    now = current(article) if article else {"title": "", "source": ""}
    return [kept for kept in found[:MOST] if (kept.title, kept.source) != (now["title"], now["source"])]


def taken(request: Request, article: Article | None) -> dict[str, Any]:
    """What the address asks to take up again: the fields of an autosave, for the form."""
    try:
        key = UUID(request.GET.get("take", ""))
    except ValueError:
        return {}
    kept = Autosave.objects.left_by(request.user, article).filter(key=key).first()
    return {**kept.fields, "title": kept.title, "source": kept.source, "key": kept.key} if kept else {}


def key_of(request: Request) -> UUID | None:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return None
