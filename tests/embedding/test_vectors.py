"""What is stored of a passage and kept of a question, with the fake embedder and, where states matter, the real one."""

import subprocess
import sys

import numpy as np
import pytest

from kb import embedding, sentences
from kb.embedding import get_embedder, normalised, passage_vectors, question_vectors, rotation
from kb.errors import ProviderError
from kb.providers.fake import FakeEmbedder

TEXT = "Networks > Home\nOpen the settings. Choose your network and type the password.\nRestart the board."


def sentence_rows(blob, dimensions):
    """Unit rows, as the reranker reads them; a row of zeros stays one."""
    rows = np.frombuffer(blob, np.int8).reshape(-1, dimensions).astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1), 1)[:, None]


class Plain(FakeEmbedder):
    """Gives vectors of whole texts only, as most embedding services do."""

    fingerprint = "plain"

    def encode(self, texts):
        return [
            embedding.Encoding(vector=e.vector, tokens=None, ids=e.ids, offsets=e.offsets)
            for e in super().encode(texts)
        ]


class Counting(FakeEmbedder):
    """Remembers what it was asked to encode."""

    fingerprint = "counting"
    asked: list[str] = []

    def encode(self, texts):
        self.asked.extend(texts)
        return super().encode(texts)


@pytest.fixture
def plain(settings):
    settings.EMBEDDER = f"{__name__}.Plain"


@pytest.fixture
def counting(settings):
    Counting.asked.clear()
    settings.EMBEDDER = f"{__name__}.Counting"


def test_the_embedder_of_the_settings_is_made_once(settings):
    assert get_embedder() is get_embedder()
    assert get_embedder().name == "fake"


def test_bits_hold_one_row_for_each_word_that_is_no_stop_word():
    [vectors] = passage_vectors(["The password of the network."])
    [encoding] = FakeEmbedder().encode(["password network"])
    assert (
        np.frombuffer(vectors.bits, np.uint8).reshape(-1, 48).tolist()
        == np.packbits(encoding.tokens @ rotation(384) > 0, axis=1).tolist()
    )


def test_a_text_of_stop_words_alone_keeps_them():
    [vectors] = passage_vectors(["Who are you?"])
    assert len(vectors.bits) == 4 * 48


def test_sentence_rows_are_the_mean_states_of_the_sentences_in_order():
    [vectors] = passage_vectors([TEXT])
    [encoding] = FakeEmbedder().encode([TEXT])
    rows = sentence_rows(vectors.sentences, 384)
    spans = sentences.split(TEXT)
    assert len(rows) == len(spans) == 4
    for row, span in zip(rows, spans, strict=True):
        inside = (encoding.offsets[:, 0] >= span.start) & (encoding.offsets[:, 1] <= span.end)
        mean = encoding.tokens[inside].mean(axis=0)
        assert row @ mean / np.linalg.norm(mean) == pytest.approx(1, abs=0.001)


def test_sentences_the_model_did_not_see_have_no_row():
    [vectors] = passage_vectors(["A sentence of five words. " * 200])
    assert 40 <= len(vectors.sentences) // 384 < 200


def test_a_sentence_without_a_wordpiece_keeps_its_place_as_a_row_of_zeros(real_embedder):
    text = "First line.\n\N{ZERO WIDTH SPACE}\nLast line."
    [vectors] = passage_vectors([text])
    rows = sentence_rows(vectors.sentences, 384)
    assert len(rows) == len(sentences.split(text)) == 3
    assert np.abs(rows).sum(axis=1).astype(bool).tolist() == [True, False, True]


@pytest.mark.parametrize("text", ["", " ", "\0", "🙂", "\n\n\n", "?!", "word " * 5000])
def test_every_text_has_a_unit_vector_and_at_least_one_sentence_row(text):
    [vectors] = passage_vectors([text])
    assert np.linalg.norm(vectors.vector) == pytest.approx(1, abs=1e-5)
    assert len(vectors.sentences) >= 384
    assert np.abs(sentence_rows(vectors.sentences, 384)).sum() > 0


@pytest.mark.parametrize("text", ["", "\0", "🙂", "?!", "\ud800"])
def test_odd_texts_are_no_trouble_for_the_real_model(real_embedder, text):
    [vectors] = passage_vectors([text])
    assert np.isfinite(vectors.vector).all()
    assert len(vectors.sentences) >= 384
    assert question_vectors(text).vector.shape == (384,)


