"""The HTML of an article: the markup of the site, ids that passages link to, and links as they should be."""

import re
import time

import pytest
from hypothesis import example, given

from kb import markdown
from kb.markdown import MAX_SOURCE, Heading, render
from tests.text.sources import ARTICLE, documents, tried

ID = re.compile(r'\bid="([^"]*)"')


def html(source: str) -> str:
    return render(source).html.strip()


def test_headings_carry_an_anchor_and_make_the_contents() -> None:
    rendered = render("## Set up & run\n\ntext\n\n### With `make`\n\n## Set up & run\n")
    assert rendered.contents == [
        Heading(2, "Set up & run", "s-set-up-run"),
        Heading(3, "With make", "s-with-make"),
        Heading(2, "Set up & run", "s-set-up-run-2"),
    ]
    assert (
        '<h2 id="s-set-up-run">Set up &amp; run <a class="anchor" href="#s-set-up-run" '
        'aria-label="Link to: Set up &amp; run">#</a></h2>'
    ) in rendered.html


def test_headings_move_down_when_the_body_uses_the_title_level() -> None:
    assert [(h.level, h.text) for h in render("# A\n\n## B\n\n###### C").contents] == [(2, "A"), (3, "B"), (6, "C")]


def test_headings_stay_when_the_body_leaves_the_title_to_the_page() -> None:
    assert [h.level for h in render("## A\n\n### B").contents] == [2, 3]


def test_heading_anchors_are_unique_even_against_numbered_titles() -> None:
    anchors = [h.anchor for h in render("## a\n\n## a 2\n\n## a\n\n## a\n\n## !!!").contents]
    assert anchors == ["s-a", "s-a-2", "s-a-3", "s-a-4", "s-section"]


def test_front_matter_is_not_shown_and_lines_keep_their_numbers() -> None:
    assert html("---\ntitle: x\n---\n\ntext") == '<p id="b-5">text</p>'


def test_text_between_two_rules_is_not_taken_for_front_matter() -> None:
    assert "Kept" in html("---\nKept.\n\n---\nmore")


def test_blocks_items_and_rows_are_found_by_their_line() -> None:
    source = "one\n\n- two\n  - three\n\n| a |\n|---|\n| b |\n\n> four\n\n```\nfive\n```"
    assert ID.findall(html(source)) == ["b-1", "b-3", "b-4", "b-6", "b-8", "b-10", "b-12", "b-13"]


def test_a_wide_table_scrolls_and_says_what_it_is() -> None:
    assert html("| Plan | Price |\n|:--|--:|\n| One | 5 |") == (
        '<div class="scroll" tabindex="0" role="group" aria-label="Table: Plan, Price"><table class="data">\n'
        '<thead>\n<tr id="b-1">\n<th scope="col">Plan</th><th scope="col" class="n">Price</th></tr>\n</thead>\n'
        '<tbody>\n<tr id="b-3">\n<td>One</td><td class="n">5</td></tr>\n</tbody>\n</table></div>'
    )


def test_an_empty_header_is_an_ordinary_cell() -> None:
    assert "<td></td><th" in html("| | a |\n|---|---|\n| b | c |")


def test_a_listing_names_its_language_and_can_be_copied() -> None:
    button = '<button class="button" type="button" data-copy="" hidden="">Copy</button>'
    assert html("```bash\nls\n```") == (
        f'<figure class="listing" id="b-1"><figcaption>Shell {button}</figcaption>'
        '<pre tabindex="0"><code><span id="b-2">ls</span></code></pre></figure>'
    )


@pytest.mark.parametrize(
    ("fence", "name"),
    [("python", "Python"), ("console", "Shell"), ("js", "JavaScript"), ("", "Text"), ("Brainwave", "Brainwave")],
)
def test_languages_are_called_by_their_names(fence: str, name: str) -> None:
    assert f"<figcaption>{name} <button" in html(f"```{fence}\nx\n```")


def test_code_is_coloured_line_by_line() -> None:
    listing = html('```python\ndef f():\n    """Two\n    lines."""\n```')
    assert '<span id="b-2"><span class="k">def</span> <span class="nf">f</span>():</span>' in listing
    assert '<span id="b-3">    <span class="s">"""Two</span></span>\n' in listing
    assert '<span id="b-4"><span class="s">    lines."""</span></span>' in listing


