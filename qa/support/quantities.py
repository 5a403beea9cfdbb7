"""Numbers, quantities and dates in a text, and whether one text has those of another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.support.dates import Date, dates_in
from qa.support.text import NOTHING, ORDINALS, ROMAN, Token, as_it_stands, stem
from qa.support.units import MONEY, SCALE, UNITS, is_unit, unit_of

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " \
        "seventeen eighteen nineteen".split()  # fmt: skip
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SMALL = {**{w: n for n, w in enumerate(_ONES)}, **{w: 10 * n for n, w in enumerate(_TENS, 2)}}
_PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_SHARES = ("half", "third", "quarter", "fifth", "tenth")
_TIMES = {"twice": 2.0, "double": 2.0, "doubled": 2.0, "doubles": 2.0, "doubling": 2.0, "twofold": 2.0,
          "triple": 3.0, "tripled": 3.0, "triples": 3.0, "threefold": 3.0, "trebled": 3.0, "quadrupled": 4.0,
          "fourfold": 4.0, "fivefold": 5.0, "tenfold": 10.0, "halved": 0.5}  # fmt: skip

_ABOUT = re.compile(
    r"(?:\b(?:about|around|some|roughly|approximately|nearly|almost|close to|just (?:under|over)|an estimated|"
    r"estimated|or so|as many as|circa)|~)(?: the)?\s*$"
)
_NO_LESS = re.compile(
    r"\b(?:at least|no (?:fewer|less) than|not (?:fewer|less) than|a minimum of|minimum)(?: the| of)?\s*$"
)
_NO_MORE = re.compile(r"\b(?:at (?:the )?most|no more than|not more than|up to|a maximum of|maximum)(?: the| of)?\s*$")
_OVER = re.compile(r"\b(?:more than|over|above|exceed(?:s|ed|ing)?|upwards? of|greater than|in excess of)(?: the)?\s*$")
_UNDER = re.compile(r"\b(?:fewer than|less than|under|below|lower than|short of)(?: the)?\s*$")
_BOUNDS = (("about", _ABOUT), ("least", _NO_LESS), ("most", _NO_MORE), ("over", _OVER), ("under", _UNDER))


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what it measures.

    Attributes:
        value: In the first unit of its dimension.
        dimension: `length`, `percent`, …; "" where things are counted; `ordinal` for `third`.
        bound: `about`, `least`, `most`, `over`, `under`, or "".
        words: As it stands, for people.
        things: Stems of the few content words behind it.
        free: Whether a claim may have it though the sentences do not: `a day`, `first`.
    """

    value: float
    dimension: str
    bound: str
    words: str
    things: tuple[str, ...] = ()
    free: bool = False


def found_in(text: str, all_tokens: Sequence[Token]) -> tuple[list[Quantity], list[Date]]:
    """Return the quantities and the dates of a text.

    >>> from qa.support.text import tokens
    >>> text = "On Dec. 29 about 5,000 troops left."
    >>> [quantity.value for quantity in found_in(text, tokens(text))[0]]
    [5000.0]
    """
    dates, taken = dates_in(all_tokens)
    quantities = list(_quantities(text, all_tokens, taken))
    return _with_units(quantities), dates


def missing_quantity(claim: Sequence[Quantity], known: Sequence[Quantity], dates: Sequence[Date]) -> str:
    """Return the first quantity of a claim that sentences do not have, "" if they have all."""
    years = {date.parts["year"] for date in dates if "year" in date.parts}
    for item in claim:
        if item.free and not (item.dimension == "ordinal" and any(k.dimension == "ordinal" for k in known)):
            continue
        same = [other for other in known if _same(item, other)]
        if not same and not (not item.dimension and item.value in years):
            return item.words
        if same and not item.dimension and _belongs_to_another(item, same, known):
            return f"{item.words} {item.things[0]}"
    return ""


