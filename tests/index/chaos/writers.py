"""An editor in a hurry: saves, publishes, withdraws, rolls back, and remembers what readers should find in the end."""

import random
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import transaction

from kb import publishing
from kb.models import Article
from kb.publishing import Content
from tests import factories
from tests.index.chaos.embedders import INDIGESTIBLE

ROLLED_BACK = "rolled-back"


class Cancelled(Exception):
    """The editor thought better of it."""


@dataclass
class Writer:
    """`published`: by article, the number of the version that should be served; no entry, not to be served at all."""

    random: random.Random
    articles: list[Article] = field(default_factory=list)
    published: dict[int, int] = field(default_factory=dict)
    indigestible: set[tuple[int, int]] = field(default_factory=set)
    saves: int = 0
    rollbacks: int = 0

    def begin(self, articles: int) -> None:
        for number in range(articles):
            made = factories.article(f"Article {number}", self.text(f"first {number}"))
            self.articles.append(made)
            self.published[made.pk] = 1

    def text(self, words: str) -> str:
        """Three sections, of which two are often the same as before: not everything is embedded anew."""
        parts = [f"Part {n} about {self.random.choice(['cats', 'dogs', 'birds', words])}." for n in range(3)]
        return "\n\n".join(f"## Part {n}\n\n{part}" for n, part in enumerate([*parts, f"This is {words}."]))

    def act(self) -> None:
        """One thing at random: 10 % are rolled back, 5 % cannot be indexed, 8 % withdraw."""
        article = self.random.choice(self.articles)
        article.refresh_from_db()
        dice = self.random.random()
        if dice < 0.10:
            self.roll_back(article)
        elif dice < 0.18:
            publishing.unpublish(article, by=None)
            self.published.pop(article.pk, None)
        else:
            self.save(article, indigestible=dice < 0.23)

    def roll_back(self, article: Article) -> None:
        with suppress(Cancelled), transaction.atomic():
            self.write(article, ROLLED_BACK)
            publishing.publish(article, by=None)
            raise Cancelled
        self.rollbacks += 1

    def save(self, article: Article, *, indigestible: bool) -> None:
        number = self.write(article, INDIGESTIBLE if indigestible else f"state {self.saves}")
        self.saves += 1
        if indigestible:
            self.indigestible.add((article.pk, number))
        if self.random.random() < 0.7:
            publishing.publish(article, by=None)
            self.published[article.pk] = number

    def write(self, article: Article, words: str) -> int:
        based_on = article.latest_version.number if article.latest_version else 0
        content = Content(article.title, self.text(words))
        return publishing.save(article, content, by=None, based_on=based_on).number
