"""A model of sentence-transformers, with PyTorch: any that is named, and the one that `index.compiled` is made from."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index.encoder import Matrix, Pieces, Vector
from index.errors import EncoderUnavailable
from index.provider import Device

_BATCH = 32  # windows; measured best on 2 cores, 8 is 0.64 times as fast, 64 no faster


class Loaded:
    """A model in a folder or on the hub, loaded when this is made; see `index.encoder.Network`.

    Args:
        path: A folder, or a name on the hub.
        where: What it runs on; `auto` for a GPU where there is one.

    Raises:
        EncoderUnavailable: It cannot be loaded.
    """

    def __init__(self, path: str, where: Device = "auto") -> None:
        try:
            with quiet():
                from sentence_transformers import SentenceTransformer

                model = SentenceTransformer(
                    path, local_files_only=Path(path).is_dir(), device=device() if where == "auto" else where
                )
        except ImportError as error:
            raise EncoderUnavailable(
                f"The encoder's libraries cannot be loaded ({error}); mend them with "
                "`pip install --force-reinstall sentence-transformers torch`."
            ) from error
        except Exception as error:
            raise EncoderUnavailable(
                f"The encoder {path!r} cannot be loaded ({type(error).__name__}); check QA_ENCODER, or "
                "unset it to use the packaged one."
            ) from error
        self.model: Any = model.eval()
        self._tokenizing = threading.Lock()  # a fast tokenizer's padding state is not thread-safe
        self.dimension = int(model.get_embedding_dimension())
        self.window = int(model.max_seq_length)
        self.prompts: Mapping[str, str] = model.prompts or {}
        around = model.tokenizer("a", return_special_tokens_mask=True)
        inner = [n for n, special in enumerate(around["special_tokens_mask"]) if not special]
        ids = around["input_ids"]
        self.marks = (ids[: inner[0]], ids[inner[-1] + 1 :]) if inner else (ids[:1], ids[1:])

    def pieces(self, texts: Sequence[str]) -> list[Pieces]:
        """Return the word pieces of each text, nothing cut off and no marks added."""
        with self._tokenizing:
            found = self.model.tokenizer(
                list(texts),
                add_special_tokens=False,
                truncation=False,
                padding=False,
                return_offsets_mapping=True,
                verbose=False,
            )
        return [
            Pieces(ids, np.asarray(offsets, np.int64).reshape(-1, 2))
            for ids, offsets in zip(found["input_ids"], found["offset_mapping"], strict=True)
        ]

    def read(self, rows: Sequence[list[int]]) -> Iterator[tuple[int, Vector, Matrix]]:
        """Yield row number, vector and token vectors of each row, the longest rows first."""
        import torch

        tokenizer = self.model.tokenizer
        order = sorted(range(len(rows)), key=lambda row: -len(rows[row]))
        for at in range(0, len(order), _BATCH):
            batch = order[at : at + _BATCH]
            with self._tokenizing:
                features = tokenizer.pad({"input_ids": [rows[n] for n in batch]}, return_tensors="pt", verbose=False)
            with torch.inference_mode():
                features = {name: tensor.to(self.model.device) for name, tensor in features.items()}
                for module in self.model:
                    features = module(features)
            vectors = features["sentence_embedding"].float().cpu().numpy()
            tokens = features["token_embeddings"].float().cpu().numpy()
            for place, row in enumerate(batch):
                size = len(rows[row])
                kept = tokens[place, :size] if tokenizer.padding_side == "right" else tokens[place, -size:]
                yield row, vectors[place], kept


def device() -> str:
    """Return where a model of PyTorch runs: `cuda` or `mps` where there is one, else `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


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
