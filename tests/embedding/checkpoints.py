"""A tiny BERT checkpoint as a safetensors file, written without the library of that name."""

import json
from pathlib import Path

import numpy as np

HIDDEN, WIDE, WORDS, LAYERS, HEADS = 64, 128, 40, 2, 2


def tiny_weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)

    def tensor(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32) * np.float32(0.2)

    weights = {
        "embeddings.word_embeddings.weight": tensor(WORDS, HIDDEN),
        "embeddings.position_embeddings.weight": tensor(32, HIDDEN),
        "embeddings.token_type_embeddings.weight": tensor(2, HIDDEN),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        sizes = {f"attention.self.{part}": (HIDDEN, HIDDEN) for part in ("query", "key", "value")}
        sizes |= {"attention.output.dense": (HIDDEN, HIDDEN)}
        sizes |= {"intermediate.dense": (WIDE, HIDDEN), "output.dense": (HIDDEN, WIDE)}
        for name, size in sizes.items():
            weights[f"{layer}.{name}.weight"] = tensor(*size)
            weights[f"{layer}.{name}.bias"] = tensor(size[0])
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name in norms:
        weights[f"{name}.weight"] = 1 + tensor(HIDDEN)
        weights[f"{name}.bias"] = tensor(HIDDEN)
    return weights


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, tensor in tensors.items():
        kind = {"float32": "F32", "int64": "I64"}[str(tensor.dtype)]
        end = len(body) + tensor.nbytes
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(body), end]}
        body += tensor.tobytes()
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + body)
    return path
