"""What was asked and what was answered: an answer with its sources, an abstention, or what went wrong."""

from __future__ import annotations

import re

from qa.report.notes import day
from qa.types import Answer, Citation, Turn
from ui.render.text import count, escape, line, quote

_STEPS = {"question": "question", "retrieve": "searched", "read": "read", "write": "worded", "cite": "checked"}
_ENGINES = {"chroma": "nearest passages by Chroma", "exact": "nearest passages by exact search"}
_NUMBER = re.compile(r"\[(\d{1,3})\]")


def question(text: str) -> str:
    """Return a question as it was asked."""
    return f'<div class="question" dir="auto">{escape(text)}</div>'


def searching(articles: int, *, warm: bool = True) -> str:
    """Return what stands in for an answer while it is looked for, or while the models for it are still loaded."""
    waiting = "" if warm else " The first answer takes a few seconds longer."
    return f'<div class="searching">Searching {count(articles, "article")}…{waiting}</div>'


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
    said = _answered(answer, index) if answer.answered else _abstained(answer, index)
    body = said + _remarks(answer, index) + _how(answer)
    return f'<div class="answer {answer.status} engine-{escape(answer.engine)}">{_read_as(answer)}{body}</div>'


def _answered(answer: Answer, index: int) -> str:
    newest = answer.newest
    sources = "".join(_source(citation, index, citation.number in newest) for citation in answer.citations)
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
            f'<q><bdi dir="auto">{quote(citation)}</bdi></q>&nbsp;{_link(citation, index)}'
            for citation in answer.citations
        )
    return _linked(answer.text, answer, index)


def _linked(text: str, answer: Answer, index: int) -> str:
    """Return a text in which the numbers of citations are links."""
    numbered = {citation.number: citation for citation in answer.citations}
    parts = _NUMBER.split(text)
    html = escape(parts[0])
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        citation = numbered.get(int(number))
        html += (_link(citation, index) if citation else escape(f"[{number}]")) + escape(text)
    return html


def _link(citation: Citation, index: int) -> str:
    return (
        f'<a class="place cite" href="#c{index}-{citation.number}" title="{escape(citation.title)}">'
        f'<span class="bracket">&#91;</span>{citation.number}<span class="bracket">&#93;</span></a>'
    )


def _source(citation: Citation, index: int, newest: bool) -> str:
    mark = ' <span class="newest">newest</span>' if newest else ""
    return (
        f'<li><a class="place source" href="#c{index}-{citation.number}"><span class="number">{citation.number}</span>'
        f' <bdi class="title">{escape(citation.title)}</bdi></a>{mark}{_from(citation, title=False)}'
        f'<blockquote dir="auto">{escape(citation.quote)}</blockquote></li>'
    )


def _from(citation: Citation, *, title: bool = True) -> str:
    parts = [citation.title if title else "", citation.source, day(citation.published)]
    return line("from", parts)


def _read_as(answer: Answer) -> str:
    if answer.standalone_question == answer.question:
        return ""
    return (
        f'<p class="read-as">Read as: <bdi>{escape(answer.standalone_question)}</bdi> '
        '<button type="button" class="change">Change</button></p>'
    )


def _how(answer: Answer) -> str:
    """Return how sure the answer is, and what it took."""
    sure = f'<p class="sure">{escape(answer.sure)}</p>' if answer.sure else ""
    told = sure + _took(answer)
    return f'<div class="how">{told}</div>' if told else ""


def _took(answer: Answer) -> str:
    """Return what each step took, on demand."""
    steps = [f"{said} {answer.timings_ms[step]:.0f} ms" for step, said in _STEPS.items() if step in answer.timings_ms]
    if not steps:
        return ""
    total = sum(spent for step, spent in answer.timings_ms.items() if step in _STEPS)
    told = " · ".join([*steps, f"{total:.0f} ms in all", _ENGINES.get(answer.engine, answer.engine)])
    return f'<details class="took"><summary>What it took</summary><p>{escape(told)}</p></details>'


def _remarks(answer: Answer, index: int) -> str:
    marked = "remark differ" if answer.differ else "remark"
    looks = [marked, *["remark"] * len(answer.remarks)]
    return "".join(
        f'<p class="{look}" dir="auto">{_linked(text, answer, index)}</p>'
        for look, text in zip(looks, answer.remarks, strict=False)
    )
