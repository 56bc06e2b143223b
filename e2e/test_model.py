"""Answers written by a model: the same page, with a loopback server of ours in the model's place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.asking import COMPLETE, QUESTION, answer, ask, citations, is_finished, sources, status, watch_until
from e2e.site import Site

pytestmark = pytest.mark.usefixtures("own_site")


def test_an_answer_streams_from_the_model_with_citations(page: Page, site_with_model: Site) -> None:
    ask(page, f"{QUESTION} [[slow=0.05]]", at=site_with_model.url)
    seen = watch_until(page, lambda _: is_finished(page))
    assert len({len(text) for text in seen}) >= 5
    expect(status(page)).to_have_text(COMPLETE)
    expect(page.get_by_role("main")).not_to_contain_text("Quoted from the articles")
    citation = citations(page).first
    citation.click()
    expect(sources(page).and_(page.locator("[aria-current=true]"))).to_have_count(1)
    assert citations(page).count() >= 1


def test_a_model_that_fails_half_way_leaves_an_honest_partial_answer(page: Page, site_with_model: Site) -> None:
    ask(page, f"{QUESTION} [[drop]]", at=site_with_model.url)
    expect(status(page)).to_have_text(re.compile("^(The answer could not be written|Answer)"))
    print(status(page).inner_text(), answer(page).inner_text(), page.get_by_role("main").inner_text())
    page.reload()
    expect(page.get_by_role("button", name=re.compile("Ask again|Continue"))).to_be_visible()


def test_a_model_that_is_down_gives_way_to_quotations(page: Page, site_with_model: Site) -> None:
    ask(page, f"{QUESTION} [[bad-key]]", at=site_with_model.url)
    expect(status(page)).to_have_text(COMPLETE)
    expect(answer(page)).to_contain_text("Open the article in the editor.")
    print(page.get_by_role("main").inner_text())


def test_stopping_stops_the_call_of_the_model(page: Page, site_with_model: Site) -> None:
    ask(page, f"{QUESTION} [[slow=0.3]]", at=site_with_model.url)
    watch_until(page, lambda text: len(text) > 20)
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_have_text("Stopped. What was written is kept.")
