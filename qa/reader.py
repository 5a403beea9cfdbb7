"""Ranked evidence to a selection: which sentences answer, and how likely it is that they do.

This is the seam for a trained reader: anything that turns a question and `Results` into a `Selection` can stand here.
The one below goes by similarity. Its numbers come from `python -m tests.bench.tune DATA`: the questions of
squad2_part_a over a library of its eight articles and of QED over its 1,355 paragraphs, each asked once with its
article in the library and once with that article taken out. Sets that results are reported on were not used.

At a probability of 0.3, the default from which an answer is given, 95 % of the questions of squad2_part_a are
answered while their article is there, and 92 % abstain once it is taken out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from index.search import Results
from index.types import Evidence


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader found.

    Attributes:
        sentences: The sentences that answer, most direct first; empty if there are none at all.
        confidence: Probability, 0 to 1, that the articles answer the question.
    """

    sentences: tuple[Evidence, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class SimilarityReader:
    """Reads by similarity alone: logistic regression on how near the best evidence comes.

    Attributes:
        most: The most sentences to select.
        margin: How far below the best one a further sentence's score may be.
    """

    most: int = 3
    margin: float = 1.0

    def read(self, question: str, results: Results) -> Selection:
        """Select the sentences that answer and estimate whether they do."""
        evidence = results.evidence
        if not evidence:
            return Selection((), 0.0)
        floor = evidence[0].score - self.margin
        chosen = tuple(item for item in evidence[: self.most] if item.score >= floor)
        return Selection(chosen, probability(evidence))


BIAS = -9.8
WEIGHTS = (15.0, -1.6, 5.6)


def features(evidence: Sequence[Evidence]) -> tuple[float, ...]:
    """Return what the probability rests on, each -1 to 1, from the five best sentences.

    The nearest sentence's cosine, the nearest passage's cosine, and the largest share of the question's terms that one
    of them has.
    """
    best = evidence[:5]
    return (
        max((item.cosine for item in best), default=0.0),
        max((item.hit.cosine for item in best), default=0.0),
        max((item.coverage for item in best), default=0.0),
    )


def probability(evidence: Sequence[Evidence]) -> float:
    """Return the probability, 0 to 1, that ranked evidence answers its question."""
    total = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, features(evidence), strict=True))
    return 1.0 / (1.0 + math.exp(-total))
