"""Answers and articles as HTML. Whatever comes from an article or a person is shown as text, never read as markup.

Pure functions, no page. Links point at places of the conversation, `#c0-1` for citation 1 of turn 0 and `#n0-1`
for the first of its closest sentences, so that nothing of an article is in an address.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from index.split import is_heading
from index.types import Article
from qa.report.notes import day, web
from qa.types import Answer, Citation, Turn

_ENTITIES = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation + "\t\n\r"}
_PLACE = re.compile(r"#([cn])(\d{1,6})-(\d{1,6})")
_NUMBER = re.compile(r"\[(\d{1,3})\]")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
_WRAPPED = 100  # characters of the longest line of a text that was wrapped by hand


class Place(NamedTuple):
    """Where a link of the conversation points."""

    cited: bool
    """Whether at a citation, not at one of the closest sentences."""
    turn: int
    number: int


def escape(text: str) -> str:
    """Return a text as HTML that is also inert in Markdown and LaTeX, on one line.

    >>> escape("**<b>** $x$")
    '&#42;&#42;&#60;b&#62;&#42;&#42; &#36;x&#36;'
    """
    return text.translate(_ENTITIES)


def question(text: str) -> str:
    """Return a question as it was asked."""
    return f'<div class="question" dir="auto">{escape(text)}</div>'


def searching(articles: int, *, warm: bool = True) -> str:
    """Return what stands in for an answer while it is looked for, or while the models for it are still loaded."""
    waiting = "" if warm else " The first answer takes a few seconds longer."
    return f'<div class="searching">Searching {_count(articles, "article")}…{waiting}</div>'


def unchecked(text: str) -> str:
    """Return what a language model has said so far, marked as not yet checked."""
    return f'<div class="unchecked"><p class="not-yet">Not yet checked:</p><p dir="auto">{escape(text)}</p></div>'


def problem(text: str) -> str:
    """Return the sentence that tells what went wrong."""
    return f'<div class="problem" dir="auto">{escape(text)}</div>'


def message(turn: Turn, index: int) -> str:
    """Return what was answered in a turn: an answer with its sources, or the sentence that tells what went wrong.

    Args:
        turn: The turn; a string in the place of its answer is a problem.
        index: Its place in the conversation, from 0.
    """
    if isinstance(turn.answer, str):
        return problem(turn.answer)
    answer = turn.answer
    body = (_answered(answer, index) if answer.answered else _abstained(answer, index)) + _remarks(answer)
    return f'<div class="answer {answer.status} engine-{escape(answer.engine)}">{_read_as(answer)}{body}</div>'


def place(address: str) -> Place | None:
    """Return where a link points, None if it is none of ours.

    >>> place("#c2-1")
    Place(cited=True, turn=2, number=1)
    """
    match = _PLACE.fullmatch(address)
    return Place(match[1] == "c", int(match[2]), int(match[3])) if match else None


def desk(article: Article | None, citation: Citation) -> str:
    """Return the whole article with the cited sentence marked, or say that it is not the cited one any more."""
    if article is None:
        return _gone(citation, "This article was removed from the library after the answer was given.")
    start, end = citation.start, citation.end
    if article.revision != citation.revision or article.text[start:end] != citation.quote:
        return _gone(
            citation, "This article was changed after the answer was given; ask again to read it as it is now."
        )
    return _sheet(article, f'<div class="text" tabindex="0">{_text(article, start, end)}</div>')


def blank_desk() -> str:
    """Return the desk before anything lies on it."""
    return (
        '<div class="blank"><p>Click a number, such as <span class="cite">1</span>, behind a sentence, and the article '
        "it was taken from opens here with the sentence marked.</p></div>"
    )


def welcome(articles: int, examples: Sequence[str]) -> str:
    """Return the greeting of an empty conversation over a library that holds articles."""
    offered = "".join(f'<button type="button" class="example" dir="auto">{escape(text)}</button>' for text in examples)
    tried = f'<p class="try">For example</p><div class="examples">{offered}</div>' if offered else ""
    return (
        '<div class="welcome"><h2>Ask your articles</h2>'
        f"<p>Every answer is made of exact sentences from {_count(articles, 'article')}. "
        f"Where they do not answer, it says so.</p>{tried}</div>"
    )


def welcome_empty(folder: str, kinds: Sequence[str]) -> str:
    """Return the greeting of a library without articles: how to fill it."""
    where = f'in <code dir="ltr">{escape(folder)}</code>' if folder else "in the articles folder"
    return (
        '<div class="welcome"><h2>There are no articles yet</h2>'
        f"<p>Put some {where} and start the chat again.</p>"
        f'<p class="kinds">Files that are read: {escape(" ".join(sorted(kinds)))}</p></div>'
    )


def library_line(articles: int, sentences: int, notices: Sequence[str], refused: Sequence[str]) -> str:
    """Return the line on top: what is in the library, and what a person should know about it."""
    counts = f"{_count(articles, 'article')}, {_count(sentences, 'sentence')}"
    line = f'<h1 class="name">article-qa</h1><p class="counts">{counts}</p>'
    told = "".join(f'<p class="notice" dir="auto">{escape(text)}</p>' for text in notices)
    if refused:
        files = "".join(f'<li dir="auto">{escape(text)}</li>' for text in refused)
        summary = f"<summary>{_count(len(refused), 'file')} not read</summary>"
        told += f'<details class="notice">{summary}<ul>{files}</ul></details>'
    return line + told


def _answered(answer: Answer, index: int) -> str:
    sources = "".join(_source(citation, index) for citation in answer.citations)
    return f'<p class="said" dir="auto">{_said(answer, index)}</p><ol class="sources">{sources}</ol>'


def _abstained(answer: Answer, index: int) -> str:
    said = f'<p class="said" dir="auto">{escape(answer.text)}</p>'
    if not answer.closest:
        return said
    near = "".join(
        f'<li><a class="place near" href="#n{index}-{citation.number}"><bdi>{escape(citation.quote)}</bdi></a>'
        f"{_from(citation)}</li>"
        for citation in answer.closest
    )
    return f'{said}<p class="closest-are">The closest sentences are:</p><ul class="closest">{near}</ul>'


def _said(answer: Answer, index: int) -> str:
    """Return the answer's text with its numbers as links, and only those: a quote may hold a `[1]` of its own."""
    verbatim = " ".join(f"{' '.join(citation.quote.split())} [{citation.number}]" for citation in answer.citations)
    if answer.text == verbatim:
        return " ".join(
            f'<q><bdi dir="auto">{_quote(citation)}</bdi></q>&nbsp;{_link(citation, index)}'
            for citation in answer.citations
        )
    numbered = {citation.number: citation for citation in answer.citations}
    parts = _NUMBER.split(answer.text)
    html = escape(parts[0])
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        citation = numbered.get(int(number))
        html += (_link(citation, index) if citation else escape(f"[{number}]")) + escape(text)
    return html


