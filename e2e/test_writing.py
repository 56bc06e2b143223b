"""An editor's text is never lost: a killed browser, a colleague in the same article, two who save at once."""

from __future__ import annotations

import base64
import os
import re
import signal
import time
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import BrowserType, Page, StorageState, expect

from e2e.conftest import OpenAs
from e2e.watching import Watch
from e2e.writing import new_article, publish, published, save, text_field, write

MOST_LOST = 5.0  # seconds of typing
PACE = 100  # milliseconds between keys

pytestmark = pytest.mark.usefixtures("own_site")


@pytest.fixture
def doomed(
    browser_type: BrowserType, browser_type_launch_args: dict[str, object], base_url: str, editor: Page
) -> Callable[[], tuple[Page, Callable[[], None]]]:
    """A browser of its own in which the editor is signed in, and how to kill it as a crash would."""

    def start() -> tuple[Page, Callable[[], None]]:
        browser = browser_type.launch(**browser_type_launch_args)  # type: ignore[arg-type]  # a dictionary of options
        state: StorageState = editor.context.storage_state()
        page = browser.new_context(base_url=base_url, storage_state=state).new_page()

        def kill() -> None:
            running = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
            os.kill(next(process["id"] for process in running if process["type"] == "browser"), signal.SIGKILL)

        return page, kill

    return start


def test_a_killed_browser_loses_five_seconds_of_typing_at_most(
    editor: Page, doomed: Callable[[], tuple[Page, Callable[[], None]]]
) -> None:
    address = new_article(editor, "Where the boat lies", "The boat lies at the pier.")
    page, kill = doomed()
    page.goto(address)
    field = text_field(page)
    field.focus()
    page.keyboard.press("Control+End")
    begun = time.monotonic()
    words = 0
    while time.monotonic() - begun < 8:
        page.keyboard.type(f" {words}", delay=PACE)
        words += 1
    typed, ended = field.input_value(), time.monotonic()
    kill()

    editor.goto(address)
    expect(editor.get_by_text(re.compile(r"You typed text .* that was not saved"))).to_be_visible()
    editor.get_by_role("link", name="Compare").click()
    expect(editor.get_by_role("insertion")).to_contain_text("0 1 2")
    editor.get_by_role("link", name="Take it").click()
    rescued = text_field(editor).input_value()
    assert typed.startswith(rescued)
    seconds = (ended - begun) * (len(typed) - len(rescued)) / (len(typed) - len("The boat lies at the pier."))
    print(f"\nOf {ended - begun:.1f} s of typing the last {seconds:.1f} s were lost.")
    assert seconds <= MOST_LOST
    save(editor)
    editor.goto(address)
    expect(text_field(editor)).to_have_value(rescued)
    expect(editor.get_by_text("that was not saved")).to_have_count(0)


def test_leaving_the_page_keeps_what_was_typed_a_moment_ago(editor: Page) -> None:
    address = new_article(editor, "Where the oars lie", "The oars lie in the boat.")
    editor.on("dialog", lambda dialog: dialog.accept())
    text_field(editor).focus()
    editor.keyboard.press("Control+End")
    editor.keyboard.type(" Both of them.")
    editor.goto("/editor/")
    editor.wait_for_timeout(500)
    editor.goto(address)
    editor.get_by_role("link", name="Take it").click()
    expect(text_field(editor)).to_have_value("The oars lie in the boat. Both of them.")
    editor.goto(address)
    editor.get_by_role("button", name="Discard").click()
    expect(editor.get_by_text("Discarded what was typed")).to_be_visible()
    expect(text_field(editor)).to_have_value("The oars lie in the boat.")


