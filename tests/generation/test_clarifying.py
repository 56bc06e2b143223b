"""A question that fits several articles equally is asked back; a clear one never is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kb.clarifying import alternatives
from kb.retrieval import Hit

ROUTER = "Hold the button for ten seconds to reset the router."
PASSWORD = "To reset your password, choose Forgotten password on the page where you sign in."


def hit(article: int, title: str, text: str, score: float = 2.0) -> Hit:
    return Hit(
        chunk_id=article,
        article_id=article,
        version_id=article,
        version_number=1,
        passage_id=article,
        slug=f"article-{article}",
        title=title,
        collection="Guides",
        heading_path=(),
        anchor="",
        lines=(1,),
        text=text,
        score=score,
        ranks={},
        parts={"article": score},
        updated=datetime(2026, 11, 1, tzinfo=UTC),
        language="en",
    )


HITS = [hit(1, "Reset the router", ROUTER), hit(2, "Reset your password", PASSWORD, 1.9), hit(3, "Bills", "Paid.", 1.0)]


def meant(question: str, hits: list[Hit]) -> list[str]:
    return [one.title for one in alternatives(question, hits)]


@pytest.mark.parametrize("question", ["How do I reset it?", "Reset", "resetting?"])
def test_a_question_that_says_too_little_is_asked_back_with_the_articles_it_fits(question: str) -> None:
    assert meant(question, HITS) == ["Reset the router", "Reset your password"]


@pytest.mark.parametrize(
    "question", ["How do I reset the router?", "How do I reset it? (Reset your password)", "How do I print it?", "?"]
)
def test_a_question_that_says_enough_or_something_else_is_not(question: str) -> None:
    assert meant(question, HITS) == []


def test_an_article_that_leads_is_the_answer() -> None:
    assert meant("How do I reset it?", [replace(HITS[0], parts={"article": 2.2}), *HITS[1:]]) == []


def test_an_article_that_is_called_just_that_is_the_answer() -> None:
    assert meant("What is a reset?", [replace(HITS[0], title="Reset"), *HITS[1:]]) == []


def test_articles_that_say_the_same_or_are_called_the_same_leave_no_choice() -> None:
    assert meant("How do I reset it?", [HITS[0], hit(2, "The router", ROUTER)]) == []
    assert meant("How do I reset it?", [HITS[0], hit(2, "Reset the router", PASSWORD)]) == []


def test_at_most_four_articles_are_offered() -> None:
    many = [hit(number, f"Reset number {number}", f"Reset {'x' * number} and number {number}.") for number in range(9)]
    assert len(meant("How do I reset it?", many)) == 4
