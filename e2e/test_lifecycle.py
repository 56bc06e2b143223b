"""The editor's day: a review, publishing at a time by the real worker, many articles at once, delete and take back."""

from __future__ import annotations

import datetime
import time

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import OpenAs
from e2e.watching import Watch
from e2e.writing import go_to, new_article, publish, published, save, text_field, write

pytestmark = pytest.mark.usefixtures("own_site")
SOON = 5.0  # seconds until a scheduled time; the worker looks every two
LONGEST_WAIT = 30.0  # seconds, for a machine that is busy with other tests


def draft_of_author(author: Page, title: str, text: str) -> str:
    author.goto("/editor/articles/new/")
    author.get_by_role("textbox", name="Title").fill(title)
    write(author, text)
    author.get_by_role("combobox", name="Collection").select_option(label="Writing and publishing")
    save(author)
    return author.url


def told(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words).first).to_be_visible()


def test_a_draft_is_reviewed_changed_approved_and_published(open_as: OpenAs, editor: Page, stranger: Page) -> None:
    author = open_as("author")
    address = draft_of_author(author, "Where the spare keys are", "The spare keys are in the drawer.")
    go_to(author, "Review")
    author.get_by_label("Comment").fill("Is it the right drawer?")
    author.get_by_role("button", name="Ask for a review").click()
    told(author, "Asked for a review.")

    editor.goto("/editor/reviews/")
    editor.get_by_role("region", name="Waiting for a review").get_by_role("link", name="spare keys").click()
    expect(editor.get_by_role("main")).to_contain_text("Is it the right drawer?")
    editor.get_by_label("Comment").fill("Say which drawer.")
    editor.get_by_role("button", name="Ask for changes").click()
    told(editor, "Changes asked for.")

    author.goto("/editor/reviews/")
    author.get_by_role("region", name="What you asked for").get_by_role("link", name="spare keys").click()
    expect(author.get_by_role("main")).to_contain_text("Say which drawer.")
    author.goto(address)
    write(author, "The spare keys are in the upper drawer.")
    save(author)
    go_to(author, "Review")
    author.get_by_role("button", name="Ask for a review").click()
    told(author, "Asked for a review.")

    editor.reload()
    editor.get_by_role("button", name="Approve version 2").click()
    told(editor, "Version 2 is approved.")
    editor.get_by_role("main").get_by_role("button", name="Publish version 2").click()
    published(editor)
    stranger.goto("/articles/where-the-spare-keys-are/")
    expect(stranger.get_by_role("main")).to_contain_text("upper drawer")


def test_a_draft_goes_out_at_its_time_while_readers_keep_what_they_have(editor: Page, stranger: Page) -> None:
    address = new_article(editor, "When the shop opens", "The shop opens at nine.")
    write(editor, "The shop opens at ten.")
    save(editor)
    stranger.goto("/articles/when-the-shop-opens/")
    expect(stranger.get_by_role("main")).to_contain_text("opens at nine")
    go_to(editor, "Schedule")
    field = editor.get_by_label("Publish at", exact=True)
    field.evaluate("field => { field.step = 1; }")  # the page offers minutes; a test has no minute to wait
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=SOON)
    field.fill(soon.strftime("%Y-%m-%dT%H:%M:%S"))
    editor.get_by_role("button", name="Schedule", exact=True).click()
    told(editor, "Scheduled: version 2 from")

    editor.goto(address)
    expect(editor.get_by_role("complementary", name="State of this article")).to_contain_text("Published")
    wait_for_version(editor, 2)
    stranger.reload()
    expect(stranger.get_by_role("main")).to_contain_text("opens at ten")
    go_to(editor, "History")
    expect(editor.get_by_role("region", name="Who did what", exact=True)).to_contain_text("as scheduled for")


def wait_for_version(page: Page, number: int) -> None:
    """Reload until the worker has published it: the page itself follows the index only."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not page.get_by_text(f"Answers use version {number}.").count():
        assert time.monotonic() < deadline, "the scheduled version was not published"
        page.wait_for_timeout(500)
        page.reload()


def test_many_articles_are_tagged_and_archived_and_one_button_takes_it_back(editor: Page) -> None:
    for number in ("one", "two"):
        draft_of_author(editor, f"Umbrella stand {number}", "It stands in the hall.")
    editor.goto("/editor/?q=umbrella+stand")
    expect(editor.get_by_role("rowheader")).to_have_count(2)
    editor.get_by_role("checkbox", name="Select all 2 on this page").check()
    expect(editor.get_by_role("form", name="With the selected articles")).to_contain_text("2 selected")
    editor.get_by_role("button", name="Add tags").click()
    editor.get_by_label("Tags").fill("hall, rain")
    editor.get_by_role("button", name="See what would happen").click()
    expect(editor.get_by_role("heading", name="2 articles will be tagged")).to_be_visible()
    editor.get_by_role("button", name="Add tags: 2 articles").click()
    told(editor, "2 articles tagged.")

    editor.goto("/editor/?tag=rain")
    expect(editor.get_by_role("rowheader")).to_have_count(2)
    editor.get_by_role("checkbox", name="Select all 2 on this page").check()
    editor.get_by_role("button", name="Archive").click()
    editor.get_by_role("button", name="Archive: 2 articles").click()
    told(editor, "2 articles archived.")
    expect(editor.get_by_text("No article fits these filters")).to_be_visible()
    editor.get_by_role("button", name="Undo").click()
    told(editor, "Undone: 2 articles as before.")
    editor.goto("/editor/?tag=rain")
    expect(editor.get_by_role("rowheader")).to_have_count(2)


def test_a_deleted_article_is_gone_and_comes_back(editor: Page, stranger: Page, watch: Watch) -> None:
    new_article(editor, "The quince harvest", "Quinces are picked in October.")
    new_article(editor, "All about fruit", "First [the harvest](/articles/the-quince-harvest/), then the rest.")
    editor.goto("/editor/?q=quince+harvest")
    editor.get_by_role("link", name="The quince harvest", exact=True).click()
    expect(text_field(editor)).to_be_visible()
    go_to(editor, "Delete")
    expect(editor.get_by_role("region", name="These lead here")).to_contain_text("All about fruit")
    editor.get_by_role("button", name="Move to the trash").click()
    told(editor, "is in the trash: readers no longer find it.")

    watch.expect("status of 410")
    gone = stranger.goto("/articles/the-quince-harvest/")
    assert gone
    assert gone.status == 410
    expect(stranger.get_by_role("heading", level=1)).to_have_text("This article was deleted.")
    stranger.goto("/search/?q=quinces")
    expect(stranger.get_by_role("main").get_by_role("link", name="The quince harvest")).to_have_count(0)

    editor.goto("/editor/trash/")
    editor.get_by_role("button", name="Take out The quince harvest").click()
    told(editor, "is back. Readers have it again.")
    published(editor)
    back = stranger.goto("/articles/the-quince-harvest/")
    assert back
    assert back.status == 200
    publish(editor)  # and it can be worked on as before
