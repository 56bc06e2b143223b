"""What stands beside every page about one article: its state, its versions, its index."""

from __future__ import annotations

from typing import Any

from kb import freshness
from kb.models import Answer, Article, IndexedVersion
from portal.htmx import Request


def facts(request: Request, article: Article) -> dict[str, Any]:
    indexed = IndexedVersion.objects.filter(version=article.published_version or article.latest_version).first()
    return {
        "article": article,
        "freshness": freshness.of(article),
        "version_count": article.versions.count(),
        "chunk_count": indexed.chunks if indexed else 0,
        "cited": Answer.objects.filter(sources__version__article=article).distinct().count(),
        "is_readable": Article.objects.visible_to(request.user).filter(pk=article.pk).exists(),
    }
