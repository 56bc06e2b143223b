"""Finished blocks: cut as early as it is safe, wherever the pieces of the text begin and end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import citing
from streaming.blocks import Blocks
from streaming.positions import length

CASES = {
    "One.\n\nTwo goes on": ["One.\n\n"],
    "One.\n\n": [],
    "1. a\n\n2. b\n\nAfter the list": ["1. a\n\n2. b\n\n"],
    "- a\n\n  more of a\n\nAfter the list": ["- a\n\n  more of a\n\n"],
    "```\na\n\nb\n```\n\nAfter the code": ["```\na\n\nb\n```\n\n"],
    "````\n```\n\nstill code": [],
    "Text\n\n1. a list of its own": ["Text\n\n"],
    "🚀 first\n\n\nSecond of them\n\nThird of them": ["🚀 first\n\n\n", "Second of them\n\n"],
    "\n\nLeading blank lines\n\nmore text here": ["\n\nLeading blank lines\n\n"],
}


def parts(text: str, ends: list[int]) -> list[str]:
    units = text.encode("utf-16-le")
    return [units[2 * start : 2 * end].decode("utf-16-le") for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(("text", "blocks"), CASES.items())
def test_a_block_ends_where_nothing_later_can_change_it(text: str, blocks: list[str]) -> None:
    assert parts(text, Blocks(text).ends) == blocks


@given(
    st.lists(st.sampled_from(["One.", "\n", "\n\n", "1. a", "- b", "```", "  x", "🚀", "⟦1⟧", "And more text. "])),
    st.data(),
)
def test_pieces_of_any_size_give_the_same_blocks(words: list[str], data: st.DataObject) -> None:
    text = "".join(words)
    whole = Blocks(text)
    pieces = Blocks()
    at = 0
    while at < len(text):
        size = data.draw(st.integers(1, 7))
        pieces.add(text[at : at + size])
        at += size
    assert pieces.ends == whole.ends
    assert all(end <= length(text) for end in whole.ends)


def test_blocks_rendered_apart_read_as_the_text_rendered_whole() -> None:
    text = "First **bold**.⟦1⟧\n\n1. a\n\n2. b⟦1⟧\n\n```\ncode\n\nmore\n```\n\nLast words of it.⟦1⟧\n\nEnd of the text."
    cut = parts(text, Blocks(text).ends)
    assert len(cut) == 4
    apart = "".join(citing.block(part, ((1, "A title"),)) for part in cut)
    whole = citing.block("".join(cut), ((1, "A title"),))
    assert apart == whole
