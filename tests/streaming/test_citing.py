"""An answer's text as HTML: marks, sentences, and nothing that was not ours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kb import citing
from kb.grounding import Source, sentences_of


def source(number: int, text: str = "Open the history. Choose a version.", title: str = "History") -> Source:
    return Source(
        number=number,
        article_id=number,
        slug="history",
        title=title,
        collection="Guides",
        heading_path=("Steps",),
        anchor="s-steps",
        version_id=1,
        version_number=1,
        passage_id=number,
        text=text,
        sentences=sentences_of(text, [5] * (text.count("\n") + 1)),
        score=1.0,
        updated=datetime(2026, 11, 1, tzinfo=UTC),
    )


def checked(text: str, *citations: int, state: str = "supported", passages: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "text": text,
        "citations": list(citations),
        "passages": list(passages),
        "state": state,
        "reason": "Because.",
    }


def test_a_mark_becomes_a_link_to_its_source_inside_its_sentence() -> None:
    html = citing.render("Open it.⟦1⟧ Close it.⟦2⟧", sources=[source(1), source(2, title="Doors")])
    assert html.strip() == (
        '<p><span class="sentence" id="s1">Open it.'
        '<a class="cite" href="#source-1" aria-label="Source 1: History">1</a></span> '
        '<span class="sentence" id="s2">Close it.'
        '<a class="cite" href="#source-2" aria-label="Source 2: Doors">2</a></span></p>'
    )


def test_a_mark_of_a_source_that_does_not_exist_vanishes() -> None:
    html = citing.render("Open it.⟦7⟧", sources=[source(1)])
    assert "⟦" not in html
    assert "<a" not in html


def test_a_title_cannot_leave_its_attribute() -> None:
    html = citing.render("Open it.⟦1⟧", sources=[source(1, title='"><script>alert(1)</script>')])
    assert "<script>" not in html


def test_a_mark_inside_an_attribute_cannot_end_it() -> None:
    html = citing.render("| a⟦1⟧ | b |\n|---|---|\n| c | d |", sources=[source(1)])
    assert 'aria-label="Table: a' in html
    assert html.count('<a class="cite"') == 1


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "<b onclick='x()'>b</b>"])
def test_html_and_scripts_in_an_answer_stay_text(text: str) -> None:
    html = citing.render(text, sources=[])
    assert "<img" not in html
    assert "<b" not in html
    assert "href=" not in html


def test_a_bare_address_does_not_swallow_the_mark_behind_it() -> None:
    html = citing.render("See https://example.org/a⟦1⟧.", sources=[source(1)])
    assert "See https://example.org/a<a" in html  # words, and no link: it leads away
    assert 'href="#source-1"' in html


def test_sentences_are_numbered_through_lists_code_and_emphasis() -> None:
    text = "First **bold** one.⟦1⟧\n\n1. Open it.⟦1⟧\n2. Run:\n\n```sh\nls -l\n```\n\nLast one."
    html = citing.render(text, sources=[source(1)])
    assert [f'id="s{number}"' in html for number in range(1, 7)] == [True, True, True, True, True, False]
    assert '<span class="sentence" id="s1">First <strong>bold</strong> one.' in html


def test_a_sentence_that_ends_inside_bold_keeps_the_tags_whole() -> None:
    html = citing.render("**One. Two** three.", sources=[])
    assert html.strip() == '<p><span id="s1"></span><strong>One. <span id="s2"></span>Two</strong> three.</p>'


def test_weak_support_is_said_in_words_with_a_way_to_the_reason() -> None:
    sentences = [checked("Open it.", 1), checked("It takes 3 days.", 1, state="weak")]
    html = citing.render("Open it.⟦1⟧ It takes 3 days.⟦1⟧", sources=[source(1)], sentences=sentences)
    assert '<span class="weak">It takes 3 days.</span>' in html
    assert 'href="#check-2" aria-label="Weakly supported: see why">†</a>' in html
    assert '<span class="weak-word">weakly supported</span>' in html
    assert html.count("weak-word") == 1


def test_the_sentences_in_use_are_marked_in_their_source() -> None:
    sentences = [checked("Choose a version.", 1, passages=((1, 1, 2),))]
    (shown,) = citing.quoted([source(1)], sentences=sentences, question="How?")
    assert shown.html == 'Open the history. <mark data-sentences="1">Choose a version.</mark>'
    assert (shown.part, shown.line, shown.sentences) == ("Choose a version.", 5, (1,))


def test_before_anything_is_written_the_sentence_nearest_to_the_question_is_marked() -> None:
    (shown,) = citing.quoted([source(1)], sentences=(), question="Which versions can I choose?")
    assert shown.part == "Choose a version."
    assert shown.sentences == ()


def test_live_text_is_escaped_with_numbers_raised() -> None:
    assert citing.live("a <b>.⟦12⟧") == 'a &lt;b&gt;.<sup class="cite">12</sup>'


def test_code_in_a_passage_stays_as_it_is() -> None:
    text = "Set it:\n  `matrix[i][j] = 1`\nhandlers[name](event)\n[core]: on\n```shell\nrun `x`\n```"
    assert citing.words_of(text) == "Set it:\n  matrix[i][j] = 1\nhandlers[name](event)\n[core]: on\nrun `x`\n"
