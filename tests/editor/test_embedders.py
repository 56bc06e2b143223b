"""The page of the embedders: for admins, with the alarm of the recall probe and the switch to exact search."""

import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kb import embedders, metering, probing
from kb.metering import Spent
from kb.models import Answer, Audience, RecallProbe
from kb.permissions import ReaderOf
from kb.retrieval import retrieve
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/editor/embedders/"


@pytest.fixture
def page(client, admin):
    client.force_login(admin)
    return lambda: client.get(URL).content.decode()


@pytest.fixture
def asked(article):
    for question in ("How do I restore a version?", "how do I  restore a version?", "How do I restore a version?"):
        Answer.objects.create(question=question)


def test_only_admins_of_everything_come_in(client, reader, editor, author, everyone):
    switch = f"/editor/embedders/audiences/{everyone.pk}/exact/"
    assert "/accounts/login/" in client.get(URL)["Location"]
    for person in (reader, editor, author):
        client.force_login(person)
        assert client.get(URL).status_code == 403
        assert client.post(switch, {"exact": "yes"}).status_code == 403
    assert not Audience.objects.filter(exact=True).exists()


def test_an_empty_help_center_has_a_page(page):
    assert "Nothing was indexed yet" in page()


def test_it_names_the_live_embedder(page, article):
    shown = page()
    assert "<dt>Live</dt>" in shown
    assert "384 dimensions, 4 vectors" in shown


def test_the_probe_asks_each_question_once_and_keeps_numbers_only(asked, operators):
    measured = [(one.audience.name, one.questions, one.allowed, one.exact, one.recall) for one in probing.probe()]
    assert measured == [("everyone", 2, 3, True, 1.0), ("Operators", 2, 3, True, 1.0)]
    assert {field.name for field in RecallProbe._meta.fields} == {
        "id", "audience", "at", "questions", "allowed", "exact", "recall",
    }  # fmt: skip


def test_members_of_a_group_are_signed_in_and_are_probed_so(asked, operators, signed_in, everyone, index):
    factories.article("For people with an account", "Sign in to read this.", audience=signed_in)
    index()
    row = embedders.live_row()
    for_all, for_group = (probing.probe_audience(one, ["version"], row) for one in (everyone, operators))
    assert (for_all.allowed, for_group.allowed) == (3, 4)


def test_nothing_is_probed_while_nobody_asks(article):
    assert probing.probe() == []


def test_recall_is_measured_against_exact_search(asked, settings, everyone):
    settings.EXACT_BELOW = 0
    [made] = probing.probe()
    assert (made.exact, made.recall) == (False, 1.0)
    with connection.cursor() as cursor:  # a walk through the graph that ends at its first find, the title's vector
        for setting in ("hnsw.iterative_scan = off", "hnsw.ef_search = 1", "enable_seqscan = off", "enable_sort = off"):
            cursor.execute(f"SET LOCAL {setting}")
    [made] = probing.probe()
    assert made.recall < 1


def test_recall_under_the_floor_is_an_alarm_on_the_page_and_in_the_log(page, everyone, asked, settings, caplog):
    RecallProbe.objects.create(audience=everyone, questions=50, allowed=20_000, exact=False, recall=0.9)
    shown = page()
    assert "search by meaning finds 0.900 of what exact search finds; the floor is 0.95" in shown
    assert "<b>0.900</b>, under the floor" in shown
    settings.RECALL_FLOOR = 1.1
    with caplog.at_level(logging.WARNING):
        assert probing.probe_recall() == 1
    assert "finds 100.0 % of what exact search finds for “everyone”" in caplog.text


def test_an_audience_is_searched_exactly_when_an_admin_says_so(page, client, everyone, article, settings):
    RecallProbe.objects.create(audience=everyone, questions=50, allowed=20_000, exact=False, recall=0.9)
    page()
    told = client.post(
        f"/editor/embedders/audiences/{everyone.pk}/exact/", {"exact": "yes"}, follow=True
    ).content.decode()
    assert "“everyone” is searched exactly from now on." in told
    assert "exactly, by choice" in told
    assert 'role="alert"' not in told
    everyone.refresh_from_db()
    assert everyone.exact
    client.post(f"/editor/embedders/audiences/{everyone.pk}/exact/", {"exact": "no"})
    everyone.refresh_from_db()
    assert not everyone.exact


@pytest.mark.parametrize("exact", [True, False])
def test_readers_of_that_audience_are_searched_for_exactly(article, everyone, monkeypatch, settings, exact):
    """Exact search fences the distances off, which keeps the planner from the vector index."""
    settings.EXACT_BELOW = -1
    monkeypatch.setattr("kb.legs.SMALL", 0)
    Audience.objects.filter(pk=everyone.pk).update(exact=exact)
    with CaptureQueriesContext(connection) as queries:
        retrieve("restore a version", user=ReaderOf([everyone.pk]))
    [statement] = [query["sql"] for query in queries if "UNION ALL" in query["sql"]]
    assert ("OFFSET 0" in statement) is exact


def test_what_a_hosted_embedder_cost_is_summed_up(page):
    metering.record("text-embedding-3-small", Spent(2, 60, 12_000))
    metering.record("text-embedding-3-small", Spent(1, 4, 345))
    assert "text-embedding-3-small was asked 3 times for 64 texts of 12,345 tokens" in page()