def _same(claim: Quantity, known: Quantity) -> bool:
    if claim.dimension != known.dimension:
        age = not claim.dimension and not claim.things and known.dimension == "calendar"  # "Lund, 45,"
        if age:
            return claim.value * 12 == known.value
        soft = not known.dimension and claim.dimension == "calendar"
        pound = {claim.dimension, known.dimension} == {"gbp", "pound"}
        warm = {claim.dimension, known.dimension} in ({"degree", "celsius"}, {"degree", "fahrenheit"})
        if not (soft or pound or warm):
            return False
        if soft:
            return claim.value == known.value * 12 and claim.bound in ("", known.bound)
    low, high = ("under", "most"), ("over", "least")
    if (claim.bound in low and known.bound in high) or (claim.bound in high and known.bound in low):
        return False
    value, other = claim.value, known.value
    if _close(value, other):
        return not (claim.bound in ("over", "under") and known.bound in ("", "about"))
    if claim.bound == "about":
        return abs(value - other) <= 0.05 * abs(other) and digits(value) < digits(other)
    if claim.bound in high:
        return value < other <= value * 1.1
    return claim.bound in low and value * 0.9 <= other < value


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1e-9)


def digits(value: float) -> int:
    """Return how many digits of a number are significant."""
    return len(f"{abs(value):.12g}".split("e")[0].replace(".", "").strip("0")) or 1


def _belongs_to_another(item: Quantity, same: Sequence[Quantity], known: Sequence[Quantity]) -> bool:
    """Say whether the sentences count these things with another number."""
    own = {thing for other in same for thing in other.things}
    if not item.things or own.intersection(item.things):
        return False
    return any(item.things[0] in other.things for other in known if other not in same)


def _quantities(text: str, found: Sequence[Token], taken: set[int]) -> Iterator[tuple[Quantity, bool]]:
    """Yield the quantities, each with whether its unit may be that of the next one: "5 to 10 percent"."""
    at = 0
    while at < len(found):
        if at in taken:
            at += 1
            continue
        read = _number_at(found, at, taken)
        if read is None:
            at += 1
            continue
        value, dimension, end, free = read
        start = at
        if not dimension:
            value, dimension, end = _measured(found, value, end)
            if at and found[at - 1].low in MONEY:
                dimension, start = MONEY[found[at - 1].low], at - 1
            lead = start - 1
            minus = lead >= 0 and found[lead].low in ("minus", "negative")
            minus = minus or (
                lead >= 0 and found[lead].low == "-" and found[start].glued and not (found[lead].glued and lead)
            )
            value = -value if minus else value
        before = text[: found[start].place].lower()
        bound = next((name for name, pattern in _BOUNDS if pattern.search(before[-30:])), "")
        link = end < len(found) and found[end].low in ("to", "-", "and", "or")
        yield Quantity(value, dimension, bound, as_it_stands(found, start, end), _things(found, end, taken), free), link
        at = max(end, at + 1)


_Number = tuple[float, str, int, bool]
"""Value, dimension ("" if what follows tells), where it ends, and whether a claim may have it for free."""


def _number_at(found: Sequence[Token], at: int, taken: set[int]) -> _Number | None:
    token, behind = found[at], found[at + 1] if at + 1 < len(found) else NOTHING
    if token.kind == "number":
        value = float(token.low.replace(",", ""))
        if behind.glued and behind.low in ("st", "nd", "rd", "th"):
            return value, "ordinal", at + 2, False
        return _scaled(found, value, at + 1, taken)
    if token.kind != "word":
        return None
    if token.text in ROMAN:
        return float(ROMAN[token.text]), "ordinal", at + 1, False
    if token.low in _TIMES:
        return _TIMES[token.low], "times", at + 1, False
    return _share(found, at) or _rank(found, at) or _article(found, at, taken) or _in_words(found, at, taken)


def _share(found: Sequence[Token], at: int) -> _Number | None:
    """Read "half", "half an hour" and "a third of" from the word for the part."""
    low, before = found[at].low, found[at - 1].low if at else ""
    one, two = ([*found[at + 1 : at + 3]] + [NOTHING] * 2)[:2]
    if low in _SHARES and _is_part(found, at, before):
        return 100.0 / _PARTS[low], "percent", at + 1, False
    if low != "half" or one.low not in ("a", "an"):
        return None
    if two.low in SCALE:
        return 0.5 * SCALE[two.low], "", at + 3, False
    unit = unit_of(two)
    return (0.5 * unit[1], unit[0], at + 3, False) if unit else (50.0, "percent", at + 1, False)


