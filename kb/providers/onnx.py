"""The local embedder: a sentence encoder run by onnxruntime on the processor, without a network."""

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
from kb.providers.stop_words import STOP_WORDS

LIMIT = 256  # wordpieces the model was trained for, the two special ones included
ERRORS_ONLY = 3  # onnxruntime's log level

# The tokenizer's own threads gain nothing on texts of this size and complain when the process forks.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class OnnxEmbedder:
    """Runs model.onnx of settings.MODEL_PATH, or of a folder in it, with the tokenizer.json there.

    Mean pooling over the mask, L2 norm, no prefix.

    The model takes `input_ids`, and `attention_mask` and `token_type_ids` if it names them; it gives
    `last_hidden_state`. Everything is loaded when first needed and once; all methods may be called from several
    threads. A missing or unreadable file: ProviderError.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = Path(settings.MODEL_PATH) / folder
        self._threads: int = settings.EMBEDDER_THREADS
        self._loading = threading.Lock()
        self._session: Any = None

    @cached_property
    def fingerprint(self) -> str:
        with self._file("model.onnx").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def name(self) -> str:
        return str(self._manifest.get("name", self._folder.name))

    @property
    def dimensions(self) -> int:
        if "dimensions" in self._manifest:
            return int(self._manifest["dimensions"])
        return int(self._loaded().get_outputs()[0].shape[2])

    def count(self, text: str) -> int:
        return wordpieces.count(self._whole_text, text)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One run of the model a text, at most 256 wordpieces, on one core; several texts on several cores.

        A batch as one run gains nothing, needs padding and more memory, and a text alone gets the same vector on every
        day and in every company. Several cores for one text lose more with waiting than they gain.
        """
        if len(texts) == 1 or self._threads == 1:
            return [self._encode(text) for text in texts]
        return list(self._workers.map(self._encode, texts))

    def is_stop(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        return self._stops[ids]

    def _encode(self, text: str) -> Encoding:
        pieces = self._beginning.encode(wordpieces.encodable(text))
        ids = np.array([pieces.ids], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        session = self._loaded()
        [states] = session.run(["last_hidden_state"], {one.name: given[one.name] for one in session.get_inputs()})
        mean = states[0].mean(axis=0)
        inside = np.array(pieces.special_tokens_mask) == 0
        return Encoding(
            vector=mean / np.linalg.norm(mean),
            tokens=states[0][inside],
            ids=ids[0][inside].astype(np.int32),
            offsets=np.array(pieces.offsets, np.int32)[inside],
        )

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="embedder")

    @cached_property
    def _beginning(self) -> Any:
        tokenizer = self._tokenizer()
        tokenizer.enable_truncation(LIMIT)  # the file itself says 128
        return tokenizer

    @cached_property
    def _whole_text(self) -> Any:
        tokenizer = self._tokenizer()
        tokenizer.no_truncation()
        return tokenizer

    def _tokenizer(self) -> Any:
        content = self._file("tokenizer.json").read_text(encoding="utf-8")
        try:
            tokenizer = Tokenizer.from_str(content)
        except Exception as error:  # the library raises nothing narrower
            raise self._unreadable("tokenizer.json") from error
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _stops(self) -> NDArray[np.bool_]:
        vocabulary = self._whole_text.get_vocab()
        stops = np.zeros(max(vocabulary.values()) + 1, bool)
        for piece, number in vocabulary.items():
            stops[number] = piece in STOP_WORDS or not piece.strip("#").isalnum()  # "[CLS]" and the like, too
        return stops

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        """What is known of the files, by kb.providers.weights; nothing, if someone brought a model of their own."""
        try:
            manifest: dict[str, Any] = json.loads((self._folder / "manifest.json").read_text())
        except FileNotFoundError:
            return {}
        return manifest

    def _loaded(self) -> Any:
        with self._loading:
            if self._session is None:
                self._session = self._load(self._file("model.onnx"))
            return self._session

    def _load(self, path: Path) -> Any:
        import onnxruntime  # 80 MB: not in a web process before its first question

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        try:
            return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library raises nothing narrower
            raise self._unreadable("model.onnx") from error

    def _file(self, name: str) -> Path:
        path = self._folder / name
        if not path.is_file():
            raise ProviderError("The embedding model is not there: run make setup", temporary=False)
        return path

    def _unreadable(self, name: str) -> ProviderError:
        return ProviderError(f"{self._folder / name} cannot be read: delete it and run make setup", temporary=False)
