"""How sure an answer is, in words that were measured.

`python -m tests.bench.sure DATA` tells, for bands of the shipped reader's confidence, of how many answers the first
sentence was right; one to a question that the articles do not answer is wrong. The bands were chosen on the questions
that the reader was calibrated on. The fewer of each pair of numbers come from eight articles that nothing was fitted or
chosen on, with more questions written to mislead than honest ones; the more from the former, with one such to three.
`qa/reader/weights/CARD.md` has the table.
"""

from __future__ import annotations

from typing import NamedTuple


class Band(NamedTuple):
    """Answers of about the same confidence.

    Attributes:
        least: The confidence from which an answer belongs to it.
        name: It in a word or two.
        few: Of ten such answers so many were right where most questions were misleading.
        many: The same where most were not.
    """

    least: float
    name: str
    few: int
    many: int


BANDS = (
    Band(0.9, "Sure", 6, 9),
    Band(0.7, "Fairly sure", 4, 7),
    Band(0.3, "Not sure", 2, 4),
    Band(0.0, "A guess", 0, 0),
)
"""The surest first."""


def sure(confidence: float) -> str:
    """Return how sure an answer of the shipped reader is.

    >>> sure(0.95), sure(0.1)
    ('Sure: 6 to 9 of 10 such answers were right.', 'A guess: hardly any of 10 such answers was right.')
    """
    band = next(band for band in BANDS if confidence >= band.least)
    few, was = (f"{band.few} to {band.many}", "were") if band.many else ("hardly any", "was")
    return f"{band.name}: {few} of 10 such answers {was} right."
