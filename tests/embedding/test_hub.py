"""Models by name from the hub, which tests cannot reach: the wiring with a local model, and what is said without.

The tests that run fastembed itself need the extra: `python -m pip install "fastembed>=0.9.1,<0.10"`.
"""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from django.contrib.auth.models import AnonymousUser
from onnx import TensorProto, helper

from kb import embedders, rescoring
from kb.embedding import get_embedder
from kb.errors import ProviderError
from kb.models import Embedder, TokenVectors
from kb.providers.hub import MISSING, HubEmbedder, HubReranker, Loading
from kb.retrieval import retrieve
from tests import factories

INSTALLED = importlib.util.find_spec("fastembed") is not None
with_extra = pytest.mark.skipif(not INSTALLED, reason="the extra “hub” is not installed")
without_extra = pytest.mark.skipif(INSTALLED, reason="the extra “hub” is installed")
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
CROSS = "Xenova/ms-marco-MiniLM-L-6-v2"


class Backwards:
    """A reranker that likes best what the question came upon last; the longer the text the better it says it is."""

    name = "backwards"

    def score(self, question, texts):
        return [float(place) for place, _ in enumerate(texts)]


class Away:
    name = "away"

    def score(self, question, texts):
        raise ProviderError("The reranker is away.", temporary=True)


@pytest.fixture
def shelf(db, index):
    for number in range(4):
        factories.article(f"Parcel {number}", f"The weight of the parcel {'and more ' * number} matters.")
    index()
    return [hit.title for hit in retrieve("parcel weight", user=AnonymousUser())]


def test_without_a_reranker_the_order_stays(settings):
    assert rescoring.get_reranker() is None
    assert rescoring.order("parcel", ["a", "b", "c"]) == [0, 1, 2]


def test_a_reranker_orders_the_first_hits_and_leaves_the_others(settings):
    settings.RERANKER, settings.RERANK_FIRST = f"{__name__}.Backwards", 3
    assert rescoring.order("parcel", ["a", "b", "c", "d", "e"]) == [2, 1, 0, 3, 4]
    assert rescoring.order("parcel", ["a"]) == [0]


def test_search_goes_by_the_reranker(shelf, settings):
    settings.RERANKER = f"{__name__}.Backwards"
    assert [hit.title for hit in retrieve("parcel weight", user=AnonymousUser())] == shelf[::-1]


def test_a_reranker_that_cannot_work_leaves_the_order_and_says_so(shelf, settings, caplog):
    settings.RERANKER = f"{__name__}.Away"
    assert [hit.title for hit in retrieve("parcel weight", user=AnonymousUser())] == shelf
    assert "not reranked by" in caplog.text
    assert "The reranker is away." in caplog.text


@without_extra
@pytest.mark.parametrize("use", [lambda: HubEmbedder(MINILM).dimensions, lambda: HubReranker(CROSS).score("a", ["b"])])
def test_the_missing_extra_is_said_with_the_command_that_installs_it(use):
    with pytest.raises(ProviderError) as raised:
        use()
    assert str(raised.value) == MISSING
    assert 'pip install "fastembed>=0.9.1,<0.10"' in MISSING
    assert not raised.value.temporary


def test_a_fault_is_not_tried_again_at_once():
    loading = Loading("TextEmbedding", "no/such-model", "")
    with pytest.raises(ProviderError) as first:
        loading.get()
    with pytest.raises(ProviderError) as second:
        loading.get()
    assert second.value is first.value


@pytest.fixture
def folder(tmp_path, settings) -> Path:
    """The local model as the hub would give it: with a configuration beside the tokenizer."""
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copy(settings.MODEL_PATH / name, tmp_path / name)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256, "pad_token": "[PAD]"}))
    return tmp_path


def cross_encoder(file: Path) -> None:
    """A cross-encoder's graph that counts: the score of a pair is its number of wordpieces."""
    ids = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "n"]) for n in ("input_ids", "attention_mask")]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["mask", "axes"], ["logits"], keepdims=1),
    ]
    graph = helper.make_graph(nodes, "count", ids, [logits], [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file.parent.mkdir(exist_ok=True)
    onnx.save(model, str(file))


@with_extra
def test_a_model_of_the_hub_gives_the_vectors_of_the_same_model_here(folder, real_embedder):
    hub = HubEmbedder(MINILM, str(folder))
    texts = ["Delivery fees depend on the weight.", "Water the roses."]
    ours = get_embedder("kb.providers.onnx.OnnxEmbedder")
    for mine, theirs in zip(ours.encode(texts), hub.encode(texts), strict=True):
        assert float(mine.vector @ theirs.vector) > 0.9999
        assert theirs.tokens is None
        assert np.isclose(np.linalg.norm(theirs.vector), 1)
    assert hub.fingerprint == ours.fingerprint
    assert hub.dimensions == 384
    assert hub.count("word " * 400) == 400


@with_extra
@pytest.mark.django_db
def test_articles_are_indexed_and_found_through_a_model_of_the_hub(folder, settings, index):
    settings.EMBEDDER = f"kb.providers.hub.HubEmbedder {MINILM} {folder}"
    factories.article("Delivery", "Delivery fees depend on the weight of the parcel.")
    factories.article("Garden", "Water the roses in the evening.")
    index()
    assert Embedder.objects.get(live=True).name == MINILM
    assert embedders.mismatch() == ""
    assert not TokenVectors.objects.exclude(bits=b"").exists()
    hit = retrieve("shipping costs", user=AnonymousUser())[0]
    assert (hit.title, hit.ranks["vector"]) == ("Delivery", 1)


@with_extra
def test_a_cross_encoder_scores_pairs(folder, settings):
    cross_encoder(folder / "onnx" / "model.onnx")
    settings.RERANKER = f"kb.providers.hub.HubReranker {CROSS} {folder}"
    assert rescoring.order("parcel", ["one", "one two three", "one two"]) == [1, 2, 0]


@with_extra
@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("nobody/nothing", "", "fastembed knows no model nobody/nothing for this"),
        (MINILM, "nowhere", "cannot be loaded from nowhere"),
    ],
)
def test_a_model_that_cannot_be_had_is_said(name, place, said):
    with pytest.raises(ProviderError, match=said) as raised:
        HubEmbedder(name, place).encode(["a"])
    assert not raised.value.temporary


@with_extra
def test_a_hub_that_cannot_be_reached_is_said(monkeypatch, tmp_path, settings):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # fastembed waits 39 s between its tries
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    settings.VAR = tmp_path
    with pytest.raises(ProviderError, match="could not be loaded from the model hub: check the network") as raised:
        HubEmbedder("BAAI/bge-small-en-v1.5").encode(["a"])
    assert raised.value.temporary
