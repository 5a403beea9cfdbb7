"""A report as one HTML page that needs no network, no script and no other file; and an answer inside a notebook."""

from __future__ import annotations

import hashlib
import html
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from qa.report.notes import Entry, Note, about, entries, lead, link, unanswered
from qa.report.shown import one_line, visible

if TYPE_CHECKING:
    from qa.types import Citation, Report

_GAP = re.compile(r"\s*\n[^\S\n]*\n\s*")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(report: Report) -> str:
    """Return a report as a whole page."""
    several = len(report.answers) != 1 or bool(report.title)
    body = "".join(_entry(entry, "h2" if several else "") for entry in entries(report))
    if left := unanswered(report):
        questions = "".join(f"<li>{_bdi(question)}</li>" for question in left)
        body += f'<section class="open"><h2>Not answered</h2><ul>{questions}</ul></section>'
    title = escape(one_line(report.heading))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="generator" content="article-qa">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n"
        f'<body>\n<main class="article-qa-report">\n<header><h1>{_bdi(report.heading)}</h1>'
        f'<p class="made">{escape(lead(report))}</p></header>\n{body}</main>\n</body>\n</html>\n'
    )


def fragment(report: Report) -> str:
    """Return a report as a piece of a page, as notebooks show it: question, answer, quotes, closest sentences."""
    shown = "".join(_entry(entry, "h3", closest=True) for entry in entries(report))
    return f'<div class="article-qa-report inside"><style>\n{_style()}</style>{shown}</div>'


def escape(text: str) -> str:
    """Return a text as HTML shows it, inside and outside of an attribute."""
    return html.escape(visible(text)).replace("\r", "&#13;")  # a parser would make a line end of it


def _bdi(text: str) -> str:
    return f'<bdi dir="auto">{escape(text)}</bdi>'


def _style() -> str:
    return files("qa.report").joinpath("report.css").read_text("utf-8")


def _entry(entry: Entry, heading: str, *, closest: bool = False) -> str:
    answer = entry.answer
    name = hashlib.sha256(answer.to_json().encode("utf-8", "replace")).hexdigest()[:8]  # a notebook has many answers
    title = f"<{heading}>{_bdi(entry.question)}</{heading}>" if heading else ""
    read_as = f'<p class="read-as">Read as: {_bdi(entry.read_as)}</p>' if entry.read_as else ""
    said = ""
    for piece in entry.said:
        quoted = next((note.citation for note in entry.notes if note.number == piece.note), None)
        text = f"<q>{_quote(quoted)}</q>" if piece.quoted and quoted else _text(piece.text)
        number = f'<a class="number" href="#n{name}-{piece.note}">{piece.note}</a>' if piece.note else ""
        said += f"{piece.space}{text}{number}"
    body = f'<p class="said">{said.strip()}</p>'
    body += f'<p class="differ">{escape(entry.differ)}</p>' if entry.differ else ""
    if entry.notes:
        body += f'<ol class="notes">{"".join(_note(note, name) for note in entry.notes)}</ol>'
    elif closest and answer.closest:
        near = "".join(f"<li><q>{_quote(c)}</q> {_source(c)}</li>" for c in answer.closest)
        body += f'<p class="near">The closest sentences, which do not answer it:</p><ul class="near">{near}</ul>'
    return f'<section class="{escape(answer.status)}">{title}{read_as}{body}</section>\n'


def _note(note: Note, name: str) -> str:
    c = note.citation
    stands = (
        f'data-article="{escape(c.article_id)}" data-revision="{escape(c.revision)}" data-anchor="{escape(c.anchor)}"'
    )
    return (
        f'<li id="n{name}-{note.number}" value="{note.number}"><blockquote dir="auto" {stands} data-start="{c.start}" '
        f'data-end="{c.end}">{_context(c.before)}<mark>{_quote(c)}</mark>{_context(c.after)}</blockquote>{_source(c)}</li>'
    )


def _source(citation: Citation) -> str:
    url = link(citation)
    title = f"<cite>{_bdi(citation.title)}</cite>"
    linked = f'<a href="{escape(url)}" rel="noopener noreferrer">{title}</a>' if url else title
    known = ", ".join([linked, *map(_bdi, about(citation))])
    where = f"{one_line(citation.article_id)}, characters {citation.start}-{citation.end}"
    return f'<p class="source">{known} <span class="place">{_bdi(where)}</span></p>'


def _quote(citation: Citation) -> str:
    """Return the quote with the short answer in it set off."""
    if citation.answer_start is None or citation.answer_end is None:
        return _text(citation.quote)
    start, end = citation.answer_start - citation.start, citation.answer_end - citation.start
    before, short, after = citation.quote[:start], citation.quote[start:end], citation.quote[end:]
    return f"<bdi>{escape(before)}<strong>{escape(short)}</strong>{escape(after)}</bdi>"


def _text(text: str) -> str:
    return f"<bdi>{escape(text)}</bdi>"


def _context(text: str) -> str:
    """Return the sentence before or after; an end of a paragraph on the way stays one."""
    if not text:
        return ""
    parts = _GAP.split(text)
    gaps = _GAP.findall(text)
    inner = _text(parts[0]) if parts[0] else ""
    for gap, part in zip(gaps, parts[1:], strict=True):
        inner += f'<span class="gap">{escape(gap)}</span>' + (_text(part) if part else "")
    return f'<span class="context">{inner}</span>'
