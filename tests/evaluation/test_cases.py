"""Saved evaluation cases, measured on the live index."""

import json

import pytest
from django.core.management import CommandError, call_command

from kb import publishing
from kb.evaluation import EvaluationError, cases, running
from kb.models import Article, EvaluationCase, EvaluationRun, EvaluationSet
from kb.publishing import Content
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def chosen(article):
    made = EvaluationSet.objects.create(name="Help center")
    factories.case(made, "restore an older version", article)
    return made


def measured(chosen):
    return cases.measure(EvaluationRun.objects.create(set=chosen), progress=lambda steps, _name: steps)


def test_a_case_is_measured_at_every_stage_and_kept(chosen):
    run = measured(chosen)
    case = chosen.cases.get()
    assert run.state == "done"
    assert [run.rank(case.pk, stage) for stage in ("lexical", "vector", "fused", "reranked")] == [1, 1, 1, 1]
    assert run.figures["stages"]["reranked"]["ndcg@10"] == 1.0
    assert run.embedder.startswith("fake")
    assert run.settings["retrieval_candidates"] == 50
    assert EvaluationRun.objects.get().measured[str(case.pk)]["scores"]["reranked"]["p@1"] == 1.0


def test_the_live_index_is_only_read(chosen):
    before = list(Article.objects.values())
    measured(chosen)
    assert list(Article.objects.values()) == before


def test_a_rank_that_changed_since_the_run_before_is_told(chosen, index):
    measured(chosen)
    factories.article("Restore an older version", "Restore an older version.")
    index()
    run = measured(chosen)
    assert run.changed == [[chosen.cases.get().pk, 1, 2]]


def test_a_case_is_asked_with_the_eyes_of_its_audience(chosen, index, operators):
    secret = factories.article("Restart the frobnicator", audience=operators)
    index()
    blind = factories.case(chosen, "restart the frobnicator", secret)
    seeing = factories.case(chosen, "restart the frobnicator", secret, audience=operators)
    run = measured(chosen)
    assert run.rank(seeing.pk) == 1
    assert str(blind.pk) not in run.measured
    assert [(row["case"], row["reason"]) for row in run.left_out] == [
        (blind.pk, "“Restart the frobnicator” is hidden from the reader it is asked as")
    ]


def test_somebody_of_a_group_reads_what_signed_in_readers_read(chosen, index, operators, signed_in):
    article = factories.article("Change the password", audience=signed_in)
    index()
    case = factories.case(chosen, "change the password", article, audience=operators)
    assert measured(chosen).rank(case.pk) == 1


def test_a_deleted_article_is_said_and_not_scored_as_a_miss(chosen, index):
    gone = factories.article("A passing thing", published=False)
    case = factories.case(chosen, "a passing thing", gone)
    factories.delete_for_good(gone)
    run = measured(chosen)
    assert [(row["case"], row["reason"], row["asked"]) for row in run.left_out] == [
        (case.pk, "its article was deleted", False)
    ]
    assert run.figures["queries"] == 1
    assert run.figures["stages"]["reranked"]["p@1"] == 1.0


def test_a_case_that_lost_one_of_two_articles_is_asked_for_the_other(chosen, article):
    draft = factories.article("Not out yet", published=False)
    case = factories.case(chosen, "an older version", article, draft)
    run = measured(chosen)
    assert run.rank(case.pk) == 1
    assert [(row["reason"], row["asked"]) for row in run.left_out] == [("“Not out yet” is not published", True)]


def test_a_set_of_nothing_that_can_be_asked_says_why(article):
    chosen = EvaluationSet.objects.create(name="Empty")
    with pytest.raises(EvaluationError, match="This set holds no case that can be asked"):
        measured(chosen)
    factories.case(chosen, "a draft?", factories.article("Draft", published=False))
    with pytest.raises(EvaluationError, match=r"“a draft\?”: “Draft” is not published"):
        measured(chosen)
    assert {run.state for run in chosen.runs.all()} == {"failed"}


