"""Do two articles give different numbers, dates or names for the same question? Deterministic, and slow to say so.

Only what must be one number, date or person is compared: two sentences of different articles, each with a short answer
that the reader takes for one. A bound, a rounding, another unit or a part of a name is no difference; nor is a sentence
that names another year or another subject than the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from index.kinds import kind
from qa.reader.select import Selection, ShortAnswer
from qa.support.dates import Date
from qa.support.names import names
from qa.support.quantities import Quantity, digits, found_in
from qa.support.text import plain, stem, tokens
from qa.support.units import SCALE, unit_of

COMPARED = ("count", "money", "span", "date", "person")
"""The kinds of question whose answers are compared. Places are not: Basel and Switzerland do not differ."""

_ABOUT = 0.1  # of a number that is "about"
_UNITS = 0.01  # of a number that was converted
_ROUNDED = 0.05  # of a number that may have been
_SPELLING = 0.75  # likeness of two spellings of a name
_RANKS = frozenset(
    "admiral commander lieutenant major brigadier marshal sergeant corporal ayatollah sheikh emir".split()
)
_PARTS = ("century", "decade", "year", "month", "day")
_MANY = re.compile(r"\bwho (?:are|were|all)\b|\b(?:people|men|women|members|leaders|officials)\b", re.IGNORECASE)


def contested(question: str, selection: Selection) -> Selection:
    """Return a selection with the one rival that cannot be true where the short answer is, its sentence among them.

    It comes on top of the most sentences that an answer may have; without such a rival there is none.
    """
    rival = differing(question, selection.short, selection.rivals) if selection.short else None
    if rival is None:
        return replace(selection, rivals=())
    sentences = dict.fromkeys((*selection.sentences, rival.evidence))
    return replace(selection, rivals=(rival,), sentences=tuple(sentences))


def differing(question: str, first: ShortAnswer, others: Sequence[ShortAnswer]) -> ShortAnswer | None:
    """Return the first of some short answers that cannot be true where another one is, None if there is none.

    Args:
        question: As it is read.
        first: The short answer that is given.
        others: Those of sentences of other articles.
    """
    wanted = kind(question)
    if wanted not in COMPARED or (wanted == "person" and _MANY.search(question)):
        return None
    for other in others:
        if _same_subject(question, first, other) and _same_subject(question, other, first) and _same_year(first, other):
            if wanted == "person" and _other_person(first, other):
                return other
            if wanted == "date" and _other_date(first, other):
                return other
            if wanted in ("count", "money", "span") and _other_quantity(question, first, other):
                return other
    return None


def _same_subject(question: str, one: ShortAnswer, other: ShortAnswer) -> bool:
    """Say whether a sentence names what the question names, or nothing but what answers it."""
    asked = names(tokens(plain(question)))
    told = names(tokens(plain(one.evidence.text)))
    others = told - names(tokens(plain(one.text))) - asked - names(tokens(plain(other.evidence.text)))
    return asked <= told or not others


def _same_year(one: ShortAnswer, other: ShortAnswer) -> bool:
    """Say whether no sentence tells of years that the other does not tell of, but for the years asked for."""
    first, second = ({d.parts["year"] for d in _dates(item) if "year" in d.parts} for item in (one, other))
    own = {d.parts["year"] for item in (one, other) for d in _short_dates(item) if "year" in d.parts}
    return not (first - own) or not (second - own) or bool((first - own) & (second - own))


def _other_quantity(question: str, one: ShortAnswer, other: ShortAnswer) -> bool:
    first, second = _short_quantities(one), _short_quantities(other)
    asked = {stem(token.low) for token in tokens(plain(question)) if token.content}
    every = [(a, b) for a in first for b in _quantities(other)] + [(a, b) for a in _quantities(one) for b in second]
    return (
        bool(first and second)
        and all(_counts_alike(a, b, asked) for a in first for b in second)
        and not any(_agree(a, b) for a, b in every if a.dimension == b.dimension)
    )


def _counts_alike(one: Quantity, other: Quantity, asked: set[str]) -> bool:
    """Say whether two quantities measure the same, as far as the words behind them tell."""
    if one.dimension != other.dimension:
        return False
    if one.dimension or not (one.things and other.things):
        return True
    first, second = one.things[0], other.things[0]
    return first in other.things or second in one.things or {first, second} <= asked


def _agree(one: Quantity, other: Quantity) -> bool:
    """Say whether two quantities of one dimension can be true of the same thing."""
    if one.bound or other.bound or one.dimension:
        (low, high), (least, most) = _range(one), _range(other)
        if low <= most and least <= high:
            return True
    bounded = one.bound or other.bound
    return not bounded and (
        one.value == other.value or _rounded(one.value, other.value) or _rounded(other.value, one.value)
    )


def _range(item: Quantity) -> tuple[float, float]:
    near = _ABOUT if item.bound == "about" else _UNITS if item.dimension else 0.0
    low, high = sorted((item.value * (1 - near), item.value * (1 + near)))
    return (
        float("-inf") if item.bound in ("under", "most") else low,
        float("inf") if item.bound in ("over", "least") else high,
    )


def _rounded(coarse: float, fine: float) -> bool:
    """Say whether a number is another one rounded: 1,200 for 1,234 and 54 for 54.2, but not 30 for 31."""
    if coarse.is_integer() and abs(coarse) < 100 and fine.is_integer():
        return False
    near = abs(fine - coarse) <= _ROUNDED * abs(coarse)
    return near and float(f"{fine:.{digits(coarse) - 1}e}") == coarse


def _other_date(one: ShortAnswer, other: ShortAnswer) -> bool:
    first, second = _short_dates(one), _short_dates(other)
    return bool(first and second) and not any(
        _may_be(a, b) for own, every in ((first, _dates(other)), (second, _dates(one))) for a in own for b in every
    )


def _may_be(one: Date, other: Date) -> bool:
    """Say whether two dates can be the same day; where they share no part, they can."""
    first, second = _whole(one), _whole(other)
    return all(first[part] == second[part] for part in _PARTS if part in first and part in second)


def _whole(date: Date) -> dict[str, int]:
    parts = dict(date.parts)
    if "year" in parts:
        parts["decade"] = parts["year"] // 10 * 10
    if "decade" in parts:
        parts["century"] = (parts["decade"] if "year" not in parts else parts["year"] - 1) // 100 + 1
    return parts


def _other_person(one: ShortAnswer, other: ShortAnswer) -> bool:
    """Say whether no name of one short answer stands in the other's sentence, in another spelling neither."""
    first, second = (names(tokens(plain(item.text))) - _RANKS for item in (one, other))
    there, here = (names(tokens(plain(item.evidence.text))) for item in (other, one))
    return bool(first and second) and not any(
        SequenceMatcher(None, a, b).ratio() >= _SPELLING
        for own, every in ((first, there), (second, here))
        for a in own
        for b in every
    )


def _quantities(item: ShortAnswer) -> list[Quantity]:
    text = plain(item.evidence.text)
    return found_in(text, tokens(text))[0]


def _dates(item: ShortAnswer) -> list[Date]:
    text = plain(item.evidence.text)
    return found_in(text, tokens(text))[1]


def _short_quantities(item: ShortAnswer) -> list[Quantity]:
    """Return the quantities of a sentence that its short answer is made of, with the units and bounds around them."""
    said = _numbers(item.text)
    return [quantity for quantity in _quantities(item) if said & _numbers(quantity.words)]


def _short_dates(item: ShortAnswer) -> list[Date]:
    said = {token.low for token in tokens(plain(item.text)) if token.kind != "mark"}
    return [date for date in _dates(item) if said.intersection(t.low for t in tokens(plain(date.words)))]


def _numbers(text: str) -> set[str]:
    """Return the words of a number, not its unit; of `million` alone, that."""
    found = [t for t in tokens(plain(text)) if t.kind == "number" or (t.kind == "word" and not unit_of(t))]
    return {t.low for t in found if t.low not in SCALE} or {t.low for t in found}
