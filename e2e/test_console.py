"""The tests' own eyes: what a browser complains of, and whatever leaves this machine, really fails a test."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Error, Page

from e2e.watching import Watch


@pytest.fixture
def watched(browser: Browser, base_url: str) -> tuple[Page, Watch]:
    """A page with a watch of its own, so that what fails here fails nothing else."""
    context, watch = browser.new_context(base_url=base_url), Watch("127.0.0.1")
    watch.over(context)
    page = context.new_page()
    page.goto("/")
    watch.verdict()
    return page, watch


def fails(page: Page, watch: Watch, *, because: str) -> None:
    page.wait_for_timeout(200)
    with pytest.raises(AssertionError, match=because):
        watch.verdict()
    page.context.close()


def test_an_error_in_the_console_fails(watched: tuple[Page, Watch]) -> None:
    page, watch = watched
    page.evaluate("console.error('something is amiss')")
    fails(page, watch, because="something is amiss")


def test_a_script_that_throws_fails(watched: tuple[Page, Watch]) -> None:
    page, watch = watched
    page.evaluate("void setTimeout(() => { throw new Error('thrown on purpose'); })")
    fails(page, watch, because="thrown on purpose")


def test_a_promise_that_nobody_catches_fails(watched: tuple[Page, Watch]) -> None:
    page, watch = watched
    page.evaluate("void Promise.reject(new Error('rejected on purpose'))")
    fails(page, watch, because="rejected on purpose")


def test_an_inline_script_is_refused_by_the_policy_and_fails(watched: tuple[Page, Watch]) -> None:
    page, watch = watched
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.wasRun = true";
        document.body.append(script);
    }""")
    assert page.evaluate("window.wasRun") is None
    fails(page, watch, because="Content Security Policy")


def test_a_missing_file_fails(watched: tuple[Page, Watch]) -> None:
    page, watch = watched
    page.evaluate("void fetch('/static/missing.js')")
    fails(page, watch, because="missing.js")


@pytest.mark.parametrize("address", ["http://example.org/", "http://192.0.2.1/", "https://example.org/"])
def test_the_browser_reaches_nobody_but_the_site(watched: tuple[Page, Watch], address: str) -> None:
    page, watch = watched
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto(address)
    fails(page, watch, because="left this site")
