"""Text of an article as any document can hold it: what has no shape gets one, and its direction stays inside."""

from __future__ import annotations

import re
import unicodedata

_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n\r"} | {127: "\u2421"}
_NONE = [*range(0x80, 0x85), *range(0x86, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0)]
_NONE += [plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)]
_VISIBLE = _PICTURES | dict.fromkeys(_NONE, "\ufffd")

_EMBEDDING, _END_OF_EMBEDDING = "\u202a\u202b\u202d\u202e", "\u202c"
_ISOLATE, _FIRST_STRONG, _END_OF_ISOLATE = "\u2066\u2067\u2068", "\u2068", "\u2069"
CONTROLS_OF_DIRECTION = _EMBEDDING + _END_OF_EMBEDDING + _ISOLATE + _END_OF_ISOLATE
_DIRECTED = frozenset({"R", "AL", "AN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_ASCII = re.compile(r"[\x00-\x7f]*")


def visible(text: str) -> str:
    r"""Return a text with its control characters as their pictures and what is no character as U+FFFD.

    Tabs and line ends stay. No XML and no terminal takes the rest as it is.

    >>> visible("a\x1b[31mb\tc")
    'a␛[31mb\tc'
    """
    return text.translate(_VISIBLE)


def one_line(text: str) -> str:
    """Return a text that is visible, with single spaces."""
    return " ".join(visible(text).split())


def isolated(text: str) -> str:
    r"""Return a text whose direction ends with it: one that runs or may run right to left stands between isolates.

    Unicode Standard Annex 9, 2.4: controls of direction that are left open are closed, and an end without a
    beginning is left out, so that `U+202E` in a quote turns nothing around behind it.

    >>> isolated("plain"), isolated("\u202eback").encode("unicode_escape").decode()
    ('plain', '\\u2068\\u202eback\\u202c\\u2069')
    """
    if _ASCII.fullmatch(text) or not any(unicodedata.bidirectional(c) in _DIRECTED for c in text):
        return text
    kept: list[str] = []
    opened: list[str] = []  # the ends that are due
    for character in text:
        if character in _EMBEDDING:
            opened.append(_END_OF_EMBEDDING)
        elif character in _ISOLATE:
            opened.append(_END_OF_ISOLATE)
        elif character == _END_OF_EMBEDDING:
            if not opened or opened[-1] != character:  # it cannot end an isolate
                continue
            opened.pop()
        elif character == _END_OF_ISOLATE:
            if character not in opened:
                continue
            while opened.pop() != character:
                kept.append(_END_OF_EMBEDDING)
        kept.append(character)
    return "".join([_FIRST_STRONG, *kept, *reversed(opened), _END_OF_ISOLATE])
