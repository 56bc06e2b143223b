"""Builds the ONNX graph of a BERT encoder from the weights in a safetensors file: numpy and onnx, nothing else."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]

BUILDER = 2  # raise it when the graph or the quantisation changes: models built before are then built again
OPSET = 20  # the first with Gelu as one operator; LayerNormalization came with 17
IR_VERSION = 10
LAYER_NORM_EPSILON = 1e-12
ORT = "com.microsoft"  # the runtime's own operators
LEVELS = 127  # of an eight-bit value on either side of zero
ZERO = 128  # the level that stands for zero among states
PAIR = 128  # 255 · (|a| + |b|) then fits the 16 bits in which processors without VNNI add two products
ZERO_AFTER_GELU = 24  # Gelu gives no less than -.17, so most levels are for what is positive
LEAST_GELU = 0.17
BY_HEAD = {"transBatchB": 1}  # the heads lie side by side in each row, and are multiplied one by one
TINY = 1e-12  # instead of a division by zero


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


def build(weights: Weights, *, heads: int, quantised: bool, loud: Sequence[int] = ()) -> ModelProto:
    """The encoder as an ONNX model; equal weights give equal bytes on every machine.

    Input `input_ids`, int64 (1, sequence): one text a run. Output `last_hidden_state`, float32 (1, sequence, hidden).
    `heads` is the one number the weights don't tell. `loud`: channels whose states are much larger than the others',
    in all layers; they are halved before they are rounded, and their weights doubled.
    """
    return BertEncoder(weights, heads=heads, quantised=quantised, loud=loud).model()


def quantise(kernel: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Eight bits a weight and one scale a column: (rows, columns) and (columns,).

    A scale is large enough that no two weights that a processor adds up first are more than 128 together. Without that
    the sums overflow on processors that have no instruction for four products at once (VNNI), and one index would be
    served by different vectors on different machines.
    """
    sizes = np.abs(kernel)
    pairs = sizes[0::2] + sizes[1::2]
    scales = np.maximum(sizes.max(axis=0) / LEVELS, pairs.max(axis=0) / (PAIR - 1))  # rounding adds at most one
    scales = np.maximum(scales, TINY).astype(np.float32)
    return np.round(kernel / scales).astype(np.int8), scales


