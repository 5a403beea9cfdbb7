"""Does this sentence support this claim? Deterministic, offline, and no language model asked.

    text        one spelling for what is written in several
    quantities  numbers with their units and bounds; units, dates
    names       people, places and organisations, in part or in another form
    sense       what is denied, which way things went, who did it to whom

Every number, quantity, date, name, quotation, address and tag of a claim must stand in its sentences, what they deny it
must not assert, and it must be about the same thing (`FLOOR`). It is a check of facts, not of logic: what a
claim leaves out, or says in words that hold none of these, passes if it is near.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.encoder import Encoder
from qa.support.dates import missing_date
from qa.support.names import missing_name
from qa.support.quantities import found_in, missing_quantity
from qa.support.sense import opposite, reversed_roles, wrong_denial
from qa.support.text import plain, tokens

FLOOR = 0.4
"""Cosine similarity of claim and sentences, as the packaged encoder sees them, below which they are about different
things. `python -m tests.bench.support` on the odd lines of `tests/gold/claims.jsonl`: of 46 claims that hold the lowest
has 0.49; of these claims beside the sentences of another source 99.4 % are below."""

_QUOTED = re.compile(r'"([^"]{2,})"')
_TAG = re.compile(r"<[a-z/!][^>]*>?", re.IGNORECASE)
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|\S+@\S+\.\w+|\b(?:javascript|data|mailto):\S+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim stands in its sentences.

    Attributes:
        failing: What does not stand there, in words; "" where all does.
    """

    failing: str

    @property
    def holds(self) -> bool:
        """Whether all of it stands there."""
        return not self.failing


def verdict(claim: str, sentences: Sequence[str], encoder: Encoder | None = None) -> Verdict:
    """Say whether sentences, taken together, support a claim.

    Args:
        encoder: What says how near they are; None to leave that out.

    >>> verdict("Five soldiers were hurt on Dec. 29.", ["On 29 December, 5 soldiers were hurt."]).holds
    True
    >>> verdict("Six soldiers were hurt.", ["On 29 December, 5 soldiers were hurt."]).failing
    '“Six” is not there'
    """
    said, told = plain(claim), plain(" \n ".join(sentences))
    if not any(character.isalnum() for character in said):
        return Verdict("it says nothing")
    if not told:
        return Verdict("there is no sentence")
    failing = _missing(said, told)
    if not failing and encoder is not None and nearness(claim, sentences, encoder) < FLOOR:
        failing = "it is about something else"
    return Verdict(failing)


def nearness(claim: str, sentences: Sequence[str], encoder: Encoder) -> float:
    """Return the cosine similarity of a claim to the nearest of its sentences, or to all together, -1 to 1."""
    texts = [claim, *sentences] + ([" ".join(sentences)] if len(sentences) > 1 else [])
    vectors, _ = encoder.passages(texts, [[] for _ in texts])
    return float((vectors[1:] @ vectors[0]).max())


def _missing(said: str, told: str) -> str:
    for quoted in _QUOTED.findall(said):
        if any(map(str.isalnum, quoted)) and _words(quoted) not in _words(told):
            return f"“{quoted}” is not said there"
    for address in [*_ADDRESS.findall(said), *_TAG.findall(said)]:
        if address.lower() not in told.lower():
            return f"“{address}” is not there"
    claim, known = tokens(said), tokens(told)
    numbers, dates = found_in(said, claim)
    known_numbers, known_dates = found_in(told, known)
    absent = (
        missing_date(dates, known_dates, {item.value for item in known_numbers if not item.dimension})
        or missing_quantity(numbers, known_numbers, known_dates)
        or missing_name(claim, known)
    )
    if absent:
        return f"“{absent}” is not there"
    if denied := wrong_denial(claim, known):
        return f"“{denied}” does not agree with it"
    if turned := opposite(claim, known):
        return f"“{turned}” is the opposite of what is said there"
    if roles := reversed_roles(claim, known):
        return f"“{roles}” is the other way round there"
    return ""


def _words(text: str) -> str:
    return " " + " ".join(token.low for token in tokens(text) if token.kind != "mark") + " "
