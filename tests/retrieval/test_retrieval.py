"""retrieve(): the right passage, by meaning and by words, and never one the reader may not see."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kb import browsing, frequencies, indexing, words
from kb.models import Embedder, Embedding
from kb.providers.fake import FakeEmbedder
from kb.retrieval import Timings, retrieve
from tests import factories

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()


def titles(question: str, user=NOBODY, **options) -> list[str]:
    return [hit.title for hit in retrieve(question, user=user, **options)]


@pytest.fixture
def shelf(index):
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    factories.article("Returns", "Send it back within 30 days. The error code is E-1234.")
    factories.article("Flags", "Start the server with --max-old-space-size=4096 and set snake_case_name in app.conf.")
    factories.article("Camel", "Call getUserById() to read a person. Use version v1.2.3 of node.js.")
    factories.article("Secret", "OBSIDIAN delivery fees are free.", audience=factories.audience("groups", "Operators"))
    factories.article("Draft", "Delivery fees in a draft.", published=False)
    index()


def test_words_find_their_article(shelf):
    assert titles("parcel weight")[0] == "Delivery"


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("what does E-1234 mean", "Returns"),
        ("e-1234", "Returns"),
        ("--max-old-space-size", "Flags"),
        ("snake_case_name", "Flags"),
        ("app.conf", "Flags"),
        ("getUserById", "Camel"),
        ("user by id", "Camel"),
        ("v1.2.3", "Camel"),
    ],
)
def test_exact_names_are_found_first(shelf, question, title):
    hits = retrieve(question, user=NOBODY)
    assert hits[0].title == title


def test_the_parts_of_a_name_take_nothing_from_it(index):
    factories.article("A day", "Closed on 2023-01-01.")
    index()
    assert dict(words.read("2023-01-01").names) == {"=2023-01-01": 1.0}
    assert dict(words.read("closed on 2023-01-01").names)["=2023-01-01"] == pytest.approx(0.5)  # a place of two
    assert words.read("closed").names == ()


def test_meaning_finds_what_words_do_not(real_embedder, index):
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    factories.article("Garden", "Water the roses in the evening.")
    factories.article("Kitchen", "Boil the potatoes for twenty minutes.")
    index()
    hit = retrieve("shipping costs", user=NOBODY)[0]
    assert hit.title == "Delivery"
    assert hit.ranks["vector"] == 1
    assert hit.ranks["words"] is None


def test_nobody_finds_what_they_may_not_read(shelf, reader, operator):
    assert "Secret" not in titles("OBSIDIAN delivery fees")
    assert "Secret" not in titles("OBSIDIAN delivery fees", reader)
    assert titles("OBSIDIAN delivery fees", operator)[0] == "Secret"


def test_drafts_are_never_found(shelf, editor):
    assert "Draft" not in titles("Delivery fees in a draft", editor)


@pytest.mark.parametrize(
    "question", ["", "   ", "\0", "?!.", "the and of", "🙂", "مرحبا", "x" * 10_000, "' & | ! ( ) <-> :*"]
)
def test_odd_questions_give_a_list_and_no_error(shelf, question):
    assert isinstance(retrieve(question, user=NOBODY), list)


def test_sql_in_a_question_is_only_text(shelf):
    assert titles("'; DROP TABLE kb_chunk; -- parcel") != []


def test_both_scores_and_ranks_come_with_each_hit(shelf):
    hit = retrieve("parcel weight", user=NOBODY)[0]
    assert hit.ranks == {"words": 1, "vector": 1}
    assert set(hit.parts) == {"cosine", "words", "sentence", "maxsim", "window", "title", "exact", "article"}


def test_a_chunk_without_a_vector_is_still_found_by_its_words(shelf):
    Embedding.objects.all().delete()
    hits = retrieve("parcel weight", user=NOBODY)
    assert hits[0].title == "Delivery"
    assert hits[0].ranks["vector"] is None


def test_without_any_statistics_search_works(index):
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    indexing.drain()
    assert titles("parcel weight") == ["Delivery"]
    frequencies.refresh()
    assert titles("parcel weight") == ["Delivery"]


def test_a_question_asked_before_is_three_statements(shelf, reader):
    retrieve("weight of a parcel", user=reader)
    with CaptureQueriesContext(connection) as queries:
        retrieve("weight of a parcel", user=reader)
    # What must be known of the words and the reader; both legs; the winners' text.
    marks = ("kb_lexeme", "'vector' AS leg", "kb_tokenvectors")
    assert [next(mark for mark in marks if mark in query["sql"]) for query in queries] == list(marks)


def test_timings_are_filled_in(shelf):
    timings = Timings()
    retrieve("parcel", user=NOBODY, timings=timings)
    assert set(timings.as_dict()) == {"embed", "sql", "rerank", "total"}
    assert timings.total > 0


def test_titles_are_suggested_while_typing(shelf, operator):
    assert [a.slug for a in browsing.suggest("del", user=NOBODY)] == ["delivery"]
    assert [a.slug for a in browsing.suggest("delivrey", user=NOBODY)] == ["delivery"]
    assert browsing.suggest("sec", user=NOBODY) == []
    assert [a.slug for a in browsing.suggest("sec", user=operator)] == ["secret"]
    assert browsing.suggest("x", user=NOBODY) == []


def test_related_articles_are_visible_ones(shelf, article):
    found = browsing.related(article, user=NOBODY)
    assert article not in found
    assert all(other.slug != "secret" for other in found)


def test_highlights_mark_the_words_asked_for():
    text = "Delivery fees depend on parcels."
    spans = browsing.highlights(text, "what is the delivery fee for a parcel?")
    assert [text[s.start : s.end] for s in spans] == ["Delivery", "fees", "parcels"]


def test_a_process_that_cannot_run_the_live_model_finds_by_words_alone(shelf, settings):
    """Vectors of another model are never compared, be they of the same size or not."""
    settings.EMBEDDER = f"{__name__}.Another"
    Embedder.objects.update(path=settings.EMBEDDER)
    hits = retrieve("parcel weight", user=NOBODY)
    assert hits[0].title == "Delivery"
    assert all(hit.ranks["vector"] is None for hit in hits)


class Another(FakeEmbedder):
    name = "another"
    dimensions = 128

    def encode(self, texts):
        return [replace(one, vector=one.vector[:128], tokens=one.tokens[:, :128]) for one in super().encode(texts)]
