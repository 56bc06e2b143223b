"""An embedder behind /v1/embeddings, over real HTTP: batches, limits, prices, and every fault in words."""

import logging
import threading
import time
from decimal import Decimal

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connections

from kb import embedders, indexing, pacing
from kb.errors import ProviderError
from kb.models import Embedder, Embedding, Metering, Pace, TokenVectors
from kb.providers.openai_compatible import OpenAICompatibleEmbedder
from kb.retrieval import retrieve
from tests import factories
from tests.loopback.embeddings import KEY, Embeddings
from tests.loopback.serving import serving

pytestmark = pytest.mark.django_db
PATH = "kb.providers.openai_compatible.OpenAICompatibleEmbedder"


@pytest.fixture(scope="module")
def running():
    application = Embeddings()
    with serving(application) as server:
        yield application, f"{server.url}/v1"


@pytest.fixture
def server(running, settings):
    application, url = running
    application.requests.clear()
    application.times.clear()
    settings.EMBEDDINGS_URL = url
    settings.EMBEDDINGS_KEY = KEY
    settings.EMBEDDINGS_MODEL = "text-embedding-3-small"
    settings.EMBEDDINGS_SECONDS = 1.0
    settings.EMBEDDINGS_PATIENCE = 10.0
    return application


def refused(text: str = "Where is it?", **arguments: str) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        OpenAICompatibleEmbedder(**arguments).encode([text])
    return raised.value


def test_texts_go_out_in_batches_and_vectors_come_back_normalised_in_their_order(server, settings):
    settings.EMBEDDINGS_BATCH = 2
    texts = ["alpha [[shuffled]]", "beta", "gamma", "delta", "epsilon"]
    made = OpenAICompatibleEmbedder().encode(texts)
    assert [len(request["input"]) for request in server.requests] == [2, 2, 1]
    assert all("dimensions" not in request for request in server.requests)
    assert [one.vector.shape for one in made] == [(1536,)] * 5
    assert np.allclose([np.linalg.norm(one.vector) for one in made], 1)
    assert made[0].tokens is None
    [alone] = OpenAICompatibleEmbedder().encode(["beta"])
    assert np.allclose(alone.vector, made[1].vector)


def test_a_server_is_asked_to_shorten_its_vectors_only_when_told(server, settings):
    settings.EMBEDDINGS_SHORTEN = True
    [one] = OpenAICompatibleEmbedder("text-embedding-3-large", "512").encode(["alpha"])
    assert one.vector.shape == (512,)
    assert (server.requests[0]["model"], server.requests[0]["dimensions"]) == ("text-embedding-3-large", 512)


def test_tokens_and_price_are_counted_for_the_run_and_for_the_day(server, settings):
    settings.EMBEDDINGS_PRICE = 2.5
    model = OpenAICompatibleEmbedder()
    model.encode(["one two three", "four"])
    model.encode(["five"])
    assert (model.spent.requests, model.spent.texts, model.spent.tokens) == (2, 3, 5)
    assert model.spent.price == Decimal("0.0000125")
    day = Metering.objects.get()
    assert (day.embedder, day.requests, day.texts, day.tokens) == ("text-embedding-3-small", 2, 3, 5)


@pytest.mark.parametrize(
    ("text", "message", "temporary"),
    [
        ("[[quota]]", "The account at the embedding server cannot be billed", False),
        ("[[no-model]]", "does not know this model or address: check EMBEDDINGS_MODEL, EMBEDDINGS_URL.", False),
        ("[[no-permission]]", "may not use this model: check EMBEDDINGS_MODEL.", False),
        ("[[too-long]]", "did not accept the texts (400): This model's maximum is 8192 tokens. Your key was ….", False),
        ("[[short]]", "The embedding server sent 0 vectors for 1 texts.", True),
        ("[[nan]]", "a vector that is no direction (NaN or zeros).", False),
        ("[[zeros]]", "a vector that is no direction (NaN or zeros).", False),
        ("[[garbage]]", "The embedding server sent something that could not be read.", True),
    ],
)
def test_a_fault_is_said_in_words(server, text, message, temporary):
    error = refused(text)
    assert message in str(error)
    assert error.temporary is temporary
    assert KEY not in str(error)


def test_vectors_of_another_size_are_refused_with_the_setting_to_change(server):
    error = refused(dimensions="768")
    assert str(error) == (
        "The embedding server sends vectors of 1536 dimensions, not 768: set EMBEDDINGS_DIMENSIONS to what its model"
        " makes."
    )
    assert not error.temporary


def test_a_wrong_key_is_said_and_never_logged(server, settings, caplog):
    settings.EMBEDDINGS_KEY = "sk-wrong-9876"
    with caplog.at_level(logging.DEBUG):
        error = refused()
    assert str(error) == "The embedding server does not accept this site's key: check EMBEDDINGS_KEY."
    assert "sk-wrong-9876" not in caplog.text + str(error)


