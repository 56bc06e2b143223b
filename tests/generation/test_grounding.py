"""Sentences of sources and of answers, and the decision to answer at all."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kb.grounding import AnswerSentence, assemble, plain, sentences_of
from tests.generation.conftest import INDEX, RESTORE


def test_a_list_item_keeps_its_number_and_the_source_line_of_its_block() -> None:
    sentences = sentences_of(RESTORE, [4, 6, 8, 9, 10, 12])
    assert [sentence.line for sentence in sentences] == [4, 6, 8, 9, 10, 12]
    assert sentences[2].text == "1. Open the article in the editor and choose History."
    assert all(RESTORE[sentence.start : sentence.end] == sentence.text for sentence in sentences)


def test_a_fenced_listing_is_one_sentence() -> None:
    sentences = sentences_of(INDEX, range(1, 7))
    assert [sentence.line for sentence in sentences] == [1, 1, 2, 3]
    assert sentences[-1].text == "```shell\npython manage.py index_status --json\n```"


def test_a_heading_like_line_is_a_sentence_of_its_own() -> None:
    assert [sentence.text for sentence in sentences_of("Limits\nAt most 20 questions a minute.", (1, 3))] == [
        "Limits",
        "At most 20 questions a minute.",
    ]


def test_a_list_marker_alone_is_joined_to_its_item_and_rules_are_no_sentences() -> None:
    assert [sentence.text for sentence in sentences_of("- Save.\n---\n•", (1, 2, 3))] == ["- Save."]


def test_lines_may_be_fewer_than_the_text_has() -> None:
    assert [sentence.line for sentence in sentences_of("One.\nTwo.", (7,))] == [7, 7]


@given(st.text(alphabet="ab1.:`-\n ⟦⟧~|", max_size=80))
def test_sentences_stand_in_the_text_in_order_and_hold_every_word(text: str) -> None:
    sentences = sentences_of(text, range(1, 2 + text.count("\n")))
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in sentences)
    assert all(one.end <= other.start for one, other in pairwise(sentences))
    covered = {place for sentence in sentences for place in range(sentence.start, sentence.end)}
    assert all(place in covered for place, character in enumerate(text) if character.isalnum())


def test_an_answer_is_cut_into_sentences_with_what_each_cites() -> None:
    text = "Open History.⟦1⟧ Press **Restore**;⟦1⟧⟦2⟧ it becomes a draft.⟦2⟧\n\n1. Save.⟦3⟧\n2. Publish it"
    assert assemble(text) == [
        AnswerSentence("Open History.", (1,), 1),
        AnswerSentence("Press **Restore**; it becomes a draft.", (1, 2), 3),
        AnswerSentence("1. Save.", (3,), 1),
        AnswerSentence("2. Publish it", (), 0),
    ]


def test_a_mark_alone_after_code_belongs_to_the_code() -> None:
    assert assemble("Run:\n\n```sh\nmake run\n```\n⟦2⟧\n\nDone.⟦1⟧") == [
        AnswerSentence("Run:", (), 0),
        AnswerSentence("```sh\nmake run\n```", (2,), 1),
        AnswerSentence("Done.", (1,), 1),
    ]


def test_backslashes_that_guard_markdown_signs_are_not_part_of_a_sentence_except_in_code() -> None:
    assert [sentence.text for sentence in assemble("Use \\*args.⟦1⟧\n```\n\\*a\n```")] == [
        "Use *args.",
        "```\n\\*a\n```",
    ]


@given(
    st.lists(st.sampled_from(["Open it.", "⟦1⟧", "⟦22⟧", " ", "\n\n", "- a", "```\n", "1. ", "b: C"]), max_size=20).map(
        "".join
    )
)
def test_no_citation_of_an_answer_is_lost_once_something_was_said(text: str) -> None:
    sentences = assemble("Begin." + text)
    assert sum(sentence.marks for sentence in sentences) == text.count("⟧")
    assert not any("⟦" in sentence.text for sentence in sentences)


def test_plain_text_has_no_marks() -> None:
    assert plain("Save.⟦1⟧⟦12⟧ Done.") == "Save. Done."
