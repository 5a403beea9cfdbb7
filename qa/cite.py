"""Evidence to verified citations: each quote is compared with the stored text just before it is shown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from index.library import Library
from index.types import Article, Evidence
from qa.reader.select import ShortAnswer
from qa.types import Citation

_BLANK = re.compile(r"\n[^\S\n]*\n")
_NEAR = 20_000  # characters on each side in which a paragraph's ends are looked for
_EDGE = 40  # characters of a paragraph, without its white space, that tell it from others


def cite(evidence: Iterable[Evidence], library: Library, short: ShortAnswer | None = None) -> tuple[Citation, ...]:
    """Return a numbered citation for each sentence that still stands in the library as it was found.

    A citation holds if the article is there, its text still has the hash that the sentence was stored
    under, and `text[start:end]` is the quote. One that does not hold is left out.

    Args:
        short: The few words asked for, marked in the citation of their sentence.
    """
    held: list[Citation] = []
    articles: dict[str, tuple[Article, str] | None] = {}  # with the hash of the text as it is now
    for item in evidence:
        sentence = item.sentence
        if sentence.article_id not in articles:
            stored = library.article(sentence.article_id)
            articles[sentence.article_id] = (stored, stored.revision) if stored else None
        known = articles[sentence.article_id]
        if known is None or known[1] != sentence.revision:
            continue
        article = known[0]
        if article.text[sentence.start : sentence.end] != item.text or not item.text:
            continue
        first, last = library.around(sentence)
        within = short if short and short.evidence.sentence == sentence else None
        held.append(
            Citation(
                number=len(held) + 1,
                quote=item.text,
                article_id=article.id,
                revision=sentence.revision,
                title=article.title,
                source=article.source,
                url=article.url,
                published=article.published,
                start=sentence.start,
                end=sentence.end,
                answer_start=within.start if within else None,
                answer_end=within.end if within else None,
                score=round(item.score, 4),
                author=article.author,
                before=article.text[first : sentence.start],
                after=article.text[sentence.end : last],
                anchor=anchor(article.text, sentence.start, sentence.end),
            )
        )
    return tuple(held)


def anchor(text: str, start: int, end: int) -> str:
    """Return eight hex digits: four for the end of the paragraph before, four for the beginning of the one after.

    A paragraph that was moved has other neighbours on both sides. One that only shifted, because something further up
    grew or shrank, keeps one of them at least. Paragraphs end at blank lines; at line ends, where none is near.
    """
    above, below = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if _BLANK.search(above) or _BLANK.search(below):
        before = above[: max((match.start() for match in _BLANK.finditer(above)), default=0)]
        blank = _BLANK.search(below)
        after = below[blank.end() :] if blank else ""
    else:
        before, after = above.rpartition("\n")[0], below.partition("\n")[2]
    edges = "".join(before.split())[-_EDGE:], "".join(after.split())[:_EDGE]
    return "".join(hashlib.sha256(edge.encode()).hexdigest()[:4] for edge in edges)
