"""Whatever is typed or half built: a clear result or a clear sentence, never a fault and never a wait."""

from dataclasses import replace
from io import StringIO

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from kb import browsing, explaining, frequencies, indexing
from kb.filters import Within
from kb.models import CorpusStatistics, Embedding, IndexedVersion, Lexeme, TokenVectors
from kb.providers.fake import FakeEmbedder
from kb.retrieval import retrieve
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]
NOBODY = AnonymousUser()
HOSTILE = {
    "empty": "",
    "blank": " \t\n",
    "long": "parcel " * 1429,  # 10,000 characters
    "one long word": "x" * 10_000,
    "long of typos": "parcle delivrey " * 625,
    "stop words": "the and of to in a",
    "punctuation": "?!.,;:-–—…()[]{}",
    "NUL": "par\0cel",
    "half a surrogate": "parcel \udcff",
    "right to left": "مرحبا بكم في \u202e parcel",
    "emoji": "📦👩‍👩‍👧‍👦 parcel",
    "combining": "p" + "\u0301" * 500,
    "operators": "' & | ! ( ) <-> :* parcel:* !parcel <2> 'a''b' \\",
    "sql": "'; DROP TABLE kb_chunk; -- %s %(x)s {} \" $1",
    "like": "%_\\ parcel%",
    "html": "<script>alert(1)</script>",
    "regular expression": "(a+)+$ [[[ \\b(?<x>",
}


@pytest.fixture
def shelf(index):
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.", tags=["a"])
    factories.article("Codes", "The error E-1234 names a broken parcel.")
    index()


def test_the_functions_take_any_text(shelf, subtests):
    for name, text in HOSTILE.items():
        with subtests.test(name):
            for within in (Within(), Within(text, text, text, None, text)):
                assert isinstance(retrieve(text, user=NOBODY, within=within), list)
                assert isinstance(browsing.suggest(text, user=NOBODY, within=within), list)
                assert isinstance(explaining.explain(text, user=NOBODY, within=within).rows, tuple)
            assert isinstance(browsing.complete(text, user=NOBODY), str)
            assert isinstance(browsing.highlights("A parcel.", text), list)


def test_every_field_of_the_search_page_takes_any_text(client, shelf, subtests):
    for name, text in HOSTILE.items():
        for field in ("q", "collection", "tag", "language", "since", "article"):
            with subtests.test(name, field=field):
                response = client.get(reverse("search"), {"q": "parcel", field: sent(text)})
                assert response.status_code == 200
                page = response.content.decode()
                assert "<script>alert(1)" not in page
                assert 'role="alert"' in page or field == "q" or not text.strip()


def test_every_field_of_the_explaining_page_takes_any_text(client, shelf, editor, subtests):
    client.force_login(editor)
    for name, text in HOSTILE.items():
        for field in ("q", "article"):
            with subtests.test(name, field=field):
                assert client.get(reverse("editor_explain"), {"q": "parcel", field: sent(text)}).status_code == 200


def test_the_command_takes_any_text(shelf, subtests):
    for name, text in HOSTILE.items():
        with subtests.test(name):
            assert said("search", text)
            for option in ("collection", "tag", "language", "since", "article"):
                if text.strip():
                    with pytest.raises(CommandError):
                        said("search", "parcel", f"--{option}={text}")


@pytest.mark.django_db(transaction=True)  # another thread writes the answer
def test_asking_takes_any_text(client, shelf, settings, subtests):
    settings.ASK_LIMIT = "1000/m"
    for name, text in HOSTILE.items():
        with subtests.test(name):
            assert client.post(reverse("ask"), {"q": sent(text)}).status_code in {302, 422}


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def sent(text: str) -> str:
    """As a server reads it from an address or a form."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Short(FakeEmbedder):
    """Says 384 and gives 100."""

    def encode(self, texts):
        return [replace(one, vector=one.vector[:100]) for one in super().encode(texts)]


def test_with_a_vector_of_the_wrong_size_words_alone_find_and_the_log_says_why(client, shelf, settings, caplog):
    settings.EMBEDDER = f"{__name__}.Short"
    sentence = "The embedder fake gave a vector of 100 numbers, where it says it gives 384."
    hits = retrieve("parcel of 100 numbers", user=NOBODY)
    assert hits
    assert all(hit.ranks["vector"] is None for hit in hits)
    assert sentence in caplog.text
    page = client.get(reverse("search"), {"q": "parcel of 100 numbers"})
    assert page.status_code == 200
    assert hits[0].title in page.content.decode()


def test_an_article_whose_vectors_have_the_wrong_size_fails_with_that_sentence(shelf, settings):
    settings.EMBEDDER = f"{__name__}.Short"
    made = factories.article("Late", "A parcel of another size.")
    indexing.drain()
    made.job.refresh_from_db()
    assert "a vector of 100 numbers" in made.job.error
    settings.EMBEDDER = "kb.providers.fake.FakeEmbedder"
    assert "Late" not in {hit.title for hit in retrieve("parcel", user=NOBODY)}


HALF = {
    "no vectors": lambda: Embedding.objects.all().delete(),
    "no token vectors": lambda: TokenVectors.objects.all().delete(),
    "empty token vectors": lambda: TokenVectors.objects.update(bits=b"", sentences=b""),
    "no titles": lambda: IndexedVersion.objects.all().delete(),
    "no words": lambda: Lexeme.objects.all().delete(),
    "no statistics": lambda: CorpusStatistics.objects.all().delete(),
    "words of nobody": lambda: Lexeme.objects.update(audiences=[]),
    "no vector index": lambda: drop_vector_indexes(),
}


def drop_vector_indexes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'kb_embedding_hnsw%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX "{name}"')


@pytest.mark.parametrize("half", HALF.values(), ids=HALF.keys())
def test_an_index_half_built_finds_what_it_can(client, shelf, settings, half):
    half()
    for settings.EXACT_BELOW in (-1, 10_000):
        assert {hit.title for hit in retrieve("parcel weight", user=NOBODY)} >= {"Delivery"}
    assert "Delivery" in client.get(reverse("search"), {"q": "parcel weight"}).content.decode()


def test_published_but_not_indexed_is_not_found_and_no_fault(client, index):
    factories.article("Late", "A parcel that waits.")
    frequencies.refresh(force=True)
    assert retrieve("parcel", user=NOBODY) == []
    assert client.get(reverse("search"), {"q": "parcel"}).status_code == 200
