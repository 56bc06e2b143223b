"""What a hosted embedder was asked and what that costs: in this process, and for each day in the database."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from django.db import connection

ADD = """
INSERT INTO kb_metering AS spent (embedder, day, requests, texts, tokens, price)
VALUES (%s, (now() AT TIME ZONE 'UTC')::date, %s, %s, %s, %s)
ON CONFLICT (embedder, day) DO UPDATE SET requests = spent.requests + excluded.requests,
  texts = spent.texts + excluded.texts, tokens = spent.tokens + excluded.tokens, price = spent.price + excluded.price
"""


@dataclass(frozen=True)
class Spent:
    """Sums; `price` in the currency of EMBEDDINGS_PRICE, the price of a million tokens."""

    requests: int = 0
    texts: int = 0
    tokens: int = 0
    price: Decimal = Decimal(0)

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.requests + other.requests,
            self.texts + other.texts,
            self.tokens + other.tokens,
            self.price + other.price,
        )

    def __sub__(self, other: Spent) -> Spent:
        return self + Spent(-other.requests, -other.texts, -other.tokens, -other.price)

    def __str__(self) -> str:
        return f"{self.requests} requests, {self.texts} texts, {self.tokens} tokens, price {self.price:.4f}"


@runtime_checkable
class Metered(Protocol):
    """An embedder that costs something."""

    @property
    def spent(self) -> Spent:
        """Since this process began."""


def priced(tokens: int, *, texts: int, per_million: Decimal) -> Spent:
    """One request."""
    return Spent(1, texts, tokens, per_million * tokens / 1_000_000)


def record(embedder: str, spent: Spent) -> None:
    """Add to the day's sum, which all processes share."""
    with connection.cursor() as cursor:
        cursor.execute(ADD, [embedder[:120], spent.requests, spent.texts, spent.tokens, spent.price])
