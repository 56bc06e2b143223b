"""Facts of a text: what must be right to the letter. Addresses, dates, quantities, numbers and exact names. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kb.identifiers import identifiers

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
        "character characters", "word words",
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


@dataclass(frozen=True)
class Fact:
    """Something in a text that must be right to the letter: its kind for people, as written, and normalised."""

    kind: Literal["address", "date", "quantity", "name", "number"]
    written: str
    value: tuple[str, ...]


def facts_of(text: str) -> Iterator[Fact]:
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
        yield Fact("number", match.group(), (number_of(match.group()),))
    for name in identifiers(PLAIN_NUMBER.sub(" … ", text)):
        yield Fact("name", name, (name,))


def occurs(fact: Fact, read: str) -> bool:
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
    number = number_of(number)
    try:
        return float(number)
    except ValueError:
        return number


def number_of(text: str) -> str:
    text = text.replace("−", "-").removeprefix("+")
    return text.replace(",", "") if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text) else text


def _has_quantity(wanted: tuple[str, ...], read: str) -> bool:
    """The same amount with the same unit, or with none (a table names its units in the header)."""
    if any(_quantity(found) == wanted for found in QUANTITY.finditer(read)):
        return True
    bare = QUANTITY.sub(" … ", read)
    return wanted[0] in {str(_amount(number)) for number in _numbers(bare)}


def _numbers(read: str) -> set[str]:
    found = {number_of(match.group()) for match in ANY_NUMBER.finditer(read)}
    return found | {WORD_NUMBERS[word] for word in re.findall(r"[a-z]+", read.lower()) if word in WORD_NUMBERS}


def _has_name(name: str, read: str) -> bool:
    """A code, file, flag or version, in any case, not inside a longer one; a version with or without its v."""
    if re.fullmatch(r"v\d[\d.]*", name):
        name = name[1:]
    edge = r"(?<![^\W_])" if name[0].isdigit() else r"(?<!\w)"
    return re.search(rf"(?:{edge}|(?<=\bv)){re.escape(name)}(?!\w|[.-]\d)", read.lower()) is not None
