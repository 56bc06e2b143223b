"""Nothing an author or an imported file can write acts on a reader's page."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.markdown import html, listings, render
from tests.text.sources import documents, tried

SCHEMES = ("http://", "https://", "mailto:", "/", "#")

VECTORS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></ScRiPt>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><mglyph><style><img src=x onerror=alert(1)>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="javascript:alert(1)"></object>',
    '<embed src="javascript:alert(1)">',
    '<base href="https://evil.example/">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<form action="https://evil.example"><button>Go</button></form>',
    "<style>body{display:none}</style>",
    '<link rel="stylesheet" href="https://evil.example/x.css">',
    '<div style="position:fixed;inset:0">x</div>',
    '<div hx-get="/editor/delete" hx-trigger="load">x</div>',
    '<a hx-post="/x" data-hx-post="/x" href="/">x</a>',
    '<p hx-on:click="alert(1)">x</p>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<details open ontoggle=alert(1)>x</details>",
    '<p id="answer" class="cite">x</p>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](ftp://evil.example/)",
    "[x](\x01javascript:alert(1))",
    "[x](blob:https://evil.example/1)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    '![x"onerror="alert(1)](a.png)',
    '![x](a.png "t\\" onerror=alert(1) x=\\"")',
    '[x](/a"onclick="alert(1))',
    "[x]: javascript:alert(1)\n\n[x]",
    '```"><script>alert(1)</script>\ncode\n```',
    "```python\n</code></pre><script>alert(1)</script>\n```",
    '```<img/src="x"onerror=alert(1)>\ncode\n```',
    "## <img src=x onerror=alert(1)>",
    '## "><script>alert(1)</script>',
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    '| " onmouseover="alert(1) |\n|---|\n| x |',
    "- [x] <input onfocus=alert(1) autofocus>",
    "a[^<script>]\n\n[^<script>]: <script>alert(1)</script>",
    'a[^" onclick="alert(1)]\n\n[^" onclick="alert(1)]: b',
    "<!--><script>alert(1)</script>-->",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "`<script>alert(1)</script>`",
    "https://evil.example/<script>alert(1)</script>",
    "\u2028<script>alert(1)</script>\x00<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<xmp><script>alert(1)</script></xmp>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<template><script>alert(1)</script></template>",
]


class Page(HTMLParser):
    """What a browser would find on the page: (tag, attributes) of every element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def assert_harmless(source: str) -> None:
    for tag, attributes in Page(render(source).html).elements:
        assert tag in html.TAGS, tag
        for name, value in attributes.items():
            allowed = html.ATTRIBUTES.get(tag, set()) | set(html.VALUES.get(tag, {})) | {"class"}
            assert name in allowed, f"{tag} {name}"
            assert not name.startswith(("on", "hx-", "data-hx", "style")), name
            if name == "id":
                assert html.OUR_ID.fullmatch(value or ""), value
            if name == "class":
                assert set((value or "").split()) <= html.CLASSES[tag], value
            if name in ("href", "src"):
                address = value or ""
                assert ":" not in address.split("/")[0] or address.startswith(SCHEMES), address


@pytest.mark.parametrize("source", VECTORS)
def test_no_vector_gets_through(source: str) -> None:
    assert_harmless(source)


@pytest.mark.parametrize("source", VECTORS)
def test_no_vector_gets_through_inside_other_blocks(source: str) -> None:
    indented = source.replace("\n", "\n  ")
    assert_harmless(f"- {indented}\n\n> {source}\n\n| {source} |\n|---|\n| {source} |\n\n**{source}**")


@pytest.mark.parametrize("source", VECTORS)
def test_the_sanitiser_alone_would_stop_every_vector(source: str) -> None:
    for tag, attributes in Page(html.CLEANER.clean(f"<p>{source}</p>")).elements:
        assert tag in html.TAGS
        assert not any(name.startswith(("on", "hx-", "data-hx", "style")) for name in attributes)
        assert not (attributes.get("href") or "").lower().startswith(("javascript", "data", "vbscript", "file"))


def test_ids_and_classes_that_are_not_ours_are_dropped() -> None:
    cleaned = html.CLEANER.clean('<p id="answer" class="cite">x</p><span id="main" class="k cite">y</span>')
    assert cleaned == '<p>x</p><span class="k">y</span>'


def test_html_in_a_source_is_shown_as_the_author_typed_it() -> None:
    assert render("Use <b>this</b> & that").html == '<p id="b-1">Use &lt;b&gt;this&lt;/b&gt; &amp; that</p>\n'


@tried
@given(documents | st.lists(st.sampled_from(VECTORS), max_size=4).map("\n".join))
def test_any_text_renders_and_stays_harmless(source: str) -> None:
    assert_harmless(source)


@tried
@given(
    st.text(max_size=300), st.sampled_from(["python", "bash", "html", "json", "yaml", "console", "diff", "c++", "?"])
)
def test_a_listing_shows_exactly_its_text(text: str, language: str) -> None:
    text = text.replace("\r", "")
    found: list[str] = []
    page = Page("")
    page.handle_data = found.append  # type: ignore[method-assign] # a parser without a subclass of its own
    page.feed(listings.code(text, language=language, first_line=1, numbered=""))
    page.close()
    assert "".join(found).rstrip("\n") == text.rstrip("\n")
