"""What a language model said, read strictly: claims, each with the numbers of the sentences it names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

_CLAIMS = 12
_LONGEST = 500  # characters of a claim

_NUMBERS = re.compile(r"\[\s*\d{1,6}(?:\s*[,;]\s*\d{1,6})*\s*\]")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of a language model, with the numbers of the sentences it names."""

    text: str
    numbers: tuple[int, ...]


def claims(text: str) -> tuple[Claim, ...]:
    """Return the claims of an answer, or of its beginning: of JSON by the schema, or of lines that end with numbers.

    >>> claims("The bridge opened in 1932. [3, 5]")
    (Claim(text='The bridge opened in 1932.', numbers=(3, 5)),)
    """
    text = bare(text)
    if text.startswith("{"):
        rows = as_object(text).get("claims")
        pairs = [
            (row["claim"], row.get("sentences"))
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict) and isinstance(row.get("claim"), str)
        ]
    else:
        pairs = [(line, None) for line in text.splitlines() if not "NONE".startswith(line.strip(" .*"))]
    found = []
    for said, given in pairs:
        numbers = [int(digits) for part in _NUMBERS.findall(said) for digits in re.findall(r"\d+", part)[:20]]
        if isinstance(given, list):
            numbers = [number for number in given if type(number) is int]
        worded = " ".join(_NUMBERS.sub(" ", re.sub(r"\[[\d,; ]*$", "", BULLET.sub("", on_one_line(said)))).split())
        worded = re.sub(r"\s+([.,;:!?])", r"\1", worded)
        found.append(Claim(worded[: _LONGEST + 1], tuple(dict.fromkeys(numbers))))
    return tuple(found[: _CLAIMS + 1])


def fits(claim: Claim) -> bool:
    """Say whether a claim is no longer than a claim may be."""
    return len(claim.text) <= _LONGEST


def bare(text: str) -> str:
    """Return an answer without what a model thinks aloud before it and the fence around it."""
    text = _THOUGHT.sub("", text).strip()
    return re.sub(r"^```\w*\s*|\s*```$", "", text)


def as_object(text: str) -> dict[str, Any]:
    """Return the object that a text begins, empty where it is none."""
    from langchain_core.utils.json import parse_partial_json

    try:
        found = parse_partial_json(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def on_one_line(text: str) -> str:
    """Return a text on one line, without invisible characters."""
    return " ".join(
        "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else " " * (c in "\n\r\t") for c in text).split()
    )
