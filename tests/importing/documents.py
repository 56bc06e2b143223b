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

Every save makes a **version** & keeps it.

## Steps

- Open the history.
- Press *Restore*.

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


def pdf(*pages: list[str | tuple[str, int]], encrypt: bool = False) -> bytes:
    """A PDF of these pages; a line with a number is written in letters of that size, 11 otherwise."""
    bodies = ["<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for page in pages:
        lines, height = [], 740
        for line in page:
            text, size = line if isinstance(line, tuple) else (line, 11)
            height -= 30 if isinstance(line, tuple) else 13
            lines.append(f"/F1 {size} Tf 1 0 0 1 72 {height} Tm ({text}) Tj")
        stream = f"BT {' '.join(lines)} ET"
        bodies.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        kids.append(f"{len(bodies) + 1} 0 R")
        bodies.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {len(bodies)} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>"
        )
    bodies[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(made))
        made += f"{number} 0 obj {body} endobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    guarded = f"/Encrypt<</Filter/Standard/V 1/R 2/O<{'00' * 32}>/U<{'00' * 32}>/P -1>>/ID[<00><00>]" if encrypt else ""
    trailer = f"trailer <</Size {len(bodies) + 1}/Root 1 0 R{guarded}>>\nstartxref\n{len(made)}\n%%EOF"
    return made + f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()