def test_two_editors_know_of_each_other_and_neither_text_is_lost(editor: Page, open_as: OpenAs, watch: Watch) -> None:
    watch.expect("status of 409")
    address = new_article(editor, "How to row", "Sit down.\n\nTake both oars.\n\nPull.")
    admin = open_as("admin")
    admin.goto(address)
    expect(admin.get_by_text(re.compile("^editor has this article open since"))).to_be_visible()
    expect(editor.get_by_text(re.compile("^admin has this article open since"))).to_be_visible()
    write(admin, "Sit down slowly.\n\nTake both oars.\n\nPull.")
    write(editor, "Sit down.\n\nTake both oars.\n\nPull evenly.")
    save(admin)
    expect(editor.get_by_text(re.compile("^admin saved version 2 at"))).to_be_visible()
    editor.get_by_role("button", name="Save draft").click()
    expect(editor.get_by_role("heading", name="Both in one")).to_be_visible()
    expect(text_field(editor)).to_have_value("Sit down slowly.\n\nTake both oars.\n\nPull evenly.")
    save(editor)
    editor.goto(address)
    expect(text_field(editor)).to_have_value("Sit down slowly.\n\nTake both oars.\n\nPull evenly.")


# --- the tools of the editor


PASTE = """(field, {html, plain}) => {
    const data = new DataTransfer();
    data.setData("text/plain", plain);
    if (html) data.setData("text/html", html);
    field.focus();
    field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""
DROP = """async (field, {name, base64}) => {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, {type: "image/png"}));
    field.focus();
    field.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""
WORD = """<html xmlns:o="urn:office"><head><style>p.MsoNormal {margin: 0}</style></head><body>
<h1>Rowing<o:p></o:p></h1>
<p class=MsoNormal>Sit <b>down</b>, <i>slowly</i>.<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol;mso-list:Ignore'>·<span>&nbsp;&nbsp; </span></span><![endif]>Oars</p>
<p class=MsoListParagraphCxSpMiddle style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>o </span>Left</p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>· </span>Rudder</p>
<table><tr><td><p class=MsoNormal>Sign</p></td><td><p>Means</p></td></tr>
<tr><td>A | B</td><td><a href="https://example.org/b">both</a></td></tr></table>
<p class=MsoNormal><img src="file:///c:/x.png"><a href="file:///c:/x.doc">Local</a><script>alert(1)</script></p></body></html>"""
AS_MARKDOWN = (
    "## Rowing\n\nSit **down**, _slowly_.\n\n- Oars\n  - Left\n- Rudder\n\n"
    "| Sign | Means |\n| --- | --- |\n| A \\| B | [both](https://example.org/b) |\n\nLocal"
)


@pytest.fixture
def blank(editor: Page) -> Page:
    """The form of a new article; leaving it asks nobody."""
    editor.on("dialog", lambda dialog: dialog.accept())
    editor.goto("/editor/articles/new/")
    return editor


def select(page: Page, words: str) -> None:
    """Select these words of the text."""
    script = "(field, words) => { field.focus(); const at = field.value.indexOf(words);"
    text_field(page).evaluate(f"{script} field.setSelectionRange(at, at + words.length); }}", words)


def tool(page: Page, name: str) -> None:
    page.get_by_role("toolbar", name="Format").get_by_role("button", name=name, exact=True).click()


def test_marks_come_by_button_and_by_key_and_are_taken_back(blank: Page) -> None:
    field = text_field(blank)
    field.focus()
    blank.keyboard.type("Sit down slowly")
    select(blank, "down")
    blank.keyboard.press("Control+b")
    expect(field).to_have_value("Sit **down** slowly")
    blank.keyboard.press("Control+i")
    expect(field).to_have_value("Sit **_down_** slowly")
    tool(blank, "Heading")
    expect(field).to_have_value("## Sit **_down_** slowly")
    for before in ("Sit **_down_** slowly", "Sit **down** slowly", "Sit down slowly"):
        blank.keyboard.press("Control+z")
        expect(field).to_have_value(before)


