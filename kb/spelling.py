"""Typos: for a word that nothing this reader may see holds, the word they may have meant, searched beside it.

    unknown word ──> lexemes alike by trigrams ──> visible chunks of each ──> the nearest word of their texts

What is taken stands in a text that this reader may see, so it can be shown; and which words count as unknown is decided
by what they may see too, so that a missing correction tells of no hidden article. Only unknown words cost anything, and
exact names are never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection, transaction
from django.db.models import Value

from kb import identifiers, words
from kb.expressions import Match
from kb.models import Lexeme
from kb.models.passages import ChunkQuerySet
from kb.words import Question, Word

MOST = 3  # unknown words of a question that are looked after
LIKENESS = 0.2  # share of trigrams; two neighbours swapped in a word of five letters leave two of ten
COUNTED = 60  # lexemes as like as that whose edits are counted
ALIKE = 10  # of them, for which texts are looked up
TEXTS = 3  # of each: one may hold only “issues” where “issue” was meant
WEIGHT = 0.9  # of a word that was not typed; .3 to .7 find less, and what was typed right loses nothing by it
TWO_EDITS = 6  # letters from which on two edits are forgiven
PLAIN = re.compile(r"^\W*([^\W\d_]{4,30})(?:['’]s)?\W*$")
LETTERS = re.compile(r"[^\W\d_]{3,32}")


def forgive(question: Question, *, seen: ChunkQuerySet, audiences: Collection[int]) -> Question:
    """The question as it was probably meant: `text` and its words corrected, what was exchanged in `corrected`.

    The words that nobody here has heard of stay among its words: no chunk holds them, and to the decision whether to
    answer they are as missing as before.
    """
    typed = list(unknown(question, audiences))[:MOST]
    new = holding(seen, {lexeme for _, lexeme in typed})  # published since words were counted last
    typed = [(word, lexeme) for word, lexeme in typed if lexeme not in new]
    if not typed:
        return question
    alike = {word: near(lexeme, audiences) for word, lexeme in typed}
    texts = holding(seen, {lexeme for lexemes in alike.values() for lexeme in lexemes})
    meant = {word: nearest(word, [text for lexeme in alike[word] for text in texts.get(lexeme, ())]) for word in alike}
    corrected = {word: other for word, other in meant.items() if other}
    if not corrected:
        return question
    read = words.read(mended(question, corrected))
    typed_words = {word.lexeme: word for word in question.words}
    guessed = [replace(word, idf=WEIGHT * word.idf) for word in read.words if word.lexeme not in typed_words]
    every = sorted([*typed_words.values(), *guessed], key=lambda word: (word.articles, word.lexeme))
    return replace(read, words=tuple(every), corrected=tuple(corrected.items()))


def mended(question: Question, corrected: Mapping[str, str]) -> str:
    """The text with its plain words exchanged; exact names keep every letter."""

    def meant(match: re.Match[str]) -> str:
        return corrected.get(match[0].lower(), match[0])

    return " ".join(LETTERS.sub(meant, token) if is_plain(token) else token for token, _ in question.tokens)


def is_plain(token: str) -> bool:
    return PLAIN.match(token) is not None and not identifiers.identifiers(token)


def unknown(question: Question, audiences: Collection[int]) -> Iterator[tuple[str, str]]:
    """Plain words none of whose lexemes (one a language) this reader could find: as typed, and as a lexeme."""
    for token, lexemes in question.tokens:
        plain = PLAIN.match(token)
        if plain and is_plain(token) and lexemes and not any(knows(audiences, lexemes)):
            yield plain[1].lower(), lexemes[0].lexeme


def knows(audiences: Collection[int], lexemes: Iterable[Word]) -> Iterator[bool]:
    return (bool(set(word.audiences).intersection(audiences)) for word in lexemes)


def near(lexeme: str, audiences: Collection[int]) -> list[str]:
    """Lexemes a few edits away, likest first: those with trigrams in common, from an index, are counted through."""
    known = Lexeme.objects.filter(lexeme__trigram_similar=lexeme, audiences__overlap=list(audiences))
    known = known.exclude(lexeme__startswith=identifiers.SIGN)
    order = known.annotate(likeness=TrigramSimilarity("lexeme", lexeme)).order_by("-likeness", "-articles", "lexeme")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(LIKENESS)])
        found = list(order.values_list("lexeme", flat=True)[:COUNTED])
    return [other for other in found if may_be_stem(lexeme, other)][:ALIKE]


def may_be_stem(lexeme: str, other: str) -> bool:
    """Two edits away, or one from its beginning: an ending with a typo in it was not cut off."""
    beginning = lexeme[: len(other)]
    return (could_be(lexeme, other, 2) and edits(lexeme, other) <= 2) or edits(beginning, other) <= 1


def holding(seen: ChunkQuerySet, lexemes: Collection[str]) -> dict[str, list[str]]:
    """For each lexeme some texts that hold it, among those this reader may see; one statement."""
    branches = [
        seen.filter(Match.of("passage__tsv", words.quoted(lexeme))).values_list(Value(lexeme), "passage__text")[:TEXTS]
        for lexeme in sorted(lexemes)
    ]
    if not branches:
        return {}
    first, *rest = branches
    texts: dict[str, list[str]] = {}
    for lexeme, text in first.union(*rest, all=True) if rest else first:
        texts.setdefault(lexeme, []).append(text)
    return texts


def nearest(typed: str, texts: Sequence[str]) -> str:
    """The word of the texts that fewest edits lead to: one for a short word, two for a longer one; else empty."""
    allowed = 2 if len(typed) >= TWO_EDITS else 1
    found: dict[str, int] = {}
    for text in texts:
        for word in dict.fromkeys(LETTERS.findall(text.lower())):
            if word not in found and could_be(typed, word, allowed):
                found[word] = edits(typed, word)
    best = min(found, key=lambda word: (found[word], word[0] != typed[0]), default="")
    return best if best and found[best] <= allowed else ""


def could_be(typed: str, word: str, allowed: int) -> bool:
    """Without counting: lengths and letters are near enough."""
    return abs(len(word) - len(typed)) <= allowed and len(set(word) ^ set(typed)) <= 2 * allowed


def edits(one: str, other: str) -> int:
    """Letters left out, put in, exchanged, and neighbours swapped (optimal string alignment, Damerau 1964)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
