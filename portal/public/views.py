"""Pages to find articles by: home, collections, one collection, search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from kb import languages
from kb.browsing import complete, suggest
from kb.errors import ProviderError
from kb.filters import Within
from kb.models import Article, Collection
from kb.permissions import Reader
from kb.retrieval import retrieve, trace
from portal.htmx import Request, render
from portal.public import results
from portal.public.errors import not_found
from portal.public.forms import SearchForm

MONTH = timedelta(days=30)
ABOUT_ANSWERS = "how-answers-are-made"  # an article at this address, if there is one, backs the note on the home page
A_PAGE = 60  # articles of a collection on one page
PASSAGES = 40  # passages taken from search and grouped by article
SHOWN = 12  # articles on the page of results


@require_safe
def home(request: Request) -> HttpResponse:
    """One box, the collections, what is read most."""
    shelves = list(Collection.objects.with_counts(request.user))
    seen = Article.objects.visible_to(request.user)
    context = {
        "collections": shelves,
        "total": sum(shelf.visible for shelf in shelves),  # type: ignore[attr-defined]  # annotated by with_counts
        "most_read": most_read(request.user),
        "example": example(request.user),
        "about": seen.with_titles().filter(slug=ABOUT_ANSWERS).first(),
        "form": SearchForm(user=request.user),
    }
    return render(request, "public/home.html", context)


@require_safe
def collections(request: Request) -> HttpResponse:
    """Every collection with its first articles."""
    first = Article.objects.visible_to(request.user).with_titles()[:5]
    shelves = Collection.objects.with_counts(request.user).prefetch_related(
        Prefetch("articles", queryset=first, to_attr="first_articles")
    )
    return render(request, "public/collections.html", {"collections": shelves})


@require_safe
def collection(request: Request, slug: str) -> HttpResponse:
    """The articles of one collection; one without an article for this reader does not exist for them."""
    shelves = Collection.objects.with_counts(request.user)
    shelf = shelves.filter(slug=slug).first()
    if shelf is None:
        return not_found(request)
    articles = Article.objects.visible_to(request.user).filter(collection=shelf).with_titles().with_minutes()
    context = {
        "collection": shelf,
        "collections": shelves,
        "page": Paginator(articles, A_PAGE).get_page(request.GET.get("page")),
        "most_read": most_read(request.user, collection=shelf),
    }
    return render(request, "public/collection.html", context)


@require_safe
def search(request: Request) -> HttpResponse:
    """Articles that fit a few words, grouped from passages; with HTMX only the results, as one types.

    Filters without a word list what they leave. The address is that of the same page opened anew.
    """
    form = SearchForm(request.GET, user=request.user)
    context: dict[str, Any] = {"form": form, "question": ""}
    if form.is_valid():
        question, within = form.cleaned_data["q"], form.within
        chips = [(text, without(request, name)) for name, text in filters(within, user=request.user)]
        context |= {"question": question, "filters": chips}
        try:
            context |= (find if question else browse)(question, within=within, user=request.user)
        except ProviderError as error:
            context["problems"] = [(f"Searching does not work at the moment. {error}", "")]
    else:
        context["problems"] = [
            (found[0], name != "q" and without(request, name)) for name, found in form.errors.items()
        ]
    if not context.get("found"):
        context["most_read"] = most_read(request.user)
    if not request.htmx:
        context["selects"] = form.selects()
    response = render(request, "public/search.html", context, partial="results")
    return replace_url(response, without(request)) if request.htmx.target == "results" else response


def without(request: Request, name: str = "") -> str:
    """The address of this search without one of its filters, and without the empty ones."""
    query = urlencode({key: value for key, value in request.GET.items() if value and key != name})
    return f"{request.path}?{query}" if query else request.path


def find(question: str, *, within: Within, user: Reader) -> dict[str, Any]:
    """What the page of results shows: articles, how many there are in each collection, and how long it took."""
    started = time.perf_counter()
    titles = suggest(question, user=user, within=within)
    traced = trace(question, user=user, within=within)
    hits = results.worth_showing(traced.hits[:PASSAGES])
    corrected = traced.question.corrected if traced.question else ()
    if not hits and not titles and (finished := complete(question, user=user)):
        hits = results.worth_showing(retrieve(finished, user=user, within=within, limit=PASSAGES))
    meant = traced.question.text if traced.question and corrected else ""
    found = results.group(hits, titles, question=meant or question)
    return {
        "found": found[:SHOWN],
        "more": max(0, len(found) - SHOWN),
        "tally": shelves(found),
        "also": [word for _, word in corrected],
        "meant": meant,
        "exact": any(one.exact for one in found),
        "milliseconds": max(1, round((time.perf_counter() - started) * 1000)),
    }


def browse(_: str, *, within: Within, user: Reader) -> dict[str, Any]:
    """What filters alone leave, newest first; nothing without a filter."""
    if not within:
        return {}
    started = time.perf_counter()
    articles = Article.objects.visible_to(user).within(within).with_titles().order_by("-published_at", "pk")
    return {
        "found": [results.from_title(article, "") for article in articles[:A_PAGE]],
        "more": max(0, articles.count() - A_PAGE),
        "milliseconds": max(1, round((time.perf_counter() - started) * 1000)),
    }


def shelves(found: Sequence[results.Found]) -> list[tuple[str, str, int]]:
    """The collections of what was found: slug, name, and how many articles; most first."""
    counted = results.tally(found)
    slugs = dict(Collection.objects.filter(name__in=[name for name, _ in counted]).values_list("name", "slug"))
    return [(slugs[name], name, number) for name, number in counted if name in slugs]


def filters(within: Within, *, user: Reader) -> list[tuple[str, str]]:
    """Each filter that is on: its name in the address, and what it says. All lead somewhere: the form has looked."""
    seen = Article.objects.visible_to(user)
    shelf = seen.within(Within(collection=within.collection)).values_list("collection__name", flat=True)
    title = seen.within(Within(article=within.article)).values_list("published_version__title", flat=True)
    words = {
        "collection": f"In {shelf.first()}" if within.collection else "",
        "tag": f"Tagged {within.tag}",
        "language": f"In {languages.name(within.language)}",
        "since": f"Updated since {date_format(within.since, 'j F Y')}" if within.since else "",
        "article": f"In “{title.first()}”" if within.article else "",
    }
    return [(name, text) for name, text in words.items() if getattr(within, name)]


def most_read(user: Reader, *, collection: Collection | None = None, limit: int = 6) -> list[Article]:
    """What this reader may see and readers opened most this month."""
    articles = Article.objects.visible_to(user).most_read(timezone.localdate() - MONTH).with_titles()
    return list((articles.filter(collection=collection) if collection else articles)[:limit])


def example(user: Reader) -> str:
    """A question to try: the title of an article that is one, another every day."""
    titles = Article.objects.visible_to(user).filter(published_version__title__endswith="?")
    questions = list(titles.order_by("pk").values_list("published_version__title", flat=True)[:100])
    return questions[timezone.localdate().toordinal() % len(questions)] if questions else ""
