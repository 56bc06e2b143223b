"""What a search is narrowed to, for articles and for their chunks: one value that travels through both legs. Pure."""

from __future__ import annotations

import datetime
from dataclasses import astuple, dataclass

from django.db.models import Q
from django.utils import timezone


@dataclass(frozen=True)
class Within:
    """A collection (its slug), a tag, a language, a first day and an article (its slug); what is empty narrows nothing.

    `language`: "pt" is also "pt-BR", "pt-BR" only itself. `since`: the day the published version appeared, or later.
    """

    collection: str = ""
    tag: str = ""
    language: str = ""
    since: datetime.date | None = None
    article: str = ""

    def __bool__(self) -> bool:
        return any(astuple(self))

    def articles(self, path: str = "") -> Q:
        """As a condition on articles; `path`: how a model leads to them, e.g. "live__"."""
        if not all(is_text(value) for value in (self.collection, self.tag, self.language, self.article)):
            return Q(pk__in=[])
        language = f"{path}published_version__language"
        main, dash, region = self.language.partition("-")
        code = main.lower() + dash + region
        wanted: dict[str, Q] = {
            "collection": Q(**{f"{path}collection__slug": self.collection}),
            "tag": Q(**{f"{path}tags__contains": [self.tag]}),
            "language": Q(**{language: code}) | Q(**{f"{language}__startswith": f"{code}-"}),
            "since": Q(**{f"{path}published_at__gte": midnight(self.since)}),
            "article": Q(**{f"{path}slug": self.article}),
        }
        return Q(*(condition for name, condition in wanted.items() if getattr(self, name)))


def midnight(day: datetime.date | None) -> datetime.datetime | None:
    """When a day begins here. A moment, and not the day of a moment: of that the planner knows no statistics."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min)) if day else None


def is_text(value: str) -> bool:
    """Whether PostgreSQL takes it as text; what it does not take, nothing is called."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


EVERYWHERE = Within()
