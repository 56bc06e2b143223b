"""The list of articles: filters, counts beside them, and how fresh the index is for each."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from kb import freshness
from kb.models import Article
from kb.models.articles import stated
from kb.permissions import Reader
from kb.verbs import VERBS
from portal.editor.access import for_editors
from portal.editor.forms import INDEX_WORDS, FilterForm
from portal.htmx import Request, render

PAGE = 25
STATES = [state for state in Article.State if state != Article.State.DELETED]  # the trash has a page of its own
ALWAYS_SHOWN = {Article.State.DRAFT, Article.State.PUBLISHED, Article.State.ARCHIVED}


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    form = FilterForm(request.GET, user=request.user)
    narrowed = narrow(form, request.user)
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
        "verbs": VERBS.values(),
        "chosen": [(name, request.GET[name]) for name in form.fields if request.GET.get(name)],
    }
    return render(request, "editor/articles.html", context, partial="articles")


def narrow(form: FilterForm, user: Reader) -> QuerySet[Any]:
    """This person's articles that every filter but state and index lets through."""
    return freshness.with_words(form.narrow(Article.objects.editable_by(user).with_stage()))


def matching(filters: QueryDict, user: Reader) -> QuerySet[Any]:
    """All that the list shows with these filters, on whatever page."""
    form = FilterForm(filters, user=user)
    narrowed = narrow(form, user)
    return in_state(in_index(narrowed, form.cleaned_data.get("index", "")), form.cleaned_data.get("state", ""))


def in_state(articles: QuerySet[Any], state: str) -> QuerySet[Any]:
    """By what readers get, or by what happens to the draft; archived articles are listed only when asked for."""
    return articles.in_state(state) if state else articles.exclude(state=Article.State.ARCHIVED)  # type: ignore[attr-defined]  # our queryset


def in_index(articles: QuerySet[Any], word: str) -> QuerySet[Any]:
    return articles.filter(index_word=word) if word else articles


def count_by(articles: QuerySet[Any], field: str) -> dict[str, int]:
    return dict(articles.order_by().values_list(field).annotate(Count("pk")))


def state_links(articles: QuerySet[Any], chosen: str) -> list[dict[str, Any]]:
    """All but archived, then each state with its count; rare states are left out when nothing is in them.

    A published article whose draft is in review, or scheduled, is counted in both.
    """
    counts = articles.aggregate(
        all=Count("pk", filter=~Q(state=Article.State.ARCHIVED)),
        **{state.name: Count("pk", filter=stated(state)) for state in STATES},
    )
    links = [
        {"value": state.value, "label": state.label, "count": counts[state.name]}
        for state in STATES
        if counts[state.name] or state in ALWAYS_SHOWN or state == chosen
    ]
    return [{"value": "", "label": "All but archived", "count": counts["all"]}, *links]


def index_links(articles: QuerySet[Any], chosen: str) -> list[dict[str, Any]]:
    counts = count_by(articles, "index_word")
    links = [{"value": word, "label": label, "count": counts.get(word, 0)} for word, label in INDEX_WORDS]
    return [{"value": "", "label": "Any", "count": sum(counts.values())}, *links]
