"""The lexical side of a question: its lexemes with document frequencies, and which combinations of them to look for.

BM25 in plain PostgreSQL needs candidates first: GIN has no top-k, and one common word matches a quarter of all chunks.
Threshold-DNF takes the combinations of lexemes whose idf sum could still reach the top, rarest first, until the
expected matches fill a budget. Top-10 agreement with true BM25 at 100,000 chunks: .965 with a budget of 300, .997 with
1,000.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection

from kb import identifiers, languages

MOST_LEXEMES = 40  # of a question; the rarest are kept
COMBINED = 12  # lexemes that take part in pairs

# A row for every lexeme, at least one, with the totals in each. The languages of what is published say how to read the
# words. OFFSET 0 keeps the planner from reading all lexemes for a few: it expects ten for every word of the question.
QUESTION = """
SELECT totals.articles AS total, totals.chunks AS all_chunks, totals.mean_length,
  asked.place, asked.lexeme, coalesce(known.articles, 0) AS articles, coalesce(known.chunks, 0) AS chunks,
  known.audiences
FROM (VALUES (1)) AS one (row) LEFT JOIN kb_corpusstatistics AS totals ON totals.id = one.row
LEFT JOIN LATERAL (
  SELECT word.place, made.lexeme
  FROM unnest(%s::text[]) WITH ORDINALITY AS word (text, place), (
      SELECT DISTINCT coalesce(%s::jsonb ->> split_part(lower(language), '-', 1), 'kb_simple') AS name
      FROM unnest(coalesce(nullif(totals.languages, '{}'), '{en}')) AS language
    ) AS config,
    LATERAL unnest(to_tsvector(config.name::regconfig, word.text)) AS made
  UNION SELECT 0, name FROM unnest(%s::text[]) AS name
) AS asked ON true
LEFT JOIN LATERAL (
  SELECT articles, chunks, audiences FROM kb_lexeme WHERE lexeme = asked.lexeme OFFSET 0
) AS known ON true
"""
CONFIGURATIONS = json.dumps({language: languages.configuration(language) for language in languages.CONFIGURATIONS})
TOKEN = re.compile(r"\S+")


@dataclass(frozen=True)
class Word:
    """A lexeme of the question, with how many published articles and chunks hold it; 0 when it is unknown.

    `audiences`: those of the articles that hold it. To a reader of none of them the word is as good as unknown.
    """

    lexeme: str
    articles: int
    chunks: int
    idf: float
    audiences: tuple[int, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether it names something: a code, a flag, a file; the parser itself keeps no-store together."""
        return self.lexeme.startswith(identifiers.SIGN) or "-" in self.lexeme


