"""Asking and reading an answer by pages alone, scripts or not."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kb import publishing, recalling, recording
from kb.models import Answer, AnswerSource, Article, ArticleVersion, Audience, Chunk, Feedback
from kb.publishing import Content
from kb.recording import Tail
from portal.models import User
from tests import factories
from tests.streaming.conftest import QUESTION, SESSION, events_of, socket

Ask = Callable[..., Answer]
TURBINE = "Which word is the canary of the turbine keys?"


@pytest.fixture
def visitor(ask: Ask) -> Client:
    """The browser of the session that asks in these tests."""
    client = Client()
    client.cookies["sessionid"] = SESSION
    return client


def browser_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def written(answer: Answer) -> Answer:
    """The answer, followed to its end."""
    async_to_sync(events_of)(answer.pk)
    answer.refresh_from_db()
    return answer


def body(response: Any) -> str:
    return unescape(response.content.decode())


def test_a_post_without_scripts_arrives_complete(visitor: Client) -> None:
    response = visitor.post("/ask/", {"q": QUESTION}, follow=True)
    answer = Answer.objects.get()
    assert response.redirect_chain == [(f"/answers/{answer.pk}/", 302)]
    assert answer.state == "answered"
    assert "Answer ready: " in body(response)
    assert "Open the history." in body(response)
    assert 'http-equiv="refresh"' not in body(response)
    assert "data-socket" not in body(response)


def test_with_our_script_the_post_does_not_wait(visitor: Client) -> None:
    response = visitor.post("/ask/", {"q": QUESTION, "live": "1"})
    answer = Answer.objects.get()
    assert response.url == f"/answers/{answer.pk}/"
    assert answer.state == "waiting"


def test_a_first_visit_gets_a_session_and_its_answer(ask: Ask) -> None:
    client = Client()
    response = client.post("/ask/", {"q": QUESTION}, follow=True)
    assert response.status_code == 200
    assert client.get(response.redirect_chain[0][0]).status_code == 200


def test_a_session_that_is_long_gone_is_begun_anew(ask: Ask) -> None:
    client = Client()
    client.cookies["sessionid"] = "gone-since-the-last-cleaning-up"
    response = client.post("/ask/", {"q": QUESTION, "live": "1"}, follow=True)
    assert "Looking for sources." in body(response)


def test_an_unfinished_page_leads_readers_without_scripts_to_the_complete_one(visitor: Client, ask: Ask) -> None:
    answer = ask()
    page = visitor.get(f"/answers/{answer.pk}/")
    assert '<noscript><meta http-equiv="refresh" content="0;url=?wait=1"></noscript>' in body(page)
    assert f'data-socket="/ws/answers/{answer.pk}/"' in body(page)
    assert "Looking for sources." in body(page)
    complete = visitor.get(f"/answers/{answer.pk}/?wait=1", follow=True)
    assert complete.redirect_chain == [(f"/answers/{answer.pk}/", 302)]
    assert "Answer ready: " in body(complete)


def test_a_reload_half_way_shows_the_text_so_far_and_where_it_goes_on(visitor: Client, ask: Ask) -> None:
    answer = ask()
    lease = recording.claim(answer.pk)
    assert lease
    recording.save({lease: Tail(0, "Rockets 🚀 <b>.⟦1⟧ And")})
    page = visitor.get(f"/answers/{answer.pk}/").content.decode()
    assert (
        'Rockets 🚀 &lt;b&gt;.<sup class="cite">1</sup> And<span class="caret"' not in page
    )  # its sources are not known
    chunk = Chunk.objects.first()
    assert chunk
    version = ArticleVersion.objects.get(pk=chunk.version_id)
    AnswerSource.objects.create(answer=answer, number=1, version=version, passage=chunk.passage, lines=chunk.lines)
    page = visitor.get(f"/answers/{answer.pk}/").content.decode()
    assert 'Rockets 🚀 &lt;b&gt;.<sup class="cite">1</sup> And<span class="caret"' in page
    assert 'data-at="22"' in page
    assert "Writing the answer. 1 of 1 source used so far." in page
    assert 'aria-busy="true"' in page


def test_the_answered_page_pairs_sentences_with_sources(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    page = body(visitor.get(f"/answers/{answer.pk}/"))
    cited = r'<a class="cite" href="#source-(\d)" aria-label="Source \1: Restore an older version">\1</a>'
    assert re.search(cited, page)
    assert 'id="source-1"' in page
    assert '<a href="#s1">Back to sentence 1</a>' in page
    assert 'id="s1"' in page
    assert "<mark data-sentences=" in page
    assert "Version 1, " in page


def test_open_at_this_passage_leads_to_a_line_that_the_article_has(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    page = body(visitor.get(f"/answers/{answer.pk}/"))
    links = re.findall(r'href="(/articles/[^"#]+/)#(b-\d+)">Open at this passage', page)
    assert links
    for path, anchor in links:
        assert f'id="{anchor}"' in body(visitor.get(path))


def test_weak_sentences_are_told_in_the_status_and_explained_beside_the_sources(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    answer.sentences[0] |= {"state": "weak", "reason": "No source says so."}
    answer.save()
    page = body(visitor.get(f"/answers/{answer.pk}/"))
    assert ", 1 weakly supported." in page
    assert 'id="check-1"' in page
    assert "No source says so." in page
    assert "weakly supported</span>" in page


def test_the_copy_holds_the_question_the_text_and_the_cited_sources(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    copy = re.search(
        r'<template id="copyable">(.*?)</template>', body(visitor.get(f"/answers/{answer.pk}/")), re.DOTALL
    )
    assert copy
    assert copy[1].startswith(QUESTION)
    assert "⟦" not in copy[1]
    assert re.search(r"^\[\d\] Restore an older version.*: http://testserver/articles/.*#b-\d+$", copy[1], re.MULTILINE)


def test_with_htmx_the_answer_comes_without_the_page_around_it(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    part = visitor.get(f"/answers/{answer.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div class="through" id="answer" data-state="answered"')
    assert "<html" not in part


def test_the_form_brings_a_question_along_and_asks_nothing_by_itself(visitor: Client) -> None:
    page = body(visitor.get("/ask/", {"q": 'Why "<b>"?'}))
    assert 'Why "<b>"?</textarea>' in page
    assert not Answer.objects.exists()


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "Write a question first."),
        ("  \n ", "Write a question first."),
        ("a\0b", "NUL character"),
        ("x" * 2001, "The question has 2,001 characters; at most 2,000 are possible."),
    ],
)
def test_a_question_that_cannot_be_asked_is_sent_back_with_a_reason(
    visitor: Client, question: str, message: str
) -> None:
    response = visitor.post("/ask/", {"q": question})
    assert response.status_code == 422
    assert message in body(response)
    assert not Answer.objects.exists()


def test_too_many_questions_are_told_when_to_come_back_and_keep_their_words(visitor: Client, settings: Any) -> None:
    settings.ASK_LIMIT = "2/h"
    for _ in range(2):
        assert visitor.post("/ask/", {"q": QUESTION, "live": "1"}).status_code == 302
    response = visitor.post("/ask/", {"q": "One more?", "live": "1"})
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 3600
    assert "At most 2 an hour questions" not in body(response)
    assert "2 questions an hour" in body(response)
    assert "One more?</textarea>" in body(response)
    assert Answer.objects.count() == 2


def test_one_readers_limit_is_not_anothers(visitor: Client, settings: Any, reader: User) -> None:
    settings.ASK_LIMIT = "1/h"
    visitor.post("/ask/", {"q": QUESTION, "live": "1"})
    assert visitor.post("/ask/", {"q": QUESTION, "live": "1"}).status_code == 429
    assert browser_of(reader).post("/ask/", {"q": QUESTION, "live": "1"}).status_code == 302


def test_asking_and_stopping_need_the_token_of_a_page_of_ours(ask: Ask) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/ask/", {"q": QUESTION}).status_code == 403
    assert client.post(f"/answers/{ask().pk}/stop/").status_code == 403


def test_the_asker_stops_by_a_form(visitor: Client, ask: Ask) -> None:
    answer = ask()
    assert f'action="/answers/{answer.pk}/stop/"' in body(visitor.get(f"/answers/{answer.pk}/"))
    response = visitor.post(f"/answers/{answer.pk}/stop/", follow=True)
    assert "Stopped. What was written is kept." in body(response)


def test_nobody_else_stops(ask: Ask, outsider: User) -> None:
    answer = ask()
    for client in (Client(), browser_of(outsider)):
        assert client.post(f"/answers/{answer.pk}/stop/").status_code == 404
    answer.refresh_from_db()
    assert answer.state == "waiting"


def test_wrong_methods_are_refused(visitor: Client, ask: Ask) -> None:
    answer = ask()
    assert visitor.put("/ask/").status_code == 405
    assert visitor.post(f"/answers/{answer.pk}/").status_code == 405
    assert visitor.get(f"/answers/{answer.pk}/stop/").status_code == 405
    assert visitor.get(f"/answers/{answer.pk}/feedback/").status_code == 405


def test_an_answer_can_be_shared_with_whoever_may_read_its_sources(ask: Ask) -> None:
    answer = written(ask())
    page = body(Client().get(f"/answers/{answer.pk}/"))
    assert "Answer ready: " in page


def test_an_answer_that_is_not_begun_is_for_its_asker_alone(ask: Ask) -> None:
    assert Client().get(f"/answers/{ask().pk}/").status_code == 404


def test_an_outsider_finds_nothing_where_a_private_answer_is(
    ask: Ask, secret: Article, operator: User, outsider: User
) -> None:
    answer = written(ask(TURBINE, user=operator))
    assert "kumquat" in body(browser_of(operator).get(f"/answers/{answer.pk}/"))
    for client in (Client(), browser_of(outsider)):
        for path in (f"/answers/{answer.pk}/", f"/answers/{answer.pk}/?wait=1"):
            response = client.get(path)
            assert response.status_code == 404
            assert "kumquat" not in body(response)
            assert "Which word" not in body(response)


def test_an_asker_who_may_not_read_the_sources_any_more_sees_only_the_question(
    ask: Ask, secret: Article, operator: User
) -> None:
    answer = written(ask(TURBINE, user=operator))
    operator.groups.clear()
    page = body(browser_of(operator).get(f"/answers/{answer.pk}/"))
    assert TURBINE in page
    assert "This answer rests on articles that you may not read any more, so it is not shown." in page
    assert "kumquat" not in page
    assert "Rotate the turbine keys" not in page


def test_an_unpublished_source_closes_the_permalink(ask: Ask, article: Article) -> None:
    answer = written(ask())
    publishing.unpublish(article, by=None)
    assert Client().get(f"/answers/{answer.pk}/").status_code == 404


def test_a_run_whose_process_died_is_shown_as_interrupted_with_one_click_to_continue(visitor: Client, ask: Ask) -> None:
    answer = ask()
    recording.claim(answer.pk)
    Answer.objects.filter(pk=answer.pk).update(beat=timezone.now() - timedelta(minutes=1))
    page = body(visitor.get(f"/answers/{answer.pk}/"))
    assert "Stopped half-way: the server was restarted. What was written is kept." in page
    assert ">Continue</button>" in page
    assert f'name="q" value="{QUESTION}"' in page


def test_continuing_asks_again_as_a_new_answer_in_the_same_place_of_the_conversation(visitor: Client, ask: Ask) -> None:
    first = written(ask())
    second = recording.ask("And then?", user=AnonymousUser(), session_key=SESSION, previous=first)
    Answer.objects.filter(pk=second.pk).update(state="interrupted")
    page = body(visitor.get(f"/answers/{second.pk}/"))
    assert f'name="previous" value="{first.pk}"' in page
    visitor.post("/ask/", {"q": "And then?", "previous": str(first.pk), "live": "1"})
    third = Answer.objects.get(state="waiting")
    assert third.previous == first
    second.refresh_from_db()
    assert second.state == "interrupted"


def test_a_follow_up_belongs_to_the_conversation(visitor: Client, ask: Ask) -> None:
    first = written(ask())
    response = visitor.post("/ask/", {"q": "What are the limits?", "previous": str(first.pk)}, follow=True)
    page = body(response)
    assert f'<li><a href="/answers/{first.pk}/">{QUESTION}</a></li>' in page
    assert Answer.objects.get(question="What are the limits?").previous == first


def test_two_questions_in_one_are_both_answered_or_it_is_said_which_is_not(
    real_embedder: None, ask: Ask, index: Callable[[], int]
) -> None:
    factories.article("Delete an article", "Open **More** and press Delete. A deleted article is kept for thirty days.")
    index()
    answer = written(ask("How do I restore an older version and how do I delete an article?"))
    cited = {source.title for source in recalling.sources_of(answer) if f"⟦{source.number}⟧" in answer.text}
    assert cited == {"Restore an older version", "Delete an article"}
    half = written(ask("How do I restore an older version and how do I bake sourdough bread?"))
    assert half.message == "Nothing was found for “how do I bake sourdough bread?”."
    assert "Nothing was found for" in body(Client().get(f"/answers/{half.pk}/"))


def test_a_long_conversation_is_remembered_in_a_fixed_number_of_statements(
    ask: Ask, django_assert_max_num_queries: Any
) -> None:
    turn = written(ask())
    for number in range(60):
        before, turn = turn, ask(f"And then {number}?")
        Answer.objects.filter(pk=turn.pk).update(previous=before, state="answered", told=min(number + 1, 3))
    turn.refresh_from_db()
    nobody = AnonymousUser()
    with django_assert_max_num_queries(8):
        opened = recalling.open_answer(turn.pk, user=nobody, session_key=SESSION)
    assert opened
    assert opened.readable
    assert len(recalling.history(turn, user=nobody)) == recalling.TURNS
    assert len(recalling.conversation(turn, user=nobody)) == 20
    AnswerSource.objects.all().delete()  # of the first one, which all others were told of in the end
    assert recalling.open_answer(turn.pk, user=nobody, session_key=None) is None


def test_a_shared_follow_up_names_no_earlier_question_whose_answer_may_not_be_read(
    visitor: Client, ask: Ask, secret: Article, operator: User
) -> None:
    private = written(ask(TURBINE, user=operator))
    shared = recording.ask(QUESTION, user=operator, session_key=None, previous=private)
    written(shared)
    assert TURBINE in body(browser_of(operator).get(f"/answers/{shared.pk}/"))
    AnswerSource.objects.filter(answer=private).delete()  # as when the article is deleted for good
    assert "turbine" not in body(visitor.get(f"/answers/{shared.pk}/"))
    beginning = recording.ask(TURBINE, user=operator, session_key=None)
    Answer.objects.filter(pk=shared.pk).update(previous=beginning)
    assert "turbine" not in body(visitor.get(f"/answers/{shared.pk}/"))


def test_a_follow_up_that_leans_on_earlier_turns_is_for_those_who_may_read_them(
    visitor: Client, ask: Ask, secret: Article, operator: User
) -> None:
    leaning = "And how do I restore an older version of it?"
    private = written(ask(TURBINE, user=operator))
    asked = written(recording.ask(leaning, user=operator, session_key=None, previous=private))
    assert (asked.state, asked.told, "turbine" in asked.searched) == ("answered", 1, True)
    again = written(recording.ask("And that?", user=operator, session_key=None, previous=asked))
    Answer.objects.filter(pk=again.pk).update(told=1)  # of the turn before alone, which was told of the private one
    for one in (asked, again):
        assert visitor.get(f"/answers/{one.pk}/").status_code == 404
        assert "turbine" in body(browser_of(operator).get(f"/answers/{one.pk}/"))
    public = written(ask())
    restoring = "And how can I restore it?"
    open_to_all = written(recording.ask(restoring, user=AnonymousUser(), session_key=SESSION, previous=public))
    assert open_to_all.told == 1
    assert "Searched for" in body(Client().get(f"/answers/{open_to_all.pk}/"))


@pytest.mark.parametrize("previous", ["nonsense", "", "35ec2f8d-3ade-47c6-bd64-b1e822cd6290"])
def test_a_follow_up_to_nothing_is_a_question_of_its_own(visitor: Client, previous: str) -> None:
    visitor.post("/ask/", {"q": QUESTION, "previous": previous, "live": "1"})
    assert Answer.objects.get().previous is None


def test_nobody_follows_up_an_answer_that_they_may_not_read(
    visitor: Client, ask: Ask, secret: Article, operator: User
) -> None:
    private = written(ask(TURBINE, user=operator))
    visitor.post("/ask/", {"q": QUESTION, "previous": str(private.pk), "live": "1"})
    assert Answer.objects.get(state="waiting").previous is None


def test_a_refusal_offers_the_nearest_articles_this_reader_may_see_and_a_person(
    visitor: Client, ask: Ask, settings: Any, article: Article, secret: Article
) -> None:
    settings.ANSWER_THRESHOLD = 99.0
    answer = written(ask("Can pigs fly?"))
    Answer.objects.filter(pk=answer.pk).update(nearest=[secret.pk, article.pk])
    page = body(visitor.get(f"/answers/{answer.pk}/"))
    assert "No answer: the articles do not cover this." in page
    assert f'<a href="{reverse("article", args=[article.slug])}">Restore an older version</a>' in page
    assert "turbine" not in page
    assert f"mailto:{settings.SUPPORT_EMAIL}?subject=Question&body=Can%20pigs%20fly%3F" in page


def test_feedback_counts_once_for_each_visitor_and_the_last_one_holds(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    address = f"/answers/{answer.pk}/feedback/"
    assert visitor.post(address, {"helped": "yes"}).url == f"/answers/{answer.pk}/#feedback"
    visitor.post(address, {"helped": "no", "why": ["wrong", "nonsense"]})
    given = Feedback.objects.get()
    assert (given.helped, given.reasons) == (False, ["wrong"])
    part = visitor.post(address, {"helped": "yes"}, headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<form class="feedback no-print" id="feedback"')
    assert "Thank you. Good to know." in part
    assert Feedback.objects.get().helped


def test_feedback_without_an_opinion_changes_nothing(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    visitor.post(f"/answers/{answer.pk}/feedback/", {})
    assert not Feedback.objects.exists()


def test_an_outsider_gives_no_feedback_on_a_private_answer(
    ask: Ask, secret: Article, operator: User, outsider: User
) -> None:
    answer = written(ask(TURBINE, user=operator))
    assert browser_of(outsider).post(f"/answers/{answer.pk}/feedback/", {"helped": "no"}).status_code == 404
    assert not Feedback.objects.exists()


def test_the_pages_are_not_for_shared_caches_nor_for_search_engines(visitor: Client, ask: Ask) -> None:
    response = visitor.get(f"/answers/{written(ask()).pk}/")
    assert "private" in response["Cache-Control"]
    assert '<meta name="robots" content="noindex">' in body(response)


def test_a_new_visit_is_no_new_limit(ask: Ask, settings: Any, article: Article) -> None:
    settings.ASK_LIMIT = "2/m"
    answers = []
    for _ in range(3):
        visitor = Client()
        visitor.get(f"/articles/{article.slug}/")  # which begins a session
        answers.append(visitor.post("/ask/", {"q": "How do I restore?", "live": "1"}).status_code)
    assert answers == [302, 302, 429]


def test_the_page_of_an_answer_tells_which_passages_have_changed_since(
    visitor: Client, ask: Ask, article: Article, index: Any
) -> None:
    answer = written(ask())
    assert "changed since" not in body(visitor.get(f"/answers/{answer.pk}/")).lower()
    content = Content(
        article.latest_version.title, article.latest_version.source.replace("Press Restore", "Press Undo")
    )
    publishing.save(article, content, by=None, based_on=1)
    publishing.publish(article, by=None)
    index()
    page = body(visitor.get(f"/answers/{answer.pk}/"))
    assert "Press Restore." in page  # what was said
    assert page.count("Changed since") == 1
    assert "1 of its sources has changed since this was written." in page


def test_ask_again_wants_an_answer_that_is_written_anew(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    assert '<input type="hidden" name="again" value="1">' in body(visitor.get(f"/answers/{answer.pk}/"))
    visitor.post("/ask/", {"q": QUESTION, "again": "1"})
    assert list(Answer.objects.order_by("created").values_list("anew", "state")) == [
        (False, "answered"),
        (True, "answered"),
    ]


def test_what_was_searched_for_a_follow_up_is_shown(visitor: Client, ask: Ask) -> None:
    first = written(ask())
    second = recording.ask("And who may do it?", user=AnonymousUser(), session_key=SESSION, previous=first)
    searched = "And who may do it? restore older version"
    frames = async_to_sync(sources_of)(second)
    assert frames["searched"] == searched
    assert f"Searched for “<span>{searched}</span>”." in body(visitor.get(f"/answers/{second.pk}/"))
    assert 'id="searched" hidden' in body(visitor.get(f"/answers/{first.pk}/"))


async def sources_of(answer: Answer) -> dict[str, Any]:
    async with socket(answer.pk, cookie=SESSION) as browser:
        frames = await browser.follow()
    return next(frame for frame in frames if frame["type"] == "sources")


@pytest.fixture
def resets(ask: Ask, index: Any, operators: Any) -> None:
    """Articles that a question about resetting fits equally, one of them for operators alone."""
    for thing in ("router", "password"):
        factories.article(f"Reset the {thing}", f"The {thing} is reset by its owner alone.")
    factories.article("Reset the turbine", "The turbine is reset by its owner alone.", audience=operators)
    index()


def test_a_question_that_fits_several_articles_is_asked_back_and_each_choice_is_one_click(
    visitor: Client, ask: Ask, resets: None
) -> None:
    answer = written(ask("How is it reset?"))
    assert answer.state == "unclear"
    page = body(visitor.get(f"/answers/{answer.pk}/"))
    assert "A question back: which article do you mean?" in page
    assert "turbine" not in page
    choice = "How is it reset? (Reset the password)"
    assert f'name="q" value="{choice}"' in page
    visitor.post("/ask/", {"q": choice, "previous": answer.pk})
    chosen = Answer.objects.get(previous=answer)
    assert chosen.state == "answered"
    assert chosen.sources.get(number=1).version.title == "Reset the password"


def test_whoever_means_all_of_them_is_not_asked_again(visitor: Client, ask: Ask, resets: None) -> None:
    answer = written(ask("How is it reset?"))
    visitor.post("/ask/", {"q": "How is it reset?", "previous": answer.pk})
    assert Answer.objects.get(previous=answer).state == "answered"


def test_a_choice_shows_only_articles_that_this_reader_may_see(ask: Ask, resets: None, operator: User) -> None:
    answer = written(ask("How is it reset?", user=operator))
    assert "Reset the turbine" in body(browser_of(operator).get(f"/answers/{answer.pk}/"))
    assert Client().get(f"/answers/{answer.pk}/").status_code == 404


def test_what_an_article_was_cleared_of_before_more_were_let_in_stays_with_those_who_could_read_it(
    ask: Ask, secret: Article, index: Any, operator: User, everyone: Audience
) -> None:
    answer = written(ask(TURBINE, user=operator))
    content = Content(secret.latest_version.title, "Turn the turbine key twice.")
    publishing.save(secret, content, by=None, based_on=1)
    publishing.publish(secret, by=None)
    index()
    Article.objects.filter(pk=secret.pk).update(audience=everyone)
    assert Client().get(f"/articles/{secret.slug}/").status_code == 200
    assert Client().get(f"/answers/{answer.pk}/").status_code == 404
    assert "kumquat" in body(browser_of(operator).get(f"/answers/{answer.pk}/"))


def test_a_passage_that_still_stands_is_for_whoever_reads_its_article_now(
    ask: Ask, secret: Article, operator: User, everyone: Audience
) -> None:
    answer = written(ask(TURBINE, user=operator))
    Article.objects.filter(pk=answer.sources.get(number=1).version.article_id).update(audience=everyone)
    assert Client().get(f"/answers/{answer.pk}/").status_code == 200


def test_a_replayed_answer_says_when_it_was_written(visitor: Client, ask: Ask) -> None:
    answer = written(ask())
    Answer.objects.filter(pk=answer.pk).update(replayed=timezone.now().replace(year=2026, month=11, day=2, hour=9))
    assert "Written on 2 November 2026, 09:" in body(visitor.get(f"/answers/{answer.pk}/"))
