"""Two texts side by side."""

import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.diffing import Part, Row, counted, rows
from tests.text.sources import tried


def shown(parts: Sequence[Part]) -> str:
    return "".join(f"[{part.text}]" if part.changed else part.text for part in parts)


def table(old: str, new: str, **options: int) -> list[tuple[str, str, str]]:
    return [(row.kind, shown(row.old), shown(row.new)) for row in rows(old, new, **options)]


def test_equal_texts_fold_into_one_row() -> None:
    assert rows("a\nb\nc", "a\nb\nc") == [Row("fold", 1, 1, folded=3)]
    assert rows("", "") == []


def test_a_changed_line_shows_its_changed_words() -> None:
    assert table("Press the red button.", "Press the green button now.") == [
        ("changed", "Press the [red] button.", "Press the [green] button[ now].")
    ]


def test_a_changed_line_can_be_read_as_one_with_what_was_removed_first() -> None:
    [row] = rows("Press the red button.", "Press the green button now.")
    assert row.inline == [
        ("same", "Press the "),
        ("removed", "red"),
        ("added", "green"),
        ("same", " button"),
        ("added", " now"),
        ("same", "."),
    ]


@given(st.text("ab c\n", max_size=40), st.text("ab c\n", max_size=40))
def test_reading_lines_as_one_loses_nothing(old: str, new: str) -> None:
    for row in rows(old, new):
        for side, other in ((row.old, "added"), (row.new, "removed")):
            assert "".join(part.text for part in side) == "".join(text for kind, text in row.inline if kind != other)


def test_words_are_counted_wherever_they_stand() -> None:
    assert counted("one two three", "three one four four") == (2, 1)
    assert counted("", "a b") == (2, 0)


def test_words_changed_in_a_row_are_one_change() -> None:
    assert table("It takes two days here.", "It takes about an hour here.")[0][1:] == (
        "It takes [two days] here.",
        "It takes [about an hour] here.",
    )


def test_lines_are_paired_by_likeness_not_by_place() -> None:
    assert table("one two three\nfour five six", "zero\nfour five seven\none") == [
        ("removed", "[one two three]", ""),
        ("added", "", "[zero]"),
        ("changed", "four five [six]", "four five [seven]"),
        ("added", "", "[one]"),
    ]


def test_both_sides_keep_their_line_numbers() -> None:
    assert [(row.kind, row.old_number, row.new_number) for row in rows("a\nb\nc", "a\nx y\nb\nd e")] == [
        ("same", 1, 1),
        ("added", None, 2),
        ("same", 2, 3),
        ("removed", 3, None),
        ("added", None, 4),
    ]


def test_unchanged_lines_far_from_a_change_are_folded() -> None:
    lines = [f"line {n}" for n in range(20)]
    changed = [*lines[:10], "line ten", *lines[11:]]
    found = rows("\n".join(lines), "\n".join(changed))
    assert [row.kind for row in found] == ["fold", *["same"] * 3, "changed", *["same"] * 3, "fold"]
    assert (found[0].folded, found[0].old_number, found[-1].folded, found[-1].new_number) == (7, 1, 6, 15)


def test_one_line_alone_is_not_folded() -> None:
    assert table("a\nb", "a\nc", context=0)[0] == ("same", "a", "a")


def test_markup_in_a_text_stays_text() -> None:
    assert shown(rows("a <b>c</b>", "a <i>c</i>")[0].new) == "a <[i]>c</[i]>"


@tried
@given(*[st.lists(st.sampled_from(["a b", "a c", "b", "", "  ", "}", "x y z", "x y w"]), max_size=12)] * 2)
def test_both_texts_can_be_read_from_the_rows(old: list[str], new: list[str]) -> None:
    found = rows("\n".join(old), "\n".join(new), context=100)
    for side, number, lines in (("old", "old_number", old), ("new", "new_number", new)):
        read = [
            ("".join(p.text for p in getattr(row, side)), getattr(row, number)) for row in found if row.kind != "fold"
        ]
        read = [(text, place) for text, place in read if place is not None]
        assert [place for _, place in read] == list(range(1, len(read) + 1))
        if not any(row.kind == "fold" for row in found):
            expected = "\n".join(lines).split("\n")
            assert [text for text, _ in read] == (expected[:-1] if expected[-1] == "" else expected)
    for row in found:
        if row.kind == "same":
            assert row.old == row.new


def text(lines: int, *, words: int = 12, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(f"word{chance.randrange(2000)}" for _ in range(words)) for _ in range(lines)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (text(3000), [f"{line} more" for line in text(3000)]),
        (text(3000), text(3000, seed=2)),
        ([y for line in text(1500) for y in (line, "")], [y for line in text(1500) for y in (f"{line} more", "")]),
        (text(3000), [line if place % 2 else f"new {line}" for place, line in enumerate(text(3000))]),
        (["}"] * 3000, ["}", "x"] * 1500),
        (["", "}", "|"] * 1000, ["}", "", "-"] * 1000),
        (text(1, words=5000), [" ".join(text(1, words=5000)[0].split()[::2])]),
        (["the a " * 3000], ["a the b " * 2000]),
    ],
    ids=["edited", "rewritten", "paragraphs", "alternating", "braces", "blanks", "long", "repetitive"],
)
def test_long_texts_are_compared_in_less_than_a_second(old: list[str], new: list[str]) -> None:
    started = time.process_time()
    rows("\n".join(old), "\n".join(new))
    assert time.process_time() - started < 1


def test_every_line_of_a_long_edited_text_stands_beside_its_old_self() -> None:
    found = rows("\n".join(text(3000)), "\n".join(f"{line} more" for line in text(3000)))
    assert {row.kind for row in found} == {"changed"}
