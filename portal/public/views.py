"""Pages to find articles by: home, collections, one collection, search."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from kb.browsing import complete, suggest
from kb.models import Article, Collection
from kb.permissions import Reader
from kb.retrieval import Hit, retrieve
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
        "form": SearchForm(),
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
    """Articles that fit a few words, grouped from passages; with HTMX only the results, as one types."""
    form = SearchForm(request.GET or None)
    context: dict[str, Any] = {"form": form, "question": ""}
    if form.is_valid() and form.cleaned_data["q"]:
        question = form.cleaned_data["q"]
        context |= {"question": question} | find(question, within=form.cleaned_data["within"], user=request.user)
    if not context.get("found"):
        context["most_read"] = most_read(request.user)
    return render(request, "public/search.html", context, partial="results")


def find(question: str, *, within: str, user: Reader) -> dict[str, Any]:
    """What the page of results shows: articles, how many there are in each collection, and how long it took."""
    started = time.perf_counter()
    titles = suggest(question, user=user)
    hits = passages(question, user=user)
    if not hits and not titles and (finished := complete(question)):
        hits = passages(finished, user=user)
    everything = results.group(hits, titles, question=question)
    found = [one for one in everything if within in ("", one.collection)]
    return {
        "found": found[:SHOWN],
        "more": max(0, len(found) - SHOWN),
        "within": within,
        "collections": results.tally(everything),
        "total": len(everything),
        "exact": any(one.exact for one in found),
        "milliseconds": max(1, round((time.perf_counter() - started) * 1000)),
    }


def passages(question: str, *, user: Reader) -> list[Hit]:
    return results.worth_showing(retrieve(question, user=user, limit=PASSAGES))


def most_read(user: Reader, *, collection: Collection | None = None, limit: int = 6) -> list[Article]:
    """What this reader may see and readers opened most this month."""
    articles = Article.objects.visible_to(user).most_read(timezone.localdate() - MONTH).with_titles()
    return list((articles.filter(collection=collection) if collection else articles)[:limit])


def example(user: Reader) -> str:
    """A question to try: the title of an article that is one, another every day."""
    titles = Article.objects.visible_to(user).filter(published_version__title__endswith="?")
    questions = list(titles.order_by("pk").values_list("published_version__title", flat=True)[:100])
    return questions[timezone.localdate().toordinal() % len(questions)] if questions else ""
