"""Markdown to try things on: one article with everything in it, and a strategy that mixes such parts at random."""

from hypothesis import settings
from hypothesis import strategies as st

tried = settings(deadline=None)  # the first use of a lexer imports it, and the machine may be busy

ARTICLE = """\
---
title: Everything
---
Some *text* with `code` and [a link](/x). Another sentence, e.g. this one.

## First section

- one
- two
  - nested

    with a paragraph
- [x] three

1. step
2. step

   ```bash
   make run
   ```

### Inside

| Name | Size |
|:-----|-----:|
| a    | 1.5  |
| b    | 2    |

> Quoted words.
>
> - and a list

```python
def f():

    return 1
```

    indented code

## Second section

![A picture](a.png)

A note[^n] and ^[another].<br> <!-- hidden -->

[^n]: Explained here.
"""

WORDS = st.text(alphabet="abcXY1é .", min_size=1, max_size=30)
MARKS = [
    "# ",
    "## ",
    "- ",
    "1. ",
    "> ",
    "```",
    "    ",
    "\n",
    "\n\n",
    "[x](y)",
    "![z](w)",
    "[^1]",
    "\n[^1]: ",
    "^[i]",
    "- [ ] ",
]
MORE_MARKS = [
    "| a | b |\n|---|---|\n| c | d |\n",
    "<b>",
    "<!--",
    "-->",
    "<script>",
    "*",
    "`",
    "---\n",
    "a: b\n",
    "\\",
    "&amp;",
]
PARTS = st.sampled_from([*MARKS, *MORE_MARKS, "\t"])
documents = st.lists(WORDS | PARTS, max_size=40).map("".join) | st.text(max_size=200)
