"""A reader's journeys: search as one types, read, browse; by mouse and by keyboard."""

from __future__ import annotations

import gzip
import re

import pytest
from playwright.sync_api import Page, Response, expect

from e2e.asking import marked
from e2e.conftest import NewContext, OpenAs
from e2e.people import PASSWORD, sign_in
from e2e.site import Site
from e2e.watching import Watch

ARTICLE = "Restore an older version of an article"
WEIGHT = 60_000  # bytes


def test_from_a_typed_word_to_the_passage_of_an_article(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").press_sequentially("restore an older ver", delay=20)
    found = page.get_by_role("heading", name=ARTICLE, exact=True).get_by_role("link")
    expect(found).to_be_visible()
    expect(page.get_by_role("main").get_by_role("status")).to_have_text(re.compile(r"^\d+ articles?, in \d+\sms$"))
    expect(page).to_have_url(re.compile(r"/$"))
    found.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ARTICLE)
    contents = page.get_by_role("navigation", name="On this page")
    contents.get_by_role("link", name="Can I undo a restore?").click()
    heading = page.get_by_role("heading", name="Can I undo a restore?")
    expect(heading).to_be_in_viewport()
    expect(page).to_have_url(re.compile(r"#s-.*undo"))


def test_the_contents_list_says_where_one_is(page: Page) -> None:
    page.goto("/collections/writing/")
    page.get_by_role("region", name="Articles").get_by_role("link", name=ARTICLE).click()
    page.wait_for_url("**/articles/*/")  # loaded: what is still coming would push the heading away again
    contents = page.get_by_role("navigation", name="On this page")
    page.get_by_role("heading", name="Who may restore a version?").evaluate("element => element.scrollIntoView()")
    expect(contents.get_by_role("link", name="Who may restore a version?")).to_have_attribute("aria-current", "true")


def test_the_search_page_narrows_as_one_types(page: Page) -> None:
    page.goto("/search/")
    page.get_by_role("searchbox").fill("restore")
    expect(page).to_have_url(re.compile(r"/search/\?q=restore$"))
    expect(marked(page).first).to_be_visible()
    narrow = page.get_by_role("navigation", name="Narrow to")
    narrow.get_by_role("link", name=re.compile("Writing")).click()
    expect(page).to_have_url(re.compile(r"collection=writing"))
    expect(page.get_by_role("link", name=re.compile("^In Writing.*remove this filter"))).to_be_visible()


