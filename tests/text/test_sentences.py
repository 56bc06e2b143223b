"""Where sentences begin and end."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.sentences import Span, split
from tests.text.sources import tried


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Open it. Close it! Is it shut? Yes.", ["Open it.", "Close it!", "Is it shut?", "Yes."]),
        ("Edit app.conf. Then restart.", ["Edit app.conf.", "Then restart."]),
        ("Version 1.2.3 is out. It needs 3.5 MB.", ["Version 1.2.3 is out.", "It needs 3.5 MB."]),
        ("See https://example.org/a.b?c=d. Then go on.", ["See https://example.org/a.b?c=d.", "Then go on."]),
        ("Take a browser, e.g. Firefox, i.e. A good one.", ["Take a browser, e.g. Firefox, i.e. A good one."]),
        ("Ask Dr. No. 5 about it, vs. Mr. Smith.", ["Ask Dr. No. 5 about it, vs. Mr. Smith."]),
        ("Can I? No. You cannot.", ["Can I?", "No.", "You cannot."]),
        ("See No. 5 and fig. 3. Then stop.", ["See No. 5 and fig. 3.", "Then stop."]),
        ("Use release 2. Then update.", ["Use release 2.", "Then update."]),
        ("1. Open it. 2. Close it.", ["1. Open it.", "2. Close it."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("(Not yet.) Wait. “Now!” Go.", ["(Not yet.)", "Wait.", "“Now!”", "Go."]),
        ("It failed... and then it worked.", ["It failed... and then it worked."]),
        ("Charge it. iPhones charge fast.", ["Charge it.", "iPhones charge fast."]),
        ("Run `Open it. Close it.` Then stop.", ["Run `Open it. Close it.` Then stop."]),
        ("J. Smith of the U.S. Army wrote it.", ["J. Smith of the U.S. Army wrote it."]),
        ("Note: Do this first.", ["Note: Do this first."]),
        ("There are three ways to do it: Open the menu.", ["There are three ways to do it:", "Open the menu."]),
        ("It takes this many seconds to do: 30", ["It takes this many seconds to do: 30"]),
        ("It is ready.⟦1⟧⟦2⟧ Press Start⟦3⟧. Done.", ["It is ready.⟦1⟧⟦2⟧", "Press Start⟦3⟧.", "Done."]),
        ("第一句。第二句！End", ["第一句。", "第二句！", "End"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_text_is_cut_where_a_reader_would_pause(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_each_line_of_a_list_a_table_or_a_listing_is_a_unit() -> None:
    assert sentences("- one\n  - two. Three\n\ncell | 3.5\n    return x") == [
        "- one",
        "- two.",
        "Three",
        "cell | 3.5",
        "return x",
    ]


def test_spans_are_places_in_the_text() -> None:
    assert split("  A b.  C.\n d ") == [Span(2, 6), Span(8, 10), Span(12, 13)]


@tried
@given(st.text() | st.text(alphabet="aA1.!?:… \n`\"')(⟦⟧。*_é"))
def test_spans_cover_everything_but_space_in_order(text: str) -> None:
    spans = split(text)
    end = 0
    for span in spans:
        assert end <= span.start < span.end
        assert not text[end : span.start].strip()
        assert text[span.start : span.end] == text[span.start : span.end].strip()
        assert "\n" not in text[span.start : span.end]
        end = span.end
    assert not text[end:].strip()


@pytest.mark.parametrize("part", [".", ". ", "`", "a. A", '."', "A. ", "A b c d e: ", "。", "(1). ", "1. ", "⟦1⟧"])
def test_time_stays_linear_on_hostile_text(part: str) -> None:
    text = part * (100_000 // len(part))
    started = time.process_time()
    split(text)
    assert time.process_time() - started < 2