def _rank(found: Sequence[Token], at: int) -> _Number | None:
    low, before = found[at].low, found[at - 1].low if at else ""
    if low not in ORDINALS or low == "zeroth" or (low == "second" and before in ("a", "per", "each", "every")):
        return None
    return float(ORDINALS[low]), "ordinal", at + 1, low == "first"


def _article(found: Sequence[Token], at: int, taken: set[int]) -> _Number | None:
    """Read "a million" and "a decade"."""
    low, behind = found[at].low, found[at + 1] if at + 1 < len(found) else NOTHING
    if low in ("a", "an") and behind.low in SCALE and behind.low != "k":
        return _scaled(found, 1.0, at + 1, taken)
    unit = unit_of(behind) if low in ("a", "an", "each", "per", "every") else None
    return (unit[1], unit[0], at + 2, True) if unit else None


def _in_words(found: Sequence[Token], at: int, taken: set[int]) -> _Number | None:
    low, behind = found[at].low, found[at + 1].low if at + 1 < len(found) else ""
    if low == "one" and behind in _SHARES:
        return _fraction(found, at, 1.0, at + 1)
    if low in ("dozen", "hundred", "thousand", "million", "billion"):
        return SCALE[low], "", at + 1, False
    return _spelt(found, at, taken) if low in _SMALL else None


def _is_part(found: Sequence[Token], at: int, before: str) -> bool:
    """Say whether `half` or `third` is a share: "half of", "a third of", but not "the third of May" or "first half"."""
    behind = found[at + 1].low if at + 1 < len(found) else ""
    if found[at].low == "half":
        return before not in ORDINALS and behind not in ("a", "an", "time")
    return before in ("a", "an") and behind != "-"


def _fraction(found: Sequence[Token], at: int, count: float, end: int) -> _Number | None:
    """Read "two-thirds", "three quarters", "one in five", "14 out of 20" behind a number that ends at a place."""
    look = end + (end < len(found) and found[end].low == "-")
    if look < len(found):
        part = found[look].low
        part = part[:-1] if part.endswith("s") and part != "halves" else part
        if part in _PARTS:
            return 100.0 * count / _PARTS[part], "percent", look + 1, False
    inside = end < len(found) and found[end].low in ("in", "out")
    if inside:
        look = end + 1 + (found[end].low == "out" and end + 1 < len(found) and found[end + 1].low == "of")
        whole = _cardinal(found, look)
        if whole and 1 < whole <= 1000 and count < whole and not _is_unit_at(found, look + 1):
            return 100.0 * count / whole, "percent", look + 1, False
    return None


def _is_unit_at(found: Sequence[Token], at: int) -> bool:
    return at < len(found) and is_unit(found[at])


def _cardinal(found: Sequence[Token], at: int) -> float:
    if at >= len(found):
        return 0.0
    low = found[at].low
    if found[at].kind == "number" and low.isdigit() and len(low) < 4:
        return float(low)
    return float(_SMALL.get(low, 0))


def _spelt(found: Sequence[Token], at: int, taken: set[int]) -> _Number | None:
    """Read a number in words: "two hundred and sixty", "twenty-one"."""
    total = current = 0.0
    end = at
    first = found[at].low
    while end < len(found) and end not in taken:
        low = found[end].low
        if low in _SMALL:
            small = float(_SMALL[low])
            if end > at and not (current % 100 == 0 or (current % 10 == 0 and 20 <= current % 100 and small < 10)):
                break
            current += small
        elif low == "hundred" and current:
            current *= 100
        elif low in SCALE and low not in ("k", "hundred"):
            total += (current or 1.0) * SCALE[low]
            current = 0.0
        elif low in ("-", "and") and _goes_on(found, end, low, current or total):
            pass
        else:
            break
        end += 1
    value = total + current
    if end < len(found) and found[end].low == "-" and end + 1 < len(found) and found[end + 1].low in ORDINALS:
        return value + ORDINALS[found[end + 1].low], "ordinal", end + 2, False  # "twenty-first"
    if part := _fraction(found, at, value, end):
        return part
    alone = end == at + 1 and first == "one"
    if alone and (at and found[at - 1].low in ("no", "the", "every", "this", "that", "not")):
        return None
    free = alone and (end >= len(found) or found[end].low in ("of", "another", "who", "that") or not found[end].content)
    return value, "", end, free


