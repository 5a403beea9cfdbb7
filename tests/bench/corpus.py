"""A haystack of any size, the same for the same seed: real sentences, and real sentences recombined.

The first passages are real paragraphs of the training data (SQuADShifts and QED), ten or so to an article, split and
encoded as the product does it. Beyond them articles are made: each has ten passages and three real articles as its
subjects. A passage of it starts as a passage of a subject; about half of its sentences are replaced by others of the
same subjects. Every tenth sentence is a distractor: a name in it is replaced by one of the needles' own names, so that
it looks like the right article and says something else. A made passage is not encoded: its vector is the mean of its
sentences' real vectors, weighted by their length, with noise of a tenth of its size.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.copies import signature
from index.encoder import Encoder
from index.library import Draft
from index.outline import encode, outline
from index.types import Article

SOURCES = ("squadshifts_new_wiki", "squadshifts_reddit", "squadshifts_amazon_reviews", "qed")
PASSAGES = 10
"""Passages of a made article."""

_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*")
_BATCH = 40  # articles that are encoded together


@dataclass(frozen=True)
class _Said:
    """A real sentence and its vector."""

    text: str
    vector: np.ndarray


def paragraphs(data: Path, seed: int = 1) -> list[str]:
    """Return the distinct paragraphs of the sources, ten or so of one title joined to an article's text, shuffled."""
    texts = []
    for source in SOURCES:
        entries = json.loads((data / "train" / f"{source}.json").read_text(encoding="utf-8"))["data"]
        found = list(dict.fromkeys(p["context"].strip() for entry in entries for p in entry["paragraphs"]))
        texts += ["\n\n".join(found[at : at + 10]) for at in range(0, len(found), 10)]
    random.Random(seed).shuffle(texts)
    return texts


def real(data: Path, encoder: Encoder, passages: int, seed: int = 1) -> list[Draft]:
    """Return articles of real paragraphs, split and encoded, of so many passages or a few more."""
    drafts: list[Draft] = []
    texts = paragraphs(data, seed)
    for at in range(0, len(texts), _BATCH):
        if sum(len(draft.runs) for draft in drafts) >= passages:
            break
        articles = [_article(f"real-{n:05d}", text) for n, text in enumerate(texts[at : at + _BATCH], at)]
        drafts += encode([outline(article, encoder) for article in articles], encoder)
    return drafts


def made(base: Sequence[Draft], names: Sequence[str], seed: int = 1) -> Iterator[Draft]:
    """Yield made articles without end.

    Args:
        base: Real articles whose sentences are recombined.
        names: What distractors speak of.
    """
    chance, noise = random.Random(seed), np.random.default_rng(seed)
    subjects = [_said(draft) for draft in base]
    number = 0
    while True:
        yield _made(f"made-{number:06d}", chance.sample(subjects, 3), names, chance, noise)
        number += 1


def names_of(articles: Sequence[Article]) -> list[str]:
    """Return the names that stand inside the sentences of articles most often."""
    found: dict[str, int] = {}
    for article in articles:
        for name in _NAME.findall(article.text):
            found[name] = found.get(name, 0) + 1
    return sorted(found, key=lambda name: (-found[name], name))[:100]


def _said(draft: Draft) -> list[list[_Said]]:
    return [
        [_Said(draft.article.text[slice(*draft.spans[n])], vectors[place]) for place, n in enumerate(run)]
        for run, vectors in zip(draft.runs, draft.sentence_vectors, strict=True)
    ]


def _made(
    name: str,
    subjects: Sequence[list[list[_Said]]],
    names: Sequence[str],
    chance: random.Random,
    noise: np.random.Generator,
) -> Draft:
    pool = [said for subject in subjects for passage in subject for said in passage]
    text, spans, runs, vectors, parts = "", [], [], [], []
    for _ in range(PASSAGES):
        passage = [
            said if chance.random() < 0.5 else chance.choice(pool) for said in chance.choice(chance.choice(subjects))
        ]
        text += "\n\n" if text else ""
        first = len(spans)
        weights = []
        for said in passage:
            told = _NAME.sub(chance.choice(names), said.text, count=1) if chance.random() < 0.1 else said.text
            text += "" if text.endswith("\n\n") or not text else " "
            spans.append((len(text), len(text) + len(told)))
            text += told
            weights.append(len(told))
        runs.append(range(first, len(spans)))
        rows = np.array([said.vector for said in passage], np.float32)
        parts.append(rows)
        vectors.append(_unit(np.average(rows, axis=0, weights=weights)))
    rows = np.array(vectors, np.float32)
    rows = _unit(rows + 0.1 * _unit(noise.normal(size=rows.shape).astype(np.float32)))
    return Draft(_article(name, text), spans, runs, rows, parts, signature(text))


def _article(name: str, text: str) -> Article:
    return Article(f"{name}.txt", " ".join(text.split()[:6]), text)


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
