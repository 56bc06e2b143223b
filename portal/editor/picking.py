"""Articles to link to, by words of their titles: those whoever writes may know of."""

from __future__ import annotations

from django.db.models import Case, F, Q, When
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from kb.models import Article
from portal.editor.access import for_editors
from portal.htmx import Request, render

MOST = 10


@for_editors
@require_safe
def articles(request: Request) -> HttpResponse:
    """For HTMX, as somebody types into the dialog: without words those changed last."""
    mine = Q(pk__in=Article.objects.editable_by(request.user).values("pk"))
    # Of an article of other collections only the published title is known.
    shown = Case(When(mine, then=F("latest_version__title")), default=F("published_version__title"))
    found = Article.objects.known_to(request.user).exclude(state=Article.State.ARCHIVED).annotate(shown=shown)
    words = request.GET.get("q", "").replace("\0", "")[:200].split()
    for word in words:
        found = found.filter(shown__icontains=word)
    found = found.select_related("collection").order_by("shown" if words else "-updated", "pk")[:MOST]
    return render(request, "editor/picking.html", {"found": found, "words": words})
