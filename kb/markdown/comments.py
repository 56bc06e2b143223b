"""HTML comments: notes to fellow authors, which readers and the index never see."""

import re
from bisect import bisect_left

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

START, END = "<!--", "-->"


def comments_plugin(md: MarkdownIt) -> None:
    """Drop `<!-- … -->`, between blocks and inside a line. One that is never closed stays visible as text."""
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    md.block.ruler.before("paragraph", "comment", _block, interrupts)
    md.inline.ruler.before("html_inline", "comment", _inline)


def _block(state: StateBlock, first_line: int, end_line: int, silent: bool) -> bool:
    start = state.bMarks[first_line] + state.tShift[first_line]
    if state.level or state.is_code_block(first_line) or not state.src.startswith(START, start):
        return False  # inside a quote or a list the rules disagree about where the text ends: the inline rule serves
    end = _end(state, start)
    last_line = bisect_left(state.eMarks, end, first_line, end_line)
    if end < 0 or last_line == end_line or state.src[end : state.eMarks[last_line]].strip():
        return False  # never closed, or text after it: then it is a paragraph, in which the inline rule drops it
    if not silent:
        state.line = last_line + 1
    return True


def _inline(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith(START, state.pos):
        return False
    end = _end(state, state.pos)
    if end < 0:
        return False
    state.pos = end
    return True


def _end(state: StateBlock | StateInline, start: int) -> int:
    """Where the comment that starts here ends, or -1. All ends are found once, so that many open ones stay linear."""
    known = state.env.get("comments")
    if known is None or known[0] is not state.src:
        ends = [match.end() for match in re.finditer(END, state.src)]
        known = state.env["comments"] = (state.src, ends)
    following = bisect_left(known[1], start + len(START) + len(END))
    return int(known[1][following]) if following < len(known[1]) else -1