def test_a_server_that_is_not_there_or_not_set_is_said(settings):
    settings.EMBEDDINGS_URL, settings.EMBEDDINGS_PATIENCE = "http://127.0.0.1:9/v1", 0.1
    assert "cannot be reached: check EMBEDDINGS_URL" in str(refused())
    settings.EMBEDDINGS_URL = ""
    assert "set EMBEDDINGS_URL to its address, which ends in /v1" in str(refused())


def test_a_server_that_says_nothing_is_given_up_after_its_time(server, settings):
    settings.EMBEDDINGS_SECONDS, settings.EMBEDDINGS_PATIENCE = 0.2, 0.3
    error = refused("[[silence]]")
    assert str(error) == "The embedding server did not answer in time."
    assert error.temporary


def test_a_silent_server_is_left_alone_for_a_while_and_then_asked_again(server, settings, monkeypatch):
    settings.EMBEDDINGS_SECONDS, settings.EMBEDDINGS_PATIENCE = 0.2, 0.3
    embedder = OpenAICompatibleEmbedder()
    with pytest.raises(ProviderError):
        embedder.encode(["[[silence]]"])
    asked = len(server.requests)
    with pytest.raises(ProviderError, match="did not answer in time"):
        embedder.encode(["alpha"])
    assert len(server.requests) == asked
    monkeypatch.setattr("kb.providers.openai_compatible.PAUSE", 0.0)
    assert len(embedder.encode(["alpha"])) == 1
    assert embedder._silent is None


def test_a_passing_fault_is_tried_again(server):
    [one] = OpenAICompatibleEmbedder().encode(["[[once=server-error]] alpha"])
    assert one.vector.shape == (1536,)
    assert len(server.requests) == 2


def test_retry_after_is_kept_to_by_every_process(server):
    OpenAICompatibleEmbedder().encode(["[[once=rate-limit wait=0.7]] beta"])
    assert len(server.times) == 2
    assert server.times[1] - server.times[0] >= 0.7
    model = OpenAICompatibleEmbedder()
    pacing.postpone(model._pace("requests"), 60)  # as another process would, told to wait a minute
    with pytest.raises(ProviderError, match="too many requests") as raised:
        model.encode(["gamma"])
    assert raised.value.temporary
    assert len(server.times) == 2


@pytest.mark.django_db(transaction=True)
def test_a_limit_is_shared_by_all_who_ask_at_once(server, settings, monkeypatch):
    """Four threads, each with a connection and an embedder of its own: what separate workers are to the database."""
    settings.EMBEDDINGS_REQUESTS_PER_MINUTE = 600  # one each 0.1 s
    monkeypatch.setattr(pacing, "BURST", 0.0)
    started = time.monotonic()

    def ask(number: int) -> None:
        model = OpenAICompatibleEmbedder()
        try:
            for turn in range(3):
                model.encode([f"text {number} {turn}"])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.times) == 12
    assert max(server.times) - started >= 1.0  # eleven steps of 0.1 s
    assert Pace.objects.count() == 2


def test_tokens_a_minute_hold_back_long_texts(server, settings):
    settings.EMBEDDINGS_TOKENS_PER_MINUTE, settings.EMBEDDINGS_PATIENCE = 600, 1.0
    model = OpenAICompatibleEmbedder()
    model.encode(["word " * 400])  # forty seconds' worth
    with pytest.raises(ProviderError, match="too many requests"):
        model.encode(["word"])


def test_more_dimensions_than_the_index_takes_are_refused_before_anything_is_paid(server, settings):
    settings.EMBEDDER = f"{PATH} text-embedding-3-large 4096"
    with pytest.raises(ProviderError, match="vectors of 4096 dimensions, and the vector index takes 4000 at the most"):
        embedders.live()
    assert not server.requests


def test_articles_are_indexed_and_found_through_it_without_token_vectors(server, settings, index):
    settings.EMBEDDER = f"{PATH} text-embedding-3-small"
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    factories.article("Returns", "Send it back within thirty days.")
    index()
    assert Embedder.objects.get(live=True).dimensions == 1536
    assert Embedding.objects.count() == TokenVectors.objects.exclude(sentences=b"").count() == 4
    assert not TokenVectors.objects.exclude(bits=b"").exists()
    hit = retrieve("delivery fees of a parcel", user=AnonymousUser())[0]
    assert (hit.title, hit.ranks["vector"]) == ("Delivery", 1)
    assert hit.parts["maxsim"] == 0


def test_while_the_server_is_away_words_still_find_and_jobs_wait(server, settings, index, collection):
    settings.EMBEDDER = PATH
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    index()
    settings.EMBEDDINGS_KEY = "sk-withdrawn"
    [hit] = retrieve("weight of parcels", user=AnonymousUser())
    assert (hit.title, hit.ranks["vector"]) == ("Delivery", None)
    factories.article("Returns", "Send it back.", collection=collection)
    assert indexing.run() == "failed"
