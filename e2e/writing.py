"""Writing as an editor does: new articles, drafts, publishing."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

DESK = "Opening hours of the help desk"
READY = re.compile(r"Answers use version (\d+)\.")


def text_field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Markdown")


def write(page: Page, text: str) -> None:
    """Replace the text in the form, as typing over it would."""
    text_field(page).fill(text)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("status").filter(has_text=re.compile("[Ss]aved")).first).to_be_visible()


def publish(page: Page) -> None:
    """Publish what the form holds; returns when the server has answered."""
    page.get_by_role("region", name="Save and publish").get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status").filter(has_text=re.compile("[Pp]ublished")).first).to_be_visible()


def published(page: Page) -> None:
    """Wait until answers use the version that was published last."""
    expect(page.get_by_role("region", name="Save and publish")).to_contain_text(READY)


def new_article(page: Page, title: str, text: str, *, collection: str = "Writing and publishing") -> str:
    """Write a new article and publish it; returns the address of its form."""
    page.goto("/editor/articles/new/")
    page.get_by_role("textbox", name="Title").fill(title)
    write(page, text)
    page.get_by_role("combobox", name="Collection").select_option(label=collection)
    publish(page)
    published(page)
    return page.url


def edit(page: Page, title: str) -> None:
    """Open an article's form from the list."""
    page.goto("/editor/")
    page.get_by_role("searchbox", name="Find by title or tag").fill(title)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=title, exact=True).click()
    expect(text_field(page)).to_be_visible()


def go_to(page: Page, name: str) -> None:
    """Follow a link around the form: History, Chunks, Unpublish …"""
    page.get_by_role("link", name=re.compile(rf"^(\d+ ?)?{name}$")).first.click()
    expect(text_field(page)).to_have_count(0)


def desk_article(page: Page) -> None:
    """The form of an article with at least three versions, written when nobody has done so yet."""
    page.goto(f"/editor/?q={DESK}")
    found = page.get_by_role("link", name=DESK, exact=True)
    if found.count():
        found.click()
        return
    new_article(page, DESK, "The desk is open from nine to five.\n\nOn Sundays it is closed.")
    write(page, "The desk is open from nine to six.\n\nOn Sundays it is closed.")
    save(page)
    write(page, "The desk is open from nine to six.\n\nOn Sundays it is closed.\n\nOn Fridays it closes at four.")
    publish(page)
    published(page)
