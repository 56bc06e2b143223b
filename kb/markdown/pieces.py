"""The HTML of an article block by block, safe and without ids, so that two versions can stand on one page."""

import re

import nh3

from kb.markdown.blocks import top_level
from kb.markdown.html import ATTRIBUTES, CLASSES, TAGS, VALUES
from kb.markdown.parser import MD, parse

ANCHOR = re.compile(r' <a class="anchor" [^>]*>#</a>')  # what the renderer puts behind a heading
CLEANER = nh3.Cleaner(
    tags=TAGS - {"button"},
    clean_content_tags={"button"},  # the one that copies a listing
    attributes={tag: names - {"id"} for tag, names in ATTRIBUTES.items() if tag != "button"},
    tag_attribute_values={tag: values for tag, values in VALUES.items() if tag != "button"},
    allowed_classes={tag: names for tag, names in CLASSES.items() if tag != "button"},
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


def pieces(source: str) -> list[str]:
    """One string for each top-level block, in order. Raises ValueError as `parse` does."""
    rendered = (MD.renderer.render(group, MD.options, {}) for group in top_level(parse(source)))
    cleaned = (CLEANER.clean(ANCHOR.sub("", html)).strip() for html in rendered)
    return [html for html in cleaned if html]
