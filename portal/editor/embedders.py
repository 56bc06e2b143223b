"""For admins: which embedder search runs on, what approximate search misses, what a hosted embedder costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, IntegerField, OuterRef, Subquery, Sum
from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from kb import embedders, probing
from kb.models import Audience, Embedder, Embedding, Metering
from portal.editor.access import check_admin, for_editors
from portal.htmx import Request, render

MONTH = timedelta(days=30)
NOT_ADMIN = "Only admins of the whole help center see its embedders."


@require_safe
@for_editors
def index(request: Request) -> HttpResponse:
    check_admin(request, NOT_ADMIN)
    watched = probing.watched()
    context = {
        "embedders": with_vectors(),
        "mismatch": embedders.mismatch(),
        "watched": watched,
        "low": [one for one in watched if one.is_low],
        "floor": settings.RECALL_FLOOR,
        "spending": spending(),
    }
    return render(request, "editor/embedders.html", context)


@require_POST
@for_editors
def search_exactly(request: Request, pk: int) -> HttpResponse:
    """Search exactly for the readers of an audience, or no longer."""
    check_admin(request, NOT_ADMIN)
    audience = get_object_or_404(Audience, pk=pk)
    exact = request.POST.get("exact") == "yes"
    Audience.objects.filter(pk=pk).update(exact=exact)
    how = "exactly" if exact else "by the vector index where it is faster"
    messages.success(request, f"“{audience}” is searched {how} from now on.")
    return redirect("editor_embedders")


def with_vectors() -> list[Any]:
    """The live embedder, then those that are kept, each with how many vectors it has."""
    own = Embedding.objects.filter(embedder=OuterRef("pk")).order_by().values("embedder")
    counted = Subquery(own.annotate(n=Count("*")).values("n"), output_field=IntegerField())
    return list(Embedder.objects.annotate(vectors=counted).order_by("-live", "-pk"))


def spending() -> list[Any]:
    """What hosted embedders were asked in the last month."""
    recent = Metering.objects.filter(day__gte=Now() - MONTH).order_by("embedder").values("embedder")
    sums = {name: Sum(name) for name in ("requests", "texts", "tokens", "price")}
    return list(recent.annotate(**sums))
