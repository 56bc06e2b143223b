"""Putting right what broke: a link that leads nowhere, a job that failed, an article that is to be read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page, expect

from e2e.site import Site
from e2e.writing import go_to, new_article, publish, published, write

TITLE = "Where lost umbrellas go"
FAIL = """
from kb import indexing, publishing, tasks
from kb.models import Article
from kb.publishing import Content

article = Article.objects.get(latest_version__title={title!r})
with tasks.without_wake_ups():
    changed = Content(article.title, "Lost umbrellas are kept for a year now.")
    publishing.save(article, changed, by=None, based_on=article.latest_version.number)
    publishing.publish(article, by=None)
    assert indexing.run(article.pk) == "failed"
"""


def test_a_broken_link_is_named_at_the_save_and_mended_from_the_list(editor: Page) -> None:
    new_article(
        editor, "How to borrow a bicycle", "First read [the tour](/articles/ten-minute-tuor/).\n\nThen borrow one."
    )
    said = editor.get_by_text("Line 1, the link “the tour” to /articles/ten-minute-tuor/")
    expect(said).to_contain_text("No article that you may see has this address.")
    editor.goto("/editor/links/")
    editor.get_by_role("link", name="Mend the link to /articles/ten-minute-tuor/ in How to borrow a bicycle").click()
    expect(editor.get_by_label("Lead to")).to_have_value("/articles/ten-minute-tour/")
    editor.get_by_role("button", name="Save and publish").click()
    expect(editor.get_by_text("leads to /articles/ten-minute-tour/.")).to_be_visible()
    expect(editor.get_by_role("main")).not_to_contain_text("ten-minute-tuor")


def test_a_failed_job_says_why_and_is_done_when_tried_again(editor: Page, own_site: Site, tmp_path: Path) -> None:
    address = new_article(editor, TITLE, "Lost umbrellas are kept for a month.")
    without_model = {**(own_site.environment or {}), "MODEL_PATH": str(tmp_path)}
    replace(own_site, environment=without_model).manage("shell", "-c", FAIL.format(title=TITLE))
    editor.goto("/editor/index/")
    row = editor.get_by_role("row").filter(has_text=TITLE).filter(has_text="The embedding model is not there")
    expect(row).to_be_visible()
    row.get_by_role("button", name=f"Retry indexing {TITLE}").click()
    expect(row).to_be_hidden()
    editor.goto(address)
    expect(editor.get_by_text("Answers use version 2.").first).to_be_visible()


def test_versions_are_compared_as_readers_see_them(editor: Page) -> None:
    new_article(editor, "How to ring the bell", "Ring the bell **twice** at noon.")
    write(editor, "Ring the bell **three times** at noon.")
    publish(editor)
    published(editor)
    go_to(editor, "History")
    expect(editor.get_by_role("main")).to_contain_text("2 words added, 1 removed")
    editor.get_by_role("button", name="Compare").click()
    editor.get_by_role("link", name="As readers see it").click()
    expect(editor.get_by_role("strong").get_by_role("deletion")).to_have_text("twice")
    expect(editor.get_by_role("strong").get_by_role("insertion")).to_have_text("three times")


def test_an_article_is_verified_with_one_click_and_readers_see_when(editor: Page, stranger: Page) -> None:
    title = "How to feed the goldfish"
    new_article(editor, title, "One pinch a day.")
    editor.goto("/editor/reminders/?what=never&collection=writing")
    row = editor.get_by_role("row").filter(has_text=title)
    row.get_by_role("button", name="Still correct").click()
    expect(editor.get_by_text(f"“{title}” is verified. The next review is on")).to_be_visible()
    expect(row).to_be_hidden()
    stranger.goto(f"/search/?q={title}")
    stranger.get_by_role("main").get_by_role("link", name=title).first.click()
    expect(stranger.get_by_role("complementary")).to_contain_text("Checked")
