"""Whether a sentence is supported by the passages it cites: rules on facts first, then on shared words. Pure.

Numbers, quantities, dates, names (codes, versions, flags, files), addresses and negation of the sentence must be in the
passages. Whether it means the same is not decided here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kb.identifiers import identifiers
from kb.sentences import split

Verdict = Literal["supported", "weak", "unsupported"]

ALIGNED = 0.6  # share of a sentence's words in a clause from which on the clause is taken to say the same
SAME = 0.9  # ... in nearly the same words, so that even the number of negations must agree
FEW = 0.4  # below this share of words in the passages, support is weak

ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"']+|[\w.+-]+@[\w-]+\.[\w.-]*\w")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MONTH = (
    "|".join(name[:3] + (f"(?:{name[3:]})?" if name[3:] else "") for name in (m.capitalize() for m in MONTHS)) + "|Sept"
)
DATE = re.compile(
    rf"\b(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})\b"
    rf"|\b(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month2>{MONTH})\b\.?(?:,? (?P<year2>\d{{4}})\b)?"
    rf"|\b(?P<month3>{MONTH})\b\.? (?P<day3>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year3>\d{{4}})\b)?"
    rf"|\b(?P<month4>{MONTH}) (?P<year4>\d{{4}})\b"
)
UNITS = {
    alias: names.split()[0]
    for names in (
        "% percent", "s sec secs second seconds", "ms millisecond milliseconds", "min mins minute minutes",
        "h hr hrs hour hours", "day days", "week weeks", "month months", "year years",
        "b byte bytes", "kb kilobyte kilobytes", "mb megabyte megabytes", "gb gigabyte gigabytes",
        "tb terabyte terabytes", "kib", "mib", "gib", "bit bits", "px pixel pixels",
        "mm millimetre millimetres millimeter millimeters",
        "cm centimetre centimetres centimeter centimeters", "m metre metres meter meters",
        "km kilometre kilometres kilometer kilometers", "in inch inches", "ft foot feet", "g gram grams",
        "kg kilogram kilograms", "lb lbs pound pounds", "mv", "v volt volts", "ma", "a amp amps ampere amperes",
        "mah", "mw", "w watt watts", "kw", "hz", "khz", "mhz", "ghz", "°c", "°f", "°", "am", "pm", "x",
        "$ usd dollar dollars", "€ eur euro euros", "£ gbp",
    )
    for alias in names.split()
}  # fmt: skip
NUMBER = r"[-−+]?\d+(?:[.,]\d+)*"
_UNIT = "|".join(sorted((re.escape(alias) for alias in UNITS), key=len, reverse=True))
QUANTITY = re.compile(
    rf"(?<![\w.,])(?:(?P<sign>[$€£]) ?(?P<price>{NUMBER})|(?P<value>{NUMBER})"
    rf"(?!(?-i:[ -](?:in|a|x)\b))[ \u00a0-]?(?P<unit>{_UNIT})(?!\w))",  # "5 in a row" is no length
    re.IGNORECASE,
)
PLAIN_NUMBER = re.compile(rf"(?<![\w.,/:-]){NUMBER}(?![\w/:]|-\w)")
ANY_NUMBER = re.compile(r"(?<![\w])(?<!\d[.,])\d+(?:[.,]\d+)*")
WORD_NUMBERS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
    "twenty": "20", "thirty": "30", "sixty": "60", "ninety": "90", "hundred": "100",
}  # fmt: skip
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
MARKUP = re.compile(r"⟦\d+⟧|[`*]|^#+ ", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """What the rules say about a sentence, and why, in a sentence for people."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Fact:
    """Something in a text that must be right to the letter: its kind for people, as written, and normalised."""

    kind: Literal["address", "date", "quantity", "name", "number"]
    written: str
    value: tuple[str, ...]


def checked(sentence: str, passages: Sequence[str]) -> Check:
    """Check a sentence of an answer against the text of the passages it cites (title and headings may be in it)."""
    said, read = _clean(sentence), "\n".join(_clean(passage) for passage in passages)
    facts = list(_facts(said))
    if not passages:
        verdict: Verdict = "unsupported" if facts else "weak"
        return Check(verdict, "No source is cited for this sentence.")
    if _verbatim(said, read):
        return Check("supported", "Quoted word for word.")
    for fact in facts:
        if not _occurs(fact, read):
            return Check("unsupported", f"The {fact.kind} “{fact.written}” is not in the cited passage.")
    if conflict := _mixed_up(said, facts, read) or _miscounted(said, read) or _denied(said, read):
        return Check("unsupported", conflict)
    return _worded(said, read)


def _clean(text: str) -> str:
    return MARKUP.sub("", LIST_MARKER.sub("", text)).replace("’", "'").strip()


def _verbatim(said: str, read: str) -> bool:
    """Whether the sentence stands in the passage as a whole sentence or line, white space aside."""
    words = [re.escape(word) for word in said.split()]
    pattern = r"(?:^|[.!?:;|]|[-*+•]|\d[.)])[\"'“(]*\s*" + r"\s+".join(words) + r"(?!\w)"
    return bool(words) and re.search(pattern, read, re.MULTILINE) is not None


