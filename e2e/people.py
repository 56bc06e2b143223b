"""The demo people: how they sign in."""

from __future__ import annotations

from playwright.sync_api import Page

PASSWORD = "footnote-demo"


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """Sign in by the form; works with and without scripts."""
    page.goto("/accounts/login/")
    page.get_by_label("User name or e-mail address").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/login" not in url)
