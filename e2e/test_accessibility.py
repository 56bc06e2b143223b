"""What has to hold on every page: no axe violation in either theme, no sideways scrolling, focus that can be seen."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e.asking import ask, is_finished, watch_until
from e2e.conftest import NewContext, OpenAs
from e2e.places import PLACES, Place
from e2e.site import Site
from e2e.watching import Watch

WIDTHS = (320, 390, 1280)
FOCUS = """() => {
    const style = getComputedStyle(document.activeElement);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return outlined ? "" : document.activeElement.outerHTML.slice(0, 200);
}"""
WIDE = """() => {
    const room = document.documentElement.clientWidth;
    const inside = element => {
        for (let up = element.parentElement; up; up = up.parentElement)
            if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(up).overflowX)) return true;
        return false;
    };
    if (document.documentElement.scrollWidth <= room) return [];
    return [...document.body.querySelectorAll("*")]
        .filter(element => element.getBoundingClientRect().right > room + 1 && !inside(element))
        .map(element => element.outerHTML.slice(0, 120)).slice(0, 5);
}"""


@pytest.fixture(params=PLACES, ids=lambda place: place.name)
def there(request: pytest.FixtureRequest, site: Site, open_as: OpenAs, new_context: NewContext, watch: Watch) -> Page:
    """A page of the product, opened by whoever may see it."""
    place: Place = request.param
    if place.writes and site.environment is None:
        pytest.skip("getting to this page writes, or needs the demo people")
    if place.complaint:
        watch.expect(f"status of {place.complaint}")
    page = open_as(place.person) if place.person else new_context().new_page()
    place.go(page)
    return page


def test_every_page_is_accessible_in_both_themes_and_never_scrolls_sideways(there: Page) -> None:
    there.emulate_media(reduced_motion="reduce")  # a colour that is just changing has no contrast of its own
    found = {}
    for theme in ("light", "dark"):
        there.emulate_media(color_scheme=theme)
        found[theme] = [described(violation) for violation in Axe().run(there).response["violations"]]
    assert found == {"light": [], "dark": []}
    for width in WIDTHS:
        there.set_viewport_size({"width": width, "height": 800})
        assert there.evaluate(WIDE) == [], f"wider than {width} pixels"
    expect(there.get_by_role("heading", level=1)).to_have_count(1)


def described(violation: dict[str, Any]) -> str:
    nodes = [f"{node['target']} {node['html'][:120]} {node['failureSummary'][:300]}" for node in violation["nodes"][:3]]
    return f"{violation['id']}: {nodes}"


@pytest.mark.parametrize("path", ["/", "/search/?q=restore", "/ask/", "/accounts/login/", "/collections/"])
def test_keyboard_focus_can_be_seen_on_every_control(page: Page, path: str) -> None:
    page.goto(path)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        unseen = []
        for _ in range(14):
            page.keyboard.press("Tab")
            unseen.append(page.evaluate(FOCUS))
        assert [control for control in unseen if control and "<body" not in control] == []


def test_the_first_tab_stop_leads_to_the_content(page: Page) -> None:
    page.goto("/collections/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.usefixtures("own_site")
def test_nothing_moves_for_readers_who_want_no_motion(new_context: NewContext, slow_site: Site) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    ask(page, at=slow_site.url)
    moving = []

    def look(text: str) -> bool:
        moving.extend(page.evaluate("document.getAnimations().map(one => one.animationName ?? one.transitionProperty)"))
        return len(text) > 100

    watch_until(page, look)
    assert moving == []
    page.get_by_role("button", name="Stop").click()
    watch_until(page, lambda _: is_finished(page))


@pytest.mark.usefixtures("own_site")
def test_focus_stays_where_it_is_when_an_answer_arrives(page: Page, slow_site: Site) -> None:
    ask(page, at=slow_site.url)
    link = page.get_by_role("link", name="New question")
    link.focus()
    watch_until(page, lambda _: is_finished(page))
    expect(link).to_be_focused()


def test_text_can_be_twice_as_large(page: Page) -> None:
    page.goto("/collections/")
    page.set_viewport_size({"width": 640, "height": 400})  # what 200 % leaves of 1280 × 800
    assert page.evaluate(WIDE) == []
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Search")).to_be_visible()
