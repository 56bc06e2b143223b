"""An answer's text as HTML: Markdown made safe, marks ⟦n⟧ linked to their sources, sentences to point at. Pure.

Sentences and marks are put into the finished HTML and not into the Markdown, so that they cannot change how it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from kb import markdown
from kb.grounding import MARK, Sentence, Source, assemble

TAG = r"<(?:\"[^\"]*\"|[^\">])*>"  # an attribute may hold a ">"
ENTITY = r"&(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-fA-F]+);"
CITED = r"⟦\d{1,4}⟧"
PIECE = re.compile(rf"(?P<skip>{TAG}|{ENTITY}|{CITED})|(?P<letter>[^\W_])")
INLINE = "a|code|del|em|s|strong|sup"
BEFORE = re.compile(rf"(?:<(?:{INLINE})\b[^>]*>|[^\s\w<>;])*\Z")
AFTER = re.compile(rf"(?:</(?:{INLINE})>|{ENTITY}|[^\s\w<>&⟦]|\s*{CITED})*")
TAGS = re.compile(f"({TAG})")
BLOCK = re.compile(rf"</?(?!(?:{INLINE}|span|br|img)\b)[a-z]")
TAG_OR_MARK = re.compile(rf"(?P<tag>{TAG})|\s*⟦(?P<number>\d{{1,4}})⟧")
LINE_IDS = re.compile(r' id="b-\d+"')  # those are for articles; here several answers may stand on one page
OUR_LINK = re.compile(r'\shref="/articles/[\w-]+/(?:#[\w-]*)?"')
ALT = re.compile(r'\salt="([^"]*)"')
REFERENCE = re.compile(r"!?\[([^\]]*)\]\[[^\]]*\]")
DEFINITION = re.compile(r"^[ ]{0,3}\[[^\]]+\]:.*$", re.MULTILINE)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
NOT_SHOWN = re.compile(  # fences, and what opens list items, tasks, headings and quotations
    r"^[ ]{0,3}(?:`{3,}|~{3,})[^\n]*$|^\s*(?:(?:[-*+•]|\(?\d{1,3}[.)]|#{1,6}|>)\s+|\[[ xX]\]\s+)+", re.MULTILINE
)
CODE_LINE = re.compile(r"^([ ]*(?:(?:[-*+]|\d{1,9}[.)])[ ]+)?)`([^`\n]+)`$", re.MULTILINE)  # in a list
FENCE = re.compile(r"^[ ]*(?:`{3,}|~{3,})[^\n]*\n?", re.MULTILINE)
WORD = re.compile(r"[^\W_]{4,}")
STEM = 6  # letters by which two words are taken for the same
WEAK = {"weak": ("weak", "weakly supported"), "unsupported": ("weak", "not supported by the sources")}


@dataclass(frozen=True)
class Quoted:
    """A source as the page lists it: the passage with the sentences in use marked, and where these stand."""

    source: Source
    html: str
    part: str  # the first sentence in use
    line: int  # its line in the article's source, for the link
    sentences: tuple[int, ...]  # numbers of the answer's sentences that cite it


def render(text: str, *, sources: Sequence[Source], sentences: Sequence[Mapping[str, Any]] = ()) -> str:
    """Safe HTML of an answer (Markdown with marks ⟦n⟧). Only sources that exist are linked; other marks vanish.

    `sentences`: the stored, checked ones (text, state, …); without them the text is cut into its sentences here.
    Sentence n gets the id `sn`; one that does not hold is underlined and followed by words that say so.
    """
    html = LINE_IDS.sub("", _rendered(text))
    stored = sentences or [{"text": sentence.text} for sentence in assemble(text)]
    titles = {source.number: source.title for source in sources}
    return _linked("".join(_with_sentences(html, stored)), titles)


def block(text: str, titles: tuple[tuple[int, str], ...]) -> str:
    """Safe HTML of one finished block while the rest is written.

    `titles`: number and title of each source.
    """
    html = LINE_IDS.sub("", _rendered(text))
    return _linked(html, dict(titles))


def _rendered(text: str) -> str:
    # A bare address would swallow the mark behind it, so a space goes between; it is taken out with the mark.
    return "".join(_kept_in(markdown.render(text.replace("⟦", " ⟦")).html))


def _kept_in(html: str) -> Iterator[str]:
    """The HTML without ways out: links only to our own articles, other ones as their words, and no images at all.

    Whatever an article or a question makes a model write, nothing can be carried away by a click or by loading.
    """
    kept: list[bool] = []
    for piece in TAGS.split(html):
        if piece.startswith("<a "):
            kept.append(bool(OUR_LINK.search(piece)))
        if piece.startswith("<img"):
            alt = ALT.search(piece)
            yield alt[1] if alt else ""
        elif not piece.startswith(("<a ", "</a>")) or kept[-1]:
            yield piece
        if piece == "</a>":
            kept.pop()


def flat(text: str) -> str:
    """The Markdown of an answer with its links and images as their words, for where nothing renders it."""
    return DEFINITION.sub("", LINK.sub(r"\1", REFERENCE.sub(r"\1", text)))


def words_of(text: str) -> str:
    """A passage, which is plain text, without what says of code that it is code."""
    return CODE_LINE.sub(r"\1\2", FENCE.sub("", text))


def live(text: str) -> str:
    """The text while it is written, as the browser shows it too: as it is, with superscript numbers for marks."""
    return MARK.sub(r'<sup class="cite">\1</sup>', escape(text))


def quoted(sources: Sequence[Source], *, sentences: Sequence[Mapping[str, Any]], question: str) -> list[Quoted]:
    """The sources with what is used of them marked; before anything is, the sentence nearest to the question."""
    return [_quoted(source, sentences, question) for source in sources]


def _with_sentences(html: str, stored: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The HTML with each sentence that is found in it wrapped; one that cannot be found stays as it is."""
    position = 0
    for number, (start, end) in _places(html, [str(sentence["text"]) for sentence in stored]):
        start -= len(BEFORE.search(html[max(position, start - 200) : start])[0])  # type: ignore[index]  # matches the empty string, so always
        end = AFTER.match(html, end).end()  # type: ignore[union-attr]  # the same
        yield html[position:start]
        yield _sentence(html[start:end], number, str(stored[number - 1].get("state", "")))
        position = end
    yield html[position:]


