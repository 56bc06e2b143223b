"""Exact names drawn from a corpus: each stands in one article, and asking for it bare must find that article."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import zip_longest
from typing import Any

from kb import identifiers, markdown
from kb.evaluation.ranking import Result, Stage
from kb.evaluation.sets import Case, EvaluationError, LabelledSet, parts
from kb.metrics import mean, recall

DRAWN = 400
KINDS = {  # the first that fits
    "flag": re.compile(r"^--?\w"),
    "file": re.compile(r"\.[a-z]{2,5}$"),
    "path": re.compile(r"[/:]"),
    "code": re.compile(r"\d"),
    "snake": re.compile(r"_"),
    "dotted": re.compile(r"\."),
    "camel": re.compile(""),
}


def draw(corpus: Sequence[dict[str, str]], *, name: str, count: int = DRAWN) -> LabelledSet:
    """Questions that are one exact name each: as many of every kind, of many articles, in an order that a hash gives.

    Names are what kb.identifiers finds in the text that readers see, asked as they are written there. One that stands
    in a second article's source, alone or inside a longer name, is left out. Raises EvaluationError without any.
    """
    found = {str(row["_id"]): readable(row) for row in corpus}
    sources = {str(row["_id"]): f"{row.get('title') or ''}\n{row['text']}".lower() for row in corpus}
    kinds: dict[str, list[tuple[str, str]]] = {kind: [] for kind in KINDS}
    for exact, owner in spread(found):
        kinds[kind_of(exact)].append((exact, owner))
    turns = [pair for row in zip_longest(*kinds.values()) for pair in row if pair]
    cases: list[Case] = []
    for exact, owner in turns:
        if len(cases) < count and stands_only_in(exact, owner, sources):
            cases.append(Case(exact, as_written(exact, found[owner]), {owner: 1.0}))
    if not cases:
        raise EvaluationError(f"No exact name stands in one article alone in {name}: there is nothing to ask for.")
    return LabelledSet(name, list(corpus), cases)


def readable(row: dict[str, str]) -> str:
    """The title and the text of a document as its pieces hold them: no addresses of links, no comments."""
    blocks = (block for part in parts(row["text"]) for block in markdown.blocks(part))
    return "\n".join([row.get("title") or "", *(block.text for block in blocks)])


def spread(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(name, article) of the names that one text holds: the first of every article, then the second of every one, …"""
    owners: dict[str, list[str]] = {}
    for owner, text in texts.items():
        for exact in identifiers.identifiers(text):
            owners.setdefault(exact, []).append(owner)
    waiting: dict[tuple[str, str], int] = {}
    placed = []
    for exact in sorted(owners, key=lambda one: sha256(one.encode()).digest()):
        if len(owners[exact]) == 1:
            place = (owners[exact][0], kind_of(exact))
            waiting[place] = waiting.get(place, 0) + 1
            placed.append((waiting[place], exact, place[0]))
    yield from ((exact, owner) for _, exact, owner in sorted(placed, key=lambda one: one[0]))


def kind_of(exact: str) -> str:
    return next(kind for kind, pattern in KINDS.items() if pattern.search(exact))


def whole(exact: str) -> re.Pattern[str]:
    """The name with no letter or digit on either side."""
    return re.compile(rf"(?<!\w){re.escape(exact)}(?!\w)", re.IGNORECASE)


def stands_only_in(exact: str, owner: str, sources: dict[str, str]) -> bool:
    pattern = whole(exact)
    return all(one == owner or exact not in text or not pattern.search(text) for one, text in sources.items())


def as_written(exact: str, text: str) -> str:
    found = whole(exact).search(text)
    return found.group() if found else exact


def figures(result: Result) -> dict[str, Any]:
    """recall@1 and recall@3 of every stage, and the names whose article is not among the first three at the end."""
    stages = {name: recalls(stage, result.cases) for name, stage in result.stages.items()}
    missed = [missed_name(case, result) for case in result.cases if not recall(reranked(case, result), case.grades, 3)]
    return {
        "set": result.name,
        "identifiers": len(result.cases),
        "stages": stages,
        "missed": missed,
        "timings_ms": result.milliseconds(),
    }


def recalls(stage: Stage, cases: Sequence[Case]) -> dict[str, float]:
    return {
        f"recall@{k}": round(mean([recall(stage.rankings[case.key], case.grades, k) for case in cases]), 4)
        for k in (1, 3)
    }


def reranked(case: Case, result: Result) -> list[str]:
    return result.stages["reranked"].rankings[case.key]


def missed_name(case: Case, result: Result) -> dict[str, Any]:
    """The name, the article it stands in and that article's rank at each stage; None where it did not come up."""
    (article,) = case.grades
    ranks = {name: rank_of(article, stage.rankings[case.key]) for name, stage in result.stages.items()}
    return {"identifier": case.question, "kind": kind_of(case.key), "article": article, "ranks": ranks}


def rank_of(article: str, ranking: Sequence[str]) -> int | None:
    return ranking.index(article) + 1 if article in ranking else None
