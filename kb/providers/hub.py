"""Models by name from the model hub, run here by fastembed: an embedder and a cross-encoder. The optional extra `hub`.

A folder with a model's files may stand behind its name, where no hub can be reached: `model.onnx` (or what fastembed
calls the model's file), `tokenizer.json`, `tokenizer_config.json` and, of most models, `config.json`.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kb.embedding import Encoding
from kb.errors import ProviderError
from kb.providers import wordpieces

MISSING = (
    "Models of the hub need the extra “hub”, which is not installed: "
    'run .venv/bin/python -m pip install "fastembed>=0.9.1,<0.10".'
)
PAUSE = 300.0  # seconds: fastembed tries for 39, and whoever asks next must not wait for that again


class Loading:
    """A model of fastembed, loaded when first needed and once. Raises ProviderError, and the same while it is new."""

    def __init__(self, kind: str, name: str, folder: str) -> None:
        self.kind, self.name, self.folder = kind, name, folder
        self._lock = threading.Lock()
        self._model: Any = None
        self._failed: tuple[float, ProviderError] | None = None

    def get(self) -> Any:
        with self._lock:
            if self._model is None:
                if self._failed and time.monotonic() - self._failed[0] < PAUSE:
                    raise self._failed[1]
                try:
                    self._model = self._load()
                except ProviderError as error:
                    self._failed = (time.monotonic(), error)
                    raise
            return self._model

    def _load(self) -> Any:
        try:
            make: Callable[..., Any] = getattr(importlib.import_module(self._module()), self.kind)
        except ImportError as error:
            raise ProviderError(MISSING, temporary=False) from error
        place = {"specific_model_path": self.folder} if self.folder else {}
        try:
            return make(self.name, cache_dir=str(settings.VAR / "hub"), threads=settings.EMBEDDER_THREADS, **place)
        except Exception as error:  # the library and the runtime below it raise nothing narrower
            raise self._failure(error) from error

    def _module(self) -> str:
        return "fastembed" if self.kind == "TextEmbedding" else "fastembed.rerank.cross_encoder"

    def _failure(self, error: Exception) -> ProviderError:
        if "is not supported" in str(error):
            return ProviderError(
                f"fastembed knows no model {self.name} for this: see its list of models.", temporary=False
            )
        if self.folder:
            return ProviderError(f"{self.name} cannot be loaded from {self.folder}: {error}", temporary=False)
        return ProviderError(
            f"{self.name} could not be loaded from the model hub: check the network, or put the model's files into a"
            " folder and write that behind its name.",
            temporary=True,
        )


class HubEmbedder:
    """Any dense embedder that fastembed knows. It gives one vector a text and none a wordpiece."""

    def __init__(self, name: str, folder: str = "") -> None:
        self.name = name
        self._loading = Loading("TextEmbedding", name, folder)

    @cached_property
    def fingerprint(self) -> str:
        with (self._place / self._loading.get().model.model_description.model_file).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def dimensions(self) -> int:
        return int(self._loading.get().embedding_size)

    def count(self, text: str) -> int:
        return wordpieces.count(self._whole_text, text)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One text a run: in a batch its vector would depend on what else is in it where a model is quantised."""
        vectors = list(self._loading.get().embed([wordpieces.encodable(text) for text in texts], batch_size=1))
        no_ids, no_offsets = np.zeros(0, np.int32), np.zeros((0, 2), np.int32)
        return [
            Encoding(np.asarray(vector / np.linalg.norm(vector), np.float32), None, no_ids, no_offsets)
            for vector in vectors
        ]

    def is_stop(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.zeros(len(ids), np.bool_)

    @property
    def _place(self) -> Path:
        return Path(self._loading.get().model._model_dir)  # of fastembed 0.9, which has no public name for it

    @cached_property
    def _whole_text(self) -> Any:
        tokenizer = Tokenizer.from_file(str(self._place / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


class HubReranker:
    """Any cross-encoder that fastembed knows."""

    def __init__(self, name: str, folder: str = "") -> None:
        self.name = name
        self._loading = Loading("TextCrossEncoder", name, folder)

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        model = self._loading.get()
        asked, *given = map(wordpieces.encodable, (question, *texts))
        return [float(score) for score in model.rerank(asked, given)]
