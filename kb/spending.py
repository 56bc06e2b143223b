"""What a call of a model costs, and the budget of the day: set aside before the call, settled after it.

A call is made only if the most it can cost still fits, so that none begins once the budget is reached, however many
processes ask at once; only one that fails and is tried again can cost more than was set aside. Days are those of UTC,
by the database's clock; a call belongs to the day on which it began.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from kb.errors import ProviderError
from kb.generation import Delta, Paid, Text, Usage
from kb.grounding import Prompt
from kb.threads import database

MILLION = Decimal(1_000_000)
LETTERS = 3  # of a token, at least: for what was not counted; about four are usual in English
SPENT = "This site's budget for generated answers is used up for today."


class OverBudget(ProviderError):
    """The most a call can cost does not fit into what is left of the day."""

    def __init__(self) -> None:
        super().__init__(SPENT, temporary=True)


def price(model: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """US dollars for a million tokens: input, output, cache read, cache write. An unknown model is the dearest one."""
    known = [name for name in settings.MODEL_PRICES if model.startswith(name)]
    row = settings.MODEL_PRICES[max(known, key=len)] if known else max(settings.MODEL_PRICES.values())
    given, written, read, kept = (Decimal(str(dollars)) for dollars in row)
    return given, written, read, kept


def cost(usage: Usage) -> Decimal:
    """What one call cost, in US dollars."""
    counts = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    if not any(counts):
        return Decimal(0)
    return (
        sum((count * dollars for count, dollars in zip(counts, price(usage.model), strict=True)), Decimal(0)) / MILLION
    )


def most(request: dict[str, Any]) -> Decimal:
    """The most a call can cost: all its letters as input that is written to the cache, and the longest answer."""
    return _estimate(request, int(request["max_tokens"]))


async def billed(generator: Paid, prompt: Prompt) -> AsyncGenerator[Delta, None]:
    """The generator's deltas, paid for from the day's budget. Raises OverBudget before anything is sent."""
    request = generator.request(prompt)
    reserved = most(request)
    day = await database(reserve)(reserved)
    if day is None:
        raise OverBudget
    spent, letters = Decimal(0), 0
    try:
        async with aclosing(generator.stream(prompt)) as deltas:
            async for delta in deltas:
                letters += len(delta.text) if isinstance(delta, Text) else 0
                spent += cost(delta) if isinstance(delta, Usage) else 0
                yield delta
    finally:  # one that was stopped says nothing of its cost: then what was sent and what came is counted
        if not spent and letters:
            spent = _estimate(request, letters // LETTERS)
        await database(settle)(day, reserved, spent)


def reserve(amount: Decimal) -> date | None:
    """Set so much of today's budget aside: the day; None when it does not fit any more. No budget (0) is no limit."""
    budget = Decimal(str(settings.BUDGET_PER_DAY)) or Decimal("1e7")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO kb_spending AS spent (day, amount)
            SELECT (now() AT TIME ZONE 'UTC')::date, %(amount)s WHERE %(amount)s <= %(budget)s
            ON CONFLICT (day) DO UPDATE SET amount = spent.amount + %(amount)s
            WHERE spent.amount + %(amount)s <= %(budget)s
            RETURNING day
            """,
            {"amount": amount, "budget": budget},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def settle(day: date, reserved: Decimal, spent: Decimal) -> None:
    """What was set aside becomes what it really cost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kb_spending SET amount = greatest(0, amount - %s + %s) WHERE day = %s", [reserved, spent, day]
        )


def _estimate(request: dict[str, Any], output: int) -> Decimal:
    letters = len(json.dumps(request, ensure_ascii=False).encode())
    _, written, _, kept = price(str(request["model"]))
    return (letters // LETTERS * kept + output * written) / MILLION
