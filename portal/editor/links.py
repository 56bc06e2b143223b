"""What is to be mended over all articles, list by list, and one broken link led somewhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from kb import mending, permissions, publishing
from kb.models import Article, Collection, Image, Link
from kb.permissions import Reader
from portal.editor.access import for_editors
from portal.editor.facts import facts
from portal.editor.findings import findings
from portal.editor.writing import publishing_words
from portal.htmx import Request, render

PAGE = 30

Found = Callable[[QuerySet[Article], Reader], Any]
LISTS: dict[str, tuple[str, Found]] = {
    "broken": ("Broken links", mending.broken),
    "orphans": ("Orphans", lambda articles, user: mending.orphans(articles)),
    "titles": ("Equal titles", mending.namesakes),
    "copies": ("Near copies", mending.near_copies),
    "images": ("Unused images", mending.unshown),
}


class NarrowForm(forms.Form):
    """Which list, of which collection. An unknown value narrows nothing."""

    collection = forms.ModelChoiceField(
        Collection.objects.none(), required=False, to_field_name="slug", empty_label="Every collection"
    )

    def __init__(self, *args: Any, user: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["collection"].queryset = Collection.objects.writable_by(user)  # type: ignore[attr-defined]  # a model choice
        self.fields["collection"].widget.attrs["id"] = "filter-collection"


class AddressForm(forms.Form):
    """Where a link is to lead instead."""

    address = forms.CharField(
        max_length=500,
        label="Lead to",
        help_text="An address such as /articles/restore/ or #s-steps.",
        error_messages={"required": "Say where the link is to lead."},
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "list": "places"}),
    )

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"].strip()
        if any(mark in address for mark in ' ()<>"\\\n'):
            raise ValidationError("An address has no spaces, quotes, brackets or backslashes.")
        return address


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    form = NarrowForm(request.GET, user=request.user)
    articles = Article.objects.editable_by(request.user)
    if form.is_valid() and form.cleaned_data["collection"]:
        articles = articles.filter(collection=form.cleaned_data["collection"])
    what = request.GET.get("what", "")
    what = what if what in LISTS else "broken"
    found = {name: list_of(articles, request.user) for name, (_, list_of) in LISTS.items()}
    counts = {name: count(one) for name, one in found.items()}
    paginator = Paginator(found[what], PAGE)
    paginator.count = counts[what]  # counting broken links is most of the work of finding them
    page = paginator.get_page(request.GET.get("page"))
    context = {
        "form": form,
        "what": what,
        "page": page,
        "rows": rows(what, page.object_list),
        "lists": [{"name": name, "label": LISTS[name][0], "count": counts[name]} for name in LISTS],
        "compared": mending.compared() if what == "copies" else None,
    }
    return render(request, "editor/links.html", context)


def count(found: Any) -> int:
    return found.count() if isinstance(found, QuerySet) else len(found)


def rows(what: str, shown: Any) -> Any:
    if what == "broken":
        return findings(list(shown.select_related("version__article__audience")))
    if what == "orphans":
        return shown.select_related("collection", "published_version", "owner")
    return [last_shown(image) for image in shown] if what == "images" else shown


def last_shown(image: Image) -> dict[str, Any]:
    """An image, the newest version that shows it, and who brought it last."""
    use = image.uses.select_related("version__article").order_by("-version__created").first()
    upload = image.uploads.select_related("by").order_by("-at").first()
    return {"image": image, "version": use.version if use else None, "upload": upload}


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def mend(request: Request, pk: int) -> HttpResponse:
    """Lead a link somewhere else: saves a version, and publishes it if that was the button."""
    mine = Link.objects.filter(version__article__in=Article.objects.editable_by(request.user))
    link: Any = get_object_or_404(
        mine.with_problems(request.user).select_related("version__article__audience", "version__article__collection"),
        pk=pk,
    )
    article = link.version.article
    places = mending.places_for(link, request.user)
    form = AddressForm(
        request.POST or None, initial={"address": places[0][0] if places else ""}, auto_id="%s", label_suffix=""
    )
    if request.method == "POST" and form.is_valid():
        try:
            return mended(request, article, link, form.cleaned_data["address"])
        except (ValidationError, publishing.Conflict) as error:
            form.add_error("address", error.messages if isinstance(error, ValidationError) else str(error))
    context = {
        "form": form,
        "link": link,
        "finding": findings([link])[0] if link.problem else None,
        "places": places,
        "excerpt": excerpt(link.version.source, link.line),
        "may_publish": may_publish(request.user, article),
        **facts(request, article),
    }
    return render(request, "editor/link.html", context, status=422 if form.errors else 200)


def mended(request: Request, article: Article, link: Link, address: str) -> HttpResponse:
    may_go_live = may_publish(request.user, article)
    version = mending.mend(article, link.address, address, by=request.user)
    told = f"Version {version.number} of “{version.title}” leads to {address}."
    if request.POST.get("do") == "publish":
        if not may_go_live:
            raise PermissionDenied(f"Version {version.number} is saved; you may not publish it.")
        told = f"{told} {publishing_words(article, live=publishing.publish(article, by=request.user))}"
    messages.success(request, told)
    return redirect(f"{reverse('editor_links')}?what=broken")


def may_publish(user: Reader, article: Article) -> bool:
    """Whether mending may go to readers at once: they have the last version, so nothing unfinished goes with it."""
    is_current = article.state == Article.State.PUBLISHED and article.latest_version_id == article.wanted_version_id
    return is_current and permissions.may(user, "publish", article)


def excerpt(source: str, line: int) -> list[tuple[int, str]]:
    """The line a link stands in, with one before and one after: (number, text)."""
    lines = source.split("\n")
    first = max(1, line - 1)
    return [(number, lines[number - 1]) for number in range(first, min(len(lines), line + 1) + 1)]