@dataclass(frozen=True)
class Question:
    """What the lexical leg knows of a question. `spans`: (start, end, idf) of its words, for the reranker's weights.

    `text` is what was read; `tokens` what stands between its spaces, with the lexemes of each. `corrected`: (typed,
    meant), where kb.spelling exchanged words.
    """

    words: tuple[Word, ...]
    spans: tuple[tuple[int, int, float], ...]
    chunks: int
    mean_length: float
    text: str = ""
    tokens: tuple[tuple[str, tuple[Word, ...]], ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()

    @cached_property
    def names(self) -> tuple[tuple[str, float], ...]:
        """Lexemes that name something exactly, each with its share of the question by idf.

        Between spaces stands one thing: what the parser makes of the parts of a name takes nothing from the name, and
        several names in one place share its weight.
        """
        known = {word.lexeme: word for word in self.words}
        shares: dict[str, float] = {}
        total = 0.0
        for token, words in self.tokens:
            names = [known[name] for name in identifiers.lexemes(token) if name in known]
            names = names or [word for word in words if word.is_exact and word.lexeme in known]
            weight = max((word.idf for word in (*words, *names)), default=0.0)
            total += weight
            of_names = sum(word.idf for word in names)
            for word in names:
                shares[word.lexeme] = shares.get(word.lexeme, 0.0) + (weight * word.idf / of_names if of_names else 0.0)
        return tuple((lexeme, share / total) for lexeme, share in shares.items() if share)

    @property
    def reachable(self) -> float:
        """The largest BM25 sum a chunk could reach: (k1 + 1) × the sum of the idfs of the words that occur at all."""
        return 2.2 * sum(word.idf for word in self.words if word.articles) or 1.0

    @property
    def asked(self) -> float:
        """The same with the words that occur nowhere, which no chunk can answer; for the decision to refuse."""
        return 2.2 * self.idf

    @property
    def idf(self) -> float:
        """The sum over all its words."""
        return sum(word.idf for word in self.words) or 1.0


def read(text: str) -> Question:
    """Split a question into lexemes, each language's way, and look up their frequencies: one small statement."""
    with connection.cursor() as cursor:
        cursor.execute(QUESTION, given(text))
        return understood(text, cursor.fetchall())


def given(text: str) -> list[Any]:
    """Of the %s in QUESTION."""
    return [TOKEN.findall(text), CONFIGURATIONS, identifiers.lexemes(text)]


def understood(text: str, rows: Sequence[tuple[Any, ...]]) -> Question:
    """What the rows of QUESTION say of this text."""
    total, chunks, mean_length = (known or 0 for known in rows[0][:3])
    found: dict[str, Word] = {}
    best: dict[int, float] = {}
    made: dict[int, list[Word]] = {}
    for place, lexeme, articles, holding, audiences in (row[3:] for row in rows if row[4] is not None):
        rare = idf(articles, total)
        word = found.setdefault(lexeme, Word(lexeme, articles, holding, rare, tuple(audiences or ())))
        made.setdefault(place, []).append(word)
        best[place] = max(best.get(place, 0.0), word.idf)
    tokens = list(enumerate(TOKEN.finditer(text), 1))
    spans = tuple((m.start(), m.end(), best.get(place, 0.0)) for place, m in tokens)
    rarest = sorted(found.values(), key=lambda word: (word.articles, word.lexeme))[:MOST_LEXEMES]
    texts = tuple((m.group(), tuple(made.get(place, ()))) for place, m in tokens)
    return Question(tuple(rarest), spans, max(chunks, 1), mean_length or 1.0, text, texts)


def idf(found_in: int, total: int) -> float:
    """Robertson and Spärck Jones' inverse document frequency as BM25 uses it, never below 0."""
    found_in = max(found_in, 1)
    total = max(total, found_in)
    return math.log(1 + (total - found_in + 0.5) / (found_in + 0.5))


def quoted(lexeme: str) -> str:
    """A lexeme as tsquery text."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def combinations(words: Sequence[Word], *, share: float, total: int, budget: int) -> list[frozenset[Word]]:
    """Single lexemes and pairs by how few chunks they are expected in, until the budget is full; supersets left out."""
    rarest = list(words[:COMBINED])
    expected = [
        (total * share * math.prod(min(1.0, max(word.chunks, 1) / total) for word in group), group)
        for size in (1, 2)
        for group in itertools.combinations(rarest, size)
    ]
    chosen: list[frozenset[Word]] = []
    filled = 0.0
    for count, group in sorted(expected, key=lambda pair: pair[0]):
        candidate = frozenset(group)
        if any(smaller <= candidate for smaller in chosen):
            continue
        if chosen and filled + count > budget:
            break
        filled += count
        chosen.append(candidate)
    return chosen


def queries(question: Question, *, share: float, budget: int) -> list[str]:
    """tsqueries to be joined by OR, grouped by their rarest lexeme: GIN reads one group in 5 ms, one big query in 130.

    With so few chunks that all fit the budget it is a plain OR of all lexemes, and BM25 is complete.
    """
    if question.chunks * share <= budget:
        return [" | ".join(quoted(word.lexeme) for word in question.words)] if question.words else []
    groups: dict[Word, list[Word]] = {}
    alone: list[Word] = []
    for chosen in combinations(question.words, share=share, total=question.chunks, budget=budget):
        first, *rest = sorted(chosen, key=lambda word: (word.chunks, word.lexeme))
        (groups.setdefault(first, []).extend(rest) if rest else alone.append(first))
    singles = [" | ".join(quoted(word.lexeme) for word in alone)] if alone else []
    pairs = [
        f"{quoted(first.lexeme)} & ({' | '.join(quoted(word.lexeme) for word in rest)})"
        for first, rest in groups.items()
    ]
    return singles + pairs
