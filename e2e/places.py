"""Every page of the product: how a visitor gets there. For what has to hold everywhere, and for looking at them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from e2e.asking import FOREIGN, ask, ask_and_wait, citations, sources
from e2e.writing import desk_article, go_to, save, text_field, write


@dataclass(frozen=True)
class Place:
    """A page: who goes there (nobody in particular, or one of the demo people), and how."""

    name: str
    go: Callable[[Page], object]
    person: str = ""
    writes: bool = False  # not for a site of somebody else's
    complaint: str = ""  # of the browser itself, about the status of this page


def at(path: str) -> Callable[[Page], object]:
    return lambda page: page.goto(path)


def article(page: Page) -> None:
    page.goto("/collections/writing/")
    page.get_by_role("region", name="Articles").get_by_role(
        "link", name="Restore an older version of an article"
    ).click()
    expect(page.get_by_role("navigation", name="On this page")).to_be_visible()


def article_with_figures(page: Page) -> None:
    page.goto("/collections/running/")
    page.get_by_role("main").get_by_role("link", name=re.compile("settings", re.IGNORECASE)).first.click()
    expect(page.get_by_role("table").first).to_be_attached()


def answered(page: Page) -> None:
    ask_and_wait(page)
    citations(page).first.click()
    expect(sources(page).first).to_have_attribute("aria-current", "true")


def refused(page: Page) -> None:
    ask_and_wait(page, FOREIGN)


def being_written(page: Page) -> None:
    ask(page)
    expect(sources(page).first).to_be_visible()


def wrong_password(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("User name or e-mail address").fill("nobody")
    page.get_by_label("Password").fill("not-the-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def of_desk_article(link: str) -> Callable[[Page], object]:
    """A page beside the form of an article that has three versions."""

    def go(page: Page) -> None:
        desk_article(page)
        go_to(page, link)

    return go


def compared(page: Page) -> None:
    desk_article(page)
    go_to(page, "History")
    page.get_by_role("radio", name="before version 1").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("beside version")


def one_version(page: Page) -> None:
    desk_article(page)
    go_to(page, "History")
    page.get_by_role("link", name="Version 1", exact=True).click()
    expect(page.get_by_role("link", name="Restore this version")).to_be_visible()


def form_with_errors(page: Page) -> None:
    page.goto("/editor/articles/new/")
    page.get_by_label("Markdown").fill("A text without a title.")
    page.get_by_label("Title").evaluate("title => { title.required = false; }")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("alert").filter(has_text="Not saved.")).to_be_visible()


def conflict(page: Page) -> None:
    """Somebody saves in one tab what another tab has changed meanwhile."""
    desk_article(page)
    other = page.context.new_page()
    other.goto(page.url)
    write(page, "The desk is open from nine to five.\n\nOn Fridays it closes at three.")
    write(other, f"{text_field(other).input_value()}\n\nOn holidays it is closed.")
    save(other)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Someone else saved this article first")
    other.close()


PLACES = [
    Place("home", at("/")),
    Place("collections", at("/collections/")),
    Place("collection", at("/collections/writing/")),
    Place("article", article),
    Place("article-with-tables", article_with_figures),
    Place("search", at("/search/?q=restore+a+version")),
    Place("search-without-results", at("/search/?q=zzyzx+qwrtk")),
    Place("search-empty", at("/search/")),
    Place("ask", at("/ask/")),
    Place("being-written", being_written, writes=True),
    Place("answered", answered, writes=True),
    Place("refused", refused, writes=True),
    Place("login", at("/accounts/login/")),
    Place("login-refused", wrong_password, writes=True),
    Place("password-reset", at("/accounts/password/reset/")),
    Place("password-change", at("/accounts/password/change/"), "reader", writes=True),
    Place("nothing-here", at("/articles/no-such-article/"), complaint="404"),
    Place("editor-list", at("/editor/"), "editor", writes=True),
    Place("editor-new", at("/editor/articles/new/"), "editor", writes=True),
    Place("editor-errors", form_with_errors, "editor", writes=True, complaint="422"),
    Place("editor-edit", desk_article, "editor", writes=True),
    Place("editor-history", of_desk_article("History"), "editor", writes=True),
    Place("editor-version", one_version, "editor", writes=True),
    Place("editor-compare", compared, "editor", writes=True),
    Place("editor-chunks", of_desk_article("Chunks"), "editor", writes=True),
    Place("editor-unpublish", of_desk_article("Unpublish"), "editor", writes=True),
    Place("editor-conflict", conflict, "editor", writes=True, complaint="409"),
    Place("editor-people", at("/editor/people/"), "admin", writes=True),
    Place("editor-invite", at("/editor/people/invite/"), "admin", writes=True),
]