class Graph:
    """Nodes and constants in the order they are added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self.constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def integers(self, name: str, values: Iterable[int]) -> str:
        return self.constant(name, np.array(list(values), np.int64))

    def add(self, operator: str, *inputs: str, domain: str | None = None, **attributes: Any) -> str:
        """One operator with one output, whose name is returned."""
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def integer_product(self, states: str, name: str, kernel: NDArray[np.float32], *, after_gelu: bool) -> str:
        """states @ kernel in integers: one scale a row of states, as each text has it, and one a column of weights."""
        levels, scales = quantise(kernel)
        rounded, rows, zero = self.rounded(states, after_gelu=after_gelu)
        inputs = (self.constant(f"{name}.levels", levels), self.constant("one", np.float32(1)))
        columns = self.constant(f"{name}.scales", scales)
        product = self.add("MatMulIntegerToFloat", rounded, *inputs, columns, zero, domain=ORT)
        return self.add("Mul", product, self.add("Unsqueeze", rows, self.integers("second_axis", (1,))))

    def rounded(self, states: str, *, after_gelu: bool) -> tuple[str, str, str]:
        """States in eight bits, the scale of each row, and the level that is zero."""
        last = self.integers("last_axis", (-1,))
        most = self.add("ReduceMax", states, last, keepdims=0)
        if after_gelu:
            zero = self.constant("zero_after_gelu", np.uint8(ZERO_AFTER_GELU))
            level = self.constant("level_after_gelu", np.float32(1 / (255 - ZERO_AFTER_GELU)))
            least = self.constant("least_after_gelu", np.float32(LEAST_GELU / ZERO_AFTER_GELU))
        else:
            zero = self.constant("zero", np.uint8(ZERO))
            level, least = self.constant("level", np.float32(1 / LEVELS)), self.constant("tiny", np.float32(TINY))
            most = self.add("Max", most, self.add("Neg", self.add("ReduceMin", states, last, keepdims=0)))
        scales = self.add("Max", self.add("Mul", most, level), least)
        zeros = self.add("Expand", zero, self.add("Shape", scales))
        return self.add("QuantizeLinear", states, scales, zeros, axis=0), scales, zero


class BertEncoder:
    """Writes the encoder into a graph; the names of the weights are those of the checkpoint."""

    def __init__(self, weights: Weights, *, heads: int, quantised: bool, loud: Sequence[int]) -> None:
        self.weights = weights
        self.quantised = quantised
        self.graph = Graph()
        self.hidden = weights["embeddings.word_embeddings.weight"].shape[1]
        self.layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
        self.heads = heads
        self.head_size = self.hidden // heads
        self.volume = np.ones(self.hidden, np.float32)
        self.volume[list(loud)] = 2

    def model(self) -> ModelProto:
        graph = self.graph
        states = self._embeddings()
        for number in range(self.layers):
            layer = f"encoder.layer.{number}"
            attended = self._attention(states, f"{layer}.attention")
            states = self._norm(graph.add("Add", attended, states), f"{layer}.attention.output.LayerNorm")
            wide = graph.add("Gelu", self._linear(states, f"{layer}.intermediate.dense", normed=True))
            narrow = self._linear(wide, f"{layer}.output.dense", after_gelu=True)
            states = self._norm(graph.add("Add", narrow, states), f"{layer}.output.LayerNorm")
        whole = graph.add("Unsqueeze", states, graph.integers("first_axis", (0,)))
        graph.nodes.append(helper.make_node("Identity", [whole], ["last_hidden_state"], name="last_hidden_state"))
        return self._finished()

    def _embeddings(self) -> str:
        graph, prefix = self.graph, "embeddings"
        ids = graph.add("Reshape", "input_ids", graph.integers("one_text", (-1,)))
        words = graph.add("Gather", self._weight(f"{prefix}.word_embeddings.weight"), ids)
        table = self._weight(f"{prefix}.position_embeddings.weight")
        first = graph.integers("first_axis", (0,))
        positions = graph.add("Slice", table, graph.integers("start", (0,)), graph.add("Shape", ids), first)
        segment = graph.constant("first_segment", self.weights[f"{prefix}.token_type_embeddings.weight"][0])
        summed = graph.add("Add", graph.add("Add", words, positions), segment)
        return self._norm(summed, f"{prefix}.LayerNorm")

    def _attention(self, states: str, name: str) -> str:
        graph = self.graph
        three = self._linear(states, *(f"{name}.self.{part}" for part in ("query", "key", "value")), normed=True)
        split = graph.integers("split_heads", (-1, 3 * self.heads, self.head_size))
        query, key, value = parts = [f"{name}.{part}" for part in ("queries", "keys", "values")]
        by_head = graph.add("Reshape", three, split)
        graph.nodes.append(helper.make_node("Split", [by_head], parts, name=f"{name}.split", axis=1, num_outputs=3))
        scale = 1 / math.sqrt(self.head_size)
        scores = graph.add("FusedMatMul", query, key, domain=ORT, **BY_HEAD, transBatchA=1, transB=1, alpha=scale)
        mixed = graph.add("FusedMatMul", graph.add("Softmax", scores, axis=-1), value, domain=ORT, **BY_HEAD)
        join = graph.integers("join_heads", (-1, self.hidden))
        joined = graph.add("Reshape", graph.add("Transpose", mixed, perm=[1, 0, 2]), join)
        return self._linear(joined, f"{name}.output.dense")

    def _linear(self, states: str, *names: str, normed: bool = False, after_gelu: bool = False) -> str:
        """The outputs of layers that read the same states, side by side. `normed`: the states have loud channels."""
        kernel = np.concatenate([self.weights[f"{name}.weight"].T for name in names], axis=1)
        bias = np.concatenate([self.weights[f"{name}.bias"] for name in names])
        if self.quantised:
            if normed:
                states = self.graph.add("Mul", states, self.graph.constant("quieter", 1 / self.volume))
                kernel = kernel * self.volume[:, None]
            product = self.graph.integer_product(states, names[0], kernel, after_gelu=after_gelu)
        else:
            product = self.graph.add("MatMul", states, self.graph.constant(f"{names[0]}.weight", kernel))
        return self.graph.add("Add", product, self.graph.constant(f"{names[0]}.bias", bias))

    def _norm(self, states: str, name: str) -> str:
        gain, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self.graph.add("LayerNormalization", states, gain, shift, axis=-1, epsilon=LAYER_NORM_EPSILON)

    def _weight(self, name: str) -> str:
        return self.graph.constant(name, self.weights[name])

    def _finished(self) -> ModelProto:
        ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "sequence"])
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [1, "sequence", self.hidden])
        graph = helper.make_graph(self.graph.nodes, "bert", [ids], [output], [*self.graph.constants.values()])
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ORT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="footnote")
