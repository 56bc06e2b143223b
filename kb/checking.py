"""Whether a sentence is supported by the passages it cites: rules on facts first, then on shared words. Pure.

Numbers, quantities, dates, names (codes, versions, flags, files), addresses and negation of the sentence must be in the
passages. Whether it means the same is not decided here.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kb.facts import ADDRESS, WORD_NUMBERS, Fact, facts_of, number_of, occurs
from kb.sentences import split

Verdict = Literal["supported", "weak", "unsupported"]

ALIGNED = 0.6  # share of a sentence's words in a clause from which on the clause is taken to say the same
SAME = 0.9  # ... in nearly the same words, so that even the number of negations must agree
TIGHT = 3  # words, facts aside, from which on a sentence can be told to be taken from one place
LOOSE = 1  # ... and up to which it says nothing but its facts, which then must stand together
SIDES = 3  # words around one that show which place it has in the passage
FEW = 0.4  # below this share of words in the passages, support is weak

COUNTED = re.compile(
    rf"(?<![\w.,])(?P<number>{'|'.join(WORD_NUMBERS)}|\d+(?:[.,]\d+)*)[ -](?P<noun>[a-z]{{3,}})", re.IGNORECASE
)
NEGATION = re.compile(
    r"\b(?:not(?! only)|never|no(?!\. ?\d)|none|neither|nor|without|cannot|nothing|nobody|unable|\w+n['’]t)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(
    r"[,;:()–—]\s*|\s+(?:and|but|or|because|until|unless|if|when|while|so|although|though|which|that)\s+", re.IGNORECASE
)
STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been but by can could do does for from had has have how if in into is it its "
        "may more most must of on or our should so such than that the their them then there these they this "
        "those to was we were what when where which who will with would you your not no never without cannot ",
    )
)
LIST_MARKER = re.compile(r"^\s*(?:(?:[-*+•]|\(?(?:\d{1,3}|[a-z])[.)])\s+|\d{1,2}[.)](?=[^\W\d]))")
CODE_SIGN = re.compile(r"[{}<>|=$\\/\[\]_;*+~^@#&:-]")
CODE_SHARE = 0.12  # of a line's characters that are signs, from which on it is code
WORD = re.compile(r"\w+")
MARKUP = re.compile(r"⟦\d+⟧|[`*]|^#+ ", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """What the rules say about a sentence, and why, in a sentence for people."""

    verdict: Verdict
    reason: str


def checked(sentence: str, passages: Sequence[str]) -> Check:
    """Check a sentence of an answer against the text of the passages it cites (title and headings may be in it)."""
    said, read = _clean(sentence), "\n".join(_clean(passage) for passage in passages)
    facts = list(facts_of(said))
    if not passages:
        verdict: Verdict = "unsupported" if facts else "weak"
        return Check(verdict, "No source is cited for this sentence.")
    if _verbatim(said, read):
        return Check("supported", "Quoted word for word.")
    if _is_code(said):
        return Check("unsupported", "This line is not in the cited passage as it stands here.")
    for fact in facts:
        if not occurs(fact, read):
            return Check("unsupported", f"The {fact.kind} “{fact.written}” is not in the cited passage.")
    if conflict := _mixed_up(said, facts, read) or _miscounted(said, read) or _denied(said, read):
        return Check("unsupported", conflict)
    return _worded(said, read)


def _is_code(said: str) -> bool:
    """Whether a line is code or a row of a table rather than a sentence: right to the letter, or wrong."""
    rest = "".join(ADDRESS.sub("", said).split()).replace("<>", "")
    if " | " in said:  # a row of a table
        return True
    return len(CODE_SIGN.findall(rest)) > CODE_SHARE * len(rest)


def _clean(text: str) -> str:
    return MARKUP.sub("", LIST_MARKER.sub("", text)).replace("’", "'").strip()


def _verbatim(said: str, read: str) -> bool:
    """Whether the sentence stands in the passage as a whole sentence or line, white space aside."""
    words = [re.escape(word) for word in said.split()]
    pattern = r"(?:^|[.!?:;|]|[-*+•]|\d[.)])[\"'“(]*\s*" + r"\s+".join(words) + r"(?![\w-]|[./]\w)"
    return bool(words) and re.search(pattern, read, re.MULTILINE) is not None


def _mixed_up(said: str, facts: Sequence[Fact], read: str) -> str:
    """A sentence in nearly the passage's own words must have the facts of that place, not those of another."""
    words = _words(_without(said, facts))
    if not facts or LOOSE < len(words) < TIGHT:
        return ""
    sentences = [read[span.start : span.end] for span in split(read)]
    alike = [one for one in sentences if len(words) <= LOOSE or len(words & _words(one)) >= SAME * len(words)]
    strangers = [_stranger(facts, sentence) for sentence in alike]
    if not strangers or None in strangers:
        return ""
    nearest = min((stranger for stranger in strangers if stranger), key=facts.index)
    return f"The cited passage does not say this with the {nearest.kind} “{nearest.written}”."


