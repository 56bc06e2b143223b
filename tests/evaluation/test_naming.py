"""Exact names drawn from a corpus."""

import pytest

from kb.evaluation import EvaluationError, naming
from tests.evaluation.conftest import CORPUS


def drawn(count: int = naming.DRAWN) -> dict[str, tuple[str, str]]:
    cases = naming.draw(CORPUS, name="small", count=count).cases
    return {case.key: (case.question, next(iter(case.grades))) for case in cases}


def test_each_name_is_asked_for_as_it_is_written_and_answered_by_its_one_article():
    names = drawn()
    assert names["--dry-run"] == ("--dry-run", "sync")
    assert names["settings.toml"] == ("settings.toml", "sync")
    assert names["e-4711"] == ("E-4711", "errors")
    assert names["getuserbyid"] == ("getUserById", "api")


def test_a_name_of_two_articles_is_left_out():
    assert "--verbose" not in drawn()


def test_a_name_that_only_an_address_holds_is_left_out():
    assert not [name for name in drawn() if "example.org" in name]


def test_a_name_that_is_part_of_a_longer_word_elsewhere_counts_as_another_name():
    assert drawn()["max_retry_count"] == ("max_retry_count", "sync")


def test_a_name_inside_a_longer_name_of_another_article_is_left_out():
    corpus = [
        {"_id": "1", "title": "One", "text": "client.users"},
        {"_id": "2", "title": "Two", "text": "api.client.users and E-1"},
    ]
    assert [case.key for case in naming.draw(corpus, name="two").cases] == ["e-1", "api.client.users"]


def test_the_draw_is_the_same_every_time_and_takes_every_kind_in_turn():
    assert list(drawn(4)) == list(drawn(4))
    assert len({naming.kind_of(name) for name in drawn(4)}) == 4


def test_a_corpus_without_exact_names_says_so():
    with pytest.raises(EvaluationError, match="No exact name stands in one article alone in plain"):
        naming.draw([{"_id": "1", "title": "Words", "text": "Only words here."}], name="plain")
