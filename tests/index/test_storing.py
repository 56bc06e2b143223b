"""What is stored of passages is what was made of them, to the bit."""

import numpy as np
import pytest
from django.db import DataError

from kb import embedders, identifiers, storing
from kb.chunking import Piece
from kb.embedding import passage_vectors
from kb.models import Embedding, Passage, TokenVectors

pytestmark = pytest.mark.django_db

BODIES = (
    "Set `--max-size=4096` and call getUserById. Error E-1234 means: stop.",
    "Ein Satz ohne Besonderes.",
    'It\'s 100 % \\ "quoted", {braced}, NULL, and C++.',
)


@pytest.fixture
def running():
    return embedders.configured()


def pieces(count: int = 3):
    return [Piece((), "", f"Title {n}\n", BODIES[n % len(BODIES)], (1,)) for n in range(count)]


def test_vectors_bits_and_sentences_are_stored_as_they_were_made(running):
    count = 2 * storing.BATCH + 1
    ids, embedded = storing.store(pieces(count), language="en", embedder=running)
    assert embedded == set(ids)
    texts = dict(Passage.objects.values_list("pk", "text"))
    for pk, made in zip(ids, passage_vectors([texts[pk] for pk in ids], running.model), strict=True):
        vector = Embedding.objects.get(passage=pk, embedder=running.row).vector
        tokens = TokenVectors.objects.get(passage=pk, embedder=running.row)
        assert np.array_equal(np.array(vector, np.float16), made.vector.astype(np.float16))
        assert (bytes(tokens.bits), bytes(tokens.sentences)) == (made.bits, made.sentences)


def test_a_passage_has_its_exact_names_and_their_words_among_its_lexemes(running):
    [pk, plain, _], _ = storing.store(pieces(), language="en", embedder=running)
    held = Passage.objects.extra(select={"held": "tsvector_to_array(tsv)"})
    lexemes = set(held.get(pk=pk).held)
    text = Passage.objects.get(pk=pk).text
    assert {*identifiers.lexemes(text), "user", "id", "titl"} <= lexemes
    assert not [lexeme for lexeme in held.get(pk=plain).held if lexeme.startswith(identifiers.SIGN)]


def test_texts_come_back_as_they_were_and_in_the_order_of_the_pieces(running):
    given = [*pieces(), *pieces()]
    ids, _ = storing.store(given, language="en", embedder=running)
    texts = dict(Passage.objects.values_list("pk", "text"))
    assert [texts[pk] for pk in ids] == [piece.lead + piece.body for piece in given]
    assert storing.store(given, language="en", embedder=running) == (ids, set())


def test_what_postgresql_refuses_is_an_error_of_django(running):
    with pytest.raises(DataError):
        storing.store([Piece((), "", "", "A NUL: \0", ())], language="en", embedder=running)
