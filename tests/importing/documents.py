"""Documents made on the spot: an HTML page, a Word document, and what hostile people send instead."""

import functools
import zipfile
from io import BytesIO
from pathlib import Path

import docx

HTML = """<!doctype html><html><head><title>Window</title><style>p { color: red }</style></head><body>
<script>document.write("stolen")</script>
<h1>Restore a version</h1><p>Every save makes a <b>version</b> &amp; keeps it.</p>
<h2>Steps</h2><ol><li>Open the history.</li><li>Press <i>Restore</i>.</li></ol>
<h3>Commands</h3><pre><code>make run
  make test</code></pre>
<table><tr><th>Key</th><th>Meaning</th></tr><tr><td>a|b</td><td>Either</td></tr><tr><td>short</td></tr></table>
<p>1. No list</p><p># No heading</p>
<p>&lt;img src=x onerror=alert(1)&gt; and <a href="javascript:alert(1)">a link</a></p>
</body></html>"""

HTML_AS_MARKDOWN = r"""# Restore a version

Every save makes a version & keeps it.

## Steps

- Open the history.
- Press Restore.

### Commands

```
make run
  make test
```

| Key | Meaning |
| --- | --- |
| a\|b | Either |
| short |  |

1\. No list

\# No heading

\<img src=x onerror=alert(1)\> and a link
"""

WORD_AS_MARKDOWN = r"""# Restore a version

Every save makes a version.

## Steps

- Open the history.
- Press Restore.

| Key | Meaning |
| --- | --- |
| a\|b | Either |
"""

DEEP = "<div>" * 5000 + "deep text" + "</div>" * 5000


def word(path: Path) -> Path:
    """The Word document of WORD_AS_MARKDOWN."""
    document = docx.Document()
    document.add_heading("Restore a version", 1)
    document.add_paragraph("Every save makes a version.")
    document.add_heading("Steps", 2)
    for step in ("Open the history.", "Press Restore."):
        document.add_paragraph(step, style="List Number")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Key", "Meaning", "a|b", "Either"), strict=True):
        cell.text = text
    document.save(str(path))
    return path


def archive(**files: bytes) -> bytes:
    """A zip archive; `__` in a name stands for a slash."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "/"), content)
    return made.getvalue()


@functools.cache
def bomb() -> bytes:
    """A .docx of about 300 KB that unzips to 300 MB."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        with packed.open("word/document.xml", "w", force_zip64=True) as text:
            for _ in range(300):
                text.write(b" " * 1_000_000)
    return made.getvalue()
