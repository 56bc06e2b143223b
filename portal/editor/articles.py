"""The list of articles: filters, counts beside them, and how fresh the index is for each."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from kb import freshness
from kb.models import Article
from portal.editor.access import for_editors
from portal.editor.forms import INDEX_WORDS, FilterForm
from portal.htmx import Request, render

PAGE = 25
ALWAYS_SHOWN = {Article.State.DRAFT, Article.State.PUBLISHED, Article.State.ARCHIVED}


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    form = FilterForm(request.GET, user=request.user)
    narrowed = freshness.with_words(form.narrow(Article.objects.editable_by(request.user)))
    state, word = form.cleaned_data.get("state", ""), form.cleaned_data.get("index", "")
    shown = in_state(in_index(narrowed, word), state).order_by("-latest_version__created", "-pk")
    shown = shown.select_related(
        "collection", "audience", "latest_version__author", "wanted_version", "published_version", "job"
    )
    context = {
        "form": form,
        "page": Paginator(shown, PAGE).get_page(request.GET.get("page")),
        "states": state_links(in_index(narrowed, word), state),
        "index_links": index_links(in_state(narrowed, state), word),
        "is_filtered": any(request.GET.get(name) for name in form.fields),
    }
    return render(request, "editor/articles.html", context, partial="articles")


def in_state(articles: QuerySet[Any], state: str) -> QuerySet[Any]:
    """Archived articles are listed only when asked for."""
    return articles.filter(state=state) if state else articles.exclude(state=Article.State.ARCHIVED)


def in_index(articles: QuerySet[Any], word: str) -> QuerySet[Any]:
    return articles.filter(index_word=word) if word else articles


def count_by(articles: QuerySet[Any], field: str) -> dict[str, int]:
    return dict(articles.order_by().values_list(field).annotate(Count("pk")))


def state_links(articles: QuerySet[Any], chosen: str) -> list[dict[str, Any]]:
    """All but archived, then each state with its count; rare states are left out when nothing is in them."""
    counts = count_by(articles, "state")
    current = sum(count for state, count in counts.items() if state != Article.State.ARCHIVED)
    links = [
        {"value": state.value, "label": state.label, "count": counts.get(state, 0)}
        for state in Article.State
        if counts.get(state) or state in ALWAYS_SHOWN or state == chosen
    ]
    return [{"value": "", "label": "All but archived", "count": current}, *links]


def index_links(articles: QuerySet[Any], chosen: str) -> list[dict[str, Any]]:
    counts = count_by(articles, "index_word")
    links = [{"value": word, "label": label, "count": counts.get(word, 0)} for word, label in INDEX_WORDS]
    return [{"value": "", "label": "Any", "count": sum(counts.values())}, *links]
