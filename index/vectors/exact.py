"""Exact cosine search with NumPy: what answers where Chroma is not to be had, and for what it does not hold yet."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from index.encoder import Matrix, Vector
from index.library import Library
from index.packed import highest

PLACES = 6
"""Decimals of a similarity that count: equal vectors differ in the seventh, by their place in the matrix."""


class ExactIndex:
    """Exact cosine search with NumPy over the library's own vectors, kept in memory between questions."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._guard = threading.Lock()
        self._version = -1
        self._floor = 0
        self._keys = np.zeros(0, np.int64)
        self._rows: Matrix = np.zeros((0, 0), np.float32)
        self._chosen: tuple[NDArray[np.int64], NDArray[np.int64], Matrix] | None = None

    def search(self, vector: Vector, k: int, after: int = 0) -> dict[int, float]:
        """Return the k passages nearest to a unit vector among those with a key above `after`.

        Returns:
            Key -> cosine similarity, -1 to 1, higher is better.
        """
        return _nearest(*self._load(after), vector, k)

    def among(self, vector: Vector, k: int, among: NDArray[np.int64]) -> dict[int, float]:
        """Return the k passages nearest to a unit vector among those of these keys, which are read on their own.

        The rows of the last keys are kept for as long as the same array is handed in.
        """
        chosen = self._chosen
        if chosen is None or chosen[0] is not among:
            chosen = self._chosen = (among, *self._library.rows_of(among))
        return _nearest(chosen[1], chosen[2], vector, k)

    def _load(self, after: int) -> tuple[NDArray[np.int64], Matrix]:
        with self._guard:
            version = self._library.version
            if version != self._version or after < self._floor:
                self._keys, self._rows = self._library.rows_after(after)
                self._version, self._floor = version, after
            start = int(np.searchsorted(self._keys, after, side="right"))
            return self._keys[start:], self._rows[start:]


def _nearest(keys: NDArray[np.int64], rows: Matrix, vector: Vector, k: int) -> dict[int, float]:
    if not len(keys):
        return {}
    scores = rows @ vector
    best = highest(np.round(scores, PLACES), k)
    return {int(keys[i]): float(scores[i]) for i in best}