def test_an_embedder_without_token_vectors_stores_its_vector_as_the_one_sentence(plain):
    [vectors] = passage_vectors([TEXT])
    assert vectors.bits == b""
    [row] = sentence_rows(vectors.sentences, 384)
    assert row @ vectors.vector == pytest.approx(1, abs=0.001)
    asked = question_vectors("Where is the password?")
    assert asked.tokens.shape == (0, 384)
    assert len(asked.ids) == len(asked.stop) == len(asked.offsets) == 0


def test_the_rotation_is_orthogonal_and_never_changes():
    assert np.allclose(rotation(384) @ rotation(384).T, np.eye(384), atol=1e-5)
    assert rotation(384)[:2, :3].ravel() == pytest.approx(
        [0.0065535, -0.0063073, 0.03065, -0.041495, -0.0266303, -0.0449164], abs=1e-6
    )


def test_question_tokens_are_unit_rows_in_the_rotated_space():
    asked = question_vectors("reset password")
    [encoding] = FakeEmbedder().encode(["reset password"])
    expected = encoding.tokens / np.linalg.norm(encoding.tokens, axis=1, keepdims=True) @ rotation(384)
    assert np.allclose(asked.tokens, expected, atol=1e-5)
    assert np.allclose(np.linalg.norm(asked.tokens, axis=1), 1, atol=1e-4)


def test_stop_words_of_a_question_are_marked():
    assert question_vectors("Where is the password?").stop.tolist() == [True, True, True, False]


def test_a_stop_word_counts_less_in_the_vector_of_a_question():
    [encoding] = FakeEmbedder().encode(["the password"])
    expected = 0.3 * encoding.tokens[0] + encoding.tokens[1]
    assert np.allclose(question_vectors("the password").vector, expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize("text", ["the", "???"])
def test_a_question_of_nothing_else_is_embedded_as_it_is(text):
    [encoding] = FakeEmbedder().encode([text])
    assert np.array_equal(question_vectors(text).vector, encoding.vector)


def test_the_sign_at_the_end_of_a_question_does_not_matter():
    assert np.array_equal(question_vectors("Where is it?!").vector, question_vectors("Where is it").vector)


def test_equal_questions_are_embedded_once_in_a_process(counting):
    for text in ("Where is  it?", " Where is it?\n", "Where is it?"):
        question_vectors(text)
    assert Counting.asked == ["Where is it"]


def test_a_second_process_finds_the_question_in_the_cache(counting):
    first = question_vectors("Where is it?")
    embedding._cached_question.cache_clear()
    second = question_vectors("Where is it?")
    assert Counting.asked == ["Where is it"]
    assert np.array_equal(first.vector, second.vector)
    assert np.array_equal(first.tokens, second.tokens)


def test_another_embedder_never_gets_the_cached_vectors(counting, settings):
    question_vectors("Where is it?")
    settings.EMBEDDER = f"{__name__}.Plain"
    assert question_vectors("Where is it?").tokens.shape == (0, 384)


def test_case_makes_another_question(counting):
    question_vectors("What is it")
    question_vectors("What is IT")
    assert len(Counting.asked) == 2


def test_cached_arrays_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        question_vectors("Where is it?").vector[0] = 1


def test_questions_are_normalised_to_composed_characters_and_single_spaces():
    assert (
        normalised("  cafe\N{COMBINING ACUTE ACCENT}\n\tau lait ") == "caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait"
    )


def test_a_failure_of_the_embedder_is_not_cached(real_embedder, settings, tmp_path):
    settings.MODEL_PATH = tmp_path
    embedding._made.cache_clear()
    try:
        with pytest.raises(ProviderError):
            question_vectors("Where is it?")
    finally:
        embedding._made.cache_clear()
    settings.MODEL_PATH = settings.VAR / "model"
    assert question_vectors("Where is it?").vector.shape == (384,)


def test_the_web_process_loads_no_runtime_before_the_first_question():
    code = "import sys, kb.embedding, kb.reranking, kb.providers.onnx; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_fake_embedder_finds_shared_words_and_counts_what_it_sees():
    fake = FakeEmbedder()
    question, near, far = fake.encode(["reset my password", "How to reset a password", "Paint the wall"])
    assert question.vector @ near.vector > 0.9 > 0.3 > question.vector @ far.vector
    assert fake.count("Reset, please!") == 4
    assert np.array_equal(fake.encode(["Reset"])[0].vector, FakeEmbedder().encode(["reset"])[0].vector)
