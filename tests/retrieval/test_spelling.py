"""Typos: forgiven in plain words, never in exact names, and telling nobody of a word they may not read."""

import random

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from kb import indexing, publishing, spelling
from kb.models import Article, Chunk, Lexeme
from kb.permissions import audience_ids
from kb.retrieval import trace
from kb.words import read
from tests import factories

NOBODY = AnonymousUser()
WORDS = ("delivery", "subscription", "warranty", "parcel", "invoice", "customer", "password", "keyboard", "temperature")


def corrected(question: str, user=NOBODY) -> tuple[tuple[str, str], ...]:
    found = trace(question, user=user).question
    return found.corrected if found else ()


@pytest.fixture
def shelf(index):
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    factories.article("Codes", "The error E-1234 names a broken parcel. Set `max_parcel` in parcel.conf.")
    factories.article("Secret", "The hoatzin is a bird.", audience=factories.audience("groups", "Operators"))
    index()


@pytest.mark.django_db
def test_a_typo_is_searched_as_the_word_that_was_meant(shelf):
    assert corrected("how much is the delivrey") == (("delivrey", "delivery"),)
    found = trace("how much is the delivrey", user=NOBODY)
    assert found.hits[0].title == "Delivery"
    assert found.hits[0].ranks["words"] == 1
    assert found.question.text == "how much is the delivery"


@pytest.mark.django_db
def test_words_that_are_known_or_like_nothing_stay_as_they_are(shelf):
    assert corrected("delivery fees") == ()
    assert corrected("xqzzy") == ()
    assert corrected("the and of") == ()


@pytest.mark.django_db
def test_a_word_published_since_words_were_counted_is_no_typo(shelf):
    factories.article("Pantry", "Seven jars of percel.")
    indexing.drain()
    assert not Lexeme.objects.filter(lexeme="percel").exists()
    assert corrected("percel") == ()
    assert trace("percel", user=NOBODY).hits[0].title == "Pantry"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["E-1235", "max_parcle", "parcle.conf", "--parcle", "PARCLE", "getParcle", "parcle2"])
def test_exact_names_are_never_guessed_at(shelf, name):
    assert corrected(name) == ()
    assert name in trace(f"{name} parcle", user=NOBODY).question.text


@pytest.mark.django_db
def test_a_question_without_unknown_words_costs_no_statement_more(shelf):
    question = read("delivery of a parcel")
    with CaptureQueriesContext(connection) as queries:
        same = spelling.forgive(question, seen=Chunk.objects.visible_to(NOBODY), audiences=audience_ids(NOBODY))
    assert same is question
    assert len(queries) <= 2  # whose audiences, once for each of the two arguments


@pytest.mark.django_db
def test_a_word_of_hidden_articles_is_no_correction(shelf, operator):
    assert corrected("hoatzn") == ()
    assert corrected("hoatzn", operator) == (("hoatzn", "hoatzin"),)


@pytest.mark.django_db
def test_a_word_that_only_hidden_articles_hold_is_corrected_as_if_nobody_held_it(shelf, index, operators):
    before = trace("parcal fees", user=NOBODY)
    assert before.question.corrected == (("parcal", "parcel"),)
    factories.article("Parcal", "A parcal is secret.", audience=operators)
    index()
    after = trace("parcal fees", user=NOBODY)
    assert after.question.corrected == before.question.corrected
    assert [hit.title for hit in after.hits] == [hit.title for hit in before.hits]


@pytest.mark.django_db
def test_a_withdrawn_word_is_no_correction_even_before_words_are_counted_again(shelf, operators):
    publishing.arrange(Article.objects.get(slug="delivery"), by=None, audience=operators)
    assert corrected("delivrey") == ()


@pytest.mark.django_db
def test_most_spoiled_words_are_found_again(index):
    """One letter left out, put in, exchanged or swapped with its neighbour: 9 words, 90 typos."""
    factories.article("Words", " ".join(WORDS))
    index()
    chance = random.Random(1)
    typos = [(spoiled(word, chance), word) for word in WORDS for _ in range(10)]
    right = sum(dict(corrected(typo)).get(typo) == word or typo == word for typo, word in typos)
    assert right >= 0.9 * len(typos)


def spoiled(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    return chance.choice(
        [before + after, f"{before}e{letter}{after}", f"{before}e{after}", before + after[0] + letter + after[1:]]
    )


texts = st.text("abc", max_size=6)


@given(texts, texts)
def test_edits_are_a_distance(one, other):
    assert (spelling.edits(one, other) == 0) == (one == other)
    assert spelling.edits(one, other) == spelling.edits(other, one)
    assert abs(len(one) - len(other)) <= spelling.edits(one, other) <= max(len(one), len(other))


def test_a_swap_of_neighbours_is_one_edit():
    assert spelling.edits("delivrey", "delivery") == 1
    assert spelling.edits("kitten", "sitting") == 3
