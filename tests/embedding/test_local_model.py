"""The local embedder with the real model: known pairs, purity, limits, and the errors an operator reads."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as project_settings

from kb import embedders, embedding
from kb.errors import ProviderError
from kb.models import Embedder
from kb.providers.onnx import OnnxEmbedder

pytestmark = pytest.mark.usefixtures("real_embedder")

LONG = "The board connects to the wireless network of the house. " * 100


@pytest.fixture(scope="module")
def model() -> OnnxEmbedder:
    return OnnxEmbedder()


@pytest.mark.parametrize(
    ("text", "cosine"),
    [("That is a happy dog", 0.695), ("That is a very happy person", 0.943), ("Today is a sunny day", 0.257)],
)
def test_known_pairs_have_their_known_cosines(model, text, cosine):
    first, second = model.encode(["That is a happy person", text])
    assert first.vector @ second.vector == pytest.approx(cosine, abs=0.02)


def test_an_encoding_has_a_unit_vector_and_a_row_for_each_wordpiece(model):
    text = "Connect the board."
    [encoding] = model.encode([text])
    assert encoding.vector.shape == (model.dimensions,) == (384,)
    assert encoding.vector.dtype == encoding.tokens.dtype == np.float32
    assert np.linalg.norm(encoding.vector) == pytest.approx(1, abs=1e-5)
    assert encoding.tokens.shape == (4, 384)
    assert encoding.ids.shape == (4,)
    assert [text[start:end] for start, end in encoding.offsets] == ["Connect", "the", "board", "."]


def test_a_text_gets_the_same_vectors_alone_and_in_company(model):
    texts = ["Reset the router.", LONG, "x", "Where do I find the serial number of my device?"]
    together = model.encode(texts)
    for text, encoding in zip(texts, together, strict=True):
        [alone] = OnnxEmbedder().encode([text])
        assert np.array_equal(alone.vector, encoding.vector)
        assert np.array_equal(alone.tokens, encoding.tokens)


def test_threads_share_one_model_and_agree(model):
    fresh = OnnxEmbedder()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fresh.encode(["Reset the router."])[0].vector, range(8)))
    assert all(np.array_equal(vector, model.encode(["Reset the router."])[0].vector) for vector in found)


def test_long_texts_are_counted_whole_and_encoded_to_the_limit(model):
    assert model.count(LONG) == 1100
    [encoding] = model.encode([LONG])
    assert len(encoding.ids) == 254
    assert encoding.offsets[-1][1] < len(LONG)


@pytest.mark.parametrize(
    "text", ["", " \n ", "\0", "a\0b", "🙂👩‍👩‍👧", "\ud800 half", "é" * 3000, "-" * 5000, "日本語の文章。"]
)
def test_no_text_breaks_the_model(model, text):
    [encoding] = model.encode([text])
    assert np.isfinite(encoding.vector).all()
    assert len(encoding.tokens) == len(encoding.ids) == len(encoding.offsets) <= 254
    assert encoding.offsets.size == 0 or encoding.offsets.max() <= len(text)
    assert model.count(text) >= len(encoding.ids)


def test_nothing_to_encode_gives_nothing(model):
    assert model.encode([]) == []


def test_stop_words_and_punctuation_are_told_from_content(model):
    text = "How do I reset the Wi-Fi, please?"
    [encoding] = model.encode([text])
    kept = encoding.offsets[~model.is_stop(encoding.ids)]
    assert [text[start:end] for start, end in kept] == ["reset", "Wi", "Fi", "please"]


def test_the_fingerprint_is_the_hash_in_the_manifest(model):
    manifest = json.loads((project_settings.MODEL_PATH / "manifest.json").read_text())
    assert model.fingerprint == manifest["sha256"]
    assert (model.name, model.dimensions) == ("all-MiniLM-L6-v2", 384)


def test_an_index_of_the_model_before_an_update_is_served_with_it(settings, tmp_path):
    before = OnnxEmbedder()
    shutil.copytree(project_settings.MODEL_PATH, tmp_path / "former")
    settings.MODEL_PATH = tmp_path  # where a new one should be
    embedding._made.cache_clear()
    try:
        row = Embedder(name=before.name, fingerprint=before.fingerprint, path=settings.EMBEDDER)
        assert embedders.model_of(row).encode(["Reset the router."])
        with pytest.raises(ProviderError, match="run make setup"):
            embedders.model_of(Embedder(name=before.name, fingerprint="of no model", path=settings.EMBEDDER))
    finally:
        embedding._made.cache_clear()


def test_a_model_without_manifest_is_known_by_its_folder(settings, tmp_path):
    settings.MODEL_PATH = tmp_path / "my-model"
    settings.MODEL_PATH.mkdir()
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copy(project_settings.VAR / "model" / name, settings.MODEL_PATH)
    assert (OnnxEmbedder().name, OnnxEmbedder().dimensions) == ("my-model", 384)


@pytest.mark.parametrize("call", [lambda m: m.encode(["a"]), lambda m: m.count("a"), lambda m: m.fingerprint])
def test_a_missing_model_says_what_to_run(settings, tmp_path: Path, call):
    settings.MODEL_PATH = tmp_path
    with pytest.raises(ProviderError, match=r"^The embedding model is not there: run make setup$") as raised:
        call(OnnxEmbedder())
    assert not raised.value.temporary


def test_a_broken_model_file_is_named(settings, tmp_path: Path):
    shutil.copy(settings.MODEL_PATH / "tokenizer.json", tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"half a file")
    settings.MODEL_PATH = tmp_path
    with pytest.raises(ProviderError, match=r"model\.onnx cannot be read: delete it and run make setup$"):
        OnnxEmbedder().encode(["a"])


def test_a_broken_tokenizer_is_named(settings, tmp_path: Path):
    (tmp_path / "tokenizer.json").write_text("{")
    settings.MODEL_PATH = tmp_path
    with pytest.raises(ProviderError, match=r"tokenizer\.json cannot be read: delete it and run make setup$"):
        OnnxEmbedder().count("a")
