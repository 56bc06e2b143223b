"""What is to be mended over all articles: broken links, orphans, equal titles, passages that say nearly the same.

Everything is read from what was noted when it was written or compared in the background; nothing is parsed here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Greatest, Lower

from kb import comparing, embedders, linking, markdown, publishing
from kb.comparing import SHORTEST
from kb.models import Article, ArticleVersion, Chunk, Comparison, Image, ImageUse, Likeness, Link, Outline
from kb.models.links import CURRENT
from kb.permissions import Reader
from kb.publishing import Content

SIMILAR = 0.25  # of trigrams, from which an article is offered in place of one that is not there
CURRENT_STATES = [state for state in Article.State.values if state != Article.State.ARCHIVED]


def broken(articles: QuerySet[Article], user: Reader) -> QuerySet[Any]:
    """The links of these articles that have a problem, one row each: in the newest version that has it.

    With `problem`, and `aim`, the article it leads to if this person may know of it.
    """
    found = Link.objects.of(articles.exclude(state=Article.State.ARCHIVED)).with_problems(user).exclude(problem="")
    once = found.order_by("version__article_id", "address", "-version__number", "line").distinct(
        "version__article_id", "address"
    )
    rows: QuerySet[Any] = Link.objects.with_problems(user).filter(pk__in=once.values("pk"))
    return rows.select_related("version__article__collection", "version__article__latest_version").order_by(
        "version__article__collection__position", "version__article_id", "line", "pk"
    )


def problems(version: ArticleVersion, user: Reader) -> QuerySet[Any]:
    """What is wrong with the links of one version."""
    links: QuerySet[Any] = Link.objects.filter(version=version).with_problems(user)
    return links.exclude(problem="").order_by("line", "pk")


@transaction.atomic
def mend(article: Article, old: str, new: str, *, by: Reader) -> ArticleVersion:
    """A version whose links to `old` lead to `new`. Raises ValidationError when there is nothing to change."""
    latest = article.latest_version
    source = latest.source if latest else ""
    changed = linking.retarget(source, old, new)
    if latest is None or changed == source:
        raise ValidationError(
            f"No link to {old} was found in the last version that can be changed here. Change it in the editor."
        )
    content = replace(Content.of(latest), source=changed)
    return publishing.save(article, content, by=by, based_on=latest.number, note=f"Link mended: {old} → {new}")


def places_for(link: Link, user: Reader, *, limit: int = 5) -> list[tuple[str, str]]:
    """Where a broken link may have been meant to lead, the likeliest first: (address, words)."""
    aim = aim_of(link, user)
    if aim is not None:
        return [
            (f"{aim.get_absolute_url()}#{anchor}", anchor) for anchor in like(link.anchor, aim.published_version, limit)
        ]
    if link.kind == Link.Kind.HERE:
        return [(f"#{anchor}", anchor) for anchor in like(link.anchor, link.version.article.latest_version, limit)]
    if link.kind == Link.Kind.IMAGE:
        return []
    wanted = link.slug or link.address.rpartition("/")[2] or link.address
    likeness = Greatest(
        TrigramSimilarity("slug", wanted),
        TrigramSimilarity("published_version__title", wanted),
        TrigramSimilarity("published_version__title", link.words or wanted),
    )
    read: QuerySet[Any] = Article.objects.published().filter(pk__in=Article.objects.known_to(user))
    nearest = read.annotate(likeness=likeness).filter(likeness__gt=SIMILAR).order_by("-likeness", "pk")
    return [
        (one.get_absolute_url(), one.published_version.title)
        for one in nearest.exclude(pk=link.version.article_id).with_titles()[:limit]
    ]


def aim_of(link: Link, user: Reader) -> Article | None:
    """The published article that a link to an anchor leads to, if this person may know of it."""
    if not link.anchor or link.kind != Link.Kind.ARTICLE:
        return None
    named = Q(slug=link.slug) | Q(redirects__old_slug=link.slug)
    return Article.objects.known_to(user).filter(named, published_version__isnull=False).distinct().first()


def like(anchor: str, version: ArticleVersion | None, limit: int) -> list[str]:
    """The anchors of a version, those most like this one first."""
    outline = Outline.objects.filter(version=version).first() if version else None
    wanted = markdown.anchor(anchor)
    ordered = sorted(outline.anchors if outline else [], key=lambda one: -SequenceMatcher(None, wanted, one).ratio())
    return ordered[:limit]


def orphans(articles: QuerySet[Article]) -> QuerySet[Article]:
    """Published articles to which no other article that readers get links."""
    published = ArticleVersion.objects.filter(published_in__state=Article.State.PUBLISHED)
    others = Link.objects.filter(version__in=published).exclude(version__article=OuterRef("pk"))
    linked = Exists(others.filter(slug=OuterRef("slug"))) | Exists(others.filter(former__article=OuterRef("pk")))
    read: QuerySet[Article] = Article.objects.published().filter(~linked, pk__in=articles)
    return read.order_by("collection__position", "published_version__title")


def unshown(articles: QuerySet[Article], user: Reader) -> QuerySet[Image]:
    """Images this person may see that no current version shows: those of old versions of these articles, and those
    that no version ever showed."""
    current = ArticleVersion.objects.filter(CURRENT)
    shown = Exists(ImageUse.objects.filter(image=OuterRef("pk"), version__in=current))
    mine = Exists(ImageUse.objects.filter(image=OuterRef("pk"), version__article__in=articles))
    never = ~Exists(ImageUse.objects.filter(image=OuterRef("pk")))
    found: QuerySet[Image] = Image.objects.visible_to(user).filter(mine | never, ~shown)
    return found.order_by("-created", "-pk")


@dataclass(frozen=True)
class Namesakes:
    """Articles of one title; `may_edit` says of each whether this person may change it."""

    title: str
    articles: list[Article]


def namesakes(articles: QuerySet[Article], user: Reader) -> list[Namesakes]:
    """Titles that several articles have in one language, at least one of them among these."""
    known = Article.objects.known_to(user).filter(state__in=CURRENT_STATES)
    keyed: QuerySet[Any] = known.annotate(key=Lower("latest_version__title"), spoken=F("latest_version__language"))
    twice = keyed.order_by().values("key", "spoken").annotate(times=Count("pk")).filter(times__gt=1)
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for article in keyed.filter(key__in=twice.values("key")).select_related("collection", "latest_version"):
        groups[article.key, article.spoken].append(article)
    chosen = set(articles.values_list("pk", flat=True))
    mine = set(Article.objects.editable_by(user).values_list("pk", flat=True))
    for one in [one for group in groups.values() for one in group]:
        one.may_edit = one.pk in mine
    return [
        Namesakes(found[0].title, found)
        for _, found in sorted(groups.items())
        if len(found) > 1 and any(one.pk in chosen for one in found)
    ]


@dataclass(frozen=True)
class Pair:
    """Two chunks of two articles that say nearly the same; `one` is in an article that this person may change."""

    one: Chunk
    other: Chunk
    cosine: float


def near_copies(articles: QuerySet[Article], user: Reader, *, limit: int = 200) -> list[Pair]:
    """Passages of these articles that another one, of which this person may know, repeats or nearly repeats."""
    known = Article.objects.known_to(user)
    alike = Likeness.objects.filter(
        Q(one__chunks__live__in=articles) | Q(other__chunks__live__in=articles),
        one__chunks__live__in=known,
        other__chunks__live__in=known,
        one__chunks__live__state=Article.State.PUBLISHED,
        other__chunks__live__state=Article.State.PUBLISHED,
    ).annotate(mine=F("one__chunks__pk"), theirs=F("other__chunks__pk"), likeness=F("cosine"))
    equal = Chunk.objects.filter(
        live__in=articles,
        live__state=Article.State.PUBLISHED,
        passage__wordpieces__gte=SHORTEST,
        passage__chunks__live__in=known,
        passage__chunks__live__state=Article.State.PUBLISHED,
    ).annotate(mine=F("pk"), theirs=F("passage__chunks__pk"), likeness=Value(1.0))
    rows = [row for found in (alike, equal) for row in nearest(found, limit)]
    return pairs(sorted(rows, key=lambda row: -row[2]), articles)[:limit]


def nearest(found: QuerySet[Any], limit: int) -> list[tuple[int, int, float]]:
    others = found.annotate(a=article_of("mine"), b=article_of("theirs")).exclude(a=F("b"))
    return list(others.order_by("-likeness", "mine", "theirs").values_list("mine", "theirs", "likeness")[:limit])


def article_of(chunk: str) -> Subquery:
    return Subquery(Chunk.objects.filter(pk=OuterRef(chunk)).values("version__article")[:1])


def pairs(rows: list[tuple[int, int, float]], articles: QuerySet[Article]) -> list[Pair]:
    """Each pair of chunks once, one that this person may change first."""
    numbers = {pk for one, other, _ in rows for pk in (one, other)}
    chunks = Chunk.objects.select_related("passage", "live__collection").annotate(titled=F("version__title"))
    by_number = chunks.in_bulk(numbers)
    mine = set(articles.filter(published_version__chunks__in=numbers).values_list("published_version", flat=True))
    found: dict[frozenset[int], Pair] = {}
    for one, other, cosine in rows:
        first, second = sorted(
            (by_number[one], by_number[other]),
            key=lambda chunk: (chunk.version_id not in mine, chunk.live.pk if chunk.live else 0, chunk.pk),
        )
        found.setdefault(frozenset((one, other)), Pair(first, second, cosine))
    return list(found.values())


def compared() -> dict[str, Any]:
    """How far the comparison in the background is: passages compared, waiting, and when the last one was."""
    embedder = embedders.live_row()
    done = Comparison.objects.aggregate(count=Count("pk"), last=Max("made"))
    return {**done, "waiting": comparing.new(embedder).count() if embedder else 0}
