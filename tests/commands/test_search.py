"""manage.py search and index_status."""

import pytest
from django.core.management import CommandError

from kb import publishing
from kb.publishing import Content
from tests import factories

HIT = ["rank", "article_id", "slug", "title", "heading_path", "anchor", "text", "score", "legs"]
TIMINGS = {"embed", "sql", "rerank", "total"}
STATUS = ["articles", "fresh", "stale", "queued", "running", "failed", "lag_ms"]

pytestmark = pytest.mark.django_db


def test_hits_as_json_have_exactly_these_fields(told, article):
    answer = told("search", "restore a version from the history")
    assert list(answer) == ["hits", "timings_ms"]
    assert set(answer["timings_ms"]) == TIMINGS
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]
    first = answer["hits"][0]
    assert list(first) == HIT
    assert (first["article_id"], first["slug"], first["title"]) == (
        article.pk,
        article.slug,
        "Restore an older version",
    )
    assert (first["heading_path"], first["anchor"]) == (["Steps"], "s-steps")
    assert "Open the history." in first["text"]
    assert set(first["legs"]) == {"ranks", "scores"}
    assert set(first["legs"]["ranks"]) == {"words", "vector"}


def test_the_limit_is_kept(told, article):
    assert len(told("search", "version", "--limit", "2")["hits"]) == 2


def test_each_person_finds_only_what_they_may_read(told, index, operator, reader, operators, signed_in):
    factories.article("Secret runbook", "Restart the frobnicator.", audience=operators)
    factories.article("Members", "Restart your subscription.", audience=signed_in)
    index()

    def titles(*who: str) -> set[str]:
        return {hit["title"] for hit in told("search", "restart the frobnicator", *who)["hits"]}

    assert titles() == set()
    assert titles("--as", "reader") == {"Members"}
    assert titles("--as", "operator") == {"Members", "Secret runbook"}


def test_a_search_can_be_narrowed(told, index, article):
    factories.article("Zurück", "Restore, auf Deutsch.", language="de", collection=factories.collection("Elsewhere"))
    index()

    def titles(*options: str) -> set[str]:
        return {hit["title"] for hit in told("search", "restore", *options)["hits"]}

    assert titles("--collection", "elsewhere") == titles("--language", "de") == titles("--article", "zuruck")
    assert titles("--language", "de") == {"Zurück"}
    assert titles("--tag", "versions", "--since", "2020-01-01") == {"Restore an older version"}


def test_a_filter_that_leads_nowhere_is_one_sentence(said, article):
    with pytest.raises(CommandError) as caught:
        said("search", "restore", "--collection", "nowhere", "--since", "soon")
    assert str(caught.value) == (
        "There is no collection “nowhere” with an article for you. "
        "“soon” is no day. Write it as year, month and day: 2026-03-31."
    )


def test_in_words_each_hit_has_two_lines(said, article):
    lines = said("search", "history", "--limit", "1").splitlines()
    assert lines[0].startswith(" 1. Restore an older version > Steps  [restore-an-older-version]  ")
    assert lines[-1].startswith("1 hits in ")


def test_nothing_found_is_said(said, db):
    assert said("search", "anything") == "Nothing found.\n"


@pytest.mark.parametrize("command", ["search", "ask"])
def test_an_unknown_person_is_one_sentence(said, command):
    with pytest.raises(CommandError) as caught:
        said(command, "a question", "--as", "nobody-here")
    assert str(caught.value) == "There is no user “nobody-here”: give a username that exists, or leave --as out."


def test_the_state_of_the_index_as_json_has_exactly_these_fields(told, article, publisher):
    status = told("index_status")
    assert set(status) == {*STATUS, "oldest_seconds", "workers", "throughput", "collections"}
    assert list(status["lag_ms"]) == ["p50", "p95"]
    assert {name: status[name] for name in STATUS[:-1]} == {
        "articles": 1, "fresh": 1, "stale": 0, "queued": 0, "running": 0, "failed": 0,
    }  # fmt: skip
    publishing.save(article, Content("Restore", "New."), by=publisher, based_on=1)
    publishing.publish(article, by=publisher)
    status = told("index_status")
    assert (status["fresh"], status["stale"], status["queued"]) == (0, 1, 1)


def test_an_empty_index_has_no_lag(told, said, db):
    assert told("index_status")["lag_ms"] == {"p50": None, "p95": None}
    assert said("index_status").splitlines() == [
        "0 published articles: 0 fresh, 0 stale",
        "jobs: 0 queued, 0 running, 0 failed",
        "workers alive: 0",
        "last hour: 0 versions indexed (0 in the last minute), 0 of 0 chunks embedded",
    ]
