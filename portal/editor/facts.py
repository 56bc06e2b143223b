"""What stands beside every page about one article: its state, its versions, its index."""

from __future__ import annotations

from typing import Any

from kb import freshness, scheduling
from kb.models import Answer, Article, IndexedVersion, Review
from portal.htmx import Request


def facts(request: Request, article: Article) -> dict[str, Any]:
    indexed = IndexedVersion.objects.filter(version=article.published_version or article.latest_version).first()
    return {
        "article": article,
        "freshness": freshness.of(article),
        "version_count": article.versions.count(),
        "chunk_count": indexed.chunks if indexed else 0,
        "cited": Answer.objects.filter(sources__version__article=article).distinct().count(),
        "decision": decision(article),
        "plan": scheduling.plan(article),
        "is_readable": Article.objects.visible_to(request.user).filter(pk=article.pk).exists(),
    }


def decision(article: Article) -> Review | None:
    """What a reviewer said of the latest version, or of one before while its changes are being made."""
    last = article.reviews.select_related("version", "decided_by").first() if article.has_draft else None
    if last is None or last.state not in (Review.State.APPROVED, Review.State.CHANGES):
        return None
    return last if last.state == Review.State.CHANGES or last.version_id == article.latest_version_id else None