def test_tasks_are_boxes_that_cannot_be_ticked_with_their_text_as_label() -> None:
    rendered = html("- [x] done *well*\n- [ ] to do\n- [x](y)")
    assert '<label><input type="checkbox" checked="" disabled=""> done <em>well</em></label>' in rendered
    assert '<label><input type="checkbox" disabled=""> to do</label>' in rendered
    assert rendered.startswith('<ul class="contains-task-list">')
    assert rendered.count("task-list-item") == 2


def test_notes_link_there_and_back() -> None:
    rendered = html("a[^x] b[^x]\n\n[^x]: why")
    assert '<sup><a href="#note-1" id="ref-1" aria-label="Note 1">1</a></sup>' in rendered
    assert '<section class="notes" aria-label="Notes">' in rendered
    assert '<li id="note-1"><p id="b-3">why <a href="#ref-1" aria-label="Back to the text of note 1">↩' in rendered
    assert 'href="#ref-1-2"' in rendered


def test_links_elsewhere_vouch_for_nothing_and_ours_stay_plain() -> None:
    rel = 'rel="noopener noreferrer nofollow"'
    assert f'<a href="https://a.b" {rel}>' in html("[x](https://a.b)")
    assert f'<a href="//a.b" {rel}>' in html("[x](//a.b)")
    for target in ("/articles/x", "other.md", "mailto:a@b.de"):
        assert f'<a href="{target}">x</a>' in html(f"[x]({target})")


def test_a_link_to_a_heading_written_as_elsewhere_finds_it() -> None:
    assert '<a href="#s-next-steps">x</a>' in html("[x](#next-steps)\n\n## Next steps")


def test_file_names_are_not_taken_for_hosts() -> None:
    assert "<a" not in html("Run manage.py, read README.md and setup.sh.")


def test_an_image_of_ours_is_loaded_when_it_is_reached() -> None:
    assert '<img src="a.png" alt="The menu" loading="lazy">' in html("![The *menu*](a.png)")


def test_an_image_from_elsewhere_becomes_a_link() -> None:
    rendered = html("![The menu](https://a.b/c.png) [![Badge](//a.b/c.png)](/x)")
    assert "<img" not in rendered
    assert '<a href="https://a.b/c.png" rel="noopener noreferrer nofollow">The menu</a>' in rendered
    assert '<a href="/x">Badge</a>' in rendered


@pytest.mark.parametrize(
    "source", ["a <!-- b --> c", "a\n\n<!-- b\n\nb -->\nc", "a\n<!-- b -->\nc", "- a <!-- b -->\n- c"]
)
def test_comments_are_for_authors_only(source: str) -> None:
    shown = re.sub(r"<[^>]*>", "", html(source)).split()
    assert shown == ["a", "c"]


def test_a_comment_in_a_listing_or_never_closed_is_shown() -> None:
    assert "&lt;!-- b --&gt;" in html("```\n<!-- b -->\n```")
    assert "&lt;!-- b" in html("a <!-- b\n\nc")


def test_deep_lists_are_kept() -> None:
    source = "\n".join("  " * depth + f"- item{depth}" for depth in range(30))
    assert all(f"item{depth}" in html(source) for depth in range(30))


def test_a_source_too_long_is_refused_in_plain_words() -> None:
    with pytest.raises(ValueError, match=r"500,001 characters; an article may have 500,000\. Divide it into several\."):
        render("x" * (MAX_SOURCE + 1))


def test_links_are_listed_once_in_order() -> None:
    assert markdown.links("[a](b.md) ![c](d.png) [a](b.md)\n\n[e]\n\n[e]: /f") == ["b.md", "d.png", "/f"]


def test_an_article_is_rendered_quickly() -> None:
    started = time.process_time()
    for _ in range(5):
        render(ARTICLE)
    assert (time.process_time() - started) / 5 < 0.1 * len(ARTICLE) / 5_000


@pytest.mark.parametrize("part", ["![", "*a ", "> <!--\n", "# a\n", "- [ ] a\n", "|a|\n|-|\n|b|\n\n", "[^", "a@", "> "])
def test_hostile_sources_end_soon(part: str) -> None:
    started = time.process_time()
    render(part * (50_000 // len(part)))
    assert time.process_time() - started < 5


@tried
@given(documents)
@example("-     code as the first thing of an item\n")
def test_ids_are_unique_and_ours(source: str) -> None:
    ids = ID.findall(html(source))
    assert len(ids) == len(set(ids))
    assert all(re.match(r"b-\d|s-|note-\d|ref-\d", name) for name in ids)
