"""The page of an article, and the opinion readers leave there."""

import pytest
from django.utils import timezone

from kb import publishing
from kb.models import Feedback, ReadCount, Redirect
from tests import factories

pytestmark = pytest.mark.django_db

URL = "/articles/restore-an-older-version/"
FEEDBACK = URL + "feedback/"


def test_an_article_has_contents_anchors_and_facts(client, article):
    page = client.get(URL).content.decode()
    assert '<a href="#s-steps">Steps</a>' in page
    assert 'id="s-steps"' in page
    assert "Every save makes a version." in page
    assert "everyone" in page
    assert f"{timezone.localdate():%B %Y}" in page
    assert 'href="/search/?tag=versions"' in page


def test_every_block_can_be_linked_by_its_line(client, article):
    assert '<p id="b-1">' in client.get(URL).content.decode()


def test_readers_get_the_published_version_and_not_the_draft(client, article):
    content = publishing.Content("Restore, rewritten", "Newer words.")
    publishing.save(article, content, by=None, based_on=1)
    page = client.get(URL).content.decode()
    assert "Newer words." not in page
    assert "Restore, rewritten" not in page


def test_a_new_version_shows_at_once_though_pages_are_kept(client, article, index):
    client.get(URL)
    publishing.save(article, publishing.Content("Restore", "Newer words."), by=None, based_on=1)
    publishing.publish(article, by=None)
    index()
    assert "Newer words." in client.get(URL).content.decode()


def test_text_cannot_bring_its_own_markup(client, index):
    factories.article("Hostile", "<script>alert(1)</script>\n\n[x](javascript:alert(1))")
    index()
    page = client.get("/articles/hostile/").content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


def test_the_language_is_named_when_it_is_not_english(client, index):
    factories.article("Versionen", "Alte Fassungen.", language="de")
    index()
    page = client.get("/articles/versionen/").content.decode()
    assert "German" in page
    assert '<h1 lang="de">' in page


def test_the_edit_link_is_for_those_who_may_edit_this_article(client, article, author, outsider):
    for user, expected in ((outsider, False), (author, True)):
        client.force_login(user)
        assert (f"/editor/articles/{article.pk}/" in client.get(URL).content.decode()) is expected


def test_related_articles_are_named_at_the_end(client, article, index):
    factories.article("Restore an older version again")
    index()
    assert "Restore an older version again" in client.get(URL).content.decode()


def test_a_session_counts_once_a_day(client, article):
    client.get(URL)
    client.get(URL)
    assert ReadCount.objects.get(article=article).reads == 1


def test_a_head_request_is_no_reading(client, article):
    client.head(URL)
    assert not ReadCount.objects.exists()


def test_an_old_address_leads_to_the_new_one(client, article):
    publishing.arrange(article, by=None, slug="restore")
    response = client.get(URL)
    assert response.status_code == 301
    assert response["Location"] == "/articles/restore/"


def test_an_old_address_of_a_hidden_article_reveals_nothing(client, article, signed_in):
    publishing.arrange(article, by=None, slug="restore", audience=signed_in)
    assert client.get(URL).status_code == 404


@pytest.mark.parametrize("hide", [publishing.unpublish, publishing.archive])
def test_an_article_taken_back_is_gone_with_the_click(client, article, hide):
    hide(article, by=None)
    assert client.get(URL).status_code == 404


def test_feedback_is_kept_once_per_session_and_the_last_counts(client, article):
    client.get(URL)
    client.post(FEEDBACK, {"helped": "yes"})
    client.post(FEEDBACK, {"helped": "no", "comment": "Where is the button?"})
    given = Feedback.objects.get()
    assert (given.helped, given.comment, given.version) == (False, "Where is the button?", article.published_version)


def test_feedback_works_without_scripts(client, article):
    response = client.post(FEEDBACK, {"helped": "no"}, follow=True)
    assert response.redirect_chain == [(URL + "#helpful", 302)]
    assert "What is missing, or wrong?" in response.content.decode()


def test_feedback_by_htmx_answers_with_the_section_alone(client, article):
    page = client.post(FEEDBACK, {"helped": "yes"}, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith("<section")
    assert "Thank you" in page


def test_feedback_without_an_answer_changes_nothing(client, article):
    assert client.post(FEEDBACK, {"helped": "perhaps"}).status_code == 302
    assert not Feedback.objects.exists()


def test_too_long_a_comment_is_refused_with_the_reason(client, article):
    form = {"helped": "no", "comment": "x" * 2001}
    page = client.post(FEEDBACK, form, headers={"HX-Request": "true"}).content.decode()
    assert "at most 2000 characters" in page
    assert not Feedback.objects.exists()


def test_outsiders_cannot_leave_feedback_on_what_they_cannot_read(client, article, signed_in):
    publishing.arrange(article, by=None, audience=signed_in)
    assert client.post(FEEDBACK, {"helped": "yes"}).status_code == 404
    assert not Feedback.objects.exists()


def test_feedback_wants_a_post(client, article):
    assert client.get(FEEDBACK).status_code == 405


def test_a_redirect_never_hides_an_article_that_has_the_address_now(client, article, index):
    other = factories.article("Other")
    index()
    Redirect.objects.create(old_slug="restore-an-older-version", article=other)
    assert client.get(URL).status_code == 200


def test_an_article_takes_few_queries(client, article, django_assert_max_num_queries):
    client.get(URL)
    with django_assert_max_num_queries(12):
        client.get(URL)
