"""Follow-up questions, made to stand alone by a rule."""

import pytest

from kb.following import standalone
from kb.grounding import Turn


def turns(*questions: str) -> list[Turn]:
    return [Turn(question, "An answer.") for question in questions]


@pytest.mark.parametrize(
    ("before", "question", "searched"),
    [
        (("How do I publish an article?",), "How do I undo it?", "How do I undo it? publish article"),
        (("How do I publish an article?",), "And without a key?", "And without a key? publish article"),
        (("What is a draft?",), "Why?", "Why? draft"),
        (
            ("How do I publish an article?", "Can I undo it?"),
            "How long does that take?",
            "How long does that take? undo publish article",
        ),
        (("What is a draft?",), "How do I invite an editor?", "How do I invite an editor?"),
        ((), "How do I undo it?", "How do I undo it?"),
    ],
)
def test_a_question_that_leans_on_the_one_before_it_takes_its_words(
    before: tuple[str, ...], question: str, searched: str
) -> None:
    assert standalone(question, turns(*before)) == searched


def test_no_word_is_taken_over_twice_and_not_more_than_a_few() -> None:
    long = " ".join(f"word{number}" for number in range(40))
    assert len(standalone("Is it word1?", turns(long)).split()) == 3 + 8
