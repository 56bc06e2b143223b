"""Asking a question as a reader does, and watching the answer come in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

QUESTION = "How do I restore an older version of an article?"
FOREIGN = "What is the capital of France?"
COMPLETE = re.compile(r"^Answer ready: \d+ sentences?, \d+ sources?")
REFUSED = "No answer: the articles do not cover this."
STOPPED = "Stopped. What was written is kept."
FINISHED = re.compile(r"^(Answer ready|No answer|Stopped|Incomplete|The answer could not)")
SECONDS = 30.0


def ask(page: Page, question: str = QUESTION, *, at: str = "") -> None:
    """Ask by the form, at this site or at another one; returns on the page of the answer."""
    page.goto(f"{at}/ask/")
    page.get_by_label("Your question").fill(question)
    page.get_by_role("main").get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile("/answers/"))


def ask_and_wait(page: Page, question: str = QUESTION, *, at: str = "") -> str:
    """Ask, and wait for the end; returns the path of the answer."""
    ask(page, question, at=at)
    expect(status(page)).to_have_text(FINISHED)
    return urlsplit(page.url).path


def status(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("status").first


def answer(page: Page) -> Locator:
    return page.get_by_role("region", name=re.compile("^Answer"))


def sources(page: Page) -> Locator:
    """The sources beside the answer; each is one that can be opened."""
    return page.get_by_role("complementary", name=re.compile("ource")).get_by_role("listitem")


def citations(page: Page) -> Locator:
    return answer(page).get_by_role("link", name=re.compile(r"^Source \d+: "))


def cited(page: Page, citation: Locator) -> Locator:
    """The source that a citation leads to."""
    number = re.search(r"\d+", citation.get_attribute("aria-label") or citation.inner_text())
    assert number
    return page.locator(f"#source-{number.group()}")


def marked(where: Page | Locator) -> Locator:
    """What stands out in a passage or a result: a role that Playwright knows and its types do not."""
    return where.locator("mark")


def is_finished(page: Page) -> bool:
    return bool(FINISHED.match(status(page).inner_text()))


def watch_until(page: Page, enough: Callable[[str], bool]) -> list[str]:
    """Every different text of the answer that was seen until it is enough; the newest is last."""
    seen = [""]
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        text = answer(page).inner_text()
        if text != seen[-1]:
            seen.append(text)
        if enough(text):
            return seen
    raise AssertionError(f"It took more than {SECONDS:.0f} s; seen so far: {seen[-1]!r}")


def letters(text: str) -> str:
    """What no way of showing a text changes: not list numbers, which Markdown turns into markup, nor white space."""
    return re.sub(r"[\W_]|(?m:^\s*\d+\.)", "", text)