def _stranger(facts: Sequence[Fact], sentence: str) -> Fact | None:
    """A fact that a sentence does not have, or not so often."""
    return next((fact for fact in facts if not occurs(fact, sentence)), None) or _too_often(facts, sentence)


def _without(said: str, facts: Sequence[Fact]) -> str:
    for fact in facts:
        said = re.sub(re.escape(fact.written), " … ", said, flags=re.IGNORECASE)
    return said


def _too_often(facts: Sequence[Fact], sentence: str) -> Fact | None:
    """A fact that a sentence says more often than the one it is taken from."""
    there = Counter((fact.kind, fact.value) for fact in facts_of(sentence))
    here = Counter((fact.kind, fact.value) for fact in facts)
    return next((fact for fact in facts if here[fact.kind, fact.value] > max(1, there[fact.kind, fact.value])), None)


def _miscounted(said: str, read: str) -> str:
    """A counted noun with another number in the passage: "three days" against "four days"."""
    counts: dict[str, set[str]] = {}
    for match in COUNTED.finditer(read):
        counts.setdefault(_stem(match["noun"]), set()).add(_digits(match["number"]))
    for match in COUNTED.finditer(said):
        there = counts.get(_stem(match["noun"]))
        if there and _digits(match["number"]) not in there:
            return f"The number in “{match.group()}” is another one in the cited passage."
    return ""


def _digits(number: str) -> str:
    return WORD_NUMBERS.get(number.lower(), number_of(number))


def _denied(said: str, read: str) -> str:
    """The clause of the passage that says the same must be negated when the sentence is, and only then."""
    share, clause = _aligned(said, read)
    here, there = len(NEGATION.findall(said)), len(NEGATION.findall(clause))
    differs = here != there if share >= SAME else bool(here) != bool(there)
    if share < ALIGNED or not differs:
        return ""
    return (
        "The cited passage says this with a negation."
        if there > here
        else "The cited passage says this without the negation."
    )


def _aligned(said: str, read: str) -> tuple[float, str]:
    """The clause or sentence that holds most words of the sentence, the shorter one of equals, and their share."""
    words = _words(said)
    found: tuple[float, str] = (0.0, "")
    for span in split(read):
        sentence = read[span.start : span.end]
        for candidate in (sentence, *CLAUSE.split(sentence)):
            share = len(words & _words(candidate)) / max(1, len(words))
            if share > found[0] or (share == found[0] and len(candidate) < len(found[1])):
                found = share, candidate
    return found


def _worded(said: str, read: str) -> Check:
    words = _words(said)
    if words and len(words & _words(read)) / len(words) < FEW:
        return Check("weak", "Few of its words are in the cited passage.")
    if stranger := _replaced(said, read):
        return Check("weak", f"The cited passage says nearly this, but not “{stranger}”.")
    return Check("supported", "Its numbers, names and negations are in the cited passage.")


def _replaced(said: str, read: str) -> str:
    """The name that a sentence puts in the place of another, where both sides of it are the passage's own words.

    What is all a name (with a digit, or capitals inside) has one right place; a word with a capital where no sentence
    begins must not be somewhere else in the passage. Other words may be replaced, or one freely written sentence in six
    would be marked instead of one in fourteen, unless they are one letter off the word that stands there.
    """
    here, there = WORD.findall(said), WORD.findall(read.lower())
    low = [word.lower() for word in here]
    known = set(there)
    for place, word in enumerate(here):
        is_name = bool(re.search(r"\d", word)) or not (word.islower() or word.istitle())
        if low[place] in known and not is_name:
            continue
        instead = _between(there, low[max(0, place - 2) : place], low[place + 1 : place + 3])
        if any(one.startswith(low[place]) or low[place].startswith(one) for one in instead):
            continue
        is_free = not is_name and (word.islower() or place == 0)
        if any(_is_slip(low[place], one) for one in instead) if is_free else instead:
            return str(word)
    return ""


def _is_slip(word: str, other: str) -> bool:
    """Whether two words differ in one letter."""
    return len(word) == len(other) and sum(a != b for a, b in zip(word, other, strict=True)) == 1


def _between(words: Sequence[str], before: Sequence[str], after: Sequence[str]) -> set[str]:
    """The words that stand between these, of which there must be SIDES, or one fewer at the beginning."""
    if len(before) + len(after) < (SIDES if before else SIDES - 1):
        return set()
    first, width = len(before), len(before) + 1 + len(after)
    return {
        words[place + first]
        for place in range(len(words) - width + 1)
        if words[place + first + 1 : place + width] == after and words[place : place + first] == before
    }


def _words(text: str) -> set[str]:
    return {_stem(word) for word in re.findall(r"[^\W\d_]{2,}", text.lower()) if word not in STOP}


def _stem(word: str) -> str:
    """Enough of a stem to compare: publishes, published, publishing → publish."""
    word = word.lower()
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
