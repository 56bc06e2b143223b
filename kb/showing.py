"""What readers get of an article: one version of it, or nothing. The caller holds the article's lock."""

from __future__ import annotations

from kb import indexing, outbox, tasks
from kb.models import Article, ArticleVersion

SCHEDULE = ("scheduled_version", "publish_at", "unpublish_at", "scheduled_by")


def show(article: Article, version: ArticleVersion) -> bool:
    """Make this the version readers get. True when it is live at once, False when it waits for its index."""
    article.state = Article.State.PUBLISHED
    article.wanted_version = version
    article.save(update_fields=["state", "wanted_version", "updated"])
    live = article.published_version_id == version.pk or indexing.settle(article)
    if live:
        indexing.forget_old_chunks(article)
    else:
        outbox.request(article)
        tasks.wake_on_commit(article.pk)
    return live


def hide(article: Article, state: str) -> None:
    """Take an article from the readers, with this transaction."""
    article.state = state
    article.wanted_version = article.published_version = None
    article.rest()
    article.save(update_fields=["state", "wanted_version", "published_version", "updated"])
    indexing.forget_old_chunks(article)


def unschedule(article: Article) -> None:
    """Nothing is to happen by itself any more."""
    article.scheduled_version = article.publish_at = article.unpublish_at = article.scheduled_by = None
    article.rest()
    article.save(update_fields=["state", *SCHEDULE, "updated"])
