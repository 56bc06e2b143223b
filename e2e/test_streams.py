"""Answers that survive: reload, a lost network, a second tab, a stop. What is shown at the end is what is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect
from websockets.sync.client import connect
from websockets.typing import Origin

from e2e.asking import COMPLETE, STOPPED, answer, ask, is_finished, letters, sources, status, watch_until
from e2e.conftest import NewContext, OpenAs
from e2e.site import Site
from e2e.watching import Watch


def begun(text: str) -> bool:
    return len(text) > 60


def stored(url: str) -> str:
    """The stored text of a finished answer, marks and all, as a fresh follower is sent it."""
    parts = urlsplit(url)
    origin = Origin(f"{parts.scheme}://{parts.netloc}")
    with connect(f"ws://{parts.netloc}/ws{parts.path}", origin=origin) as socket:
        socket.send(json.dumps({"type": "follow", "at": 0}))
        frames = [json.loads(frame) for frame in socket]
    return "".join(frame["text"] for frame in frames if frame["type"] == "token")


class Cutter:
    """Stands between the page and its socket: cuts the line after so many pieces, and keeps what got through."""

    def __init__(self, *, pieces: int, cuts: int) -> None:
        self.pieces, self.cuts = pieces, cuts
        self.lost = 0
        self.frames: list[dict[str, Any]] = []

    def __call__(self, browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        through: list[dict[str, Any]] = []
        is_cut = False

        def pass_on(message: str | bytes) -> None:
            nonlocal is_cut
            if is_cut:
                return
            frame = json.loads(message)
            if frame["type"] == "token":
                if len(through) == self.pieces and self.lost < self.cuts:
                    is_cut = True
                    self.lost += 1
                    browser.close(code=4000)  # 1006, what a lost line gives, cannot be sent
                    server.close()
                    return
                through.append(frame)
                self.frames.append(frame)
            browser.send(message)

        server.on_message(pass_on)

    def text(self) -> str:
        """What came, put together: each piece begins where those before it end, or repeats what came already."""
        text = ""
        for frame in self.frames:
            at, piece = frame["at"], frame["text"]
            assert at <= len(text), f"a gap: {len(text)} characters came, and the next piece is for {at}"
            known = len(text) - at
            assert text[at:] == piece[:known], "what came twice differs"
            text += piece[known:]
        return text


@pytest.fixture
def same_after_a_fresh_load(new_context: NewContext) -> Callable[[Page], None]:
    """What a page shows at the end is what another visitor's fresh load shows."""

    def compare(page: Page) -> None:
        shown = answer(page).inner_text()
        fresh = new_context().new_page()
        fresh.goto(page.url)
        assert answer(fresh).inner_text() == shown
        assert letters(stored(page.url)).replace("*", "") == letters(shown)

    return compare


def test_reloading_half_way_continues_where_it_was(
    page: Page, slow_site: Site, same_after_a_fresh_load: Callable[[Page], None]
) -> None:
    ask(page, at=slow_site.url)
    before = watch_until(page, begun)[-1]
    page.reload()
    assert not is_finished(page)
    expect(sources(page).first).to_be_visible()
    after = watch_until(page, lambda text: len(text) > len(before) + 20)[-1]
    assert after.startswith(before)
    expect(status(page)).to_have_text(COMPLETE)
    same_after_a_fresh_load(page)


def test_a_lost_network_leaves_no_gap_and_no_duplicate(
    page: Page, slow_site: Site, same_after_a_fresh_load: Callable[[Page], None]
) -> None:
    cutter = Cutter(pieces=6, cuts=3)
    page.route_web_socket("**/ws/answers/**", cutter)
    ask(page, at=slow_site.url)
    expect(status(page)).to_contain_text("Connection lost. Trying again in")
    seen = watch_until(page, lambda _: is_finished(page))
    assert cutter.lost == 3
    assert all(letters(newer).startswith(letters(older)) for older, newer in pairwise(seen[:-1]))
    assert cutter.text() == stored(page.url)
    same_after_a_fresh_load(page)


