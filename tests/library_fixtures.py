"""Doubles and short ways for the tests of the library, of Chroma and of sync."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index import copies
from index.encoder import Matrix, Vector
from index.library import Draft, Library
from index.outline import PASSAGE
from index.split import Span, passages, sentences
from index.terms import words
from index.types import Article

DIMENSION = 64


class HashEncoder:
    """Stands in for `Encoder`: a bag of hashed words, fast and the same everywhere."""

    name = "hash"
    fingerprint = "hash@1"
    dimension = DIMENSION
    limit = 254

    def __init__(self) -> None:
        self.encoded = 0

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(words(text)) for text in texts]

    def query(self, question: str) -> Vector:
        return vector_of(question)

    def passages(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> tuple[Matrix, list[Matrix]]:
        self.encoded += len(texts)
        rows = np.array([vector_of(text) for text in texts], np.float32).reshape(len(texts), DIMENSION)
        parts = [
            np.array([vector_of(text[a:b]) for a, b in own], np.float32).reshape(len(own), DIMENSION)
            for text, own in zip(texts, spans, strict=True)
        ]
        return rows, parts


class NoEncoder(HashEncoder):
    """An encoder that must not be needed."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        raise AssertionError("nothing is to be encoded")

    def passages(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> tuple[Matrix, list[Matrix]]:
        raise AssertionError("nothing is to be encoded")


_words: dict[str, Vector] = {}


def vector_of(text: str) -> Vector:
    """Return the unit vector of a text: the sum of a random vector for each of its words."""
    total = np.zeros(DIMENSION, np.float32)
    for word in words(text) or [text]:
        if word not in _words:
            seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "replace")).digest()[:8], "big")
            _words[word] = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
        total += _words[word]
    return total / np.linalg.norm(total)


def draft(article: Article) -> Draft:
    """Split and encode an article as sync does, with the hash encoder."""
    encoder = HashEncoder()
    spans = sentences(article.text)
    runs = passages(encoder.lengths([article.text[a:b] for a, b in spans]), PASSAGE)
    bounds = [(spans[run[0]][0], spans[run[-1]][1]) for run in runs]
    rows, parts = encoder.passages(
        [article.text[a:b] for a, b in bounds],
        [[(spans[n][0] - a, spans[n][1] - a) for n in run] for run, (a, _) in zip(runs, bounds, strict=True)],
    )
    return Draft(article, spans, runs, rows, parts, copies.signature(article.text))


def publish(library: Library, article_id: str, text: str, title: str = "Title") -> Article:
    """Publish an article with the hash encoder."""
    article = Article(article_id, title, text)
    library.publish(draft(article), file=article_id)
    return article


def news(number: int, sentences: int = 4) -> str:
    """Return a text of its own: the same for the same number, and no near copy of another."""
    random = np.random.default_rng(number)
    names = ["harbour", "minister", "storm", "rocket", "vote", "harvest", "bridge", "court", "glacier", "museum"]
    told = []
    for n in range(sentences):
        picked = " ".join(f"{names[random.integers(10)]}{random.integers(5000)}" for _ in range(8))
        told.append(f"Report {number} part {n} says that {picked} changed.")
    return " ".join(told)


def check_exact(library: Library) -> None:
    """Assert that every article's sentences are exact, and in every table what they must be."""
    passages_seen = 0
    for article in library.articles():
        spans = [(s.start, s.end) for s in library.sentences(article.id)]
        assert spans == sentences(article.text), article.id
        assert all(s.revision == article.revision for s in library.sentences(article.id))
    keys, ids, rows = library.vectors()
    for key, found in library.passages(keys).items():
        passages_seen += 1
        article = library.article(found.passage.article_id)
        assert article is not None and found.passage.revision == article.revision
        for sentence, text in zip(found.passage.sentences, found.sentence_texts, strict=True):
            assert article.text[sentence.start : sentence.end] == text
        assert found.passage.key == key
    assert passages_seen == len(keys) == len(set(ids)) == library.counts()[2] == len(rows)
    assert sum(len(library.sentences(i)) for i in library.article_ids()) == library.counts()[1]


def exact_search(library: Library, vector: Vector, k: int) -> dict[int, float]:
    """Search by brute force."""
    keys, _, rows = library.vectors()
    scores = rows @ vector if keys else np.zeros(0)
    order = sorted(range(len(keys)), key=lambda i: (-round(float(scores[i]), 6), keys[i]))[:k]
    return {keys[i]: float(scores[i]) for i in order}


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file that changed long ago, so that sync settles it at once."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    write.clock = getattr(write, "clock", time.time_ns() - 10**15) + 10**9  # type: ignore[attr-defined]
    os.utime(path, ns=(write.clock, write.clock))  # type: ignore[attr-defined]
    return path


def crowd(library: Library, article_id: str, rows: Matrix) -> None:
    """Publish an article with one passage, of one short sentence, for each of these vectors."""
    text = " ".join(f"S{number:06d}." for number in range(len(rows)))
    spans = [(number * 9, number * 9 + 8) for number in range(len(rows))]
    runs = [range(number, number + 1) for number in range(len(rows))]
    parts = [rows[number : number + 1] for number in range(len(rows))]
    library.publish(Draft(Article(article_id, "Crowd", text), spans, runs, rows, parts, bytes(512)), article_id)


def random_rows(count: int, seed: int, dimension: int = DIMENSION) -> Matrix:
    """Return random unit vectors."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
