"""Everything without a single script: read, search, ask, say whether it helped, sign in, write and publish."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.asking import COMPLETE, FOREIGN, QUESTION, REFUSED, answer, citations, cited, marked, status
from e2e.conftest import NewContext
from e2e.people import sign_in
from e2e.writing import edit, publish, save, text_field, write

ARTICLE = "Restore an older version of an article"


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return new_context(java_script_enabled=False).new_page()


def ask_plainly(page: Page, question: str) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("searchbox").fill(question)
    page.get_by_role("main").get_by_role("button", name="Ask").click()
    expect(page.get_by_label("Your question")).to_have_value(question)
    page.get_by_role("main").get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile("/answers/"))


def test_home_search_and_article_are_read_without_scripts(page: Page) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("searchbox").fill("restore an older version")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("heading", name=ARTICLE, exact=True).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ARTICLE)
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Can I undo a restore?").click()
    expect(page.get_by_role("heading", name="Can I undo a restore?")).to_be_in_viewport()


@pytest.mark.usefixtures("own_site")
def test_an_answer_arrives_complete_with_its_sources(page: Page) -> None:
    ask_plainly(page, QUESTION)
    expect(status(page)).to_have_text(COMPLETE)
    expect(answer(page)).to_contain_text("Open the article in the editor.")
    citation = citations(page).first
    source = cited(page, citation)
    citation.click()
    expect(page).to_have_url(re.compile(f"#{source.get_attribute('id')}$"))
    expect(source).to_be_in_viewport()
    source.get_by_text("Restore an older version of an article").first.click()
    expect(marked(source).first).to_be_visible()
    source.get_by_role("link", name="Open at this passage").click()
    expect(page.get_by_text("Open the article in the editor.")).to_be_in_viewport()


@pytest.mark.usefixtures("own_site")
def test_a_refusal_is_as_complete_as_with_scripts(page: Page) -> None:
    ask_plainly(page, FOREIGN)
    expect(status(page)).to_have_text(REFUSED)
    expect(page.get_by_role("region", name="Nearest articles").get_by_role("link").first).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="Write to a person")).to_be_visible()


@pytest.mark.usefixtures("own_site")
def test_an_opinion_and_a_follow_up_need_no_scripts(page: Page) -> None:
    ask_plainly(page, QUESTION)
    page.get_by_role("radio", name="No").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. The editors will see it")).to_be_visible()
    page.get_by_label("Ask a follow-up").fill("Who may restore a version?")
    page.get_by_role("main").get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who may restore a version?")
    expect(status(page)).to_have_text(COMPLETE)


@pytest.mark.usefixtures("own_site")
def test_an_article_takes_feedback_without_scripts(page: Page) -> None:
    page.goto("/collections/writing/")
    page.get_by_role("region", name="Articles").get_by_role("link", name=ARTICLE).click()
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_text("Thank you. Good to know.")).to_be_visible()


@pytest.mark.usefixtures("own_site")
def test_an_editor_writes_and_publishes_without_scripts(page: Page, stranger: Page) -> None:
    sign_in(page, "editor")
    page.goto("/editor/articles/new/")
    page.get_by_role("textbox", name="Title").fill("How the bell is rung")
    write(page, "## When\n\nThe bell is rung **twice** at noon.")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="Preview").get_by_role("strong")).to_have_text("twice")
    page.get_by_role("combobox", name="Collection").select_option(label="Writing and publishing")
    save(page)
    write(page, "## When\n\nThe bell is rung **three times** at noon.")
    publish(page)
    edit(page, "How the bell is rung")
    expect(text_field(page)).to_have_value(re.compile("three times"))
    stranger.goto("/collections/writing/")
    reload_until(stranger, "How the bell is rung")


def reload_until(page: Page, title: str) -> None:
    """Load the page again until an article is listed: indexing takes a moment."""
    link = page.get_by_role("main").get_by_role("link", name=title)
    for _ in range(30):
        if link.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(link).to_be_visible()
