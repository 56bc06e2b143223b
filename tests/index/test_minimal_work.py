"""What an edit costs: only what it touches is embedded anew, as ARCHITECTURE states it."""

import random
from collections.abc import Callable

import pytest

from kb import publishing
from kb.models import Article, IndexRun
from kb.publishing import Content
from tests import factories

pytestmark = pytest.mark.django_db

Index = Callable[[], int]


def paragraph(number: int) -> str:
    chance = random.Random(number)
    words = " ".join(
        chance.choice(["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]) for _ in range(40)
    )
    return " ".join(f"Step {number} {word}." for word in words.split())


FLAT = [paragraph(number) for number in range(110)]  # one section of a hundred chunks
SECTIONS = [f"## Part {number}\n\n{paragraph(number)}" for number in range(12)]


def source(parts: list[str]) -> str:
    return "\n\n".join(parts)


def embedded(article: Article, content: Content, index: Index) -> tuple[int, int]:
    """Save and publish it; how many chunks had to be embedded, and of how many."""
    article.refresh_from_db()
    version = publishing.save(article, content, by=None, based_on=article.latest_version.number)
    publishing.publish(article, by=None)
    index()
    run = IndexRun.objects.get(version=version)
    return run.embedded, run.chunks


@pytest.fixture
def flat(index: Index) -> Article:
    made = factories.article("Flat", source(FLAT))
    index()
    return made


@pytest.fixture
def parted(index: Index) -> Article:
    made = factories.article("Parted", source(SECTIONS))
    index()
    return made


@pytest.mark.parametrize("place", [0, 17, 55, 93, 109])
def test_a_changed_paragraph_of_a_hundred_chunks_embeds_three_at_most(flat: Article, index: Index, place: int) -> None:
    changed = [*FLAT[:place], FLAT[place].replace("alpha", "changed"), *FLAT[place + 1 :]]
    anew, chunks = embedded(flat, Content("Flat", source(changed)), index)
    assert chunks >= 100
    assert 1 <= anew <= 3


@pytest.mark.parametrize("place", [0, 40, 110])
def test_an_inserted_paragraph_embeds_what_is_beside_it(flat: Article, index: Index, place: int) -> None:
    grown = [*FLAT[:place], "This is new. It is said here for the first time.", *FLAT[place:]]
    anew, _ = embedded(flat, Content("Flat", source(grown)), index)
    assert 1 <= anew <= 3


def test_moving_a_section_embeds_nothing(parted: Article, index: Index) -> None:
    moved = [*SECTIONS[:2], *SECTIONS[5:9], *SECTIONS[2:5], *SECTIONS[9:]]
    assert embedded(parted, Content("Parted", source(moved)), index) == (0, 12)


def test_a_renamed_section_embeds_its_own_chunks(parted: Article, index: Index) -> None:
    renamed = [part.replace("## Part 4", "## Chapter 4") for part in SECTIONS]
    assert embedded(parted, Content("Parted", source(renamed)), index) == (1, 12)


def test_a_changed_title_embeds_every_chunk_because_each_is_read_under_it(parted: Article, index: Index) -> None:
    assert embedded(parted, Content("Parted in twelve", source(SECTIONS)), index) == (12, 12)


def test_a_title_changed_back_embeds_nothing(parted: Article, index: Index) -> None:
    embedded(parted, Content("Parted in twelve", source(SECTIONS)), index)
    assert embedded(parted, Content("Parted", source(SECTIONS)), index) == (0, 12)


def test_a_changed_summary_embeds_nothing(parted: Article, index: Index) -> None:
    assert embedded(parted, Content("Parted", source(SECTIONS), "Twelve parts."), index) == (0, 12)


def test_address_collection_audience_and_tags_ask_nothing_of_the_index(parted: Article, index: Index) -> None:
    before = IndexRun.objects.count()
    publishing.arrange(
        parted,
        by=None,
        slug="elsewhere",
        collection=factories.collection("Other"),
        audience=factories.audience("signed-in"),
        tags=["new"],
    )
    publishing.unpublish(parted, by=None)
    publishing.publish(parted, by=None)
    assert index() <= 1
    assert IndexRun.objects.count() == before
