"""How often somebody may do something: a counter in the cache, which every web process shares."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
NAMES = {"s": "a second", "m": "a minute", "h": "an hour", "d": "a day"}


@dataclass(frozen=True)
class Limit:
    """So many within a span: `20/m` is 20 a minute."""

    most: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Limit:
        match = re.fullmatch(r"(\d+)/([smhd])", text)
        if match is None:
            raise ImproperlyConfigured(f"“{text}” is no limit: write a number, a slash and s, m, h or d, such as 20/m.")
        return cls(int(match[1]), match[2])

    def of(self, things: str) -> str:
        """In words: "20 questions a minute"."""
        return f"{self.most} {things} {NAMES[self.unit]}"

    def spend(self, what: str, who: str) -> int:
        """Count one; 0 when it is within the limit, otherwise the seconds until it is again.

        Spans are fixed, so at their border up to twice as many may pass.
        """
        span = SECONDS[self.unit]
        now = int(time.time())
        key = f"limit:{what}:{who}:{now // span}"
        cache.add(key, 0, timeout=2 * span)
        return 0 if cache.incr(key) <= self.most else span - now % span
