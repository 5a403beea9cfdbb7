"""The desk: the whole article of a citation, with its sentence marked.

Links point at places of the conversation, `#c0-1` for citation 1 of turn 0 and `#n0-1` for the first of its closest
sentences, so that nothing of an article is in an address.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from index.split import is_heading
from index.types import Article
from qa.report.notes import day, link
from qa.types import Citation
from ui.render.text import escape, line, quote

_PLACE = re.compile(r"#([cn])(\d{1,6})-(\d{1,6})")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
_TRAIL = (
    '<nav class="trail" aria-label="Citations" hidden>'
    '<button type="button" class="step" data-by="-1" aria-label="Previous citation" aria-keyshortcuts="p">←</button>'
    '<span id="where"></span>'
    '<button type="button" class="step" data-by="1" aria-label="Next citation" aria-keyshortcuts="n">→</button>'
    '<span class="keys">keys <kbd>p</kbd> <kbd>n</kbd></span>'
    '<details class="all"><summary>All<span> citations</span></summary><div class="list"></div></details>'
    '<button type="button" class="close">Close</button></nav>'
)
"""The way through all citations of the conversation; `trail.js` fills it from what is on the page."""

_WRAPPED = 100  # characters of the longest line of a text that was wrapped by hand


class Place(NamedTuple):
    """Where a link of the conversation points."""

    cited: bool
    """Whether at a citation, not at one of the closest sentences."""
    turn: int
    number: int


def place(address: str) -> Place | None:
    """Return where a link points, None if it is none of ours.

    >>> place("#c2-1")
    Place(cited=True, turn=2, number=1)
    """
    match = _PLACE.fullmatch(address)
    return Place(match[1] == "c", int(match[2]), int(match[3])) if match else None


def desk(article: Article | None, citation: Citation, address: str = "") -> str:
    """Return the whole article with the cited sentence marked, or say that it is not the cited one any more.

    Args:
        address: The link that led here.
    """
    if article is None:
        return _gone(citation, address, "This article was removed from the library after the answer was given.")
    start, end = citation.start, citation.end
    if article.revision != citation.revision or article.text[start:end] != citation.quote:
        why = "This article was changed after the answer was given; ask again to read it as it is now."
        return _gone(citation, address, why)
    original = _original(link(citation, article.text))
    return _sheet(article, address, original, _text(article, citation))


def blank_desk() -> str:
    """Return the desk before anything lies on it."""
    return (
        f'<div class="sheet">{_TRAIL}<div class="blank"><p>Click a number, such as <span class="cite">1</span>, behind '
        "a sentence, and the article it was taken from opens here with the sentence marked.</p></div></div>"
    )


def _gone(citation: Citation, address: str, why: str) -> str:
    article = Article(citation.article_id, citation.title, "", citation.source, published=citation.published)
    return _sheet(
        article,
        address,
        _original(link(citation)),
        f'<p class="gone" role="alert">{escape(why)}</p><p class="then">It said:</p>'
        f'<blockquote dir="auto">{escape(citation.quote)}</blockquote>',
    )


def _sheet(article: Article, address: str, original: str, body: str) -> str:
    head = line("origin", [article.source, day(article.published)])
    by = f"<span>By <bdi>{escape(article.author)}</bdi></span>" if article.author else ""
    byline = " · ".join(part for part in (by, original) if part)
    foot = f'<p class="byline">{byline}</p>' if byline else ""
    return (
        f'<article class="sheet" data-place="{escape(address)}">{_TRAIL}<header>{head}'
        f'<h2 tabindex="-1" dir="auto">{escape(article.title)}</h2>{foot}</header>'
        f'<div class="text" tabindex="0" role="region" aria-label="Article">{body}</div></article>'
    )


def _text(article: Article, citation: Citation) -> str:
    """Return the text in paragraphs; what is between them is kept, so that its plain text is the article's."""
    text, start, end = article.text, citation.start, citation.end
    pieces: list[str] = []
    at = 0
    for match in _PARAGRAPH_END.finditer(text):
        if match.start() < end and start < match.end():  # a quote stays in one piece
            continue
        pieces.append(_paragraph(article, at, match.start(), citation) + escape(match[0]))
        at = match.end()
    pieces.append(_paragraph(article, at, len(text), citation))
    return "".join(pieces)


def _paragraph(article: Article, first: int, last: int, citation: Citation) -> str:
    text, start, end = article.text, citation.start, citation.end
    if first == last:
        return ""
    cited = first <= start and end <= last and start < end
    inner = escape(text[first:last])
    if cited:
        mark = f'<mark id="cited" tabindex="-1" aria-describedby="where">{quote(citation)}</mark>'
        inner = f"{escape(text[first:start])}{mark}{escape(text[end:last])}"
    return f'<p class="{_look(article, first, last, cited)}" dir="auto">{inner}</p>'


def _look(article: Article, first: int, last: int, cited: bool) -> str:
    """Return how a paragraph looks: a heading, lines wrapped by hand that may flow, or as it is."""
    paragraph = article.text[first:last]
    if first == 0 and paragraph.strip() == article.title and not cited:
        return "repeated"
    if is_heading(article.text, first, last):
        return "heading"
    lines = paragraph.split("\n")
    flows = len(lines) > 1 and 40 <= max(map(len, lines)) <= _WRAPPED and all(len(line) >= 40 for line in lines[:-1])
    return "flows" if flows else "kept"


def _original(address: str) -> str:
    """Return a link to the original, its host written out, that scrolls to the quote; "" where none is known."""
    if not address:
        return ""
    return (
        f'<a class="original" href="{escape(address)}" target="_blank" rel="noopener noreferrer">'
        f"Original on {escape(urlsplit(address).netloc)}</a>"
    )
