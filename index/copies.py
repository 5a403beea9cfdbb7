"""Near-identical copies: a wire story in three papers is one story, cited once.

An article's signature is a MinHash (Broder 1997) of its word pairs: the share of equal places of two
signatures estimates the Jaccard similarity of the two sets of pairs, here to within about .08 (two standard
errors). Of 40 made pairs in `tests/gold/copies.jsonl` all 20 with at most 10 % of words edited lie above
`COPY`, and all 20 that tell the same event in other words lie below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from index.terms import words

COPY = 0.5
"""Estimated Jaccard similarity from which two articles are copies of each other."""

_PLACES = 128
_PRIME = np.uint64((1 << 31) - 1)
_random = np.random.default_rng(20191229)
_FACTORS = _random.integers(1, 1 << 31, _PLACES, dtype=np.uint64)
_TERMS = _random.integers(0, 1 << 31, _PLACES, dtype=np.uint64)


def signature(text: str) -> bytes:
    """Return the signature of a text: 128 numbers of 32 bits."""
    found = words(text)
    pairs = {f"{a} {b}" for a, b in pairwise(found)} or {" ".join(found)}
    hashes = np.array(
        [int.from_bytes(hashlib.blake2b(pair.encode(), digest_size=4).digest(), "big") >> 1 for pair in pairs],
        np.uint64,
    )
    lowest = np.full(_PLACES, _PRIME, np.uint64)
    for at in range(0, len(hashes), 4096):  # 4 MB at a time, however long the text
        block = (hashes[at : at + 4096, None] * _FACTORS + _TERMS) % _PRIME
        lowest = np.minimum(lowest, block.min(axis=0))
    return lowest.astype("<u4").tobytes()


def similarity(one: bytes, other: bytes) -> float:
    """Return the estimated Jaccard similarity of two signatures, 0 to 1."""
    return float((np.frombuffer(one, "<u4") == np.frombuffer(other, "<u4")).mean())


class Families:
    """The signatures of all articles, to find the one that a new article is a copy of."""

    def __init__(self, signatures: Iterable[tuple[str, int, bytes]]) -> None:
        """Start from (article id, family, signature), oldest first."""
        self._table = np.zeros((_PLACES, 256), np.uint32)  # a place of all articles side by side, to be compared fast
        self._families: list[int] = []
        self._rows: dict[str, int] = {}
        for article_id, family, found in signatures:
            self.add(article_id, family, found)

    def find(self, found: bytes, article_id: str) -> int | None:
        """Return the family of the nearest copy among the other articles, None if there is none."""
        if not self._families:
            return None
        table = self._table[:, : len(self._families)]
        equal = (table == np.frombuffer(found, "<u4")[:, None]).sum(axis=0, dtype=np.uint8)
        own = self._rows.get(article_id)
        if own is not None:
            equal[own] = 0
        best = int(equal.argmax())
        return self._families[best] if equal[best] >= COPY * _PLACES else None

    def add(self, article_id: str, family: int, found: bytes) -> None:
        """Take in an article, in place of the one with its id."""
        self.drop(article_id)
        row = len(self._families)
        if row == self._table.shape[1]:
            self._table = np.concatenate([self._table, np.zeros_like(self._table)], axis=1)
        self._table[:, row] = np.frombuffer(found, "<u4")
        self._families.append(family)
        self._rows[article_id] = row

    def drop(self, article_id: str) -> None:
        """Forget an article."""
        row = self._rows.pop(article_id, None)
        if row is not None:
            self._table[:, row] = 0


def same_sentence(one: str, other: str) -> bool:
    """Say whether two sentences of copies say the same: most words equal, and every number.

    >>> same_sentence("About 5,000 U.S. troops remain in Iraq.", "About 5,000 US troops still remain in Iraq.")
    True
    >>> same_sentence("About 5,000 troops remain in Iraq.", "About 4,000 troops remain in Iraq.")
    False
    """
    a, b = set(words(one)), set(words(other))
    if {w for w in a if w.isdigit()} != {w for w in b if w.isdigit()}:
        return False
    return len(a & b) >= 0.6 * len(a | b)
