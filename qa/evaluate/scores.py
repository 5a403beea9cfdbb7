"""The measures, on words and numbers. All are 0 to 1; None where there is nothing to measure."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COVERAGES = (0.5, 0.7, 0.8, 0.9, 1.0)
"""Shares of questions that are answered, for which the risk is told."""

BINS = 10
"""Bins of equal width in which confidence is compared with what came true."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of about the same confidence.

    Attributes:
        low: Its lower end, not part of it except where it is 0.
        high: Its upper end, part of it.
        confidence: Their mean confidence.
        answerable: The share of them that the articles answer; with the mean confidence None where there are none.
    """

    low: float
    high: float
    questions: int
    confidence: float | None
    answerable: float | None


@dataclass(frozen=True, slots=True)
class Caution:
    """What a setting of `caution` would do.

    Attributes:
        caution: The confidence from which a question is answered.
        answered: Share of answerable questions that are answered.
        right: Share of these whose top sentence is gold.
        abstained: Share of unanswerable questions that are not answered.
    """

    caution: float
    answered: float | None
    right: float | None
    abstained: float | None


def normal(text: str) -> str:
    """Return a short answer as the official SQuAD script compares it: no case, ASCII punctuation, articles or spaces.

    >>> normal("The  U.S. troops, about 5,000")
    'us troops about 5000'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def agreement(answers: Sequence[str], said: str) -> tuple[float, float]:
    """Return exact match and F1 over tokens of a short answer, each the best over the acceptable ones.

    As in evaluate-v2.0.py, the official script of SQuAD 2.0 (Rajpurkar, Jia and Liang 2018): where either side is
    empty, both are 1 if the other is, too, and 0 if not.

    Args:
        answers: The acceptable ones; those that are empty once normal do not count, and none means "no answer".
    """
    wanted = [form for answer in answers if (form := normal(answer))] or [""]
    given = normal(said)
    return max(float(form == given) for form in wanted), max(_f1(form.split(), given.split()) for form in wanted)


def auroc(answerable: Sequence[float], unanswerable: Sequence[float]) -> float | None:
    """Return the area under the ROC curve of a confidence; 0.5 is what a coin gives.

    It is the share of pairs of an answerable and an unanswerable question in which the former has the higher
    confidence; a tie counts half (Hanley and McNeil 1982).
    """
    if not len(answerable) or not len(unanswerable):
        return None
    others = np.sort(unanswerable)
    below, upto = np.searchsorted(others, answerable, "left"), np.searchsorted(others, answerable, "right")
    return round(float(np.mean(below + upto)) / 2 / len(others), 4)


def calibration(confidences: Sequence[float], answerable: Sequence[bool]) -> tuple[float | None, list[Bin]]:
    """Return the expected calibration error of a confidence that the articles answer, and its bins.

    The error is the mean over bins, each weighted by its questions, of how far the share of answerable questions lies
    from the mean confidence (Naeini, Cooper and Hauskrecht 2015; bins open below as in Guo et al. 2017).
    """
    edges = np.linspace(0, 1, BINS + 1)
    held, true = np.asarray(confidences, float), np.asarray(answerable, float)
    number = np.digitize(held, edges[1:-1], right=True)
    gap, bins = 0.0, []
    for n in range(BINS):
        inside = number == n
        count = int(inside.sum())
        sure, came_true = (float(held[inside].mean()), float(true[inside].mean())) if count else (None, None)
        if sure is not None and came_true is not None:
            gap += count * abs(came_true - sure)
        bins.append(Bin(n / BINS, (n + 1) / BINS, count, _rounded(sure), _rounded(came_true)))
    return _rounded(gap / len(held)) if len(held) else None, bins


def risk_coverage(
    confidences: Sequence[float], wrong: Sequence[bool]
) -> tuple[dict[float, float | None], float | None]:
    """Return the risk at each of `COVERAGES`, and the area under the risk-coverage curve (AURC); lower is better.

    The risk at a coverage is the share of wrong ones among that share of the questions, the most confident ones
    (El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017); the area is its mean over 1, 2, ... all questions
    (Geifman, Uziel and El-Yaniv 2019). Questions of the same confidence share their wrong ones evenly, which is the
    mean over their orders.

    Args:
        wrong: Whether answering would be wrong, for each question.
    """
    total = len(confidences)
    if not total:
        return dict.fromkeys(COVERAGES), None
    risks = _risks(np.asarray(confidences, float), np.asarray(wrong, float))
    # 0.7 of ten questions are seven, though 0.7 * 10 is a little more
    at: dict[float, float | None] = {c: _rounded(float(risks[math.ceil(c * total - 1e-9) - 1])) for c in COVERAGES}
    return at, _rounded(float(risks.mean()))


def cautions(confidences: Sequence[float], answerable: Sequence[bool], right: Sequence[bool]) -> list[Caution]:
    """Return what each setting 0, 0.1, ... 0.9 of `caution` would do, from the confidences of one run.

    Args:
        confidences: Below 0 for a question that is never answered, because nothing was found.
        right: Whether the top sentence is gold, for each question.
    """
    rows = list(zip(confidences, answerable, right, strict=True))
    table = []
    for setting in (n / 10 for n in range(10)):
        answered = [good for sure, there, good in rows if there and sure >= setting]
        table.append(
            Caution(
                setting,
                mean(sure >= setting for sure, there, _ in rows if there),
                mean(answered),
                mean(sure < setting for sure, there, _ in rows if not there),
            )
        )
    return table


def mean(values: Iterable[float]) -> float | None:
    """Return the mean to four places, None if there are no values."""
    listed = [float(value) for value in values]
    return round(sum(listed) / len(listed), 4) if listed else None


def _f1(wanted: list[str], given: list[str]) -> float:
    if not wanted or not given:
        return float(wanted == given)
    common = sum((Counter(wanted) & Counter(given)).values())
    return 2 * common / (len(wanted) + len(given))


def _risks(confidences: NDArray[Any], wrong: NDArray[Any]) -> NDArray[Any]:
    _, group, counts = np.unique(-confidences, return_inverse=True, return_counts=True)
    shares = np.bincount(group, weights=wrong) / counts
    risks: NDArray[Any] = np.cumsum(np.repeat(shares, counts)) / np.arange(1, len(wrong) + 1)
    return risks


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
