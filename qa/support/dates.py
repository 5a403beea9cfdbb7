"""Dates in a text, and whether one text has those of another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from qa.support.text import ORDINALS, Token, as_it_stands
from qa.support.units import MONEY, is_unit

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = {**{m: n for n, m in enumerate(_MONTHS, 1)}, **{m[:3]: n for n, m in enumerate(_MONTHS, 1)}, "sept": 9}
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_WEEKDAY = {**{d: n for n, d in enumerate(_DAYS)}, "mon": 0, "tue": 1, "tues": 1, "thu": 3, "thurs": 3, "fri": 4}
_SEASONS = ("spring", "summer", "autumn", "winter")
_BEFORE_SEASON = ("in", "the", "this", "last", "next", "early", "late", "of")
_BEFORE_MONTH = frozenset(
    "in since until by of early late mid last next this from to through before after during between and".split()
)
_UNSURE = ("may", "march", "mar", "jan", "jun", "dec", "august")  # names and verbs, too
_TH = ("st", "nd", "rd", "th")
_FIRST_YEAR, _LAST_YEAR = 1000, 2199


@dataclass(frozen=True, slots=True)
class Date:
    """What is said of a date: any of year, month, day, weekday, season, decade, century, time."""

    parts: dict[str, int] = field(default_factory=dict)
    words: str = ""


def missing_date(claim: Sequence[Date], known: Sequence[Date], numbers: Collection[float]) -> str:
    """Return the first date of a claim that sentences do not have, "" if they have all.

    Args:
        numbers: The plain numbers of the sentences: a year may be one.
    """
    for date in claim:
        if any(_agrees(date.parts, other.parts, known) for other in known):
            continue
        if set(date.parts) == {"year"} and date.parts["year"] in numbers:
            continue
        return date.words
    return ""


def _agrees(claim: dict[str, int], known: dict[str, int], dates: Sequence[Date]) -> bool:
    """Say whether a known date is the claim's, what it leaves open being known from another that says only that."""
    if any(claim[part] != known[part] for part in claim.keys() & known.keys()) or not claim.keys() & known.keys():
        return False
    finest = next((part for part in ("day", "month") if part in claim), "")
    if finest and finest not in known:
        return False
    return all(
        any(set(other.parts) <= {part} and other.parts.get(part) == claim[part] for other in dates)
        for part in claim.keys() - known.keys()
    )


def dates_in(found: Sequence[Token]) -> tuple[list[Date], set[int]]:
    """Return the dates of a text, and the places of the tokens that they are made of."""
    dates: list[Date] = []
    taken: set[int] = set()
    at = 0
    while at < len(found):
        parts, end = _date_at(found, at)
        if parts:
            dates.append(Date(parts, as_it_stands(found, at, end)))
            taken.update(range(at, end))
            at = end
        else:
            at += 1
    return dates, taken


def _date_at(found: Sequence[Token], at: int) -> tuple[dict[str, int], int]:
    """Return what is said of a date at a place, empty if nothing is, and where it ends."""
    token = found[at]
    if token.kind == "number" and token.low.isdigit() and len(token.low) <= 4:
        for way in (_clock, _with_figures, _day_first, _year):
            parts, end = way(found, at, int(token.low))
            if parts:
                return parts, end
        return {}, at
    if token.low in ORDINALS and _low(found, at + 1) == "century":
        return {"century": ORDINALS[token.low]}, at + 2
    if _month(token):
        return _month_first(found, at)
    if token.capital and token.low in _WEEKDAY:
        return {"weekday": _WEEKDAY[token.low]}, at + 1
    if token.low in _SEASONS and _low(found, at - 1) in _BEFORE_SEASON:
        return {"season": _SEASONS.index(token.low)}, at + 1
    return {}, at


def _clock(found: Sequence[Token], at: int, number: int) -> tuple[dict[str, int], int]:
    """Read "6 am" and "18:30"."""
    half = _low(found, at + 1)
    if half in ("am", "pm") and 1 <= number <= 12:
        return {"time": (number % 12 + 12 * (half == "pm")) * 60}, at + 2
    minutes = _low(found, at + 2)
    if half == ":" and found[at + 1].glued and len(minutes) == 2 and minutes.isdigit():
        behind = _low(found, at + 3)
        later = 12 * 60 if behind == "pm" and number < 12 else 0
        return {"time": number * 60 + int(minutes) + later}, at + 3 + (behind in ("am", "pm"))
    return {}, at


def _with_figures(found: Sequence[Token], at: int, number: int) -> tuple[dict[str, int], int]:
    """Read "2019-12-29", "the 1950s" and "the 19th century"."""
    one, two, three, four = (_low(found, at + n) for n in (1, 2, 3, 4))
    if number > 999 and (one, three) == ("-", "-") and two.isdigit() and four.isdigit() and found[at + 1].glued:
        return {"year": number, "month": int(two), "day": int(four)}, at + 5
    if number > 999 and one == "s" and found[at + 1].glued and number % 10 == 0:
        return {"decade": number}, at + 2
    if one in _TH and "century" in (two, three if two == "-" else ""):
        return {"century": number}, at + 3 + (two == "-")
    return {}, at


def _day_first(found: Sequence[Token], at: int, number: int) -> tuple[dict[str, int], int]:
    """Read "29 December 2019" and "the 29th of December"."""
    look = at + 1 + (_low(found, at + 1) in _TH)
    look += _low(found, look) == "of"
    if not 1 <= number <= 31 or look >= len(found) or not _month(found[look]):
        return {}, at
    parts, end = _year_behind(found, look + 1)
    return {"day": number, "month": _month(found[look]), **parts}, end


def _year(found: Sequence[Token], at: int, number: int) -> tuple[dict[str, int], int]:
    behind = found[at + 1] if at + 1 < len(found) else None
    measured = (behind is not None and is_unit(behind)) or _low(found, at - 1) in MONEY
    return ({"year": number}, at + 1) if _FIRST_YEAR <= number <= _LAST_YEAR and not measured else ({}, at)


def _month_first(found: Sequence[Token], at: int) -> tuple[dict[str, int], int]:
    """Read "Dec. 29, 2019", "December 2019" and "in May"."""
    month = {"month": _month(found[at])}
    end = at + 1 + (_low(found, at + 1) == "." and found[at + 1].glued)
    day = _low(found, end)
    if day.isdigit() and len(day) <= 2 and 1 <= int(day) <= 31:
        parts, behind = _year_behind(found, end + 1 + (_low(found, end + 1) in _TH))
        return {**month, "day": int(day), **parts}, behind
    parts, behind = _year_behind(found, end + (day == "of"))
    if parts:
        return {**month, **parts}, behind
    sure = found[at].low not in _UNSURE or _low(found, at - 1) in _BEFORE_MONTH
    return (month, end) if sure else ({}, at)


def _low(found: Sequence[Token], at: int) -> str:
    return found[at].low if 0 <= at < len(found) else ""


def _month(token: Token) -> int:
    return _MONTH.get(token.low, 0) if token.capital else 0


def _year_behind(found: Sequence[Token], at: int) -> tuple[dict[str, int], int]:
    """Return the year that stands at a place, after dots and commas, and where it ends."""
    look = at
    while look < len(found) and found[look].low in (".", ",", "of", "in") and look < at + 2:
        look += 1
    if look < len(found) and found[look].low.isdigit() and len(found[look].low) == 4:
        year = int(found[look].low)
        if _FIRST_YEAR <= year <= _LAST_YEAR:
            return {"year": year}, look + 1
    return {}, at
