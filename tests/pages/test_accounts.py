"""Signing in and out, passwords."""

import re

import pytest
from django.core import mail

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

PAGES = [
    "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-wrong/", "/accounts/password/reset/key/done/", "/accounts/inactive/",
    "/accounts/3rdparty/login/cancelled/", "/accounts/3rdparty/login/error/",
]  # fmt: skip
INSIDE = ["/accounts/logout/", "/accounts/password/change/", "/accounts/email/", "/accounts/3rdparty/"]


def check(response) -> None:
    """Ours, and nothing that the content security policy would stop."""
    page = response.content.decode()
    assert response.status_code in (200, 401)
    assert 'class="wordmark"' in page
    assert " style=" not in page
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


@pytest.mark.parametrize("url", PAGES)
def test_account_pages_are_in_our_own_clothes(client, db, url):
    check(client.get(url))


@pytest.mark.parametrize("url", INSIDE)
def test_pages_of_ones_own_account_are_in_our_own_clothes(client, reader, url):
    client.force_login(reader)
    check(client.get(url))


def test_one_signs_in_by_name_or_address_and_comes_back(client, reader):
    for login in ("reader", "reader@example.org"):
        form = {"login": login, "password": PASSWORD, "next": "/search/"}
        response = client.post("/accounts/login/", form)
        assert response["Location"] == "/search/"
        client.logout()


def test_a_wrong_password_is_said_without_saying_which_half_was_wrong(client, reader):
    for login in ("reader", "nobody"):
        page = client.post("/accounts/login/", {"login": login, "password": "wrong"}).content.decode()
        assert "That name and password do not match." in page


def test_signing_in_is_throttled(client, reader, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/5m/key"}
    for _ in range(3):
        client.post("/accounts/login/", {"login": "reader", "password": "wrong"})
    page = client.post("/accounts/login/", {"login": "reader", "password": PASSWORD}).content.decode()
    assert "Too many tries." in page


def test_nobody_signs_up_by_themselves(client, db):
    assert "Accounts are by invitation" in client.get("/accounts/signup/").content.decode()


def test_sign_up_can_be_opened(client, db, settings):
    settings.SIGNUP_OPEN = True
    assert "Make an account" in client.get("/accounts/signup/").content.decode()


def test_signing_out_takes_a_post(client, reader):
    client.force_login(reader)
    client.get("/accounts/logout/")
    assert "Sign out, reader" in client.get("/").content.decode()
    assert client.post("/accounts/logout/").status_code == 302
    assert "Sign in" in client.get("/").content.decode()


def test_a_forgotten_password_is_set_anew_by_a_link_that_works_once(client, reader):
    client.post("/accounts/password/reset/", {"email": "reader@example.org"})
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True)
    assert "Choose a password" in form.content.decode()
    new = {"password1": "a quite new sentence", "password2": "a quite new sentence"}
    assert client.post(form.request["PATH_INFO"], new, follow=True).status_code == 200
    assert client.login(username="reader", password="a quite new sentence")
    client.logout()
    assert "This link does not work any more" in client.get(link, follow=True).content.decode()


def test_an_unknown_address_gets_the_same_answer(client, reader):
    known = client.post("/accounts/password/reset/", {"email": "reader@example.org"}, follow=True)
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain


def test_a_closed_account_cannot_sign_in(client, reader):
    reader.is_active = False
    reader.save()
    response = client.post("/accounts/login/", {"login": "reader", "password": PASSWORD}, follow=True)
    assert not response.context["user"].is_authenticated


@pytest.mark.parametrize("is_open", [True, False])
def test_signing_up_is_offered_only_where_it_is_open(client, settings, is_open):
    settings.SIGNUP_OPEN = is_open
    assert ("No account yet?" in client.get("/accounts/login/").content.decode()) is is_open
