"""Every change of an article: save, publish, unpublish, archive, restore, move. The only writer of versions.

Each verb takes `by`, the person who does it (None: the system, e.g. a command), checks the role, writes the version,
the audit row and the outbox row in one transaction. What hides text takes effect in that transaction.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from kb import diffing, entrusting, images, outbox, outlining, permissions, showing, tasks
from kb.entrusting import UNCHANGED, Unchanged
from kb.markdown import MAX_SOURCE
from kb.models import Article, ArticleVersion, Audience, AuditEntry, Collection, Redirect, Review
from kb.permissions import Action, Reader


@dataclass(frozen=True)
class Content:
    """What a version holds."""

    title: str
    source: str
    summary: str = ""
    language: str = "en"

    def clean(self) -> Content:
        """Validated: a title, no NUL, not longer than the renderer takes. Line ends are made the same."""
        title = " ".join(self.title.split())
        source = self.source.replace("\r\n", "\n").replace("\r", "\n")
        if not title:
            raise ValidationError({"title": "An article needs a title."})
        if len(title) > 200:
            raise ValidationError({"title": f"The title has {len(title)} characters; at most 200 are possible."})
        if "\0" in title + source + self.summary:
            raise ValidationError({"source": "The text holds a NUL character, so it is not text: remove it."})
        if len(source) > MAX_SOURCE:
            raise ValidationError(
                {"source": f"The article has {len(source):,} characters; at most {MAX_SOURCE:,} are possible."}
            )
        if len(self.language) > 8:
            raise ValidationError(
                {"language": f"“{self.language[:40]}” is no code of a language, such as en or pt-BR."}
            )
        return Content(title, source, " ".join(self.summary.split())[:300], self.language or "en")

    @classmethod
    def of(cls, version: ArticleVersion) -> Content:
        return cls(version.title, version.source, version.summary, version.language)


class Conflict(Exception):
    """Somebody saved a newer version than the one this text was based on; nothing was written."""

    def __init__(self, theirs: ArticleVersion) -> None:
        super().__init__(f"{theirs.author or 'Somebody'} saved version {theirs.number} meanwhile.")
        self.theirs = theirs


def check(by: Reader | None, action: permissions.Action, where: Article | Collection) -> None:
    if by is not None and not permissions.may(by, action, where):
        name = where.name if isinstance(where, Collection) else where.collection.name
        raise PermissionDenied(f"Your role in “{name}” does not allow this ({action}).")


def audit(article: Article, action: str, *, by: Reader | None, detail: str = "") -> None:
    AuditEntry.objects.create(article=article, by_id=by.pk if by else None, action=action, detail=detail[:300])


def free_slug(title: str) -> str:
    """An address made from the title that no article has or had."""
    base = slugify(title)[:150] or "article"
    taken = set(Article.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    taken |= set(Redirect.objects.filter(old_slug__startswith=base).values_list("old_slug", flat=True))
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


def taken(slug: str) -> str:
    """Who has this address, in a sentence for people."""
    in_trash = Article.objects.filter(slug=slug, state=Article.State.DELETED).exists()
    return f"{'An article in the trash' if in_trash else 'Another article'} already has the address “{slug}”."


@transaction.atomic
def create(collection: Collection, content: Content, *, by: Reader | None, note: str = "", **fields: Any) -> Article:
    """A draft with version 1. `fields`: slug, audience, tags, owner, review_on, external_id, position."""
    check(by, "write", collection)
    content = content.clean()
    fields.setdefault("audience", collection.audience)
    fields.setdefault("owner", by)
    if fields["owner"] != by:
        entrusting.check_owner(fields["owner"], collection)
    slug = fields.pop("slug", "") or free_slug(content.title)
    try:
        with transaction.atomic():
            article = Article.objects.create(collection=collection, slug=slug, **fields)
    except IntegrityError as error:
        raise ValidationError({"slug": taken(slug)}) from error
    write_version(article, content, by=by, note=note or "Created")
    audit(article, "created", by=by)
    return article


@transaction.atomic
def save(article: Article, content: Content, *, by: Reader | None, based_on: int, note: str = "") -> ArticleVersion:
    """A new version, unless the content is the same. Raises Conflict when `based_on` is no longer the latest."""
    check(by, "write", article)
    content = content.clean()
    locked = lock(article)
    latest = locked.latest_version
    if latest is not None and Content.of(latest) == content:
        return latest
    if latest is not None and latest.number != based_on:
        raise Conflict(latest)
    version = write_version(locked, content, by=by, note=note)
    audit(locked, "saved", by=by, detail=f"version {version.number}")
    article.refresh_from_db()
    return version


def lock(article: Article, *, in_trash: bool = False) -> Article:
    """The article's row, locked: first in the order article, job, chunks. What is in the trash stays as it is."""
    related = ("latest_version", "wanted_version", "collection")
    locked = Article.objects.select_for_update(of=("self",)).select_related(*related).get(pk=article.pk)
    if locked.state == Article.State.DELETED and not in_trash:
        raise ValidationError("This article is in the trash: take it out of there first.")
    return locked


