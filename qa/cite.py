"""Evidence to verified citations: each quote is compared with the stored text just before it is shown."""

from __future__ import annotations

from collections.abc import Iterable

from index.library import Library
from index.types import Article, Evidence
from qa.reader.select import ShortAnswer
from qa.types import Citation


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
            )
        )
    return tuple(held)
