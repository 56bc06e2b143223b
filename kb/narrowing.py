"""What a reader can narrow a search to, and what somebody typed checked against it.

Both come from the articles this reader may see: what is hidden and what does not exist are the same here.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Count, F, Func, TextField

from kb import languages
from kb.filters import Within
from kb.models import Article
from kb.permissions import Reader

MOST_TAGS = 200  # offered; the rarer ones still narrow when an address names them
MISSING = {
    "collection": "There is no collection “{}” with an article for you.",
    "tag": "No article for you has the tag “{}”.",
    "language": "No article for you is in the language “{}”. Languages have codes, such as en or pt-BR.",
    "article": "There is no article “{}” for you.",
}
NO_DAY = "“{}” is no day. Write it as year, month and day: 2026-03-31."


@dataclass(frozen=True)
class Choice:
    """One thing to narrow to, and how many articles this reader finds there."""

    value: str
    name: str
    articles: int


@dataclass(frozen=True)
class Choices:
    """Collections in their order, tags most used first, languages by name."""

    collections: tuple[Choice, ...]
    tags: tuple[Choice, ...]
    languages: tuple[Choice, ...]


def choices(user: Reader) -> Choices:
    """All that narrowing could leave something of, for this reader: three small statements."""
    seen = Article.objects.visible_to(user).order_by()
    shelves = seen.values_list("collection__slug", "collection__name").annotate(Count("pk"))
    tag = Func(F("tags"), function="unnest", output_field=TextField())
    tags = sorted(seen.annotate(tag=tag).values_list("tag").annotate(Count("pk")), key=lambda row: (-row[1], row[0]))
    spoken: Counter[str] = Counter()
    for code, number in seen.values_list("published_version__language").annotate(Count("pk")):
        spoken[languages.main(code)] += number
    return Choices(
        tuple(Choice(*row) for row in shelves.order_by("collection__position", "collection__name")),
        tuple(Choice(tag, tag, number) for tag, number in tags[:MOST_TAGS]),
        tuple(sorted((Choice(code, languages.name(code), n) for code, n in spoken.items()), key=lambda one: one.name)),
    )


def narrowed(typed: Mapping[str, str], *, user: Reader) -> Within:
    """The filters that somebody typed, by the names of Within's fields; an empty or absent one narrows nothing.

    Raises ValidationError with a sentence for each that is not understood, or that leads to nothing they may see.
    """
    seen = Article.objects.visible_to(user)
    values = {name: (typed.get(name) or "").strip() for name in MISSING}
    problems = {
        name: MISSING[name].format(value[:80])
        for name, value in values.items()
        if value and not seen.within(Within(**{name: value})).exists()  # type: ignore[arg-type]  # a name of a text
    }
    since = (typed.get("since") or "").strip()
    day = as_day(since)
    if since and day is None:
        problems["since"] = NO_DAY.format(since[:80])
    if problems:
        raise ValidationError(problems)
    return Within(**values, since=day)


def as_day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None
