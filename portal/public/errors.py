"""The page for an address with nothing at it, or nothing for this reader, which look the same; and for what is gone."""

import re

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kb.browsing import suggest
from kb.models import Deletion

WORDS = 8  # of the address, taken as a search


def not_here(request: HttpRequest, slug: str) -> HttpResponse:
    """Gone, to those who could read what stood at this address until it was deleted; else like any other address."""
    user = getattr(request, "user", AnonymousUser())
    deletion = Deletion.objects.known_to(user, slug).first()
    if deletion is None:
        return not_found(request)
    similar = suggest(deletion.title, user=user, limit=4)
    return render(request, "410.html", {"title": deletion.title, "similar": similar}, status=410)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A search box with the words of the address in it, and articles with a similar title that this reader may see."""
    words = " ".join(re.findall(r"[^\W_]+", request.path.rstrip("/").rpartition("/")[2])[:WORDS])
    user = getattr(request, "user", AnonymousUser())
    return render(request, "404.html", {"words": words, "similar": suggest(words, user=user, limit=4)}, status=404)
