"""Builds the ONNX graph of a BERT encoder from the weights in a safetensors file: numpy and onnx, nothing else."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]

BUILDER = 1  # raise it when the graph or the quantisation changes: models built before are then built again
OPSET = 20  # the first with Gelu as one operator; LayerNormalization came with 17
IR_VERSION = 10
MASKED = -1e9  # added to the attention score of a padded position: its softmax share is zero
LAYER_NORM_EPSILON = 1e-12
BLOCK = 64  # weights that share one scale; the runtime scales the activations in the same blocks
INT8_ACTIVATIONS = 4  # the runtime's "accuracy level" that multiplies in integers


def read_safetensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The float32 tensors of a safetensors file by name.

    The format: eight bytes little-endian length, a JSON header of that length naming type, shape and byte range of
    each tensor, then the bytes. Other types (a stored index of positions, for example) are left out.
    """
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            flat = np.frombuffer(content, "<f4", count=(end - begin) // 4, offset=start + begin)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def build(weights: Weights, *, heads: int, quantised: bool) -> ModelProto:
    """The encoder as an ONNX model; equal weights give equal bytes on every machine.

    Inputs `input_ids` and `attention_mask`, int64 (batch, sequence), the mask 1 for a wordpiece and 0 for padding;
    output `last_hidden_state`, float32 (batch, sequence, hidden). `heads` is the one number the weights don't tell.
    """
    return BertEncoder(weights, heads=heads, quantised=quantised).model()


def quantise(kernel: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Eight bits a weight, one scale for 64 weights: (columns, blocks, 64) around 128, and (columns, blocks).

    By blocks and not by matrix, because one large value then spoils 64 neighbours and not a whole text: cosine to
    float32 .9991 at worst (dynamic quantisation with one scale a matrix: .64). It also keeps texts apart: a vector
    does not depend on what else is in the batch. A query takes half the time of float32.
    """
    blocks = np.ascontiguousarray(kernel.T).reshape(kernel.shape[1], -1, BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=-1) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    levels = np.round(blocks / scales[..., None])
    return (np.clip(levels, -127, 127) + 128).astype(np.uint8), scales


class Graph:
    """Nodes and constants in the order they are added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic] | np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def integers(self, name: str, values: Iterable[int]) -> str:
        return self.constant(name, np.array(list(values), np.int64))

    def add(self, operator: str, *inputs: str, domain: str | None = None, **attributes: Any) -> str:
        """One operator with one output, whose name is returned."""
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def block_product(self, states: str, name: str, kernel: NDArray[np.float32]) -> str:
        """states @ kernel with the kernel in blocks of eight-bit weights: onnxruntime's own operator MatMulNBits."""
        levels, scales = quantise(kernel)
        inputs = [states, self.constant(f"{name}.levels", levels), self.constant(f"{name}.scales", scales)]
        size = {"K": kernel.shape[0], "N": kernel.shape[1], "bits": 8, "block_size": BLOCK}
        return self.add("MatMulNBits", *inputs, domain="com.microsoft", accuracy_level=INT8_ACTIVATIONS, **size)


class BertEncoder:
    """Writes the encoder into a graph; the names of the weights are those of the checkpoint."""

    def __init__(self, weights: Weights, *, heads: int, quantised: bool) -> None:
        self.weights = weights
        self.quantised = quantised
        self.graph = Graph()
        self.hidden = weights["embeddings.word_embeddings.weight"].shape[1]
        self.layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
        self.heads = heads
        self.head_size = self.hidden // heads

    def model(self) -> ModelProto:
        graph = self.graph
        mask = self._mask()
        split = graph.integers("split_heads", (0, 0, self.heads, self.head_size))
        join = graph.integers("join_heads", (0, 0, self.hidden))
        states = self._embeddings()
        for number in range(self.layers):
            layer = f"encoder.layer.{number}"
            attended = self._attention(states, f"{layer}.attention", mask, (split, join))
            states = self._norm(graph.add("Add", attended, states), f"{layer}.attention.output.LayerNorm")
            wide = graph.add("Gelu", self._linear(states, f"{layer}.intermediate.dense"))
            narrow = self._linear(wide, f"{layer}.output.dense")
            states = self._norm(graph.add("Add", narrow, states), f"{layer}.output.LayerNorm")
        graph.nodes.append(helper.make_node("Identity", [states], ["last_hidden_state"], name="last_hidden_state"))
        return self._finished()

    def _embeddings(self) -> str:
        graph, prefix = self.graph, "embeddings"
        words = graph.add("Gather", self._weight(f"{prefix}.word_embeddings.weight"), "input_ids")
        length = graph.add("Gather", graph.add("Shape", "input_ids"), graph.integers("sequence_axis", (1,)))
        table = self._weight(f"{prefix}.position_embeddings.weight")
        positions = graph.add("Slice", table, graph.integers("start", (0,)), length, graph.integers("first_axis", (0,)))
        segment = graph.constant("first_segment", self.weights[f"{prefix}.token_type_embeddings.weight"][0])
        summed = graph.add("Add", graph.add("Add", words, positions), segment)
        return self._norm(summed, f"{prefix}.LayerNorm")

    def _mask(self) -> str:
        graph = self.graph
        mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
        mask = graph.add("Unsqueeze", mask, graph.integers("head_and_query_axes", (1, 2)))
        absent = graph.add("Sub", graph.constant("one", np.float32(1)), mask)
        return graph.add("Mul", absent, graph.constant("masked", np.float32(MASKED)))

    def _attention(self, states: str, name: str, mask: str, shapes: tuple[str, str]) -> str:
        graph, (split, join) = self.graph, shapes
        heads = {
            part: graph.add("Reshape", self._linear(states, f"{name}.self.{part}"), split)
            for part in ("query", "key", "value")
        }
        query = graph.add("Transpose", heads["query"], perm=[0, 2, 1, 3])
        key = graph.add("Transpose", heads["key"], perm=[0, 2, 3, 1])
        value = graph.add("Transpose", heads["value"], perm=[0, 2, 1, 3])
        scale = graph.constant(f"{name}.scale", np.float32(1 / math.sqrt(self.head_size)))
        scores = graph.add("Mul", graph.add("MatMul", query, key), scale)
        shares = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
        mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._linear(graph.add("Reshape", mixed, join), f"{name}.output.dense")

    def _linear(self, states: str, name: str) -> str:
        kernel = self.weights[f"{name}.weight"].T
        if self.quantised:
            product = self.graph.block_product(states, name, kernel)
        else:
            product = self.graph.add("MatMul", states, self.graph.constant(f"{name}.weight", kernel))
        return self.graph.add("Add", product, self._weight(f"{name}.bias"))

    def _norm(self, states: str, name: str) -> str:
        gain, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self.graph.add("LayerNormalization", states, gain, shift, axis=-1, epsilon=LAYER_NORM_EPSILON)

    def _weight(self, name: str) -> str:
        return self.graph.constant(name, self.weights[name])

    def _finished(self) -> ModelProto:
        axes = ["batch", "sequence"]
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, axes) for n in ("input_ids", "attention_mask")]
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*axes, self.hidden])
        graph = helper.make_graph(self.graph.nodes, "bert", inputs, [output], self.graph.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="footnote")
