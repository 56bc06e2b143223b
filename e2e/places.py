"""Every page of the product: how a visitor gets there. For what has to hold everywhere, and for looking at them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from e2e.asking import FOREIGN, ask, ask_and_wait, citations, cited, sources
from e2e.writing import DESK, desk_article, go_to, new_article, save, text_field, write


@dataclass(frozen=True)
class Place:
    """A page: who goes there (nobody in particular, or one of the demo people), and how."""

    name: str
    go: Callable[[Page], object]
    person: str = ""
    writes: bool = False  # not for a site of somebody else's
    complaint: str = ""  # of the browser itself, about the status of this page


def at(path: str) -> Callable[[Page], object]:
    return lambda page: page.goto(path)


def article(page: Page) -> None:
    page.goto("/collections/writing/")
    page.get_by_role("region", name="Articles").get_by_role(
        "link", name="Restore an older version of an article"
    ).click()
    expect(page.get_by_role("navigation", name="On this page")).to_be_visible()


def article_with_figures(page: Page) -> None:
    page.goto("/collections/running/")
    page.get_by_role("main").get_by_role("link", name=re.compile("settings", re.IGNORECASE)).first.click()
    expect(page.get_by_role("table").first).to_be_attached()


def answered(page: Page) -> None:
    ask_and_wait(page)
    citation = citations(page).first
    citation.click()
    expect(cited(page, citation)).to_have_attribute("aria-current", "true")


def refused(page: Page) -> None:
    ask_and_wait(page, FOREIGN)


def asked_back(page: Page) -> None:
    """A question that says too little: which article is meant?"""
    ask(page, "version?")
    expect(page.get_by_role("heading", name="It is about")).to_be_visible(timeout=20_000)


def being_written(page: Page) -> None:
    ask(page)
    expect(sources(page).first).to_be_visible()


def wrong_password(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("User name or e-mail address").fill("nobody")
    page.get_by_label("Password").fill("not-the-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def of_desk_article(link: str) -> Callable[[Page], object]:
    """A page beside the form of an article that has three versions."""

    def go(page: Page) -> None:
        desk_article(page)
        go_to(page, link)

    return go


def compared(page: Page) -> None:
    desk_article(page)
    go_to(page, "History")
    page.get_by_role("radio", name="before version 1").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("beside version")


def one_version(page: Page) -> None:
    desk_article(page)
    go_to(page, "History")
    page.get_by_role("link", name="Version 1", exact=True).click()
    expect(page.get_by_role("link", name="Restore this version")).to_be_visible()


def form_with_errors(page: Page) -> None:
    page.goto("/editor/articles/new/")
    page.get_by_label("Markdown").fill("A text without a title.")
    page.get_by_label("Title").evaluate("title => { title.required = false; }")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("alert").filter(has_text="Not saved.")).to_be_visible()


def conflict(page: Page) -> None:
    """Somebody saves in one tab what another tab has changed meanwhile."""
    desk_article(page)
    other = page.context.new_page()
    other.goto(page.url)
    write(page, "The desk is open from nine to five.\n\nOn Fridays it closes at three.")
    write(other, f"{text_field(other).input_value()}\n\nOn holidays it is closed.")
    save(other)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Someone else saved this article first")
    other.close()


def typed_and_left(page: Page) -> None:
    """What was typed in a tab that is gone, beside the article as it was saved."""
    page.on("dialog", lambda dialog: dialog.accept())
    desk_article(page)
    write(page, "The desk is open from ten to five.\n\nOn Sundays it is closed.")
    expect(page.get_by_text(re.compile("^What you typed is kept"))).to_be_visible()
    page.reload()
    page.get_by_role("link", name="Compare").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What you typed and did not save")


def link_dialog(page: Page) -> None:
    page.goto("/editor/articles/new/")
    text_field(page).focus()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("list", name="Articles").get_by_role("button").first).to_be_visible()


def broken_link(page: Page) -> None:
    new_article(page, "A link that leads nowhere", "See [the other one](/articles/no-such-article/).")
    page.goto("/editor/links/")
    page.get_by_role("link", name=re.compile("no-such-article")).first.click()
    expect(page.get_by_label("Lead to")).to_be_visible()


def inline(page: Page) -> None:
    compared(page)
    page.get_by_role("link", name="Inline").click()


def as_readers_see(page: Page) -> None:
    compared(page)
    page.get_by_role("link", name="As readers see it").click()


def in_review(page: Page) -> None:
    """The thread of a draft beside a published version."""
    desk_article(page)
    write(page, f"{text_field(page).input_value()}\n\nOn request it opens earlier.")
    save(page)
    go_to(page, "Review")
    ask = page.get_by_role("button", name="Ask for a review")
    if ask.count():
        page.get_by_label("Comment").fill("Is that so?")
        ask.click()
    expect(page.get_by_role("button", name="Withdraw the review")).to_be_visible()


def many_at_once(page: Page) -> None:
    page.goto("/editor/?collection=writing")
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Add tags").click()
    page.get_by_label("Tags").fill("new")
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_role("heading", name=re.compile("will be tagged"))).to_be_visible()


def done_at_once(page: Page) -> None:
    desk_article(page)
    page.goto(f"/editor/?q={DESK}")
    page.get_by_role("checkbox", name=f"Select {DESK}").check()
    page.get_by_role("button", name="Add tags").click()
    page.get_by_label("Tags").fill(f"desk{time.monotonic_ns()}")
    page.get_by_role("button", name="See what would happen").click()
    page.get_by_role("button", name=re.compile("^Add tags:")).click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def gone(page: Page) -> None:
    """The address of a deleted article, and the message with its button on the way there."""
    new_article(page, f"A passing remark {time.monotonic_ns()}", "Soon deleted.")
    slug = page.get_by_role("textbox", name="Address").input_value()
    go_to(page, "Delete")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.goto(f"/articles/{slug}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This article was deleted.")


def in_trash(page: Page) -> None:
    gone(page)
    page.goto("/editor/trash/")
    expect(page.get_by_role("button", name="Take out").first).to_be_visible()


def evaluation_set(page: Page) -> None:
    """A set with a case and what was measured on it."""
    page.goto("/editor/explain/?q=restore+a+version")
    page.get_by_role("button", name="This is right").first.click()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("region", name="Figures of each stage")).to_be_visible()


def runs_compared(page: Page) -> None:
    """The two last runs of a set, side by side."""
    evaluation_set(page)
    for _ in range(2):
        page.get_by_role("button", name="Run now").click()
        expect(page.get_by_role("button", name="Run now")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Two runs")


def one_case(page: Page) -> None:
    evaluation_set(page)
    page.get_by_role("link", name="restore a version").first.click()
    expect(page.get_by_role("button", name="Save the case")).to_be_visible()


def planned_import(page: Page) -> None:
    """An import that waits to be looked at, with a file that changes something, and one that is broken."""
    page.goto("/editor/import/")
    waiting = page.get_by_role("row").filter(has_text="Ready to import").get_by_role("link")
    if waiting.count():
        waiting.first.click()
        return
    made = {
        "notes.md": b"# A note about the desk\n\nOpen at eight.\n\n![A chart](chart.png)",
        "broken.md": b"\xff\xfe\xff",
    }
    page.get_by_label("A zip, or files").set_input_files(
        [{"name": name, "mimeType": "text/markdown", "buffer": data} for name, data in made.items()]
    )
    page.get_by_label("Collection").select_option(label="Writing and publishing")
    page.get_by_role("button", name="Look at them").click()
    expect(page.get_by_text("Nothing is written yet.")).to_be_visible()


def planned_file(page: Page) -> None:
    planned_import(page)
    page.get_by_role("link", name="A note about the desk").first.click()
    expect(page.get_by_role("heading", name="What could not be kept")).to_be_visible()


def done_import(page: Page) -> None:
    """An import that is done, with a file that could not be read."""
    page.goto("/editor/import/")
    done = page.get_by_role("row").filter(has_text="Imported").get_by_role("link")
    if done.count():
        done.first.click()
    else:
        planned_import(page)
        page.get_by_role("button", name=re.compile("^Import 1")).click()
    expect(page.get_by_role("link", name="Import more")).to_be_visible()


PLACES = [
    Place("home", at("/")),
    Place("collections", at("/collections/")),
    Place("collection", at("/collections/writing/")),
    Place("article", article),
    Place("article-with-tables", article_with_figures),
    Place("search", at("/search/?q=restore+a+version")),
    Place("search-without-results", at("/search/?q=zzyzx+qwrtk")),
    Place("search-empty", at("/search/")),
    Place("ask", at("/ask/")),
    Place("being-written", being_written, writes=True),
    Place("answered", answered, writes=True),
    Place("refused", refused, writes=True),
    Place("asked-back", asked_back, writes=True),
    Place("login", at("/accounts/login/")),
    Place("login-refused", wrong_password, writes=True),
    Place("password-reset", at("/accounts/password/reset/")),
    Place("password-change", at("/accounts/password/change/"), "reader", writes=True),
    Place("nothing-here", at("/articles/no-such-article/"), complaint="404"),
    Place("editor-list", at("/editor/"), "editor", writes=True),
    Place("editor-new", at("/editor/articles/new/"), "editor", writes=True),
    Place("editor-errors", form_with_errors, "editor", writes=True, complaint="422"),
    Place("editor-edit", desk_article, "editor", writes=True),
    Place("editor-history", of_desk_article("History"), "editor", writes=True),
    Place("editor-version", one_version, "editor", writes=True),
    Place("editor-compare", compared, "editor", writes=True),
    Place("editor-chunks", of_desk_article("Chunks"), "editor", writes=True),
    Place("editor-unpublish", of_desk_article("Unpublish"), "editor", writes=True),
    Place("editor-left", typed_and_left, "editor", writes=True),
    Place("editor-link-dialog", link_dialog, "editor", writes=True),
    Place("editor-reviews", at("/editor/reviews/"), "editor", writes=True),
    Place("editor-review", in_review, "editor", writes=True),
    Place("editor-schedule", of_desk_article("Schedule"), "editor", writes=True),
    Place("editor-delete", of_desk_article("Delete"), "editor", writes=True),
    Place("editor-bulk", many_at_once, "editor", writes=True),
    Place("editor-bulk-done", done_at_once, "editor", writes=True),
    Place("editor-trash", in_trash, "editor", writes=True, complaint="410"),
    Place("gone", gone, "editor", writes=True, complaint="410"),
    Place("editor-conflict", conflict, "editor", writes=True, complaint="409"),
    Place("editor-quality", at("/editor/quality/"), "editor", writes=True),
    Place("editor-quality-set", evaluation_set, "editor", writes=True),
    Place("editor-quality-runs", runs_compared, "editor", writes=True),
    Place("editor-case", one_case, "editor", writes=True),
    Place("editor-explain", at("/editor/explain/?q=restore+a+version"), "editor", writes=True),
    Place("editor-case-new", at("/editor/quality/cases/new/"), "editor", writes=True),
    Place("editor-questions", at("/editor/questions/"), "editor", writes=True),
    Place("editor-link", broken_link, "editor", writes=True),
    Place("editor-links", at("/editor/links/"), "editor", writes=True),
    Place("editor-orphans", at("/editor/links/?what=orphans"), "editor", writes=True),
    Place("editor-reminders", at("/editor/reminders/?what=all"), "editor", writes=True),
    Place("editor-compare-rendered", as_readers_see, "editor", writes=True),
    Place("editor-compare-inline", inline, "editor", writes=True),
    Place("editor-index", at("/editor/index/"), "editor", writes=True),
    Place("editor-embedders", at("/editor/embedders/"), "admin", writes=True),
    Place("editor-import", at("/editor/import/"), "editor", writes=True),
    Place("editor-import-planned", planned_import, "editor", writes=True),
    Place("editor-import-file", planned_file, "editor", writes=True),
    Place("editor-import-done", done_import, "editor", writes=True),
    Place("editor-export", at("/editor/export/"), "editor", writes=True),
    Place("editor-people", at("/editor/people/"), "admin", writes=True),
    Place("editor-invite", at("/editor/people/invite/"), "admin", writes=True),
]
