"""Pages for machines: is it alive, what may be crawled, which articles are there."""

import logging
from datetime import timedelta

from django.db import DatabaseError
from django.db.models.functions import Now
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from kb.models import Article, IndexJob
from portal.htmx import Request

log = logging.getLogger(__name__)

LATE = timedelta(minutes=5)
PRIVATE = ("/admin/", "/accounts/", "/answers/", "/editor/", "/search/")
SITEMAP_LIMIT = 50_000  # addresses, by the protocol


@require_safe
def health(request: Request) -> JsonResponse:
    """For load balancers: 200 when pages can be served, 503 when the database is out of reach. Says nothing private."""
    try:
        late = IndexJob.objects.filter(
            state=IndexJob.State.QUEUED, requested__lt=Now() - LATE, not_before=None
        ).exists()
    except DatabaseError as error:
        log.error("health: the database does not answer: %s", error)
        return JsonResponse({"status": "failing", "database": "out of reach"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok", "indexing": "late" if late else "ok"})


@require_safe
def robots(request: Request) -> HttpResponse:
    """Articles and collections may be crawled; what is made for one reader may not."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: Request) -> HttpResponse:
    """The addresses of the articles that whoever asks may see."""
    articles = Article.objects.visible_to(request.user).only("slug", "published_at")[:SITEMAP_LIMIT]
    context = {"articles": articles, "base": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "public/sitemap.xml", context, content_type="application/xml")