def test_a_browser_that_was_offline_catches_up(
    context: BrowserContext, slow_site: Site, watch: Watch, same_after_a_fresh_load: Callable[[Page], None]
) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED")
    page = context.new_page()
    ask(page, at=slow_site.url)
    watch_until(page, begun)
    context.set_offline(True)
    page.wait_for_timeout(5500)  # the answer is complete before the browser is back
    assert not is_finished(page)
    context.set_offline(False)
    expect(status(page)).to_have_text(COMPLETE)
    same_after_a_fresh_load(page)


def test_stop_keeps_what_was_written(page: Page, slow_site: Site, new_context: NewContext) -> None:
    ask(page, at=slow_site.url)
    before = watch_until(page, begun)[-1]
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_have_text(STOPPED)
    kept = answer(page).inner_text()
    assert letters(kept).startswith(letters(before))
    page.wait_for_timeout(700)  # longer than it takes to write a few more words
    fresh = new_context().new_page()
    fresh.goto(page.url)
    assert answer(fresh).inner_text() == kept
    expect(fresh.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_second_tab_follows_the_same_answer(
    page: Page, context: BrowserContext, slow_site: Site, same_after_a_fresh_load: Callable[[Page], None]
) -> None:
    ask(page, at=slow_site.url)
    watch_until(page, begun)
    second = context.new_page()
    second.goto(page.url)
    assert len(watch_until(second, lambda text: len(text) > 400)) >= 3
    for tab in (page, second):
        expect(status(tab)).to_have_text(COMPLETE)
        same_after_a_fresh_load(tab)


def test_a_stop_in_the_second_tab_stops_the_first(page: Page, context: BrowserContext, slow_site: Site) -> None:
    ask(page, at=slow_site.url)
    watch_until(page, begun)
    second = context.new_page()
    second.goto(page.url)
    second.get_by_role("button", name="Stop").click()
    for tab in (page, second):
        expect(status(tab)).to_have_text(STOPPED)
    assert answer(page).inner_text() == answer(second).inner_text()


def test_another_web_process_follows_an_answer_it_does_not_write(
    page: Page, context: BrowserContext, site: Site, slow_site: Site
) -> None:
    ask(page, at=slow_site.url)
    watch_until(page, begun)
    elsewhere = context.new_page()
    elsewhere.goto(site.url + urlsplit(page.url).path)
    assert not is_finished(elsewhere)
    for tab in (page, elsewhere):
        expect(status(tab)).to_have_text(COMPLETE)
    assert answer(page).inner_text() == answer(elsewhere).inner_text()


def test_an_answer_being_written_is_for_the_one_who_asked(
    page: Page, slow_site: Site, open_as: OpenAs, stranger: Page, watch: Watch
) -> None:
    operator = open_as("operator")
    ask(operator, "What do I do in the daily check every morning?", at=slow_site.url)
    watch_until(operator, begun)
    watch.expect("404")
    assert stranger.goto(operator.url).status == 404  # type: ignore[union-attr]  # a page was asked for
    operator.get_by_role("button", name="Stop").click()
    expect(status(operator)).to_have_text(STOPPED)


def test_finished_blocks_are_shown_as_they_will_be_and_the_page_can_be_paused(page: Page, slow_site: Site) -> None:
    ask(page, "How do I write Markdown lists, code and tables?", at=slow_site.url)
    expect(answer(page).locator("figure.listing").first).to_be_visible()
    assert not is_finished(page)
    page.get_by_role("button", name="Pause").click()
    shown = answer(page).inner_text()
    page.wait_for_timeout(1200)
    assert answer(page).inner_text() == shown
    page.get_by_role("button", name="Pause").click()
    expect(status(page)).to_have_text(COMPLETE)
    assert len(answer(page).inner_text()) > len(shown)
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
