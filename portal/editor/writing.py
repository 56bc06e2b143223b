"""Write an article: the form with its preview, saving, publishing, and the page for two people who saved at once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from kb import diffing, markdown, permissions, publishing
from kb.models import Article, ArticleVersion, Collection
from kb.publishing import Content
from portal.editor.access import article_or_404, for_editors
from portal.editor.facts import facts
from portal.editor.forms import ArticleForm
from portal.htmx import Request, render

NOWHERE = "You may not write in any collection: ask an admin for a role."


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request) -> HttpResponse:
    if not Collection.objects.writable_by(request.user).exists():
        raise PermissionDenied(NOWHERE)
    form = ArticleForm(request.POST or None, user=request.user, initial={"collection": preset(request)})
    if request.method != "POST" or wants_preview(request):
        return form_page(request, form)
    return attempt(request, form, lambda: start(request, form))


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, pk: int) -> HttpResponse:
    article = article_or_404(request, pk)
    form = ArticleForm(request.POST or None, user=request.user, article=article)
    if request.method != "POST" or wants_preview(request):
        return form_page(request, form)
    try:
        return attempt(request, form, lambda: store(request, form, article))
    except publishing.Conflict as conflict:
        return conflict_page(request, form, conflict.theirs)


@for_editors
@require_POST
def preview(request: Request) -> HttpResponse:
    """The text as readers will see it; for HTMX, while somebody types."""
    return render(request, "editor/edit.html", previewed(request.POST.get("source", "")), partial="preview")


# --- saving


def attempt(request: Request, form: ArticleForm, write: Any) -> HttpResponse:
    """Write what was typed; whatever is wrong comes back with the form and the text in it."""
    if not form.is_valid():
        return form_page(request, form, status=422)
    try:
        with transaction.atomic():
            article: Article = write()
    except ValidationError as error:
        form.blame(error)
        return form_page(request, form, status=422)
    except PermissionDenied as error:
        form.add_error(None, f"{error} Nothing was saved; your text is still here.")
        return form_page(request, form, status=403)
    return redirect("editor_edit", article.pk)


def start(request: Request, form: ArticleForm) -> Article:
    """A new article, and published at once if that was the button."""
    typed = form.cleaned_data
    chosen = {"audience": typed["audience"]} if typed.get("audience") else {}
    article = publishing.create(
        typed["collection"],
        form.content(),
        by=request.user,
        note=typed["note"],
        slug=typed["slug"],
        tags=typed["tags"],
        **chosen,
    )
    finish(request, article, "Saved as a draft.")
    return article


def store(request: Request, form: ArticleForm, article: Article) -> Article:
    """Save the text if it was changed, then where the article stands, then publish if that was the button."""
    typed, before = form.cleaned_data, article.latest_version
    told = []
    if wants_publishing(request) or is_changed(form, article):
        version = publishing.save(
            article, form.content(), by=request.user, based_on=typed["based_on"] or 0, note=typed["note"]
        )
        told += [f"Version {version.number} saved."] if version != before else []
    arranged = publishing.arrange(
        article,
        by=request.user,
        collection=typed["collection"],
        audience=typed.get("audience"),
        slug=typed["slug"],
        tags=typed["tags"],
    )
    told += [f"Saved: {'; '.join(arranged)}."] if arranged else []
    finish(request, article, " ".join(told) or "Nothing was changed.")
    return article


def is_changed(form: ArticleForm, article: Article) -> bool:
    """Whether the text differs from the version it was based on: who only changed tags is in nobody's way."""
    base = article.versions.filter(number=form.cleaned_data["based_on"] or 0).first()
    return base is None or Content.of(base) != form.content()


def finish(request: Request, article: Article, told: str) -> None:
    if wants_publishing(request):
        live = publishing.publish(article, by=request.user)
        told = publishing_words(article, live=live)
    messages.success(request, told)


def publishing_words(article: Article, *, live: bool) -> str:
    number = article.wanted_version.number if article.wanted_version else 0
    return f"Version {number} is published." if live else f"Version {number} will be published when its index is ready."


def wants_publishing(request: Request) -> bool:
    return request.POST.get("do") == "publish"


def wants_preview(request: Request) -> bool:
    return request.POST.get("do") == "preview"


# --- pages


def preset(request: Request) -> int | None:
    """The collection named in the address, as the link from a collection's list does."""
    wanted = request.GET.get("collection", "").replace("\0", "")
    found = Collection.objects.writable_by(request.user).filter(slug=wanted).first()
    return found.pk if found else None


def form_page(request: Request, form: ArticleForm, *, status: int = 200) -> HttpResponse:
    article = form.article
    where = article or Collection.objects.writable_by(request.user, "publish").first()
    source = form["source"].value() or ""
    context = {
        "form": form,
        "article": article,
        "may_publish": where is not None and permissions.may(request.user, "publish", where),
        "is_unsaved": form.is_bound,
        **previewed(source),
        **(facts(request, article) if article else {}),
    }
    return render(request, "editor/edit.html", context, status=status)


def previewed(source: str) -> dict[str, Any]:
    try:
        return {"html": markdown.render(source).html, "words": len(source.split())}
    except ValueError as error:
        return {"problem": str(error), "words": len(source.split())}


def conflict_page(request: Request, form: ArticleForm, theirs: ArticleVersion) -> HttpResponse:
    """Both texts: theirs beside yours, and yours to go on with. Saving from here is based on theirs."""
    yours = form.content()
    article = theirs.article
    context = {
        "form": form,
        "article": article,
        "theirs": theirs,
        "title_rows": diffing.rows(theirs.title, yours.title) if theirs.title != yours.title else [],
        "rows": diffing.rows(theirs.source, yours.source),
        "may_publish": permissions.may(request.user, "publish", article),
        **facts(request, article),
    }
    return render(request, "editor/conflict.html", context, status=409)
