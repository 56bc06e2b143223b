"""How an article is cut into pieces."""

import random
import re
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.chunking import Piece, chunk
from kb.markdown import Block, blocks
from tests.text.sources import ARTICLE, documents, tried


def count(text: str) -> int:
    """A stand-in for wordpieces: words, and each other sign."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def pieces(source: str, *, title: str = "Title", limit: int = 40, overlap: int = 0) -> list[Piece]:
    return chunk(title, blocks(source), count=count, limit=limit, overlap=overlap)


def prose(sentences: int, *, start: int = 0) -> str:
    return " ".join(f"Sentence number {n} says something." for n in range(start, start + sentences))


def test_a_short_article_is_one_piece_under_its_title() -> None:
    assert pieces("Press it.\n\n- one\n- two") == [Piece((), "", "Title\n", "Press it.\n- one\n- two", (1, 3, 4))]


def test_an_article_without_text_is_one_piece_with_its_title() -> None:
    assert pieces("") == [Piece((), "", "", "Title", (1,))]


def test_a_piece_never_crosses_a_heading() -> None:
    found = pieces("a\n\n## B\n\nc\n\n### D\n\ne\n\n## B\n\nf")
    assert [(piece.lead, piece.anchor, piece.body) for piece in found] == [
        ("Title\n", "", "a"),
        ("Title > B\n", "s-b", "c"),
        ("Title > B > D\n", "s-d", "e"),
        ("Title > B\n", "s-b-2", "f"),
    ]


def test_a_long_paragraph_is_cut_at_the_ends_of_sentences() -> None:
    found = pieces(prose(20))
    assert len(found) > 2
    assert all(piece.body.endswith(".") and piece.body.startswith("Sentence") for piece in found)
    assert " ".join(piece.body for piece in found) == prose(20)
    assert all(piece.lines == (1,) for piece in found)


def test_overlap_repeats_whole_sentences_within_a_section() -> None:
    found = pieces(f"{prose(9)}\n\n## Next\n\n{prose(2, start=50)}", overlap=8)
    first, second, *_, last = found
    repeated = re.findall(r"Sentence number \d+ says something\.", first.body)[-1]
    assert second.body.startswith(repeated)
    assert last.body == prose(2, start=50)
    assert all(count(piece.lead + piece.body) <= 40 for piece in found)


def test_a_table_is_cut_between_rows_and_repeats_its_header() -> None:
    rows = "\n".join(f"| row {n} | value {n} |" for n in range(20))
    found = pieces(f"| Name | Value |\n|---|---|\n{rows}")
    assert len(found) > 2
    for piece in found:
        header, *others = piece.body.split("\n")
        assert (header, piece.lines[0]) == ("Name | Value", 1)
        assert all(re.fullmatch(r"row (\d+) \| value \1", row) for row in others)
        assert [int(re.findall(r"\d+", row)[0]) + 3 for row in others] == list(piece.lines[1:])


def test_a_listing_is_cut_between_lines_and_stands_between_fences() -> None:
    code = "\n".join(f"    call_number({n})" if n % 2 else f"if {n}:" for n in range(20))
    found = pieces(f"```python\n{code}\n```")
    assert len(found) > 2
    for piece in found:
        first, *lines, last = piece.body.split("\n")
        assert (first, last) == ("```python", "```")
        assert all(line in code.split("\n") for line in lines)
    assert [line for piece in found for line in piece.body.split("\n")[1:-1]] == code.split("\n")


def test_a_listing_with_fences_in_it_gets_longer_ones() -> None:
    assert pieces("~~~md\n```\na\n```\n~~~")[0].body == "````md\n```\na\n```\n````"


def test_a_list_is_cut_between_items_and_keeps_what_is_nested_together() -> None:
    items = "\n".join(f"- item {n} has words\n  - nested {n} has words" for n in range(12))
    found = pieces(items)
    assert len(found) > 2
    assert all(piece.body.startswith("- item") and "nested" in piece.body.split("\n")[-1] for piece in found)


def test_no_piece_ends_with_the_words_that_announce_the_next() -> None:
    for start in range(20):
        found = pieces(f"{prose(4, start=start)}\n\nDo this:\n\n- {prose(2)}\n- {prose(2)}")
        assert [piece.body.split("\n")[0] for piece in found] == [prose(4, start=start), "Do this:"]


def test_a_word_longer_than_a_piece_is_cut_too() -> None:
    found = chunk("T", blocks("字" * 500), count=len, limit=100, overlap=0)
    assert "".join(piece.body for piece in found) == "字" * 500
    assert all(len(piece.lead + piece.body) <= 100 for piece in found)


def test_a_very_long_title_leaves_room_for_the_text() -> None:
    found = pieces(prose(10), title="Word " * 100)
    assert all(count(piece.lead + piece.body) <= 40 for piece in found)
    assert all(piece.lead.startswith("Word Word") for piece in found)


def edited(sections: Sequence[Block], seed: int) -> list[Block]:
    """A section with a paragraph inserted near its start."""
    chance = random.Random(seed)
    place = chance.randrange(len(sections) // 4)
    new = Block("paragraph", prose(chance.randint(1, 3), start=1000 + seed), (1,), (), "")
    return [*sections[:place], new, *sections[place:]]


def test_boundaries_stay_put_when_a_paragraph_is_inserted() -> None:
    chance = random.Random(7)
    section = [Block("paragraph", prose(chance.randint(1, 4), start=n * 10), (n,), (), "") for n in range(80)]
    before = Counter(piece.body for piece in chunk("T", section, count=count, limit=60, overlap=0))
    kept = total = 0
    for seed in range(20):
        after = Counter(piece.body for piece in chunk("T", edited(section, seed), count=count, limit=60, overlap=0))
        kept += (before & after).total()
        total += after.total()
    assert kept / total > 0.8  # filling every piece up keeps less than half


def test_cutting_is_fast_and_counts_each_text_only_a_few_times() -> None:
    counted: Counter[int] = Counter()

    def counting(text: str) -> int:
        counted["characters"] += len(text)  # type: ignore[index] # one key is enough
        return count(text)

    source = "\n\n".join(prose(40, start=n) for n in range(50))
    started = time.process_time()
    chunk("T", blocks(source), count=counting, limit=200, overlap=30)
    assert time.process_time() - started < 2
    assert counted["characters"] < 5 * len(source)  # type: ignore[index] # the same


@tried
@given(documents, st.integers(20, 80), st.sampled_from([0, 10]))
def test_no_text_is_lost_and_no_piece_is_too_long(source: str, limit: int, overlap: int) -> None:
    found = pieces(source, title="T", limit=limit, overlap=overlap)
    for piece in found:
        assert len(piece.lines) == len(piece.body.split("\n"))
        assert count(piece.lead + piece.body) <= limit
    for path, anchor in {(block.path, block.anchor) for block in blocks(source)}:
        here = [block.text for block in blocks(source) if (block.path, block.anchor) == (path, anchor)]
        cut = [piece.body for piece in found if (piece.path, piece.anchor) == (path, anchor)]
        assert not Counter("".join("".join(here).split())) - Counter("".join(cut))


@pytest.mark.parametrize("limit", [10, 25, 60, 200])
def test_every_line_of_a_piece_is_a_line_of_the_source(limit: int) -> None:
    source = ARTICLE.split("\n")
    for piece in pieces(ARTICLE, limit=limit):
        for text, number in zip(piece.body.split("\n"), piece.lines, strict=True):
            assert 1 <= number <= len(source)
            if not text.startswith(("`", "Image: ")) and "another" not in text:
                assert re.findall(r"\w+", text)[-1:] <= re.findall(r"\w+", source[number - 1])[-99:] or (
                    re.findall(r"\w+", text)[-1] in source[number - 1]
                )