def write_version(article: Article, content: Content, *, by: Reader | None, note: str) -> ArticleVersion:
    before = article.latest_version
    added, removed = diffing.counted(before.source if before else "", content.source)
    version = ArticleVersion.objects.create(
        article=article,
        number=before.number + 1 if before else 1,
        title=content.title,
        summary=content.summary,
        source=content.source,
        language=content.language,
        author_id=by.pk if by else None,
        note=note[:200],
        words_added=added,
        words_removed=removed,
    )
    images.note_uses(version, by=by)
    outlining.note(version)
    article.latest_version = version
    article.save(update_fields=["latest_version", "updated"])
    outbox.request(article)
    tasks.wake_on_commit(article.pk)
    return version


@transaction.atomic
def publish(article: Article, *, by: Reader | None, version: ArticleVersion | None = None) -> bool:
    """Make a version, the latest unless said otherwise, the one readers get; a publication that was planned is off.

    True when it is live at once, False when it waits for its index.
    """
    check(by, "publish", article)
    locked = lock(article)
    version = version or locked.latest_version
    if version is None:
        raise ValidationError("There is no saved version to publish.")
    refuse_own_text(locked, version, by=by)
    Review.objects.overtake(locked, by=by)
    if locked.publish_at:
        showing.unschedule(locked)
    live = showing.show(locked, version)
    audit(locked, "published", by=by, detail=f"version {version.number}")
    article.refresh_from_db()
    return live


def refuse_own_text(article: Article, version: ArticleVersion, *, by: Reader | None) -> None:
    """With SEPARATE_PUBLISHER nobody shows readers what they wrote themselves, be it one of several new versions."""
    if not settings.SEPARATE_PUBLISHER or by is None:
        return
    before = article.wanted_version.number if article.wanted_version else 0
    own = article.versions.filter(number__gt=before, number__lte=version.number, author=by.pk).first()
    if own is not None:
        raise ValidationError(
            f"You wrote version {own.number} yourself, and here somebody else must publish it: ask for a review."
        )


def withdraw(article: Article, state: str, action: str, *, by: Reader | None) -> None:
    """Take an article from the readers, now, and call off what was scheduled."""
    check(by, "publish", article)
    locked = lock(article)
    if state != Article.State.DRAFT:
        Review.objects.overtake(locked, by=by)
    showing.unschedule(locked)
    showing.hide(locked, state)
    audit(locked, action, by=by)
    article.refresh_from_db()


@transaction.atomic
def unpublish(article: Article, *, by: Reader | None) -> None:
    """Back to a draft: gone from pages, search, answers and permalinks with this transaction."""
    withdraw(article, Article.State.DRAFT, "unpublished", by=by)


@transaction.atomic
def archive(article: Article, *, by: Reader | None) -> None:
    """Put away: gone for readers, and out of the editors' default list; everything is kept."""
    withdraw(article, Article.State.ARCHIVED, "archived", by=by)


@transaction.atomic
def restore(version: ArticleVersion, *, by: Reader | None) -> ArticleVersion:
    """A new version with the text of an old one; nothing in the history is removed. Publishing it is another step."""
    article = version.article
    check(by, "write", article)
    locked = lock(article)
    note = f"Restored version {version.number}"
    new = write_version(locked, Content.of(version), by=by, note=note)
    audit(locked, "restored", by=by, detail=f"version {version.number} as version {new.number}")
    article.refresh_from_db()
    return new


@transaction.atomic
def arrange(
    article: Article,
    *,
    by: Reader | None,
    collection: Collection | None = None,
    audience: Audience | None = None,
    slug: str | None = None,
    tags: Sequence[str] | None = None,
    owner: AbstractUser | Unchanged | None = UNCHANGED,
    review_on: datetime.date | Unchanged | None = UNCHANGED,
) -> list[str]:
    """Change where an article stands, who reads it and who looks after it, at once. Returns what changed, in words."""
    locked = lock(article)
    changed = []
    if collection is not None and collection != locked.collection:
        action: Action = "publish" if locked.state == Article.State.PUBLISHED else "write"
        check(by, action, article)
        check(by, action, collection)
        changed.append(f"moved to {collection}")
        locked.collection = collection
    if audience is not None and audience.pk != locked.audience_id:
        check(by, "publish", article)
        changed.append(f"audience: {audience}")
        locked.audience = audience
    if slug is not None and slug != locked.slug:
        check(by, "write", article)
        rename(locked, slug)
        changed.append(f"address: {slug}")
    if tags is not None and list(tags) != locked.tags:
        check(by, "write", article)
        changed.append("tags: " + ", ".join(tags))
        locked.tags = list(tags)
    entrusted = entrusting.entrust(locked, owner, review_on)
    if entrusted:
        check(by, "write", article)
        changed += entrusted
    if changed:
        locked.save()
        audit(locked, "arranged", by=by, detail="; ".join(changed))
        article.refresh_from_db()
    return changed


def rename(article: Article, slug: str) -> None:
    """A new address; the old one leads to it from now on."""
    if slugify(slug) != slug or not slug:
        raise ValidationError({"slug": "An address has only small letters, digits and dashes."})
    if Article.objects.filter(slug=slug).exclude(pk=article.pk).exists():
        raise ValidationError({"slug": taken(slug)})
    Redirect.objects.filter(old_slug=slug).delete()
    Redirect.objects.update_or_create(old_slug=article.slug, defaults={"article": article})
    article.slug = slug
