"""A text as tokens that can be compared: one spelling for what is written in several."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from index.terms import STOP, terms

_SAME = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "«": '"', "»": '"', "„": '"', "—": " - "}
    | dict.fromkeys("–−‑‐", "-")
    | dict.fromkeys("\u00a0\u202f\u2009", " ")
)

# Names of several words or with dots, as one word. The order matters: the longer goes first.
_PHRASES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"\b(?:the )?United States(?: of America)?\b|\bU\.S\.A\.|\bU\.S\.(?!\w)|\bUSA\b|\bUS(?=\$|\b)", " Usa "),
        (r"\b(?:the )?United Kingdom\b|\bGreat Britain\b|\bU\.K\.|\bUK\b", " Britain "),
        (r"\b(?:the )?European Union\b|\bE\.U\.", " EU "),
        (r"\b(?:the )?United Nations\b|\bU\.N\.", " UN "),
        (r"\bSouth Korean?s?\b", " Southkorea "),
        (r"\bNorth Korean?s?\b", " Northkorea "),
        (r"\bSouth Africans?\b|\bSouth Africa\b", " Southafrica "),
        (r"\bSaudi Arabian?s?\b|\bSaudis?\b", " Saudi "),
        (r"\bNew Zealand(?:ers?)?\b", " Newzealand "),
        (r"\bSri Lankan?s?\b", " Srilanka "),
        (r"(?i)\bper cent\b", " percent "),
        (r"(?i)\b([ap])\.\s?m\.", r" \1m "),
        (r"(?i)\bno one\b", " nobody "),
        (r"(?i)\bno longer\b", " nolonger "),
        (r"(?i)\bcan ?not\b", " can not "),
        (r"(?i)\bwon't\b", " will not "),
        (r"(?i)n't\b", " not "),
    )
)
_TOKEN = re.compile(
    r"(?P<number>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)|(?P<mark>[^\s\w]|_)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number in digits or a mark.

    Attributes:
        text: As it stands, without a possessive ending.
        low: In lower case, without accents.
        glued: Whether it follows the token before it with no space between.
        owns: Whether it had a possessive ending.
        place: Its offset in the text that was normalised.
    """

    text: str
    low: str
    kind: str
    glued: bool
    owns: bool
    place: int

    @property
    def capital(self) -> bool:
        """Whether it is a word that starts with a capital letter."""
        return self.kind == "word" and self.text[0].isupper()

    @property
    def content(self) -> bool:
        """Whether it is a word that says something, unlike `the`."""
        return self.kind == "word" and len(self.low) > 1 and self.low not in STOP and self.low not in _EMPTY


NOTHING = Token("", "", "mark", False, False, -1)
"""What stands behind the last token."""

ROMAN = {"II": 2, "III": 3, "IV": 4, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "XI": 11, "XII": 12, "XIV": 14, "XVI": 16}
"""Numbers behind the names of wars, kings and popes."""

_ORDINAL_WORDS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
ORDINALS = {word: number for number, word in enumerate(_ORDINAL_WORDS.split())}

_EMPTY = frozenset(
    "and but or yet since before after until during without within among between upon via per not never nobody none "
    "neither nor nothing nolonger much many also still already even ever another every each any however because "
    "although though whether up down one onto toward towards against amid around across along near".split()
)


def plain(text: str) -> str:
    """Return a text with one spelling for what is written in several, on one line, without invisible characters.

    >>> plain("The U.S. lost 5 per cent – “so far”")
    'The Usa lost 5 percent - "so far"'
    """
    text = "".join(c for c in unicodedata.normalize("NFKC", text.translate(_SAME)) if unicodedata.category(c) != "Cf")
    for pattern, name in _PHRASES:
        text = pattern.sub(name, text)
    return " ".join(text.split())


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text that `plain` gave."""
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        kind, word = str(match.lastgroup), match[0]
        owns = kind == "word" and word.lower().endswith("'s")
        word = word[:-2] if owns else word
        found.append(Token(word, fold(word), kind, match.start() == end, owns, match.start()))
        end = match.end()
    return found


def fold(word: str) -> str:
    """Return a word in lower case without accents."""
    parts = unicodedata.normalize("NFKD", word.lower())
    return "".join(c for c in parts if not unicodedata.combining(c))


_PAST = dict(
    pair.split("/")
    for pair in "found/find took/take taken/take went/go gone/go made/make gave/give given/give met/meet paid/pay "
    "saw/see seen/see knew/know known/know lost/lose won/win kept/keep left/leave began/begin begun/begin came/come "
    "became/become wrote/write written/write broke/break broken/break chose/choose chosen/choose fell/fall fallen/fall "
    "rose/rise risen/rise grew/grow grown/grow led/lead held/hold sold/sell bought/buy told/tell thought/think "
    "brought/bring built/build sent/send spent/spend ran/run beaten/beat shot/shoot stole/steal stolen/steal "
    "struck/strike fought/fight caught/catch drove/drive driven/drive flew/fly flown/fly spoke/speak spoken/speak "
    "sank/sink sunk/sink stood/stand swam/swim drew/draw drawn/draw felt/feel heard/hear lent/lend meant/mean "
    "taught/teach wore/wear threw/throw".split()
)


def stem(word: str) -> str:
    """Return the term of a word, that of its present where its past is another, "" if it has none."""
    found = terms(_PAST.get(word, word))
    return found[0] if found else ""


def clauses(found: list[Token]) -> list[list[Token]]:
    """Split at marks and at `but`, `while` and the like."""
    parts: list[list[Token]] = [[]]
    for token in found:
        if token.low in _BREAKS:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


_BREAKS = frozenset([*',;:.!?()"', "but", "while", "whereas", "although", "though", "because"])


def as_it_stands(found: Sequence[Token], start: int, end: int) -> str:
    """Return tokens as they stand, for people."""
    said = ""
    for token in found[start:end]:
        said += token.text if token.glued else f" {token.text}"
    return said.strip()
