"""`python -m bench.typos DIR`: what a typo in each question of an evaluation set costs, and how much is forgiven.

In each question one plain word of five letters or more that the corpus knows is spoiled by one edit, so that the corpus
does not know it; the same questions are asked as they were, spoiled, and spoiled with kb.spelling at work.
"""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AnonymousUser

from kb import evaluation, metrics, retrieval, spelling, words
from kb.evaluation import ranking
from portal import embedded

PLAIN = re.compile(r"\b[a-z]{5,}\b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    labelled = evaluation.load(parser.parse_args().folder)
    embedded.ensure()
    with evaluation.throwaway_database(f"typos_{os.getpid()}"):
        ids = evaluation.index_corpus(labelled.corpus, progress=quietly)
        chance = random.Random(7)
        pairs = [(case, made) for case in labelled.cases if case.grades and (made := spoiled(case.question, chance))]
        as_typed = [case for case, _ in pairs]
        with_typo = [replace(case, question=question) for case, (question, _, _) in pairs]
        print(f"{labelled.name}: {len(pairs)} questions, one word of each spoiled; nDCG@10 of the reranked list")
        print(f"as they were      {ndcg(replace(labelled, cases=as_typed), ids):.4f}")
        with without_spelling():
            print(f"spoiled           {ndcg(replace(labelled, cases=with_typo), ids):.4f}")
        print(f"spoiled, forgiven {ndcg(replace(labelled, cases=with_typo), ids):.4f}")
        print("corrected: {} right, {} wrong, {} not".format(*verdicts([made for _, made in pairs])))


def spoiled(question: str, chance: random.Random) -> tuple[str, str, str] | None:
    """The question with one word spoiled, that word, and what it was; None when there is no word to spoil."""
    plain = [match for match in PLAIN.finditer(question) if is_known(match.group())]
    for match in chance.sample(plain, len(plain)):
        typo = edited(match.group(), chance)
        if not is_known(typo):
            return question[: match.start()] + typo + question[match.end() :], typo, match.group()
    return None


def is_known(word: str) -> bool:
    return any(lexeme.articles for lexeme in words.read(word).words)


def edited(word: str, chance: random.Random) -> str:
    """One letter left out, put in, exchanged, or swapped with the next; never the first."""
    place = chance.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    other = chance.choice("etaoinsr")
    left_out, swapped = before + after, before + after[0] + letter + after[1:]
    return chance.choice([left_out, before + other + letter + after, before + other + after, swapped])


def verdicts(made: Sequence[tuple[str, str, str]]) -> tuple[int, int, int]:
    """How many typos were taken for the right word (or another form of it), for a wrong one, and for none."""
    right = wrong = 0
    for question, typo, word in made:
        asked = retrieval.trace(question, user=AnonymousUser()).question
        meant = dict(asked.corrected if asked else ()).get(typo, "")
        same = {one.lexeme for one in words.read(word).words} & {one.lexeme for one in words.read(meant).words}
        right, wrong = right + bool(same), wrong + bool(meant and not same)
    return right, wrong, len(made) - right - wrong


def ndcg(labelled: Any, ids: dict[int, str]) -> float:
    result = ranking.evaluate(labelled, ids, progress=quietly)
    rankings = result.stages["reranked"].rankings
    return metrics.mean([metrics.METRICS["ndcg@10"](rankings[case.key], case.grades) for case in labelled.cases])


def quietly(items: Iterable[Any], _: str) -> Iterable[Any]:
    return items


@contextmanager
def without_spelling() -> Iterator[None]:
    most, spelling.MOST = spelling.MOST, 0  # no unknown word is looked after
    try:
        yield
    finally:
        spelling.MOST = most


if __name__ == "__main__":
    main()