def _places(html: str, texts: Sequence[str]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Number and range of each sentence in the HTML, by its letters and digits alone: those no rendering changes."""
    letters = [match for match in PIECE.finditer(html) if match["letter"]]
    shown = "".join(match["letter"] for match in letters)
    position = 0
    for number, text in enumerate(texts, 1):
        wanted = "".join(re.findall(r"[^\W_]", NOT_SHOWN.sub("", LINK.sub(r"\1", MARK.sub("", text)))))
        found = shown.find(wanted, position) if wanted else -1
        if found >= 0:
            position = found + len(wanted)
            yield number, (letters[found].start(), letters[position - 1].end())


def _sentence(html: str, number: int, state: str) -> str:
    """One sentence, pointed at by its id. Where it goes across blocks or half-open tags, only its beginning is."""
    name, words = WEAK.get(state, ("", ""))
    body, marks = html, ""
    if name:
        first = re.search(rf"(?:\s*{CITED})+\Z", html)
        body, marks = (html[: first.start()], first[0]) if first else (html, "")
    closed = not BLOCK.search(body) and _balanced(body)
    if name and closed:
        body = f'<span class="{name}">{body}</span>'
    if name:
        dagger = f'<a class="cite dagger" href="#check-{number}" aria-label="{words.capitalize()}: see why">†</a>'
        marks += f'{dagger} <span class="weak-word">{words}</span>'
    if closed:
        return f'<span class="sentence" id="s{number}">{body}{marks}</span>'
    return f'<span id="s{number}"></span>{body}{marks}'


def _balanced(html: str) -> bool:
    """Whether every tag in it is opened and closed in it."""
    depth = 0
    for tag in TAGS.findall(html):
        if tag.startswith(("<br", "<img")):
            continue
        depth += -1 if tag.startswith("</") else 1
        if depth < 0:
            return False
    return depth == 0


def _linked(html: str, titles: Mapping[int, str]) -> str:
    """Marks as links to their sources; none inside a tag, where one could end an attribute."""

    def replace(match: re.Match[str]) -> str:
        if match["tag"]:
            return MARK.sub("", match["tag"])
        number = int(match["number"])
        if number not in titles:
            return ""
        label = escape(f"Source {number}: {titles[number]}")
        return f'<a class="cite" href="#source-{number}" aria-label="{label}">{number}</a>'

    return TAG_OR_MARK.sub(replace, html)


def _quoted(source: Source, sentences: Sequence[Mapping[str, Any]], question: str) -> Quoted:
    users = _users(source, sentences)
    used = users or {index: [] for index in _nearest(source.sentences, question)}
    first = source.sentences[min(used)] if used else Sentence(0, 0, source.text, 1)
    citing = [place for place, sentence in enumerate(sentences, 1) if source.number in sentence["citations"]]
    return Quoted(source, _marked(source, used), " ".join(words_of(first.text).split()), first.line, tuple(citing))


def _users(source: Source, sentences: Sequence[Mapping[str, Any]]) -> dict[int, list[int]]:
    """Which sentences of the source are in use (by index, in order), each with the answer's sentences that use it."""
    users: dict[int, list[int]] = {}
    for place, sentence in enumerate(sentences, 1):
        for number, start, end in sentence["passages"]:
            if number == source.number:
                for index in range(start, min(end, len(source.sentences))):
                    users.setdefault(index, []).append(place)
    return dict(sorted(users.items()))


def _nearest(sentences: Sequence[Sentence], question: str) -> list[int]:
    """The sentence (its index) that shares most words with the question; the first of equals."""
    asked = _words(question)
    shared = [len(asked & _words(sentence.text)) for sentence in sentences]
    return [shared.index(max(shared))] if shared else []


def _words(text: str) -> set[str]:
    return {word[:STEM] for word in WORD.findall(text.lower())}


def _marked(source: Source, used: Mapping[int, Sequence[int]]) -> str:
    """The passage as HTML with the sentences in use marked; each mark names the answer's sentences that use it."""
    parts: list[str] = []
    position = 0
    for index, users in used.items():
        sentence = source.sentences[index]
        names = f' data-sentences="{" ".join(map(str, users))}"' if users else ""
        before = source.text[position : sentence.start]
        parts += [escape(words_of(before)), f"<mark{names}>", escape(words_of(sentence.text)), "</mark>"]
        position = sentence.end
    return "".join([*parts, escape(words_of(source.text[position:]))])