def _facts(text: str) -> Iterator[Fact]:
    """The facts of a text; what one pattern has taken, the next does not see."""
    for match in ADDRESS.finditer(text):
        yield Fact("address", match.group().rstrip(".,;:!?)]"), (_address(match.group()),))
    text = ADDRESS.sub(" … ", text)
    for match in DATE.finditer(text):
        yield Fact("date", match.group(), _date(match))
    text = DATE.sub(" … ", text)
    for match in QUANTITY.finditer(text):
        yield Fact("quantity", match.group().strip(), _quantity(match))
    text = QUANTITY.sub(" … ", text)
    for match in PLAIN_NUMBER.finditer(text):
        yield Fact("number", match.group(), (_number(match.group()),))
    for name in identifiers(PLAIN_NUMBER.sub(" … ", text)):
        yield Fact("name", name, (name,))


def _occurs(fact: Fact, read: str) -> bool:
    match fact.kind:
        case "address":
            return any(_address(found.group()) == fact.value[0] for found in ADDRESS.finditer(read))
        case "date":
            return any(_includes(_date(found), fact.value) for found in DATE.finditer(read))
        case "quantity":
            return _has_quantity(fact.value, read)
        case "number":
            return fact.value[0].lstrip("-+") in _numbers(read)
        case "name":
            return _has_name(fact.value[0], read)


def _address(text: str) -> str:
    return text.rstrip(".,;:!?)]/").casefold().removeprefix("https://").removeprefix("http://").removeprefix("www.")


def _date(match: re.Match[str]) -> tuple[str, ...]:
    """(year, month, day), each a number or empty."""
    parts: dict[str, str] = {}
    for name, value in match.groupdict().items():
        if value:
            parts[name.rstrip("234")] = value
    month = parts["month"]
    if not month.isdigit():
        month = str(next(place for place, name in enumerate(MONTHS, 1) if name.startswith(month[:3].lower())))
    return parts.get("year", ""), month.lstrip("0"), parts.get("day", "").lstrip("0")


def _includes(found: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a date says at least what another says: 5 March 2026 includes 5 March, and March 2026."""
    return all(not want or want == have for have, want in zip(found, wanted, strict=True))


def _quantity(match: re.Match[str]) -> tuple[str, ...]:
    unit = UNITS[(match["sign"] or match["unit"]).lower()]
    return str(_amount(match["price"] or match["value"])), unit


def _amount(number: str) -> float | str:
    """5, 5.0 and 5,000 as amounts; what is no decimal number (1.2.3) stays as written."""
    number = _number(number)
    try:
        return float(number)
    except ValueError:
        return number


def _number(text: str) -> str:
    text = text.replace("−", "-").removeprefix("+")
    return text.replace(",", "") if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text) else text


def _has_quantity(wanted: tuple[str, ...], read: str) -> bool:
    """The same amount with the same unit, or with none (a table names its units in the header)."""
    if any(_quantity(found) == wanted for found in QUANTITY.finditer(read)):
        return True
    bare = QUANTITY.sub(" … ", read)
    return wanted[0] in {str(_amount(number)) for number in _numbers(bare)}


def _numbers(read: str) -> set[str]:
    found = {_number(match.group()) for match in ANY_NUMBER.finditer(read)}
    return found | {WORD_NUMBERS[word] for word in re.findall(r"[a-z]+", read.lower()) if word in WORD_NUMBERS}


def _has_name(name: str, read: str) -> bool:
    """A code, file, flag or version, in any case, not inside a longer one; a version with or without its v."""
    if re.fullmatch(r"v\d[\d.]*", name):
        name = name[1:]
    edge = r"(?<![^\W_])" if name[0].isdigit() else r"(?<!\w)"
    return re.search(rf"(?:{edge}|(?<=\bv)){re.escape(name)}(?!\w|[.-]\d)", read.lower()) is not None


def _mixed_up(said: str, facts: Sequence[Fact], read: str) -> str:
    """A sentence in nearly the passage's own words must have the facts of that place, not those of another."""
    words = _words(said)
    sentences = [read[span.start : span.end] for span in split(read)] if words and facts else []
    alike = [sentence for sentence in sentences if len(words & _words(sentence)) >= SAME * len(words)]
    strangers = [next((fact for fact in facts if not _occurs(fact, sentence)), None) for sentence in alike]
    if not strangers or None in strangers:
        return ""
    return (
        f"The cited passage does not say this with the {strangers[0].kind} “{strangers[0].written}”."
        if strangers[0]
        else ""
    )


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
    return WORD_NUMBERS.get(number.lower(), _number(number))


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
    return Check("supported", "Its numbers, names and negations are in the cited passage.")


def _words(text: str) -> set[str]:
    return {_stem(word) for word in re.findall(r"[^\W\d_]{2,}", text.lower()) if word not in STOP}


def _stem(word: str) -> str:
    """Enough of a stem to compare: publishes, published, publishing → publish."""
    word = word.lower()
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
