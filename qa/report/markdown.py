"""A report as Markdown: footnotes, as GitHub, Pandoc and Obsidian read them; text of articles is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qa.report.notes import Entry, Note, about, address, entries, lead, link, unanswered
from qa.report.shown import isolated, one_line

if TYPE_CHECKING:
    from qa.types import Report

_MARKS = re.compile(r"[\\`*_{}\[\]()<>#|~$&@^\"]|:(?=//)|(?<=www)\.|-(?=-)|(?<=-)-")
_FIRST = re.compile(r"\d{1,9}[.)]|[-+=!:%]")  # "1. " and "- " begin a list, "===" makes a heading
_ENTITY = re.compile(r"&(?=#?\w+;)")


def markdown(report: Report) -> str:
    """Return a report as Markdown that ends with a line end."""
    blocks = [f"# {escape(report.heading)}", f"*{escape(lead(report))}*"]
    several = len(report.answers) != 1
    notes: list[Note] = []
    for entry in entries(report):
        if several or report.title:
            blocks.append(f"## {escape(entry.question)}")
        blocks += _said(entry)
        notes += entry.notes
    if left := unanswered(report):
        blocks += ["## Not answered", "\n".join(f"- {escape(question)}" for question in left)]
    return "\n\n".join([*blocks, *map(_footnote, notes)]) + "\n"


def escape(text: str) -> str:
    r"""Return a text on one line, as Markdown that shows it as it is.

    >>> escape("*5* [1] <b>")
    '\\*5\\* \\[1\\] \\<b\\>'
    """
    text = _MARKS.sub(r"\\\g<0>", isolated(one_line(text)))
    first = _FIRST.match(text)
    return f"{text[: first.end() - 1]}\\{text[first.end() - 1 :]}" if first else text


def _said(entry: Entry) -> list[str]:
    said = ""
    for piece in entry.said:
        text = escape(piece.text)
        said += piece.space + (f'"{text}"' if piece.quoted else text) + (f"[^{piece.note}]" if piece.note else "")
    read_as = [f"*Read as:* {escape(entry.read_as)}"] if entry.read_as else []
    return [*read_as, said.strip(), *([f"*{entry.differ}*"] if entry.differ else [])]


def _footnote(note: Note) -> str:
    citation = note.citation
    title = f"*{escape(citation.title)}*"
    if url := link(citation):
        title = f"[{title}]({_ENTITY.sub('&amp;', url)})"
    known = ", ".join([title, *map(escape, about(citation))])
    return f'[^{note.number}]: "{escape(citation.quote)}" {known} ({escape(address(citation))})'
