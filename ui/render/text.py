"""Text as HTML: whatever comes from an article or a person is shown as text, never read as markup."""

from __future__ import annotations

import string
from collections.abc import Sequence

from qa.types import Citation

_ENTITIES = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation + "\t\n\r"}


def escape(text: str) -> str:
    """Return a text as HTML that is also inert in Markdown and LaTeX, on one line.

    >>> escape("**<b>** $x$")
    '&#42;&#42;&#60;b&#62;&#42;&#42; &#36;x&#36;'
    """
    return text.translate(_ENTITIES)


def line(name: str, parts: Sequence[str]) -> str:
    """Return a paragraph of a class with the parts that are known, "" where none is."""
    shown = " · ".join(f"<bdi>{escape(part)}</bdi>" for part in parts if part)
    return f'<p class="{name}">{shown}</p>' if shown else ""


def count(number: int, what: str) -> str:
    """Return how many there are of something, in words.

    >>> count(1, "article"), count(1200, "article")
    ('1 article', '1,200 articles')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def quote(citation: Citation) -> str:
    """Return the quote of a citation with the short answer in it set off."""
    text = citation.quote
    if citation.answer_start is None or citation.answer_end is None:
        return escape(text)
    start, end = citation.answer_start - citation.start, citation.answer_end - citation.start
    return f"{escape(text[:start])}<strong>{escape(text[start:end])}</strong>{escape(text[end:])}"
