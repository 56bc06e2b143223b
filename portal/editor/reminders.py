"""Which articles are to be read again: mine or all, by their review dates, and what nobody has verified."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.http import require_POST, require_safe

from kb import verifying
from kb.models import Article, Collection
from portal.editor.access import article_or_404, back, for_editors
from portal.htmx import Request, render

PAGE = 30
LISTS: dict[str, tuple[str, Q]] = {
    "due": ("Due now", Q(due="overdue")),
    "soon": ("Due in 30 days", Q(due="soon")),
    "never": ("Never verified", Q(check="never")),
    "changed": ("Not verified since published", Q(check="changed")),
    "undated": ("Without a date", Q(due="undated")),
    "all": ("All", Q(pk__isnull=False)),
}


class NarrowForm(forms.Form):
    """Whose articles, and of which collection. An unknown value narrows nothing."""

    who = forms.ChoiceField(required=False, choices=[("", "Everybody’s"), ("me", "Mine")])
    collection = forms.ModelChoiceField(
        Collection.objects.none(), required=False, to_field_name="slug", empty_label="Every collection"
    )

    def __init__(self, *args: Any, request: Request, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["collection"].queryset = Collection.objects.writable_by(request.user)  # type: ignore[attr-defined]  # a model choice
        for name in self.fields:
            self.fields[name].widget.attrs["id"] = f"filter-{name}"


class SeenForm(forms.Form):
    """The number of the version that somebody read."""

    seen = forms.IntegerField(min_value=1)


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    form = NarrowForm(request.GET, request=request)
    form.is_valid()
    articles = verifying.with_reminders(narrowed(request, form.cleaned_data))
    what = request.GET.get("what", "")
    what = what if what in LISTS else "due"
    shown = articles.filter(LISTS[what][1]).select_related("collection", "owner", "verified_by", "published_version")
    ordered = shown.defer("published_version__source").order_by(F("review_on").asc(nulls_last=True), "pk")
    counts = articles.aggregate(**{f"of_{name}": Count("pk", filter=test) for name, (_, test) in LISTS.items()})
    context = {
        "form": form,
        "what": what,
        "label": LISTS[what][0],
        "page": Paginator(ordered, PAGE).get_page(request.GET.get("page")),
        "lists": [{"name": name, "label": LISTS[name][0], "count": counts[f"of_{name}"]} for name in LISTS],
    }
    return render(request, "editor/reminders.html", context)


def narrowed(request: Request, wanted: dict[str, Any]) -> QuerySet[Article]:
    articles: QuerySet[Article] = Article.objects.editable_by(request.user)
    if wanted.get("who") == "me":
        articles = articles.filter(owner=request.user.pk)
    return articles.filter(collection=wanted["collection"]) if wanted.get("collection") else articles


@for_editors
@require_POST
def verify(request: Request, pk: int) -> HttpResponse:
    """Somebody has read what readers get, and it is correct."""
    article = article_or_404(request, pk)
    form = SeenForm(request.POST)
    try:
        verifying.verify(article, by=request.user, seen=form.cleaned_data["seen"] if form.is_valid() else 0)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        on = article.review_on
        again = f" The next review is on {date_format(on, 'j F Y')}." if on else ""
        messages.success(request, f"“{article.title}” is verified.{again}")
    return back(request, reverse("editor_edit", args=[pk]))
