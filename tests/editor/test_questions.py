"""Questions without an answer, as editors see them."""

import datetime
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from kb.models import Answer, AnswerSource, EvaluationSet, Feedback
from kb.unanswered import key_of, unanswered
from tests import factories

pytestmark = pytest.mark.django_db
INDEX = reverse("editor_questions")
DISMISS = reverse("editor_question_dismiss")


def refused(question, **fields):
    return Answer.objects.create(question=question, state="refused", **fields)


def unhelpful(question, article):
    answer = Answer.objects.create(question=question, state="answered", text="It is so. ⟦1⟧")
    version = article.published_version
    AnswerSource.objects.create(answer=answer, number=1, version=version, passage=version.chunks.first().passage)
    Feedback.objects.create(answer=answer, session_hash="x", helped=False, comment="my name is Ada")
    return answer


def listed(client):
    return [(row.question, row.refused, row.unhelpful) for row in client.get(INDEX).context["page"]]


def test_equal_questions_are_counted_together_however_they_are_written(editor, client_of, article):
    refused("Can I pay by cheque?")
    refused("can I pay by  cheque")
    unhelpful("CAN I PAY BY CHEQUE?!", article)
    refused("Something else")
    assert listed(client_of(editor)) == [("CAN I PAY BY CHEQUE?!", 2, 1), ("Something else", 1, 0)]


def test_answers_that_helped_and_old_questions_are_not_listed(editor, client_of, article):
    answer = unhelpful("Did it help?", article)
    Feedback.objects.filter(answer=answer).update(helped=True)
    old = refused("Long ago")
    Answer.objects.filter(pk=old.pk).update(created=timezone.now() - datetime.timedelta(days=91))
    assert listed(client_of(editor)) == []
    assert "Every question found an answer" in client_of(editor).get(INDEX).content.decode()


def test_nothing_tells_who_asked(editor, client_of, article, reader):
    refused("Who am I?", asker=reader, session_hash="cafe" * 16)
    unhelpful("And now?", article)
    page = client_of(editor).get(INDEX).content.decode()
    assert "Who am I?" in page
    for private in (reader.email, "cafecafe"):
        assert private not in page
    assert not re.search(r"\bAda\b", page)  # by itself: the page's token is made of random letters


def test_an_answer_from_hidden_articles_is_not_for_those_who_may_not_read_them(
    author, operator, client_of, index, operators
):
    secret = factories.article("Obsidian", audience=operators)
    index()
    secret.refresh_from_db()
    unhelpful("Where is the obsidian?", secret)
    assert listed(client_of(author)) == []
    assert [row.question for row in unanswered(operator)] == ["Where is the obsidian?"]


def test_a_question_leads_to_an_article_and_to_a_case(editor, client_of, article):
    refused("Pay by cheque & card?")
    client = client_of(editor)
    page = client.get(INDEX).content.decode()
    assert "/editor/articles/new/?title=Pay%20by%20cheque%20%26%20card%3F" in page
    assert "/editor/quality/cases/new/?origin=question&amp;question=Pay%20by%20cheque%20%26%20card%3F" in page
    assert (
        "Pay by cheque &amp; card?"
        in client.get("/editor/articles/new/?title=Pay%20by%20cheque%20%26%20card%3F").content.decode()
    )
    form = client.get(
        reverse("editor_case_create"), {"question": "Pay by cheque?", "origin": "question"}
    ).content.decode()
    assert "Pay by cheque?</textarea>" in form
    assert 'name="origin" value="question"' in form


def test_a_question_that_is_a_case_already_says_so(editor, client_of, article):
    factories.case(EvaluationSet.objects.create(name="One"), "pay by cheque", article)
    refused("Pay by cheque?")
    assert "is an evaluation case" in client_of(editor).get(INDEX).content.decode()


def test_a_dismissed_question_is_gone_until_it_is_asked_again_and_can_be_taken_back(editor, client_of):
    refused("Pay by cheque?")
    client = client_of(editor)
    key = key_of("Pay by cheque?")
    assert client.post(DISMISS, {"key": key}).url == INDEX
    assert listed(client) == []
    assert "Pay by cheque?" in client.get(INDEX, {"dismissed": "1"}).content.decode()
    client.post(DISMISS, {"key": key, "do": "undo"})
    assert listed(client) == [("Pay by cheque?", 1, 0)]
    client.post(DISMISS, {"key": key})
    refused("pay by cheque")
    assert listed(client) == [("pay by cheque", 1, 0)]


@pytest.mark.parametrize("key", ["", "x", "a" * 65, "\0"])
def test_a_question_that_is_none_is_a_bad_request(key, editor, client_of):
    assert client_of(editor).post(DISMISS, {"key": key}).status_code == 400
