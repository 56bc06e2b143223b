"""An editor's walk from a question that nobody answered to figures about it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.asking import ask

QUESTION = "Which voltage does the toaster need?"
ARTICLE = "Restore an older version of an article"

pytestmark = pytest.mark.usefixtures("own_site")


def test_an_unanswered_question_becomes_a_case_that_is_measured(page: Page, editor: Page) -> None:
    ask(page, QUESTION)
    expect(page.get_by_role("main")).to_contain_text(re.compile("do not (answer|say)|nearest", re.IGNORECASE))
    editor.goto("/editor/questions/")
    row = editor.get_by_role("row").filter(has_text=QUESTION)
    expect(row).to_have_count(1)
    row.get_by_role("link", name="Make it a case").click()
    expect(editor.get_by_label("Question", exact=True)).to_have_value(QUESTION)
    editor.get_by_label("Article 1", exact=True).fill(ARTICLE)
    editor.get_by_role("button", name="Add the case").click()
    case = editor.get_by_role("row").filter(has_text=QUESTION)
    expect(case).to_contain_text("not run yet")
    editor.get_by_role("button", name="Run now").click()
    expect(editor.get_by_role("region", name="Figures of each stage")).to_contain_text("Reranked")
    expect(case).to_contain_text(re.compile(r"not found|\d\s*$"))
    editor.goto("/editor/quality/")
    expect(editor.get_by_role("row").filter(has_text="Help center")).to_contain_text(re.compile(r"\d\.\d{3}"))
    editor.goto("/editor/questions/")
    row = editor.get_by_role("row").filter(has_text=QUESTION)
    expect(row).to_contain_text("is an evaluation case")
    row.get_by_role("button", name="Dismiss").click()
    expect(editor.get_by_role("row").filter(has_text=QUESTION)).to_have_count(0)


def test_an_explained_search_becomes_a_case_with_one_click(editor: Page) -> None:
    editor.goto("/editor/explain/?q=restore+an+older+version+please")
    editor.get_by_role("button", name=re.compile(f"This is right.*{ARTICLE}")).first.click()
    expect(editor.get_by_role("row").filter(has_text="restore an older version please")).to_contain_text(ARTICLE)