def _quote(citation: Citation) -> str:
    """Return the quote with the short answer in it set off."""
    quote = citation.quote
    if citation.answer_start is None or citation.answer_end is None:
        return escape(quote)
    start, end = citation.answer_start - citation.start, citation.answer_end - citation.start
    return f"{escape(quote[:start])}<strong>{escape(quote[start:end])}</strong>{escape(quote[end:])}"


def _link(citation: Citation, index: int) -> str:
    return (
        f'<a class="place cite" href="#c{index}-{citation.number}" title="{escape(citation.title)}">'
        f'<span class="bracket">&#91;</span>{citation.number}<span class="bracket">&#93;</span></a>'
    )


def _source(citation: Citation, index: int) -> str:
    return (
        f'<li><a class="place source" href="#c{index}-{citation.number}"><span class="number">{citation.number}</span>'
        f' <bdi class="title">{escape(citation.title)}</bdi></a>{_from(citation, title=False)}'
        f'<blockquote dir="auto">{escape(citation.quote)}</blockquote></li>'
    )


def _from(citation: Citation, *, title: bool = True) -> str:
    parts = [citation.title if title else "", citation.source, day(citation.published)]
    return _line("from", parts)


def _line(name: str, parts: Sequence[str]) -> str:
    shown = " · ".join(f"<bdi>{escape(part)}</bdi>" for part in parts if part)
    return f'<p class="{name}">{shown}</p>' if shown else ""


def _read_as(answer: Answer) -> str:
    if answer.standalone_question == answer.question:
        return ""
    return f'<p class="read-as">Read as: <bdi>{escape(answer.standalone_question)}</bdi></p>'


def _remarks(answer: Answer) -> str:
    return "".join(f'<p class="remark" dir="auto">{escape(text)}</p>' for text in answer.remarks)


def _gone(citation: Citation, why: str) -> str:
    article = Article(
        citation.article_id, citation.title, "", citation.source, citation.url, published=citation.published
    )
    return _sheet(
        article,
        f'<div class="text" tabindex="0"><p class="gone" role="alert">{escape(why)}</p><p class="then">It said:</p>'
        f'<blockquote dir="auto">{escape(citation.quote)}</blockquote></div>',
    )


def _sheet(article: Article, body: str) -> str:
    head = _line("origin", [article.source, day(article.published)])
    by = f"<span>By <bdi>{escape(article.author)}</bdi></span>" if article.author else ""
    byline = " · ".join(part for part in (by, _original(article.url)) if part)
    foot = f'<p class="byline">{byline}</p>' if byline else ""
    return (
        '<article class="sheet"><header><button type="button" class="close">Close</button>'
        f'{head}<h2 tabindex="-1" dir="auto">{escape(article.title)}</h2>{foot}</header>{body}</article>'
    )


def _text(article: Article, start: int, end: int) -> str:
    """Return the text in paragraphs; what is between them is kept, so that its plain text is the article's."""
    text = article.text
    pieces: list[str] = []
    at = 0
    for match in _PARAGRAPH_END.finditer(text):
        if match.start() < end and start < match.end():  # a quote stays in one piece
            continue
        pieces.append(_paragraph(article, at, match.start(), start, end) + escape(match[0]))
        at = match.end()
    pieces.append(_paragraph(article, at, len(text), start, end))
    return "".join(pieces)


def _paragraph(article: Article, first: int, last: int, start: int, end: int) -> str:
    text = article.text
    if first == last:
        return ""
    cited = first <= start and end <= last and start < end
    inner = escape(text[first:last])
    if cited:
        mark = f'<mark id="cited" tabindex="-1">{escape(text[start:end])}</mark>'
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


def _original(url: str) -> str:
    """Return a link to the original, its host written out; "" for an address a browser may read in another way."""
    known = web(url)
    if not known:
        return ""
    return (
        f'<a class="original" href="{escape(url)}" target="_blank" rel="noopener noreferrer">'
        f"Original on {escape(urlsplit(known).netloc)}</a>"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
