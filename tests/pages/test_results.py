"""Snippets: which stretch of a passage is shown, and what is marked in it."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kb.retrieval import Hit
from portal.public import results


def hit(text: str, **other: object) -> Hit:
    values = {
        "chunk_id": 1, "article_id": 1, "version_id": 1, "version_number": 1, "passage_id": 1, "slug": "a",
        "title": "A",
        "collection": "Guides", "heading_path": ("Steps",), "anchor": "s-steps", "lines": (3, 4, 5), "text": text,
        "score": 1.0, "ranks": {"words": 1, "vector": 1}, "parts": {"cosine": 0.5},
        "updated": datetime(2026, 11, 23, tzinfo=UTC), "language": "en",
    }  # fmt: skip
    return Hit(**{**values, **other})


def plain(parts: tuple[results.Part, ...]) -> str:
    return "".join(part.text for part in parts)


def test_the_snippet_starts_with_the_sentence_that_fits_best():
    text = "Open the history. Nothing here. Press Restore to bring a version back. " + "Then read on. " * 30
    found = results.from_passages([hit(text)], "restore version")
    assert plain(found.snippet).startswith("Press Restore to bring a version back.")
    assert plain(found.snippet).endswith("…")


def test_the_address_is_the_line_of_the_snippet():
    found = results.from_passages([hit("First line.\nSecond line.\nRestore it.")], "restore")
    assert found.where.url == "/articles/a/#b-5"


def test_a_passage_without_lines_is_opened_at_its_heading():
    assert results.fragment(hit("Text.", lines=())) == "#s-steps"


def test_a_sentence_too_long_for_a_snippet_is_cut_around_the_match():
    text = "word " * 200 + "restore " + "word " * 200
    found = results.from_passages([hit(text)], "restore")
    assert any(part.marked and part.text == "restore" for part in found.snippet)
    assert len(plain(found.snippet)) < results.SNIPPET + 10


def test_other_headings_of_the_article_are_named_once():
    hits = [hit("a"), hit("b", heading_path=("Limits",)), hit("c", heading_path=("Limits",)), hit("d", heading_path=())]
    found = results.from_passages(hits, "a")
    assert [place.heading for place in found.others] == ["Limits"]


def test_what_shares_no_word_and_is_far_away_is_not_worth_showing():
    far = hit("a", ranks={"words": None, "vector": 1}, parts={"cosine": 0.1})
    near = hit("b", ranks={"words": None, "vector": 2}, parts={"cosine": 0.5})
    assert results.worth_showing([far, near]) == [near]


def test_what_fits_far_less_well_than_the_best_is_not_worth_showing():
    assert len(results.worth_showing([hit("a", score=1.0), hit("b", score=0.3)])) == 1


@given(st.text(max_size=400), st.text(max_size=30))
def test_marking_keeps_every_character(text, question):
    assert plain(results.marked(text, question)) == text


@given(st.text(min_size=1, max_size=800), st.text(max_size=30))
def test_an_excerpt_lies_within_its_text(text, question):
    shown = results.excerpt(text, question)
    assert 0 <= shown.start <= shown.end <= len(text)
    assert shown.end - shown.start <= results.SNIPPET + 1
