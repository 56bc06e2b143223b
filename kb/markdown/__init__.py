"""Markdown, read once and used twice: as safe HTML for the page, and as plain blocks for the index."""

from kb.markdown.blocks import Block, blocks
from kb.markdown.html import Heading, Rendered, render
from kb.markdown.outline import Outline, Target, outline
from kb.markdown.parser import MAX_SOURCE, anchor, code_lines, links, split_front_matter
from kb.markdown.pieces import pieces

__all__ = [
    "MAX_SOURCE",
    "Block",
    "Heading",
    "Outline",
    "Rendered",
    "Target",
    "anchor",
    "blocks",
    "code_lines",
    "links",
    "outline",
    "pieces",
    "render",
    "split_front_matter",
]
