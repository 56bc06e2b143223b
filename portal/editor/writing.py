"""Write an article: the form with its preview, saving, publishing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from kb import autosaving, diffing, markdown, permissions, publishing, suspecting
from kb.models import Article, Collection
from kb.publishing import Content
from portal.editor import conflicts, desk, pictures
from portal.editor.access import article_or_404, for_editors
from portal.editor.facts import facts
from portal.editor.findings import hints
from portal.editor.forms import ArticleForm
from portal.htmx import Request, render

KEPT = ("owner", "review_on")  # of a new article, once there is one
NOWHERE = "You may not write in any collection: ask an admin for a role."


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request) -> HttpResponse:
    if not Collection.objects.writable_by(request.user).exists():
        raise PermissionDenied(NOWHERE)
    title = " ".join(request.GET.get("title", "").replace("\0", " ").split())[:200]
    initial = {"collection": preset(request), "title": title, **desk.taken(request, None)}
    form = ArticleForm(request.POST or None, user=request.user, initial=initial)
    if wants_image(request):
        return with_image(request, None)
    if request.method != "POST" or wants_preview(request):
        return form_page(request, form)
    return attempt(request, form, lambda: start(request, form))


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, pk: int) -> HttpResponse:
    """What is typed into an article that was deleted meanwhile comes back with the form, like any other error."""
    article = article_or_404(request, pk, in_trash=request.method == "POST")
    if request.POST.get("do") == "mine":
        return form_page(request, conflicts.only_mine(request, article))
    form = ArticleForm(request.POST or None, user=request.user, article=article, initial=desk.taken(request, article))
    if wants_image(request):
        return with_image(request, article)
    if request.method != "POST" or wants_preview(request):
        return form_page(request, form)
    try:
        return attempt(request, form, lambda: store(request, form, article))
    except publishing.Conflict as conflict:
        return conflicts.page(request, form, conflict.theirs)


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
        if form.article:
            form.article.refresh_from_db()  # what was set on it before the refusal is not in the database
        form.add_error(None, f"{error} Nothing was saved; your text is still here.")
        return form_page(request, form, status=403)
    return redirect("editor_edit", article.pk)


def start(request: Request, form: ArticleForm) -> Article:
    """A new article, and published at once if that was the button."""
    typed, arranged = form.cleaned_data, form.arranged()
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
    publishing.arrange(article, by=request.user, **{name: arranged[name] for name in KEPT if name in arranged})
    finish(request, form, article, "Saved as a draft.")
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
    arranged = publishing.arrange(article, by=request.user, **form.arranged())
    told += [f"Saved: {'; '.join(arranged)}."] if arranged else []
    finish(request, form, article, " ".join(told) or "Nothing was changed.")
    return article


def is_changed(form: ArticleForm, article: Article) -> bool:
    """Whether the text differs from the version it was based on: who only changed tags is in nobody's way."""
    base = article.versions.filter(number=form.cleaned_data["based_on"] or 0).first()
    return base is None or Content.of(base) != form.content()


def finish(request: Request, form: ArticleForm, article: Article, told: str) -> None:
    if wants_publishing(request):
        live = publishing.publish(article, by=request.user)
        told = publishing_words(article, live=live)
    autosaving.forget(form.cleaned_data["key"], by=request.user)
    messages.success(request, told)
    warn(request, article)


def warn(request: Request, article: Article) -> None:
    """Point at text that speaks to a model; it is saved all the same, since only a person can tell what it is for."""
    if found := suspecting.hints(article.latest_version.source if article.latest_version else ""):
        lines = " ".join(map(str, found))
        messages.warning(request, f"{lines} Answers quote articles: look at it once more before readers do.")
    if article.latest_version and (broken := hints(article.latest_version, request.user)):
        messages.warning(request, " ".join(broken))


def publishing_words(article: Article, *, live: bool) -> str:
    number = article.wanted_version.number if article.wanted_version else 0
    return f"Version {number} is published." if live else f"Version {number} will be published when its index is ready."


def wants_publishing(request: Request) -> bool:
    return request.POST.get("do") == "publish"


def wants_preview(request: Request) -> bool:
    return request.POST.get("do") == "preview"


def wants_image(request: Request) -> bool:
    return request.POST.get("do") == "image"


# --- pages


def with_image(request: Request, article: Article | None) -> HttpResponse:
    """Without scripts: the form again, with the chosen image at the end of its text."""
    sent = request.POST.copy()
    form = ArticleForm(sent, user=request.user, article=article)
    try:
        shown = pictures.stored(request, request.FILES.get("image"))
    except ValidationError as error:
        form.add_error("image", error)
        return form_page(request, form, status=422)
    sent["source"] = f"{sent.get('source', '').rstrip()}\n\n{shown}".lstrip()
    return form_page(request, form)


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
        "is_unsaved": form.is_bound or "take" in request.GET,
        "left": desk.offered(request, article, form),
        **previewed(source),
        **(facts(request, article) | company(request, form, article) if article else {}),
    }
    return render(request, "editor/edit.html", context, status=status)


def company(request: Request, form: ArticleForm, article: Article) -> dict[str, Any]:
    """Who else has the article open, said from the first moment on."""
    try:
        key = UUID(str(form["key"].value()))
    except ValueError:
        return {}
    return desk.met(request, article, key, based_on=str(form["based_on"].value() or ""))


def previewed(source: str) -> dict[str, Any]:
    words, _ = diffing.counted("", source)  # as the history counts them
    try:
        return {"html": markdown.render(source).html, "words": words}
    except ValueError as error:
        return {"problem": str(error), "words": words}
