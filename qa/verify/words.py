"""Words in a text: where they stand, and how others differ from them.

What is compared is what a person sees. White space, the kind of quotation marks, apostrophes and hyphens, an ellipsis
of one character or three, and characters without a width make no difference; every letter, digit and other mark does.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from index.split import Span
from qa.report.shown import CONTROLS_OF_DIRECTION, visible

_SAME = dict.fromkeys(map(ord, "‘’‚‛′ʼ`"), "'") | dict.fromkeys(map(ord, "“”„‟″«»"), '"')
_SAME |= dict.fromkeys(map(ord, "‐‑"), "-") | {ord("…"): "..."}
_SAME |= dict.fromkeys(map(ord, CONTROLS_OF_DIRECTION + "\u00ad\u200b\u200e\u200f\u2060\ufeff"), "")
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+(?:['’.,-]\w+)*|[^\w\s]")
_TOKEN = re.compile(rf"\s+|{_WORD.pattern}")
_CUT = re.compile(r"\s*[\[(]\s*(?:…|\.\s?\.\s?\.)\s*[\])]\s*|\s*(?:…|\.\s?\.\s?\.)\s*")
_APART = 2_000  # characters that an ellipsis may stand for
_LONGEST = 3_000  # characters that are compared

SIMILAR = 0.5
"""Share of words, 0 to 1, from which on a sentence is taken for another one that was changed."""


def fold(text: str) -> str:
    r"""Return a text with what makes no difference made equal.

    >>> fold("“It’s\n hard…”")
    '"It\'s hard..."'
    """
    return _SPACE.sub(" ", visible(text).translate(_SAME)).strip()


def occurrences(quote: str, text: str, folded: str) -> Iterator[Span]:
    """Yield each span of a text in which a quote stands, whole words of it, in order.

    Args:
        quote: As it was written down.
        text: The article's canonical text.
        folded: The same, folded; kept by the caller, who looks for many quotes.
    """
    for form in dict.fromkeys((quote, unicodedata.normalize("NFC", quote), unicodedata.normalize("NFD", quote))):
        words = fold(form)
        if not words or words not in folded:
            continue
        before, after = r"(?<!\w)" if words[0].isalnum() else "", r"(?!\w)" if words[-1].isalnum() else ""
        places: list[int] = []
        for match in re.finditer(before + re.escape(words) + after, folded):
            places = places or _places(text)
            yield places[match.start()], places[match.end() - 1] + 1
        if places:
            return


def cut(quote: str) -> list[str]:
    """Return the parts of a quote that was cut with an ellipsis, in brackets or not; one part if it was not.

    >>> cut("The U.S. […] struck five sites ... on Sunday.")
    ['The U.S.', 'struck five sites', 'on Sunday.']
    """
    return [part for part in _CUT.split(quote) if part.strip()]


def in_parts(quote: str, text: str, folded: str) -> Span | None:
    """Return where a cut quote stands, from its first part to its last, in order and near each other, if it does."""
    first, *others = cut(quote) or [""]
    for start, end in occurrences(first, text, folded):
        for part in others:
            following = (s for s in occurrences(part, text, folded) if end <= s[0] <= end + _APART)
            found = next(following, None)
            if found is None:
                break
            end = found[1]
        else:
            return start, end
    return None


class Near(NamedTuple):
    """The words of a sentence that come nearest to a quote.

    Attributes:
        number: Which sentence, -1 for none.
        span: Where in it they stand.
        share: Of words in common, in order, 0 to 1: `2 M / T` of `difflib`, with M words in common of T.
    """

    number: int
    span: Span
    share: float


def nearest(quote: str, sentences: Sequence[str], *, part: bool = False) -> Near:
    """Return the sentence, or as many words of one, that have most in common with a quote.

    The ten sentences that share most kinds of words with it are compared word by word, those with too few left out.

    Args:
        part: Whether the quote may be a part of a sentence.
    """
    words = _words(quote)
    known = set(words)
    split = [list(_WORD.finditer(sentence[:_LONGEST])) for sentence in sentences]
    shares = [len(known & {fold(match[0]).lower() for match in found}) / (len(found) ** 0.5 or 1) for found in split]
    best = Near(-1, (0, 0), 0.0)
    for number in sorted(range(len(sentences)), key=lambda n: -shares[n])[:10]:
        found = split[number]
        others = [fold(match[0]).lower() for match in found]
        first = _window(words, others) if part and len(others) > len(words) else 0
        last = first + len(words) if part else len(others)
        matcher = difflib.SequenceMatcher(None, words, others[first:last], autojunk=False)
        # The bound is cheap; the share itself is slow where few kinds of words are repeated often.
        share = matcher.ratio() if matcher.quick_ratio() > max(best.share, SIMILAR / 2) else 0.0
        if found and share > best.share:
            best = Near(number, (found[first].start(), found[min(last, len(found)) - 1].end()), share)
    if best.number >= 0 and not part:
        best = best._replace(span=(0, len(sentences[best.number])))
    return best


def _window(words: Sequence[str], others: Sequence[str]) -> int:
    """Return where the run of as many other words begins that holds most of the words."""
    known = set(words)
    sizes = [0]
    for other in others:
        sizes.append(sizes[-1] + (other in known))
    return max(range(len(others) - len(words) + 1), key=lambda first: sizes[first + len(words)] - sizes[first])


def difference(was: str, now: str) -> str:
    """Return what became of words: what was taken out in `[-…-]`, what came in `{+…+}`.

    >>> difference("About 5,000 troops remain.", "About 4,500 troops remain there.")
    'About [-5,000-]{+4,500+} troops remain {+there+}.'
    """
    old, new = _tokens(was), _tokens(now)
    shown: list[str] = []
    matcher = difflib.SequenceMatcher(None, [fold(t) for t in old], [fold(t) for t in new], autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            shown += new[c:d]
            continue
        gone, came = "".join(old[a:b]).strip(), "".join(new[c:d]).strip()
        before = (old[a:b] or new[c:d])[0].isspace()
        after = (new[c:d] or old[a:b])[-1].isspace()
        shown.append(" " * before + (f"[-{gone}-]" if gone else "") + (f"{{+{came}+}}" if came else "") + " " * after)
    return " ".join("".join(shown).split())


def _places(text: str) -> list[int]:
    """Return for each character of the folded text which one of the text it came from."""
    places: list[int] = []
    spaced = True  # at the beginning white space is left out
    for number, character in enumerate(text):
        for folded in visible(character).translate(_SAME):
            space = folded.isspace()
            if not (space and spaced):
                places.append(number)
            spaced = space
    return places


def _words(text: str) -> list[str]:
    return [fold(word).lower() for word in _WORD.findall(text[:_LONGEST])]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text[:_LONGEST])
