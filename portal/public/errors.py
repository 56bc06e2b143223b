"""The page for an address with nothing at it, or nothing for this reader: the same in both cases."""

import re

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kb.browsing import suggest

WORDS = 8  # of the address, taken as a search


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A search box with the words of the address in it, and articles with a similar title that this reader may see."""
    words = " ".join(re.findall(r"[^\W_]+", request.path.rstrip("/").rpartition("/")[2])[:WORDS])
    user = getattr(request, "user", AnonymousUser())
    return render(request, "404.html", {"words": words, "similar": suggest(words, user=user, limit=4)}, status=404)
