"""Asking: sources first, then words, each with the passage it rests on; and the honest refusal."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, WebSocket, expect

from e2e.asking import (
    COMPLETE,
    FOREIGN,
    QUESTION,
    REFUSED,
    answer,
    ask,
    ask_and_wait,
    citations,
    cited,
    is_finished,
    letters,
    marked,
    sources,
    status,
    watch_until,
)
from e2e.conftest import NewContext, OpenAs
from e2e.site import Site
from e2e.watching import Watch

pytestmark = pytest.mark.usefixtures("own_site")


def without_digits(text: str) -> str:
    return re.sub(r"\d", "", letters(text))


def test_sources_come_first_and_then_the_words_one_by_one(page: Page) -> None:
    kinds: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: kinds.append(json.loads(frame)["type"]))

    page.on("websocket", listen)
    ask(page)
    said = set()

    def note(_: str) -> bool:
        said.add(status(page).inner_text())
        return is_finished(page)

    seen = watch_until(page, note)
    assert kinds.index("sources") < kinds.index("token")
    assert len({len(text) for text in seen}) >= 5
    assert any(re.match(r"Writing the answer\. \d+ of \d sources used so far\.", line) for line in said)
    expect(status(page)).to_have_text(COMPLETE)
    expect(answer(page)).to_have_attribute("aria-label", "Answer")


def test_sources_stand_beside_the_question_before_anything_is_written(page: Page, slow_site: Site) -> None:
    ask(page, at=slow_site.url)
    expect(sources(page).first).to_be_visible()
    first = answer(page).inner_text()
    expect(page.get_by_role("heading", name=re.compile(r"\d+ sources, found before writing"))).to_be_visible()
    expect(answer(page)).to_have_attribute("aria-busy", "true")
    watch_until(page, lambda _: is_finished(page))
    assert len(first) < len(answer(page).inner_text()) / 2


def test_every_sentence_of_a_quoted_answer_cites_a_source(page: Page) -> None:
    ask_and_wait(page)
    count = int(re.search(r"(\d+) sentence", status(page).inner_text())[1])  # type: ignore[index]  # the wait saw it
    assert citations(page).count() >= count >= 3
    expect(page.get_by_role("main")).to_contain_text("Quoted from the articles, word for word.")


def test_a_citation_and_its_source_highlight_each_other_at_the_exact_passage(page: Page) -> None:
    ask_and_wait(page)
    citation = citations(page).first
    citation.click()
    expect(citation).to_have_attribute("aria-current", "true")
    source = cited(page, citation)
    expect(source).to_have_attribute("aria-current", "true")
    passages = marked(source)
    expect(passages.first).to_be_visible()
    written = without_digits(answer(page).inner_text())  # the numbers of sources stand between its words
    assert all(without_digits(passage) in written for passage in passages.all_inner_texts())
    last = citations(page).last
    last.click()
    expect(citation).not_to_have_attribute("aria-current", "true")
    source.get_by_role("link", name=re.compile("Back to sentence")).click()
    expect(citation).to_have_attribute("aria-current", "true")


def test_a_source_opens_its_article_at_the_passage(page: Page) -> None:
    ask_and_wait(page)
    citation = citations(page).first
    citation.click()
    cited(page, citation).get_by_role("link", name="Open at this passage").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Restore an older version of an article")
    expect(page.get_by_text("Open the article in the editor.")).to_be_in_viewport()


def test_a_refusal_shows_the_nearest_articles_and_a_way_to_a_person(page: Page) -> None:
    ask_and_wait(page, FOREIGN)
    expect(status(page)).to_have_text(REFUSED)
    nearest = page.get_by_role("region", name="Nearest articles").get_by_role("link")
    assert nearest.count() >= 2
    person = page.get_by_role("main").get_by_role("link", name="Write to a person")
    expect(person).to_have_attribute("href", re.compile("^mailto:.*body=What%20is%20the%20capital"))
    nearest.first.click()
    expect(page).to_have_url(re.compile("/articles/"))


def test_an_answer_is_copied_with_its_sources(new_context: NewContext, base_url: str) -> None:
    page = new_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    ask_and_wait(page)
    page.get_by_role("button", name="Copy with sources").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(QUESTION)
    said = re.search(r"Open the article in the editor\. (\[\d\])", copied)
    assert said
    assert f"\n{said[1]} Restore an older version of an article" in copied
    assert f"{base_url}/articles/" in copied
    expect(page.get_by_role("button", name="Copy with sources")).to_be_visible()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url.split("#")[0]


def test_an_answer_about_restricted_articles_does_not_exist_for_outsiders(
    open_as: OpenAs, stranger: Page, watch: Watch
) -> None:
    operator = open_as("operator")
    address = ask_and_wait(operator, "What do I do in the daily check every morning?")
    expect(status(operator)).to_have_text(COMPLETE)
    expect(operator.get_by_role("main")).to_contain_text("Operations")
    watch.expect("404")
    reply = stranger.goto(address)
    assert reply
    assert reply.status == 404
    expect(stranger.get_by_role("heading", level=1)).to_have_text("There is nothing at this address.")
    assert "daily check" not in reply.text().lower()
    assert open_as("reader").goto(address).status == 404  # type: ignore[union-attr]  # a page was asked for


def test_a_reader_says_what_was_wrong_with_an_answer(page: Page) -> None:
    ask_and_wait(page)
    page.get_by_role("radio", name="No").check()
    page.get_by_role("group", name=re.compile("What was wrong")).get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. The editors will see it")).to_be_focused()
    page.reload()
    expect(page.get_by_role("radio", name="No")).to_be_checked()


def test_a_follow_up_stands_in_the_conversation(page: Page) -> None:
    ask_and_wait(page)
    page.get_by_label("Ask a follow-up").fill("Who may restore a version?")
    page.get_by_label("Ask a follow-up").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Who may restore a version?")
    expect(status(page)).to_have_text(COMPLETE)
    turns = page.get_by_role("navigation", name="This conversation")
    expect(turns.get_by_role("link", name=QUESTION)).to_be_visible()


def test_enter_asks_and_shift_enter_begins_a_new_line(page: Page) -> None:
    page.goto("/ask/")
    box = page.get_by_label("Your question")
    box.press_sequentially("Who may restore")
    box.press("Shift+Enter")
    box.press_sequentially("a version?")
    expect(box).to_have_value("Who may restore\na version?")
    box.press("Enter")
    expect(page).to_have_url(re.compile("/answers/"))
    expect(status(page)).to_have_text(COMPLETE)


def test_a_question_brought_along_from_the_search_page_is_asked_at_once(page: Page) -> None:
    page.goto("/search/?q=restore")
    page.get_by_role("complementary", name="Or ask").get_by_role("link").click()
    expect(page).to_have_url(re.compile("/answers/"))
    page.go_back()
    expect(page).to_have_url(re.compile("/search/"))
