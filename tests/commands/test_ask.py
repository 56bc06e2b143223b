"""manage.py ask: the same answer as on the page, in the terminal. Its threads read what is committed."""

import pytest

from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Open the history and choose a version: how?"
ANSWER = ["state", "text", "sentences", "sources", "timings_ms", "usage"]
TIMINGS = ["sources", "first_token", "total"]


@pytest.fixture
def generous(settings) -> None:
    """Answer on weak evidence: with one article in the whole index no word is rare."""
    settings.ANSWER_THRESHOLD = 0.2


@pytest.mark.usefixtures("generous")
def test_an_answer_as_json_has_exactly_these_fields(told, article):
    answer = told("ask", QUESTION)
    assert list(answer) == ANSWER
    assert answer["state"] == "answered"
    assert list(answer["timings_ms"]) == TIMINGS
    assert all(isinstance(answer["timings_ms"][stage], float) for stage in TIMINGS)
    assert "⟦" not in answer["text"]
    assert answer["usage"]
    source = answer["sources"][0]
    assert (source["number"], source["slug"], source["version"]) == (1, article.slug, 1)
    for sentence in answer["sentences"]:
        assert list(sentence) == ["text", "citations"]
        for citation in sentence["citations"]:
            assert list(citation) == ["source", "passage"]
            [cited] = [one for one in answer["sources"] if one["number"] == citation["source"]]
            assert citation["passage"] in cited["text"]
    assert any(sentence["citations"] for sentence in answer["sentences"])


def test_a_refusal_has_the_same_fields_and_says_why(told, article):
    answer = told("ask", "zymurgy quoll xylophone")
    assert list(answer) == ANSWER
    assert (answer["state"], answer["sentences"], answer["usage"]) == ("refused", [], {})
    assert answer["text"] == "The articles do not answer this. Rather than guess, here is what comes nearest."
    assert answer["timings_ms"]["first_token"] is None


def test_nobody_is_told_what_they_may_not_read(told, index, operator, operators):
    factories.article("Secret runbook", "Restart the frobnicator with the red lever.", audience=operators)
    index()
    question = "How do I restart the frobnicator with the red lever?"
    assert "lever" in str(told("ask", question, "--as", "operator")["sources"])
    assert told("ask", question)["sources"] == []


@pytest.mark.usefixtures("generous")
def test_in_words_the_sources_come_first_and_the_marks_are_numbers(said, article):
    words = said("ask", QUESTION)
    assert words.startswith("[1] Restore an older version > ")
    assert "⟦" not in words
    assert words.splitlines()[-1].endswith(" ms")


def test_in_words_a_refusal_names_the_nearest_articles(said, article):
    lines = said("ask", "zymurgy quoll xylophone").splitlines()
    assert lines[0].startswith("[1] Restore an older version")  # the closest passage
    assert lines[-2:] == [
        "The articles do not answer this. Rather than guess, here is what comes nearest.",
        "  Restore an older version",
    ]