def test_only_the_last_hundred_runs_are_kept(chosen):
    EvaluationRun.objects.bulk_create(EvaluationRun(set=chosen, state="failed") for _ in range(cases.KEPT))
    run = measured(chosen)
    assert chosen.runs.count() == cases.KEPT
    assert chosen.runs.first() == run


# --- the command


def test_the_command_prints_what_it_prints_for_a_folder(told, chosen):
    figures = told("evaluate", "retrieval", "--cases")
    assert list(figures) == ["set", "queries", "stages", "timings_ms", "left_out"]
    assert (figures["set"], figures["queries"]) == ("Help center", 1)
    assert list(figures["stages"]) == ["lexical", "vector", "fused", "reranked"]
    assert list(figures["timings_ms"]) == ["embed", "sql", "rerank", "total"]
    assert chosen.runs.get().figures == figures


def test_the_command_tells_people_what_is_left_out_and_what_moved(said, chosen, index):
    factories.case(chosen, "a draft?", factories.article("Draft", published=False))
    said("evaluate", "retrieval", "--cases", "Help center")
    factories.article("Restore an older version", "Restore an older version.")
    index()
    told = said("evaluate", "retrieval", "--cases", "Help center")
    assert "not scored as it stands: “a draft?”: “Draft” is not published" in told
    assert f"case {chosen.cases.first().pk}: from 1 to 2" in told


@pytest.mark.parametrize("given", [[], ["somewhere", "--cases"]])
def test_a_folder_or_the_cases_exactly_one(given):
    with pytest.raises(CommandError, match="the folder of a set, or --cases"):
        call_command("evaluate", "retrieval", *given)


def test_an_unknown_set_is_named_beside_those_there_are(chosen):
    with pytest.raises(CommandError, match=r"There is no evaluation set “Nope”\. There is: Help center\."):
        call_command("evaluate", "retrieval", "--cases", "Nope")


def test_without_a_name_there_must_be_one_set():
    with pytest.raises(CommandError, match="There is no evaluation set yet"):
        call_command("evaluate", "retrieval", "--cases")
    EvaluationSet.objects.create(name="One")
    EvaluationSet.objects.create(name="Two")
    with pytest.raises(CommandError, match=r"There are 2 evaluation sets\. Say which: One, Two\."):
        call_command("evaluate", "retrieval", "--cases")


# --- in the background


def test_a_worker_measures_a_run_once(chosen):
    run = running.request(chosen, by=factories.person("anybody"))
    assert running.execute(run.pk) == "done"
    assert running.execute(run.pk) == "taken"
    assert EvaluationRun.objects.get().figures["queries"] == 1


def test_a_run_that_is_alive_is_not_asked_for_twice(chosen, editor):
    assert running.request(chosen, by=editor) == running.request(chosen, by=editor)


def test_a_run_says_in_its_row_why_it_failed(editor):
    empty = EvaluationSet.objects.create(name="Empty")
    run = running.request(empty, by=editor)
    assert running.execute(run.pk) == "failed"
    run.refresh_from_db()
    assert (run.state, run.message) == ("failed", "This set holds no case that can be asked.")


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_the_run_fails_and_says_so(editor):
    run = running.request(EvaluationSet.objects.create(name="Lonely"), by=editor)
    run.refresh_from_db()
    assert (run.state, run.message) == ("failed", running.NO_BROKER)


# --- a folder


def test_exact_names_of_a_folder_are_measured_in_a_database_of_their_own(folder, told, transactional_db):
    assert json.loads((folder / "corpus.jsonl").read_text().splitlines()[0])["_id"] == "sync"
    found = told("evaluate", "identifiers", str(folder))
    assert found["identifiers"] >= 5
    assert found["stages"]["reranked"] == {"recall@1": 1.0, "recall@3": 1.0}
    assert found["missed"] == []
    assert not EvaluationCase.objects.exists()


def test_an_older_version_of_the_case_article_is_no_hindrance(chosen, article, index):
    publishing.save(article, Content("Restore an older version", "Restore it."), by=None, based_on=1)
    publishing.publish(article, by=None)
    index()
    assert measured(chosen).rank(chosen.cases.get().pk) == 1
