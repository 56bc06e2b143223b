"""The graph made from a checkpoint computes what the formulas of a BERT encoder say, and is the same every time."""

import math

import numpy as np
import onnxruntime
import pytest

from kb.providers import graph
from tests.embedding.checkpoints import HEADS, HIDDEN, LAYERS, tiny_weights, write_safetensors

IDS = np.array([[3, 17, 5, 29, 8]], np.int64)


def run(model, ids):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["last_hidden_state"], {"input_ids": ids})[0]


def encoded(weights, ids):
    """One text through the encoder, written out with numpy."""

    def linear(states, name):
        return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(states, name):
        centred = states - states.mean(axis=-1, keepdims=True)
        unit = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return unit * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def heads(states):
        return states.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)

    states = weights["embeddings.word_embeddings.weight"][ids]
    states = states + weights["embeddings.position_embeddings.weight"][: len(ids)]
    states = norm(states + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        query, key, value = (heads(linear(states, f"{layer}.attention.self.{p}")) for p in ("query", "key", "value"))
        shares = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(HIDDEN // HEADS))
        mixed = (shares / shares.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(ids), HIDDEN)
        attended = linear(mixed, f"{layer}.attention.output.dense")
        states = norm(attended + states, f"{layer}.attention.output.LayerNorm")
        wide = linear(states, f"{layer}.intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        states = norm(linear(wide, f"{layer}.output.dense") + states, f"{layer}.output.LayerNorm")
    return states


def test_a_safetensors_file_is_read_back_as_it_was_written(tmp_path):
    weights = tiny_weights()
    path = write_safetensors(tmp_path / "model.safetensors", weights | {"positions": np.arange(9)})
    read = graph.read_safetensors(path)
    assert read.keys() == weights.keys()
    assert all(np.array_equal(read[name], weights[name]) for name in weights)


def test_the_graph_computes_the_encoder():
    weights = tiny_weights()
    states = run(graph.build(weights, heads=HEADS, quantised=False), IDS)
    assert states.shape == (1, 5, HIDDEN)
    assert np.allclose(states[0], encoded(weights, IDS[0]), atol=1e-4)


def test_the_quantised_graph_stays_close():
    weights = tiny_weights()
    exact = encoded(weights, IDS[0]).ravel()  # of a random network, which is less forgiving than a trained one
    states = run(graph.build(weights, heads=HEADS, quantised=True), IDS).ravel()
    assert exact @ states / np.linalg.norm(exact) / np.linalg.norm(states) > 0.99


def test_a_channel_that_is_called_loud_stays_close_too():
    weights = tiny_weights()
    weights["encoder.layer.0.output.LayerNorm.weight"][5] *= 30
    exact = encoded(weights, IDS[0]).ravel()
    models = [graph.build(weights, heads=HEADS, quantised=True, loud=loud) for loud in ((), (5,))]
    as_others, halved = (np.abs(run(model, IDS).ravel() - exact).mean() for model in models)
    assert halved < as_others


def test_one_text_is_given_a_run():
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        run(graph.build(tiny_weights(), heads=HEADS, quantised=True), np.concatenate([IDS, IDS]))


def test_equal_weights_give_equal_bytes():
    first, second = (graph.build(tiny_weights(), heads=HEADS, quantised=True) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def test_quantised_weights_are_within_half_a_level():
    kernel = tiny_weights()["encoder.layer.0.intermediate.dense.weight"].T
    levels, scales = graph.quantise(kernel)
    assert (np.abs(levels * scales - kernel) <= scales * 0.5001).all()


def test_sums_of_two_products_fit_sixteen_bits_on_every_processor():
    kernel = np.random.default_rng(3).standard_normal((64, 500)).astype(np.float32)
    kernel[:2, 0] = 1e6  # two large ones side by side
    levels, _ = graph.quantise(kernel)
    pairs = np.abs(levels[0::2].astype(int)) + np.abs(levels[1::2].astype(int))
    assert pairs.max() * 255 < 2**15


def test_a_column_of_zeros_stays_zero():
    levels, scales = graph.quantise(np.zeros((64, 2), np.float32))
    assert (levels == 0).all()
    assert np.isfinite(scales).all()
