"""Exact names in text."""

import pytest

from kb.identifiers import identifiers
from kb.markdown import blocks


@pytest.mark.parametrize("name", ["_headers", "./deploy", "../up", "@media", "$home", ":root", "/etc/hosts", ".net"])
def test_names_with_a_sign_before_them_are_exact(name):
    assert identifiers(f"Put it in {name} now") == [name]


@pytest.mark.parametrize("text", ["a: b", "one::two words", "$ 5.", "mail to a@b", "10 @ home"])
def test_a_lone_sign_makes_no_name(text):
    assert not [name for name in identifiers(text) if name[0] in "@$:_"]


@pytest.mark.parametrize(
    "fence",
    [
        '```go-html-template {file="layouts/rss.xml" copy=true}',
        "```js title='layouts/rss.xml'",
        '```toml filename="layouts/rss.xml"',
    ],
)
def test_the_name_of_a_listed_file_is_found_with_the_listing(fence):
    [block] = blocks(f"{fence}\nx = 1\n```")
    assert block.header.endswith(" layouts/rss.xml")
    assert "layouts/rss.xml" in identifiers(block.header)
