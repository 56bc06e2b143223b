"""Positions count UTF-16 units, as browsers do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.positions import Text, length

MIXED = "Zürich 🚀 日本 👩‍👩‍👧 ⟦1⟧ end"


def in_browser(text: str, start: int) -> str:
    """What `text.slice(start)` gives in a browser."""
    return text.encode("utf-16-le")[2 * start :].decode("utf-16-le")


def test_a_rocket_counts_two() -> None:
    assert length("a🚀b") == 4
    assert len(Text("a🚀b")) == 4


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), st.integers(0, 50))
def test_every_cut_gives_the_rest_and_where_it_begins(text: str, at: int) -> None:
    start, rest = Text(text).since(at)
    assert in_browser(text, start) == rest
    assert min(at, length(text)) - start in (0, 1)


def test_a_position_inside_a_character_moves_to_its_start() -> None:
    assert Text("a🚀b").since(2) == (1, "🚀b")


def test_a_position_behind_the_end_gives_nothing() -> None:
    assert Text("abc").since(99) == (3, "")


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_text_that_grows_in_pieces_is_the_whole_text(size: int) -> None:
    text = Text()
    for start in range(0, len(MIXED), size):
        text.add(MIXED[start : start + size])
    assert str(text) == MIXED


def test_a_lone_surrogate_becomes_a_question_mark_of_the_same_length() -> None:
    text = Text("a")
    text.add("\ud83d")
    text.add("b")
    assert str(text) == "a?b"
    assert len(text) == 3
