"""Many articles at once: choose, see what would happen to which, do it, watch it, undo it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kb import batches
from kb.models import Article, Batch, BatchItem
from kb.verbs import VERBS, Change, Outlook, Verb, outlook
from portal.editor.access import for_editors
from portal.editor.articles import matching
from portal.editor.forms import FilterForm
from portal.editor.lifecycle_forms import TargetForm
from portal.htmx import Request, render

NAMED = 10  # articles named of each kind; the rest are counted
MOST = 10_000
NONE_CHOSEN = "Choose at least one article first."
MEANWHILE = "The articles changed meanwhile. Look at what would happen now, then confirm."


@for_editors
@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: Request) -> HttpResponse:
    """GET asks, POST does: exactly what was shown, or the question comes once more."""
    asked = request.POST if request.method == "POST" else request.GET
    verb = VERBS.get(asked.get("do", ""))
    if verb is None:
        raise BadRequest("What to do with these articles? Go back to the list and choose a button.")
    articles = selected(asked, request)
    if not articles:
        messages.info(request, NONE_CHOSEN)
        return redirect(back(asked))
    form = TargetForm(asked if is_answered(verb, asked) else None, verb=verb, user=request.user)
    context: dict[str, Any] = {"verb": verb, "form": form, "asked": pairs(asked), "back": back(asked)}
    if form.is_bound and form.is_valid():
        change = Change(verb, form.value())
        seen = outlook(change, articles, by=request.user)
        if request.method == "POST" and asked.get("seen") == fingerprint(seen.doable) and seen.doable:
            return carry_out(request, change, seen, back(asked))
        context |= told(seen) | {"change": change, "meanwhile": MEANWHILE if request.method == "POST" else ""}
    return render(request, "editor/bulk.html", context | {"count": len(articles)})


def is_answered(verb: Verb, asked: QueryDict) -> bool:
    """Whether the question what to was asked and answered, if there is one."""
    return not verb.needs or verb.needs in asked


def selected(asked: QueryDict, request: Request) -> list[Article]:
    """The chosen articles, or all that match the filters of the list; only of this person's collections."""
    if asked.get("all"):
        found = matching(filters_of(asked), request.user)
    else:
        chosen = [int(pk) for pk in asked.getlist("article") if pk.isdecimal() and len(pk) < 18]
        found = Article.objects.editable_by(request.user).filter(pk__in=chosen)
    related = ("collection", "latest_version", "wanted_version")
    return list(
        found.select_related(*related)
        .defer("latest_version__source", "wanted_version__source")
        .order_by("pk")
        .distinct()[:MOST]
    )


def filters_of(asked: QueryDict) -> QueryDict:
    """The filters of the list, which travel with a prefix: a collection may also be where the articles go."""
    filters = QueryDict(mutable=True)
    for name in FilterForm.base_fields:
        if value := asked.get(f"list-{name}"):
            filters[name] = value
    return filters


def back(asked: QueryDict) -> str:
    query = filters_of(asked).urlencode()
    return "/editor/" + (f"?{query}" if query else "")


def pairs(asked: QueryDict) -> list[tuple[str, str]]:
    """The choice, to be sent again with the answer."""
    kept = ("do", "all", "article", *(f"list-{name}" for name in FilterForm.base_fields))
    return [(name, value) for name in kept for value in asked.getlist(name) if value]


def fingerprint(articles: Sequence[Article]) -> str:
    """Of the articles and versions that somebody was asked about."""
    seen = ",".join(f"{one.pk}:{one.latest_version_id}:{one.state}" for one in articles)
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def told(seen: Outlook) -> dict[str, Any]:
    """What would happen to how many, and which cannot and why, the commonest reason first."""
    reasons = Counter(reason for _, reason in seen.refused)
    return {
        "doable": named(seen.doable),
        "refused": [
            {"reason": reason, **named([article for article, why in seen.refused if why == reason])}
            for reason, _ in reasons.most_common()
        ],
        "seen": fingerprint(seen.doable),
    }


def named(articles: Sequence[Article]) -> dict[str, Any]:
    return {"articles": articles[:NAMED], "count": len(articles), "more": max(0, len(articles) - NAMED)}


def carry_out(request: Request, change: Change, seen: Outlook, where: str) -> HttpResponse:
    batch = batches.start(change, seen.doable, by=request.user)
    if batch.is_at_work or batch.items.filter(state=BatchItem.State.REFUSED).exists():
        return redirect("editor_batch", batch.pk)
    tell(request, batch)
    return redirect(where)


def tell(request: Request, batch: Batch, text: str = "") -> None:
    """Say what was done, with a button that undoes it."""
    count = batch.items.filter(state=BatchItem.State.DONE).count()
    said = text or f"{count} article{pluralize(count)} {VERBS[batch.verb].done}."
    messages.success(request, said, extra_tags=f"undo {batch.pk}" if batches.can_undo(batch) else "")


# --- after


@for_editors
@require_safe
def batch(request: Request, pk: int) -> HttpResponse:
    """How far it is, what was done, what was not and why."""
    made = get_object_or_404(Batch, pk=pk, by=request.user.pk)
    counts = batches.counts(made)
    left = [BatchItem.State.REFUSED, BatchItem.State.KEPT]
    context = {
        "batch": made,
        "verb": VERBS[made.verb],
        "total": sum(counts.values()),
        "done": counts["done"],
        "undone": counts["undone"],
        "over": sum(counts.values()) - counts["waiting"] if made.state == Batch.State.DOING else counts["undone"],
        "left": made.items.filter(state__in=left).select_related("article__latest_version")[:200],
        "can_undo": batches.can_undo(made),
    }
    return render(request, "editor/batch.html", context, partial="progress")


@for_editors
@require_POST
def undo(request: Request, pk: int) -> HttpResponse:
    made = get_object_or_404(Batch, pk=pk, by=request.user.pk)
    try:
        batches.undo(made, by=request.user)
    except (ValidationError, PermissionDenied) as error:
        messages.warning(request, error.messages[0] if isinstance(error, ValidationError) else str(error))
        return redirect("editor_batch", pk)
    counts = batches.counts(made)
    if made.is_at_work or counts["kept"]:
        return redirect("editor_batch", pk)
    count = counts["undone"]
    messages.success(request, f"Undone: {count} article{pluralize(count)} as before.")
    only = made.items.first()
    return redirect("editor_edit", only.article_id) if only and counts.total() == 1 else redirect("editor_articles")
