"""Two versions beside each other, as readers see them."""

import re

import pytest
from hypothesis import given

from kb import markdown
from kb.collating import Pair, collate
from kb.markdown.pieces import CLEANER
from tests.text.sources import documents, tried

HOSTILE = [
    '[x](javascript:alert(1)) <script>alert(1)</script> ![a > b "c"](/images/a.png "<img onerror=x>")',
    "<del>not ours</del> &lt;ins&gt; `<b>`\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | <i> |",
]


def test_changed_words_are_marked_inside_the_rendered_text() -> None:
    assert collate("Press the **Save** button now.", "Press the **Store** button at once.") == [
        Pair(
            "changed",
            "<p>Press the <strong><del>Save</del></strong> button <del>now</del>.</p>",
            "<p>Press the <strong><ins>Store</ins></strong> button <ins>at once</ins>.</p>",
        )
    ]


def test_blocks_that_came_and_went_stand_alone_and_those_far_from_a_change_are_folded() -> None:
    same = "\n\n".join(f"Paragraph {number} stays." for number in range(6))
    pairs = collate(f"{same}\n\nGone now.", f"New here, quite another text.\n\n{same}")
    assert [(one.kind, one.folded) for one in pairs] == [
        ("added", 0),
        ("same", 0),
        ("fold", 4),
        ("same", 0),
        ("removed", 0),
    ]
    assert (pairs[0].old, pairs[-1].new) == ("", "")


@pytest.mark.parametrize(
    ("old", "new"),
    [("See [this](/a/).", "See [this](/b/)."), ("Press *Save*.", "Press **Save**."), ("![](a)", "![](b)")],
)
def test_equal_words_with_another_link_mark_or_image_are_told_from_equal_blocks(old: str, new: str) -> None:
    assert [one.kind for one in collate(old, new)] == ["restyled"]


def test_headings_listings_and_tables_are_compared_without_ids_and_buttons() -> None:
    source = "## Steps\n\n```python\nprint(1)\n```\n\n| a | b |\n|---|---|\n| one | two |"
    [heading, listing, table] = collate(source, source.replace("print(1)", "print(2)").replace("two", "three"))
    assert heading.old == "<h2>Steps</h2>"
    assert "<button" not in listing.old
    assert "<del>1</del>" in listing.old
    assert "<td><ins>three</ins></td>" in table.new


@pytest.mark.parametrize("old", HOSTILE)
@pytest.mark.parametrize("new", [*HOSTILE, ""])
def test_what_is_marked_is_as_safe_as_what_is_rendered(old: str, new: str) -> None:
    for one in collate(old, new):
        for html in (one.old, one.new):
            assert unmarked(html) == CLEANER.clean(unmarked(html))


@tried
@given(documents, documents)
def test_no_text_is_lost_or_made_by_marking(old: str, new: str) -> None:
    pairs = [one for one in collate(old, new) if one.kind != "fold"]
    shown = [unmarked(one.new) for one in pairs if one.new]
    assert [one for one in shown if one not in markdown.pieces(new)] == []


def unmarked(html: str) -> str:
    return re.sub(r"</?(?:ins|del)>", "", html)
