"""Nobody gets into the editor's pages without a role, at any address."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.asserts import assertContains

from kb import publishing
from kb.models import Article
from portal.editor.lifecycle_urls import urlpatterns as lifecycle
from portal.editor.urls import urlpatterns as editing
from portal.models import User

urlpatterns = [*editing, *lifecycle]
NAMES = [pattern.name for pattern in urlpatterns]
POST_ONLY = [
    "editor_preview",
    "editor_publish",
    "editor_retry",
    "editor_undo",
    "editor_untrash",
    "editor_autosave",
    "editor_autosave_new",
    "editor_company",
    "editor_discard",
    "editor_upload",
]
SAFE_ONLY = [
    "editor_articles",
    "editor_explain",
    "editor_history",
    "editor_compare",
    "editor_version",
    "editor_chunks",
    "editor_status",
    "editor_left",
    "editor_picking",
    "editor_reviews",
    "editor_trash",
    "editor_batch",
]
OF_ONE_ARTICLE = [pattern.name for pattern in urlpatterns if "pk" in pattern.pattern.converters]

ClientOf = Callable[[User], Client]


def address(name: str, article: Article) -> str:
    pattern = next(pattern for pattern in urlpatterns if pattern.name == name)
    values = {"pk": article.pk, "number": 1, "key": uuid4()}
    return reverse(name, kwargs={key: values[key] for key in pattern.pattern.converters})


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", NAMES)
def test_anonymous_people_are_sent_to_sign_in(name: str, method: str, article: Article, client: Client) -> None:
    response = getattr(client, method)(address(name, article))

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login") + "?next=/editor/")


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_without_a_role_is_refused(name: str, article: Article, reader: User, client_of: ClientOf) -> None:
    response = client_of(reader).get(address(name, article))

    assert response.status_code == 403
    assert "ask an admin for one" in response.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", OF_ONE_ARTICLE)
def test_an_outsider_does_not_find_the_article(
    name: str, method: str, article: Article, outsider: User, client_of: ClientOf
) -> None:
    secret = publishing.Content("A canary of a title", "Not for outsiders.")
    publishing.save(article, secret, by=None, based_on=1)

    response = getattr(client_of(outsider), method)(address(name, article))

    assert response.status_code in ({405} if wrong_method(name, method) else {404})
    assert "canary" not in response.content.decode()
    article.refresh_from_db()
    assert (article.state, article.latest_version.number, article.wanted_version.number) == ("published", 2, 1)


def wrong_method(name: str, method: str) -> bool:
    return name in (POST_ONLY if method == "get" else SAFE_ONLY)


@pytest.mark.parametrize("name", POST_ONLY)
def test_what_changes_something_refuses_get(name: str, article: Article, editor: User, client_of: ClientOf) -> None:
    assert client_of(editor).get(address(name, article)).status_code == 405


@pytest.mark.parametrize("name", SAFE_ONLY)
def test_what_only_shows_refuses_post(name: str, article: Article, editor: User, client_of: ClientOf) -> None:
    assert client_of(editor).post(address(name, article)).status_code == 405


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"editor_create", "editor_edit"}))
def test_a_form_from_elsewhere_is_refused(name: str, article: Article, editor: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(editor)

    assert strict.post(address(name, article), {"source": "x"}).status_code in (403, 405)


def test_an_account_that_was_switched_off_is_sent_to_sign_in(editor: User, client_of: ClientOf) -> None:
    client = client_of(editor)
    User.objects.filter(pk=editor.pk).update(is_active=False)

    assert client.get(reverse("editor_articles")).status_code == 302


def test_what_a_form_sent_after_the_session_ended_can_be_sent_again_after_signing_in(
    article: Article, editor: User
) -> None:
    browser, place = Client(enforce_csrf_checks=True), reverse("editor_edit", args=[article.pk])
    browser.force_login(editor)
    form = browser.get(place).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields} | {"title": "Typed", "source": "Two\nlines & <b>."}
    token = browser.cookies["csrftoken"].value
    del browser.cookies["sessionid"]
    refused = browser.post(place, {**sent, "csrfmiddlewaretoken": token})
    assert refused.status_code == 401
    assertContains(refused, "so this was not saved yet", status_code=401)
    assertContains(refused, "Two\nlines &amp; &lt;b&gt;.</textarea>", status_code=401)
    assertContains(refused, '<input type="hidden" name="title" value="Typed">', status_code=401)

    browser.force_login(editor)
    browser.cookies["csrftoken"] = "x" * 32  # signing in changed it
    old = {**sent, "csrfmiddlewaretoken": token}
    assert "Typed" not in browser.post(place, old).content.decode()  # who knows where that came from
    again = browser.post(place, old, headers={"Origin": "http://testserver"})
    assertContains(again, 'value="Typed"', status_code=403)
    token = again.context["csrf_token"]
    assert browser.post(place, {**sent, "csrfmiddlewaretoken": str(token)}).status_code == 302
    article.refresh_from_db()
    assert article.latest_version
    assert (article.latest_version.title, article.latest_version.source.strip()) == ("Typed", "Two\nlines & <b>.")


@pytest.mark.parametrize("place", ["/accounts/login/", "/accounts/password/change/", "/admin/login/"])
def test_no_password_is_ever_shown_again(place: str, editor: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(editor)
    sent = {"login": "editor", "password": "s3cret-passw0rd", "oldpassword": "s3cret-passw0rd"}
    refused = browser.post(place, sent, headers={"Origin": "http://testserver"})
    assert "s3cret" not in refused.content.decode()
    shown = browser.post("/ask/", {"q": "What is it?"}, headers={"Origin": "http://testserver"})
    assertContains(shown, 'value="What is it?"', status_code=403)
    assert "no-store" in shown["Cache-Control"]


def test_an_address_that_takes_only_forms_says_so(article: Article, editor: User, client_of: ClientOf) -> None:
    response = client_of(editor).get(reverse("editor_retry", args=[article.pk]))
    assertContains(response, "There is nothing to read at this address.", status_code=405)
    assert response["Allow"] == "POST"


def test_too_much_is_said_to_be_too_much(
    settings: Settings, article: Article, editor: User, client_of: ClientOf
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_500_000
    client, big = client_of(editor), {"source": "x" * 1_600_000}
    page = client.post(reverse("editor_edit", args=[article.pk]), big)
    assertContains(page, "at most 1.5 MB at once", status_code=413)
    line = client.post(reverse("editor_preview"), big, headers={"HX-Request": "true"})
    assert (line.status_code, line["Content-Type"]) == (413, "text/plain; charset=utf-8")


def test_htmx_is_refused_without_leaving_the_page_when_the_session_ended(client: Client, db: None) -> None:
    """The page in which it asks may hold text that nobody saved."""
    response = client.post(reverse("editor_preview"), {"source": "x"}, headers={"HX-Request": "true"})

    assert response.status_code == 401
    assert "Sign in again in another tab" in response.content.decode()


def test_a_collection_in_the_address_that_is_no_text_is_ignored(
    article: Article, editor: User, client_of: ClientOf
) -> None:
    assert client_of(editor).get("/editor/articles/new/?collection=%00").status_code == 200


@pytest.mark.parametrize("back", ["foo", "editor_edit", "home", "https://elsewhere.example/"])
def test_a_retry_leads_back_to_the_article_unless_told_an_address_of_ours(
    back: str, article: Article, editor: User, client_of: ClientOf
) -> None:
    response = client_of(editor).post(reverse("editor_retry", args=[article.pk]), {"next": back})
    assert response.url == reverse("editor_edit", args=[article.pk])


def test_the_admin_has_no_sign_in_of_its_own(client: Client) -> None:
    response = client.get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/")
