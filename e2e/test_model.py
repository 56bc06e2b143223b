"""Answers written by a model: the same page, with a loopback server of ours in the model's place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.asking import COMPLETE, QUESTION, answer, ask, citations, is_finished, marked, sources, status, watch_until
from e2e.site import Site

INCOMPLETE = "Incomplete: the writing broke off. What was written is kept."

pytestmark = pytest.mark.usefixtures("own_site")


def test_an_answer_streams_from_the_model_with_citations(page: Page, site_with_model: Site) -> None:
    ask(page, f"{QUESTION} [[slow=0.05]]", at=site_with_model.url)
    seen = watch_until(page, lambda _: is_finished(page))
    assert len({len(text) for text in seen}) >= 5
    expect(status(page)).to_have_text(COMPLETE)
    expect(page.get_by_role("main")).not_to_contain_text("Quoted from the articles")
    citations(page).first.click()
    expect(marked(sources(page)).first).to_be_visible()


def test_a_model_that_fails_half_way_leaves_an_honest_partial_answer(page: Page, site_with_model: Site) -> None:
    ask(page, f"{QUESTION} [[drop]]", at=site_with_model.url)
    expect(status(page)).to_have_text(INCOMPLETE)
    expect(answer(page)).to_contain_text("was lost before the answer was complete. Please try again.")
    written = answer(page).inner_text().split("The connection")[0]
    assert written.strip()
    page.reload()
    expect(status(page)).to_have_text(INCOMPLETE)
    expect(answer(page)).to_contain_text(written.strip())
    expect(sources(page).first).to_be_visible()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(QUESTION)
    expect(status(page)).to_have_text(INCOMPLETE)


def test_when_the_model_does_not_begin_the_articles_are_quoted_and_the_page_says_so(
    page: Page, site_with_model: Site
) -> None:
    ask(page, f"{QUESTION} [[no-money]]", at=site_with_model.url)
    expect(status(page)).to_have_text(COMPLETE)
    expect(answer(page)).to_contain_text("The model service cannot be used just now. Here are the articles’ own words")
    expect(citations(page).first).to_be_visible()


def test_the_same_question_is_answered_again_from_what_was_written(page: Page, site_with_model: Site) -> None:
    for _ in range(2):
        ask(page, f"{QUESTION} Once more, please.", at=site_with_model.url)
        expect(status(page)).to_have_text(COMPLETE)
    expect(answer(page)).to_contain_text("for the same question and the same passages.")


def test_stopping_stops_the_call_of_the_model(page: Page, site_with_model: Site) -> None:
    ask(page, f"{QUESTION} [[slow=0.3]]", at=site_with_model.url)
    watch_until(page, lambda text: len(text) > 20)
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_have_text("Stopped. What was written is kept.")