def _goes_on(found: Sequence[Token], at: int, low: str, so_far: float) -> bool:
    if at + 1 >= len(found) or found[at + 1].low not in _SMALL:
        return False
    small = _SMALL[found[at + 1].low]
    if low == "-":
        return so_far % 10 == 0 and 20 <= so_far % 100 <= 90 and 0 < small < 10
    return found[at - 1].low in SCALE and small > 0


def _scaled(found: Sequence[Token], value: float, end: int, taken: set[int]) -> _Number:
    """Apply the `million` behind a number in digits."""
    while end < len(found) and end not in taken and found[end].low in SCALE:
        value *= SCALE[found[end].low]
        end += 1
    if part := _fraction(found, end, value, end):
        return part
    return value, "", end, False


def _measured(found: Sequence[Token], value: float, end: int) -> tuple[float, str, int]:
    """Read the unit behind a number."""
    look = end + (end + 1 < len(found) and found[end].low == "-" and found[end].glued)
    if look >= len(found):
        return value, "", end
    token = found[look]
    if token.low in ("square", "sq", "cubic") and look + 1 < len(found) and (unit := unit_of(found[look + 1])):
        power, name = (3, "volume") if token.low == "cubic" else (2, "area")
        return value * unit[1] ** power, name, look + 2
    if token.low == "degree" or token.low == "degrees" or token.low == "°":
        scale = found[look + 1] if look + 1 < len(found) else NOTHING
        known = unit_of(scale) if scale.low in ("celsius", "fahrenheit", "c", "f") else None
        return (value, known[0], look + 2) if known else (value, "degree", look + 1)
    if token.low == "light" and look + 2 < len(found) and found[look + 2].low in ("year", "years"):
        return value, "light", look + 3
    if token.low == "m" and end - 2 >= 0 and found[end - 2].low in MONEY:
        return value * 1e6, "", look + 1
    if token.low in ("c", "f", "l", "g", "m") and not token.glued and not token.text.isupper() and token.low != "m":
        short = token.low in ("g", "l")
        return (value * UNITS[token.low][1], UNITS[token.low][0], look + 1) if short else (value, "", end)
    unit = unit_of(token)
    return (value * unit[1], unit[0], look + 1) if unit else (value, "", end)


def _with_units(read: Sequence[tuple[Quantity, bool]]) -> list[Quantity]:
    """Give the first number of "5 to 10 percent" and of "5 or 6 miles" the unit of the second."""
    items = [quantity for quantity, _ in read]
    for n in range(len(items) - 2, -1, -1):
        this, behind = items[n], items[n + 1]
        if read[n][1] and not this.dimension and not this.things and behind.dimension not in ("", "ordinal", "times"):
            size = next((s for w, (d, s) in UNITS.items() if d == behind.dimension and w in behind.words.lower()), 1.0)
            items[n] = Quantity(this.value * size, behind.dimension, this.bound, this.words, (), this.free)
    return items


def _things(found: Sequence[Token], at: int, taken: set[int]) -> tuple[str, ...]:
    """Return the stems of up to three content words behind a number, as far as the next number or mark."""
    stems: list[str] = []
    for place in range(at, min(at + 7, len(found))):
        token = found[place]
        number = token.kind == "number" or token.low in _SMALL or token.low in SCALE
        if place in taken or number or (token.kind == "mark" and token.low != "-") or token.low in ("and", "or"):
            break
        if token.content:
            stems.append(stem(token.low))
    return tuple(stems[:3])
