"""An editor's journeys: write with a preview, publish, see answers follow; conflicts, history, and what is refused."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Dialog, Page, expect

from e2e.asking import COMPLETE, answer, ask, ask_and_wait, sources, status
from e2e.conftest import OpenAs
from e2e.watching import Watch
from e2e.writing import edit, go_to, new_article, publish, published, save, text_field, write

ARTICLE = "Restore an older version of an article"
OLD = "Open the article in the editor."
NEW = "Open the article in the editor with the brass key."
LONGEST_WAIT = 15.0  # seconds; the promise is three on a quiet machine

pytestmark = pytest.mark.usefixtures("own_site")


def seconds_until_quoted(page: Page, sentence: str) -> float:
    """Ask again and again until the sentence is among the sources; gives the time since this was called."""
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST_WAIT:
        ask(page)
        expect(sources(page).first).to_be_visible()
        seconds = time.monotonic() - begun
        if sentence in " ".join(sources(page).all_text_contents()):
            return seconds
    raise AssertionError(f"“{sentence}” was not quoted in {LONGEST_WAIT:.0f} s")


def test_a_changed_sentence_is_quoted_within_seconds_of_publishing(editor: Page, page: Page) -> None:
    ask_and_wait(page)
    expect(answer(page)).to_contain_text(OLD.rstrip("."))
    edit(editor, ARTICLE)
    text = text_field(editor).input_value()
    assert OLD in text
    write(editor, text.replace(OLD, NEW))
    editor.get_by_role("textbox", name="Why this change?").fill("There is a key now.")
    publish(editor)
    seconds = seconds_until_quoted(page, NEW)
    print(f"\nThe new sentence was quoted {seconds:.1f} s after publishing, asking included.")
    expect(status(page)).to_have_text(COMPLETE)
    expect(answer(page)).to_contain_text(NEW.rstrip("."))
    restore_the_first_version(editor)
    seconds_until_quoted(page, OLD)


def restore_the_first_version(page: Page) -> None:
    edit(page, ARTICLE)
    go_to(page, "History")
    expect(page.get_by_role("listitem").filter(has_text="There is a key now.").first).to_be_visible()
    page.get_by_role("link", name="Version 1", exact=True).click()
    page.get_by_role("link", name="Restore this version").click()
    page.get_by_role("main").get_by_role("button", name="Restore this version").click()
    expect(page.get_by_role("textbox", name="Markdown")).to_have_value(re.compile(re.escape(OLD)))
    publish(page)


def test_the_preview_follows_what_is_typed(editor: Page) -> None:
    editor.goto("/editor/articles/new/")
    write(editor, "## Steps\n\n1. Press **Save**.\n\n<script>alert(1)</script>")
    preview = editor.get_by_role("region", name="Preview")
    expect(preview.get_by_role("heading", name=re.compile("^Steps"))).to_be_visible()
    expect(preview.get_by_role("listitem")).to_have_text("Press Save.")
    expect(preview.get_by_role("strong")).to_have_text("Save")
    expect(editor.get_by_text(re.compile(r"^\d+ words$"))).to_be_visible()
    editor.on("dialog", lambda dialog: dialog.accept())


def test_two_people_who_save_get_both_texts_on_one_page(editor: Page, open_as: OpenAs, watch: Watch) -> None:
    watch.expect("status of 409")
    watch.expect("status of 422")
    address = new_article(editor, "Where the keys hang", "The keys hang behind the door.")
    admin = open_as("admin")
    admin.goto(address)
    write(admin, "The keys hang beside the window.")
    write(editor, "The keys hang under the desk.")
    save(admin)
    editor.get_by_role("button", name="Save draft").click()
    expect(editor.get_by_role("heading", level=1)).to_have_text("Someone else saved this article first")
    expect(editor.get_by_role("deletion")).to_have_text(["beside", "window"])
    expect(editor.get_by_role("insertion")).to_have_text(["under", "desk"])
    expect(text_field(editor)).to_have_value(
        re.compile(r"beside the window\.\n⚠⚠⚠ You:\nThe keys hang under the desk\.\n")
    )
    save_is_refused = editor.get_by_role("alert").filter(has_text="Not saved.")
    editor.get_by_role("button", name="Save draft").click()
    expect(save_is_refused).to_be_visible()
    write(editor, "The keys hang under the desk, and one beside the window.")
    save(editor)
    editor.goto(address)
    expect(text_field(editor)).to_have_value("The keys hang under the desk, and one beside the window.")


def test_history_compares_and_restores(editor: Page) -> None:
    new_article(editor, "How to water the plants", "Water the plants on Mondays.\n\nUse cold water.")
    write(editor, "Water the plants on Thursdays.\n\nUse cold water.")
    publish(editor)
    published(editor)
    go_to(editor, "History")
    editor.get_by_role("button", name="Compare").click()
    expect(editor.get_by_role("heading", level=1)).to_have_text("Version 1 beside version 2")
    expect(editor.get_by_role("deletion")).to_have_text("Mondays")
    expect(editor.get_by_role("insertion")).to_have_text("Thursdays")
    editor.get_by_role("link", name="Restore version 1").click()
    editor.get_by_role("main").get_by_role("button", name="Restore this version").click()
    expect(text_field(editor)).to_have_value(re.compile("Mondays"))
    expect(editor.get_by_label("State of this article")).to_contain_text("3, a draft; 2 is published")


def test_the_index_line_tells_when_answers_follow(editor: Page) -> None:
    new_article(editor, "Where to park", "Park behind the house.")
    expect(editor.get_by_text("Answers use version 1.").first).to_be_visible()
    write(editor, "Park in front of the house.")
    publish(editor)
    expect(editor.get_by_text("Answers use version 2.").first).to_be_visible()
    go_to(editor, "Chunks")
    expect(editor.get_by_role("article")).to_contain_text("Park in front of the house.")


def test_unpublishing_hides_at_once(editor: Page, stranger: Page, watch: Watch) -> None:
    new_article(editor, "The marmalade rule", "Marmalade belongs on the second shelf.")
    stranger.goto("/search/?q=marmalade")
    found = stranger.get_by_role("main").get_by_role("link", name="The marmalade rule")
    found.click()
    address = stranger.url
    go_to(editor, "Unpublish")
    editor.get_by_role("main").get_by_role("button", name="Unpublish").click()
    expect(editor.get_by_text("Unpublished: readers no longer find it.")).to_be_visible()
    watch.expect("status of 404")
    assert stranger.goto(address).status == 404  # type: ignore[union-attr]  # a page was asked for
    stranger.goto("/search/?q=marmalade")
    expect(found).to_have_count(0)
    ask_and_wait(stranger, "Where does the marmalade belong?")
    expect(stranger.get_by_role("main")).not_to_contain_text("second shelf")


def test_an_author_writes_a_draft_but_cannot_publish_it(open_as: OpenAs, stranger: Page) -> None:
    author = open_as("author")
    author.goto("/editor/articles/new/")
    author.get_by_role("textbox", name="Title").fill("A draft about umbrellas")
    write(author, "Umbrellas are dried in the hall.")
    save(author)
    expect(author.get_by_role("button", name="Publish")).to_have_count(0)
    token = {cookie["name"]: cookie["value"] for cookie in author.context.cookies()}["csrftoken"]
    refused = author.request.post(f"{author.url}publish/", headers={"X-CSRFToken": token, "Referer": author.url})
    assert refused.status == 403
    stranger.goto("/search/?q=umbrellas")
    expect(stranger.get_by_role("link", name="A draft about umbrellas")).to_have_count(0)


def test_readers_have_no_way_into_the_editor(open_as: OpenAs, watch: Watch) -> None:
    watch.expect("status of 403")
    reader = open_as("reader")
    reply = reader.goto("/editor/")
    assert reply
    assert reply.status == 403
    expect(reader.get_by_role("main")).to_contain_text("These pages are for people who write articles.")


def test_leaving_with_unsaved_changes_warns(editor: Page) -> None:
    editor.goto("/editor/articles/new/")
    text_field(editor).press_sequentially("Not saved yet")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    editor.on("dialog", stay)
    editor.get_by_role("navigation", name="Editor").get_by_role("link", name="Articles").click(no_wait_after=True)
    expect(text_field(editor)).to_have_value("Not saved yet")
    editor.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert editor.url.endswith("/editor/articles/new/")


def test_saving_by_keyboard_keeps_the_place(editor: Page) -> None:
    new_article(editor, "Where the ladder stands", "The ladder stands in the cellar.")
    field = text_field(editor)
    field.focus()
    editor.keyboard.press("End")
    editor.keyboard.type(" Third door.")
    editor.keyboard.press("Control+s")
    expect(editor.get_by_role("status").filter(has_text=re.compile("[Ss]aved")).first).to_be_visible()
    expect(field).to_be_focused()
    expect(field).to_have_value("The ladder stands in the cellar. Third door.")


def test_the_list_of_articles_is_filtered_as_one_types(editor: Page) -> None:
    editor.goto("/editor/")
    editor.get_by_role("searchbox", name="Find by title or tag").press_sequentially("older version of an", delay=20)
    expect(editor.get_by_role("rowheader")).to_have_count(1)
    expect(editor.get_by_role("rowheader")).to_contain_text(ARTICLE)
    expect(editor).to_have_url(re.compile("q=older"))


def test_narrowing_the_audience_takes_effect_with_the_click(editor: Page, stranger: Page, watch: Watch) -> None:
    new_article(editor, "The pantry list", "The pantry holds seven jars of quince.")
    stranger.goto("/search/?q=quince")
    stranger.get_by_role("main").get_by_role("link", name="The pantry list").click()
    editor.get_by_role("radio", name=re.compile("Operators")).check()
    save(editor)
    watch.expect("status of 404")
    assert stranger.reload().status == 404  # type: ignore[union-attr]  # a page was asked for
    stranger.goto("/search/?q=quince")
    expect(stranger.get_by_role("link", name="The pantry list")).to_have_count(0)
