"""Quoting: what is chosen, that every word of it is the source's, and how it is written."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pytest_django import Settings

from kb.errors import ProviderError
from kb.generation import Cite, Text, Usage
from kb.grounding import ESCAPE, Prompt, Source, assemble
from kb.providers.quotation import escape, lines_of, markdown, units_of, whole, window
from kb.providers.quoting import QuotingGenerator
from tests.generation.conftest import INDEX, RESTORE, collect, make_source, prompt, written

pytestmark = [pytest.mark.usefixtures("real_embedder"), pytest.mark.django_db(transaction=True)]

PLANS = """\
Choose a plan that fits the size of your team and its needs.
Plan | Price | Seats
Solo | $5 | 1
Team | $20 | 10
You can change it at any time from the billing page of your account."""
LONG = "Do these:\n" + "\n".join(
    f"{n}. Step number {n} of the procedure, told in a whole sentence of ten words." for n in range(1, 16)
)
CODED = "1. Run it:\n  `run --all -x`\n2. It says `done` then."
NESTED = "- Outer item with some words\n  - inner item\n  goes on here\n- Second"


@pytest.fixture(autouse=True)
def at_once(settings: Settings) -> None:
    settings.QUOTING_PACE = 0.0


def quoted(source: Source, first: int, last: int) -> str:
    lines = whole(lines_of(source), range(first, last))
    return written(list(markdown(source, lines)))


async def test_a_procedure_is_quoted_whole_with_its_introduction() -> None:
    text = written(await collect(QuotingGenerator().stream(prompt("How do I restore an older version?"))))
    for line in RESTORE.splitlines()[1:5]:
        assert f"{line}⟦1⟧" in text
    html = MarkdownIt().render(text)
    assert html.count("<li>") == 3


@pytest.mark.parametrize(("question", "steps"), [("How do I restore an old version?", True), ("Is it kept?", False)])
async def test_who_asks_how_gets_the_steps_and_not_the_words_before_them(question: str, steps: bool) -> None:
    text = "Every save of an article is kept. You can restore an old version of any of them, however old it is."
    before = make_source(text, number=1)
    after = replace(make_source(RESTORE, number=2), article_id=1)
    text = written(await collect(QuotingGenerator().stream(Prompt(question, (before, after)))))
    assert text.startswith("Every save") is not steps


async def test_words_come_a_few_at_a_time_and_usage_comes_last() -> None:
    *deltas, last = await collect(QuotingGenerator().stream(prompt("How do I restore an older version?")))
    assert last == Usage("quoting", 0, 0, 0, 0, "end_turn")
    pieces = [delta.text for delta in deltas if isinstance(delta, Text)]
    assert len(pieces) > 10
    assert max(len(piece.split()) for piece in pieces) <= 3


async def test_the_pace_is_a_setting(settings: Settings) -> None:
    settings.QUOTING_PACE = 0.01
    started = time.perf_counter()
    deltas = await collect(QuotingGenerator().stream(prompt("How do I restore an older version?")))
    assert time.perf_counter() - started > 0.01 * len([delta for delta in deltas if isinstance(delta, Text)])


async def test_each_citation_names_the_sentence_before_it() -> None:
    asked = prompt("How long does the index take after publishing?")
    said = ""
    for delta in await collect(QuotingGenerator().stream(asked)):
        if isinstance(delta, Text):
            said += delta.text
        elif isinstance(delta, Cite):
            last = asked.sources[delta.source - 1].sentences[delta.end - 1]
            assert ESCAPE.sub(r"\1", said).rstrip("\n").endswith(last.text)
    assert "After publishing, the index follows in about 2 seconds." in said


async def test_the_source_that_answers_is_quoted_even_when_it_ranks_second() -> None:
    text = written(await collect(QuotingGenerator().stream(prompt("How far is the index, and how do I see it?"))))
    assert "```shell\npython manage.py index_status --json\n```\n⟦2⟧" in text


async def test_a_source_that_repeats_the_first_is_cited_beside_it_and_not_quoted_again() -> None:
    asked = Prompt("How do I restore an older version?", (make_source(RESTORE), make_source(RESTORE, number=2)))
    text = written(await collect(QuotingGenerator().stream(asked)))
    assert "⟦1⟧⟦2⟧" in text
    assert text.count("3. Press Restore") == 1


async def test_of_an_article_clearly_behind_less_is_quoted() -> None:
    first, second = prompt("How do I restore an older version?").sources
    marks = []
    for behind in (0.1, 0.3):
        asked = Prompt("How do I restore an older version?", (first, replace(second, score=first.score - behind)))
        marks.append(written(await collect(QuotingGenerator().stream(asked))).count("⟦2⟧"))
    assert marks[0] > marks[1] > 0


async def test_an_article_far_behind_is_not_quoted() -> None:
    first, second = prompt("How do I restore an older version?").sources
    asked = Prompt("How do I restore an older version?", (first, replace(second, score=0.45)))
    assert "⟦2⟧" not in written(await collect(QuotingGenerator().stream(asked)))


async def test_a_list_of_links_is_not_quoted_where_there_is_text() -> None:
    contents = (
        "In this article:\n- Change the password\n- Choose a new password\n- When the password is lost\n\n"
        "A password is changed on the page of your account, where the old one is asked for first."
    )
    asked = Prompt("How do I change the password?", (make_source(contents, title="Passwords", path=()),))
    text = written(await collect(QuotingGenerator().stream(asked)))
    assert text.startswith("A password is changed")


async def test_sources_without_text_cannot_be_quoted() -> None:
    with pytest.raises(ProviderError, match="The sources hold no text") as caught:
        await collect(QuotingGenerator().stream(Prompt("Anything?", (make_source("\n"),))))
    assert not caught.value.temporary


def test_short_lines_are_weighed_with_what_follows_them() -> None:
    source = make_source("Note\nPress it.\nThe article is then saved as a draft that only editors see.\nDone")
    assert [(unit.first, unit.last) for unit in units_of(source)] == [(0, 3), (3, 4)]


def test_a_window_takes_one_unit_before_and_the_rest_after() -> None:
    units = units_of(
        make_source("\n".join(f"Sentence {n} has exactly ten words in it, count them." for n in range(12)))
    )
    assert window(units, 5) == range(4, 10)
    assert window(units, 0) == range(6)
    assert window(units, 11) == range(10, 12)
    assert window(units, 5, most_units=3, most_words=20) == range(4, 6)


def test_a_table_keeps_its_header_and_is_written_as_a_table() -> None:
    source = make_source(PLANS)
    text = quoted(source, 3, 4)
    assert "Plan | Price | Seats⟦1⟧\n--- | --- | ---\nSolo | $5 | 1⟦1⟧\nTeam | $20 | 10⟦1⟧" in text
    assert MarkdownIt("gfm-like", {"linkify": False}).render(text).count("<td>") == 6


def test_a_long_list_is_quoted_in_part_with_its_numbers() -> None:
    text = quoted(make_source(LONG), 4, 6)
    assert text.startswith("4. Step number 4")
    assert "13. Step" in text
    assert "14. Step" not in text


def test_a_nested_list_stays_nested() -> None:
    text = quoted(make_source(NESTED), 1, 2)
    html = MarkdownIt().render(text.replace("⟦1⟧", ""))
    assert html.count("<ul>") == 2
    assert "<p>goes on here</p>" in html


def test_a_line_that_introduces_a_listing_brings_it_along() -> None:
    assert "Run this to see how far it is:⟦1⟧\n\n```shell\n" in quoted(make_source(INDEX), 2, 3)


def test_lines_broken_in_mid_sentence_are_joined_and_share_a_citation() -> None:
    source = make_source("If no router is found, select\nAdd Network\nat the bottom of the list.\nThen type its name.")
    assert quoted(source, 1, 2) == "If no router is found, select Add Network at the bottom of the list.⟦1⟧"
    cites = [part for part in markdown(source, whole(lines_of(source), range(1, 2))) if isinstance(part, Cite)]
    assert cites == [Cite(1, 0, 3)]


@pytest.mark.parametrize(
    "text",
    ["Use *args and **options.", "Call __init__ or _private_.", "A [link](to) it", "# not a heading", "2024. A year",
     "> quoted", "`code`", "a &amp; b", "<https://a.example/>", "C:\\*\\", "~~gone~~", "---", "+ more",
     "snake_case_name"],
)  # fmt: skip
def test_a_plain_text_is_printed_as_it_stands(text: str) -> None:
    html = MarkdownIt("gfm-like", {"html": False, "linkify": False}).render(escape(text, begins_line=True))
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert html == f"<p>{shown}</p>\n"
    assert ESCAPE.sub(r"\1", escape(text, begins_line=True)) == text


words = st.text(alphabet="abcXY019*_`#>[]()\\&;|<~.:!-+ ", min_size=1, max_size=30)
texts = st.lists(
    st.one_of(words, words.map("- {}".format), words.map("1. {}".format), words.map("  - {}".format)),
    min_size=1,
    max_size=12,
)


@given(texts.map("\n".join), st.data())
@hypothesis_settings(deadline=None)
def test_every_quoted_sentence_is_a_verbatim_part_of_its_source(text: str, data: st.DataObject) -> None:
    source = make_source(text)
    if not source.sentences:
        return
    first = data.draw(st.integers(0, len(source.sentences) - 1))
    last = data.draw(st.integers(first + 1, len(source.sentences)))
    parts = list(markdown(source, whole(lines_of(source), range(first, last))))
    cited = {index for part in parts if isinstance(part, Cite) for index in range(part.start, part.end)}
    squeezed = " ".join(text.split())
    for part in parts:
        if isinstance(part, Text) and part.text.strip() and not set(part.text) <= set("-| \n"):
            assert " ".join(ESCAPE.sub(r"\1", part.text).split()) in squeezed
    assert cited


async def test_sentences_of_a_quoted_answer_are_sentences_of_the_source() -> None:
    text = written(await collect(QuotingGenerator().stream(prompt("How do I restore an older version?"))))
    known = RESTORE + INDEX
    assert all(sentence.text in known and sentence.citations for sentence in assemble(text))


def test_code_inside_of_a_list_is_quoted_as_code() -> None:
    shown = MarkdownIt().render(quoted(make_source(CODED), 0, 3))
    assert "<code>run --all -x</code>" in shown
    assert "says `done` then" in shown