def test_search_by_keyboard_alone(page: Page) -> None:
    page.goto("/search/")
    page.keyboard.press("Tab")
    page.keyboard.press("/")
    box = page.get_by_role("searchbox")
    expect(box).to_be_focused()
    page.keyboard.type("restore a version")
    results = page.get_by_role("main").get_by_role("listitem").get_by_role("heading").get_by_role("link")
    expect(results.first).to_have_text(ARTICLE)
    page.keyboard.press("ArrowDown")
    expect(results.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(results.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(box).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(ARTICLE)


def test_a_slash_typed_into_a_field_is_a_slash(page: Page) -> None:
    page.goto("/ask/")
    page.get_by_label("Your question").press_sequentially("What is /health/?")
    expect(page.get_by_label("Your question")).to_have_value("What is /health/?")


def test_an_exact_name_comes_first(page: Page) -> None:
    page.goto("/search/?q=ANTHROPIC_API_KEY")
    first = page.get_by_role("main").get_by_role("listitem").first
    expect(first).to_contain_text("exact match")
    expect(marked(first).filter(has_text="ANTHROPIC_API_KEY").first).to_be_visible()
    expect(page.get_by_role("main").get_by_role("status")).to_contain_text("the exact name first")


def test_words_that_mean_nothing_here_find_nothing_and_say_so(page: Page) -> None:
    page.goto("/search/?q=zzyzx+qwrtk")
    expect(page.get_by_role("main").get_by_role("status")).to_have_text("Nothing found")
    expect(page.get_by_role("link", name="Ask it as a question")).to_be_visible()


def test_a_result_opens_its_article_at_the_passage(page: Page) -> None:
    page.goto("/search/?q=does+restoring+bring+back+the+audience")
    first = page.get_by_role("main").get_by_role("listitem").first
    first.get_by_role("link").nth(1).click()
    expect(page).to_have_url(re.compile(r"/articles/.*#b-\d+$"))
    expect(page.get_by_text("The audience, the collection and the state belong to the article")).to_be_in_viewport()


def test_code_is_copied_by_its_button(new_context: NewContext) -> None:
    page = new_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto("/search/?q=make+run+port")
    page.get_by_role("main").get_by_role("listitem").get_by_role("heading").get_by_role("link").first.click()
    listing = page.get_by_role("article").get_by_role("figure").first
    listing.get_by_role("button", name="Copy").click()
    expect(listing.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip()
    expect(listing.get_by_role("code")).to_have_text(copied.strip())


def test_collections_lead_to_their_articles_and_back(page: Page) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Collections").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All articles")
    page.get_by_role("heading", name="Writing and publishing").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Writing and publishing")
    page.get_by_role("region", name="Articles").get_by_role("link", name=ARTICLE).click()
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Writing and publishing").click()
    expect(page).to_have_url(re.compile("/collections/writing/"))


def test_every_link_of_home_and_of_the_articles_leads_somewhere(page: Page) -> None:
    """Links inside the site, one step deep from the page of all articles."""
    page.goto("/collections/")
    links = "links => [...new Set(links.map(link => link.href.split('#')[0]))]"
    addresses = set(page.get_by_role("link").evaluate_all(links))
    page.goto("/")
    addresses |= set(page.get_by_role("link").evaluate_all(links))
    inside = sorted(one for one in addresses if one.startswith(page.url.rstrip("/")))
    assert len(inside) > 20
    broken = [address for address in inside if not page.request.get(address).ok]
    assert broken == []


def test_pictures_of_articles_are_there(page: Page) -> None:
    page.goto("/collections/getting-started/")
    page.get_by_role("main").get_by_role("link", name=re.compile("What is Footnote")).first.click()
    picture = page.get_by_role("article").get_by_role("img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100
    expect(picture).to_have_attribute("alt", re.compile("..."))


def test_nothing_at_an_address_is_told_with_ways_on(page: Page, watch: Watch) -> None:
    watch.expect("404")
    reply = page.goto("/articles/restore-an-old-version/")
    assert reply
    assert reply.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address.")
    page.get_by_role("main").get_by_role("searchbox").fill("restore")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=restore"))


def test_restricted_collections_appear_only_after_signing_in(own_site: Site, page: Page) -> None:
    page.goto("/collections/")
    names = page.get_by_role("main").get_by_role("heading", level=2)
    expect(names.filter(has_text="Writing and publishing")).to_be_visible()
    before = names.all_inner_texts()
    sign_in(page, "reader")
    page.goto("/collections/")
    signed_in = names.all_inner_texts()
    assert len(signed_in) == len(before) + 1
    page.get_by_role("button", name=re.compile("^Sign out")).click()
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/collections/")
    assert names.all_inner_texts() == before
    sign_in(page, "operator")
    page.goto("/collections/")
    assert len(names.all_inner_texts()) == len(before) + 2


def test_signing_in_leads_back_to_where_one_was(own_site: Site, page: Page, watch: Watch) -> None:
    watch.expect("404")
    page.goto("/articles/daily-check/")
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    page.get_by_label("User name or e-mail address").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/articles/daily-check/"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_reader_says_what_is_missing_in_an_article(own_site: Site, page: Page) -> None:
    page.goto("/collections/writing/")
    page.get_by_role("region", name="Articles").get_by_role("link", name=ARTICLE).click()
    page.wait_for_load_state()  # before its scripts run, the form is sent without them
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("Thank you for saying so.")).to_be_focused()
    page.get_by_label("What is missing, or wrong?").fill("How long old versions are kept.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. The people who write this article will read it.")).to_be_focused()


def weigh(page: Page, path: str) -> dict[str, int]:
    """Every file of a first visit with its size in bytes, compressed by gzip; brotli, where it is used, does better."""
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    page.goto(path, wait_until="networkidle")
    return {response.url: len(gzip.compress(response.body())) for response in responses if response.ok}


@pytest.mark.parametrize("path", ["/", "/search/?q=restore", "/ask/"])
def test_a_first_visit_weighs_less_than_60_kilobytes(page: Page, path: str) -> None:
    sizes = weigh(page, path)
    assert len(sizes) >= 4
    assert sum(sizes.values()) < WEIGHT, sizes


@pytest.mark.usefixtures("own_site")
def test_the_page_for_signed_in_readers_is_kept_by_no_shared_cache(open_as: OpenAs) -> None:
    reply = open_as("reader").goto("/collections/")
    assert reply
    assert "private" in reply.headers.get("cache-control", "")


def layout_shift(page: Page) -> float:
    """How much of the page moved while it loaded (the sum that browsers call cumulative layout shift)."""
    measured: float = page.evaluate("""() => new Promise(resolve => {
        let sum = 0;
        new PerformanceObserver(list => { for (const entry of list.getEntries()) sum += entry.value; })
            .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => resolve(sum), 300);
    })""")
    return measured


@pytest.mark.parametrize("path", ["/", "/collections/writing/", "/search/?q=restore"])
def test_nothing_jumps_while_a_page_loads(page: Page, path: str) -> None:
    page.goto(path, wait_until="networkidle")
    assert layout_shift(page) < 0.02
