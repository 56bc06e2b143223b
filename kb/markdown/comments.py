"""HTML comments: notes to fellow authors, which readers and the index never see."""

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
    if state.is_code_block(first_line) or not state.src.startswith(START, start) or not _closes(state, start):
        return False
    end = state.src.find(END, start + len(START), state.eMarks[end_line - 1])
    last_line = next((line for line in range(first_line, end_line) if end + len(END) <= state.eMarks[line]), None)
    if end < 0 or last_line is None or state.src[end + len(END) : state.eMarks[last_line]].strip():
        return False  # text after the comment: a paragraph, in which the inline rule drops it
    if not silent:
        state.line = last_line + 1
    return True


def _inline(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith(START, state.pos) or not _closes(state, state.pos):
        return False
    state.pos = state.src.index(END, state.pos + len(START)) + len(END)
    return True


def _closes(state: StateBlock | StateInline, position: int) -> bool:
    """Whether a comment that starts here can end: looked up once a text, so that many open ones stay linear."""
    known = state.env.get("comments")
    if known is None or known[0] is not state.src:
        known = state.env["comments"] = (state.src, state.src.rfind(END))
    return bool(known[1] >= position + len(START))