def test_a_list_goes_on_and_a_table_grows(blank: Page) -> None:
    field = text_field(blank)
    field.focus()
    blank.keyboard.type("Oars")
    tool(blank, "List")
    blank.keyboard.type("\nRudder\n\n")
    expect(field).to_have_value("- Oars\n- Rudder\n")
    tool(blank, "Table")
    blank.keyboard.type("Long name")
    tool(blank, "Table")
    expect(field).to_have_value(
        re.compile(r"\n\n\| Long name \| Meaning \|\n\| -{9} \| -{7} \|\n(\| {11}\| {9}\|\n?){2}$")
    )
    expect(blank.get_by_role("region", name="Preview").get_by_role("columnheader")).to_have_text(
        ["Long name", "Meaning"]
    )


def test_the_toolbar_is_one_stop_for_the_keyboard(blank: Page) -> None:
    bar = blank.get_by_role("toolbar", name="Format")
    blank.get_by_role("textbox", name="Title").focus()
    blank.keyboard.press("Tab")
    expect(bar.get_by_role("button", name="Bold")).to_be_focused()
    blank.keyboard.press("ArrowRight")
    expect(bar.get_by_role("button", name="Italic")).to_be_focused()
    blank.keyboard.press("End")
    expect(bar.get_by_role("button", name="Image")).to_be_focused()
    blank.keyboard.press("Tab")
    expect(text_field(blank)).to_be_focused()


def test_a_paste_from_a_word_processor_is_clean_markdown(blank: Page) -> None:
    field = text_field(blank)
    field.evaluate(PASTE, {"html": WORD, "plain": "Rowing"})
    expect(field).to_have_value(AS_MARKDOWN)
    blank.keyboard.press("Control+z")
    expect(field).to_have_value("")


def test_an_address_pasted_over_words_is_a_link(blank: Page) -> None:
    field = text_field(blank)
    field.fill("See the manual first.")
    select(blank, "the manual")
    field.evaluate(PASTE, {"html": "", "plain": "https://example.org/manual"})
    expect(field).to_have_value("See [the manual](https://example.org/manual) first.")


def test_an_article_to_link_to_is_found_with_the_keyboard(blank: Page) -> None:
    field = text_field(blank)
    field.fill("One can go back.")
    select(blank, "go back")
    blank.keyboard.press("Control+k")
    box = blank.get_by_role("dialog", name="Link to").get_by_role("searchbox")
    expect(box).to_be_focused()
    expect(box).to_have_value("go back")
    blank.keyboard.type("older version")
    found = blank.get_by_role("list", name="Articles").get_by_role("button")
    expect(found).to_have_text(re.compile("^Restore an older version of an article"))
    blank.keyboard.press("ArrowDown")
    expect(found).to_be_focused()
    blank.keyboard.press("Enter")
    expect(field).to_have_value("One can [go back](/articles/restore-a-version/).")
    expect(field).to_be_focused()


def test_a_dropped_image_is_in_the_text_and_for_readers(blank: Page, stranger: Page, watch: Watch) -> None:
    watch.expect("status of 422")
    field = text_field(blank)
    blank.get_by_role("textbox", name="Title").fill("How the jetty looks")
    field.fill("It looks so:\n\n")
    field.press("Control+End")
    field.evaluate(DROP, {"name": "the jetty.png", "base64": picture()})
    expect(field).to_have_value(
        re.compile(r"^It looks so:\n\n!\[the jetty\]\(/images/[0-9a-f]{32}/the-jetty-80x60\.png\)$")
    )
    field.evaluate(DROP, {"name": "broken.png", "base64": "AAAA"})
    expect(blank.get_by_text("broken.png: This file is no image that pages show")).to_be_visible()
    expect(field).to_have_value(re.compile(r"png\)$"))
    shown = blank.get_by_role("region", name="Preview").get_by_role("img", name="the jetty")
    expect(shown).to_have_js_property("naturalWidth", 80)
    blank.get_by_role("combobox", name="Collection").select_option(label="Writing and publishing")
    publish(blank)
    published(blank)
    stranger.goto("/articles/how-the-jetty-looks/")
    expect(stranger.get_by_role("img", name="the jetty")).to_have_js_property("naturalWidth", 80)


def picture() -> str:
    out = BytesIO()
    Image.new("RGB", (80, 60), "teal").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()
