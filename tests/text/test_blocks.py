"""An article as plain blocks."""

import re
from html import unescape

from hypothesis import given

from kb.markdown import Block, blocks, render
from tests.text.sources import ARTICLE, documents, tried


def texts(source: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks(source)]


def test_an_article_falls_into_the_blocks_a_reader_sees() -> None:
    assert texts(ARTICLE) == [
        ("paragraph", "Some text with code and a link. Another sentence, e.g. this one."),
        ("list", "- one\n- two\n  - nested\n    with a paragraph\n- three"),
        ("list", "1. step\n2. step\n  `make run`"),
        ("table", "Name | Size\na | 1.5\nb | 2"),
        ("quote", "Quoted words.\n- and a list"),
        ("code", "def f():\n\n    return 1"),
        ("code", "indented code"),
        ("paragraph", "Image: A picture"),
        ("paragraph", "A note and .<br>"),
        ("list", "1. Explained here.\n2. another"),
    ]


def test_each_line_of_text_knows_its_line_in_the_source() -> None:
    source = ARTICLE.split("\n")
    for block in blocks(ARTICLE):
        for text, number in zip(block.text.split("\n"), block.lines, strict=True):
            words = re.findall(r"\w+", text.removeprefix("Image: "))
            assert not words or words[-1] in source[number - 1] or block.text.endswith("another")


def test_blocks_know_their_headings_and_anchor() -> None:
    found = {block.text: (block.path, block.anchor) for block in blocks("a\n\n## B\n\nc\n\n#### D\n\ne\n\n## F\n\ng")}
    assert found == {
        "a": ((), ""),
        "c": (("B",), "s-b"),
        "e": (("B", "D"), "s-d"),
        "g": (("F",), "s-f"),
    }


def test_notes_stand_at_the_end_under_no_heading() -> None:
    assert blocks("## A\n\nb[^1]\n\n[^1]: c\n\n## D\n\ne")[-1] == Block("list", "1. c", (5,), (), "")


def test_tables_and_listings_have_a_header() -> None:
    assert [block.header for block in blocks("| a | b |\n|--|--|\n| c | d |\n\n```sh x\ny\n```\n\nz")] == [
        "a | b",
        "sh",
        "",
    ]


def test_lists_keep_the_numbers_they_start_with() -> None:
    assert texts("3. a\n3. b\n   1. c\n\n   - d") == [("list", "3. a\n4. b\n  1. c\n  - d")]


def test_what_holds_no_text_is_no_block() -> None:
    assert blocks("---\n\n## Only a heading\n\n```\n\n```\n\n![](a.png)\n\n<!-- nothing -->\n\n***\n") == []


def test_a_listing_keeps_its_indentation_and_blank_lines() -> None:
    (block,) = blocks("```py\n\n  a\n\n    b  \n\n```")
    assert (block.text, block.lines) == ("  a\n\n    b", (3, 4, 5))


@tried
@given(documents)
def test_every_line_can_be_opened_on_the_page(source: str) -> None:
    ids = set(re.findall(r'\bid="b-(\d+)"', render(source).html))
    for block in blocks(source):
        assert len(block.lines) == len(block.text.split("\n"))
        assert {str(line) for line in block.lines} <= ids


@tried
@given(documents)
def test_blocks_hold_the_words_of_the_page(source: str) -> None:
    hidden = re.compile(r"<h\d.*?</h\d>|<sup>.*?</sup>|<figcaption>.*?</figcaption>|<[^>]*>", re.DOTALL)
    shown = unescape(hidden.sub(" ", render(source).html))
    read = " ".join(block.text for block in blocks(source))
    for word in re.findall(r"\w{4,}", shown):
        assert word in read


def test_code_inside_of_a_list_says_itself_that_it_is_code() -> None:
    [block] = blocks("1. Run it:\n\n   ```shell\n   run --all\n\n   `x`\n   ```\n\n2. Done.\n")
    assert block.text == "1. Run it:\n  `run --all`\n  `x`\n2. Done."
