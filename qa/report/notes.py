"""What every form of a report prints: questions, what was said to them, numbered notes, and the words around."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from qa.report.shown import one_line

if TYPE_CHECKING:
    from qa.types import Answer, Citation, Report

_NUMBER = re.compile(r"\s*\[(\d{1,3})\]")
_ADDRESS = re.compile(
    r"(?P<article>.+), characters (?P<start>\d{1,9})-(?P<end>\d{1,9}), revision (?P<revision>[0-9a-f]{12,64})"
    r"(?:, anchor (?P<anchor>[0-9a-f]{8}))?",
    re.DOTALL,
)
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+", re.ASCII)
_KEPT = "%/:?#@!$&'+,;=~"  # of an address; what else is not a letter or digit gets encoded
_WHOLE = 100  # characters of a quote that a text fragment names whole; of a longer one its first and last words
_WORDS = 6


class Note(NamedTuple):
    """A citation with its number in the report, from 1."""

    number: int
    citation: Citation


class Said(NamedTuple):
    """A piece of what was said.

    Attributes:
        quoted: Whether it is the quote of its note, verbatim.
        note: The number of the note that stands behind it, 0 for none.
    """

    text: str
    quoted: bool = False
    note: int = 0

    @property
    def space(self) -> str:
        """What stands before it, behind another piece."""
        return " " if self.quoted or self.text[:1].isspace() else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A question and what was said to it.

    Attributes:
        read_as: The question as it was read, "" where that is as it was asked.
        differ: That articles differ, and which notes have it; "" where none do.
    """

    question: str
    read_as: str
    answer: Answer
    said: tuple[Said, ...]
    notes: tuple[Note, ...]
    differ: str = ""


def entries(report: Report) -> Iterator[Entry]:
    """Yield the entries of a report; its notes are numbered throughout."""
    number = 0
    for answer in report.answers:
        notes = tuple(Note(number + n, citation) for n, citation in enumerate(answer.citations, 1))
        number += len(notes)
        read_as = answer.standalone_question if answer.standalone_question != answer.question else ""
        if answer.within:
            read_as = f"{answer.standalone_question} (only articles {answer.within} were asked)"
        apart = [str(note.number) for note in notes if note.citation.number in answer.differ]
        differ = f"These articles differ: notes {' and '.join(apart)}." if apart else ""
        yield Entry(answer.question, read_as, answer, tuple(_said(answer, notes)), notes, differ)


def _said(answer: Answer, notes: tuple[Note, ...]) -> Iterator[Said]:
    if notes and answer.text == " ".join(f"{' '.join(c.quote.split())} [{c.number}]" for c in answer.citations):
        for note in notes:  # a quote may hold a `[1]` of its own
            yield Said(note.citation.quote, quoted=True, note=note.number)
        return
    numbers = {note.citation.number: note.number for note in notes}
    parts = _NUMBER.split(answer.text)
    text = parts[0]
    for number, then in zip(parts[1::2], parts[2::2], strict=True):
        if int(number) in numbers:
            yield Said(text, note=numbers[int(number)])
            text = then
        else:
            text += f" [{number}]{then}"
    if text.strip():
        yield Said(text)


def unanswered(report: Report) -> list[str]:
    """Return the questions that the articles do not answer, for the list at the end of several."""
    return [answer.question for answer in report.answers if not answer.answered] if len(report.answers) > 1 else []


def lead(report: Report) -> str:
    """Return the line under the title.

    >>> from qa.types import Report
    >>> lead(Report((), made="2026-11-22"))
    'Made with article-qa on 22 November 2026.'
    """
    made = f"Made with article-qa on {day(report.made)}."
    asked = len(report.answers)
    if asked < 2:
        return made
    return f"{asked} questions, {sum(answer.answered for answer in report.answers)} answered. {made}"


def address(citation: Citation) -> str:
    """Return where a quote stands, in words that `place` reads again.

    `us-strikes.md, characters 120-260, revision 3f2a9c1b7c1e, anchor 90ab34ef`
    """
    where = f"{one_line(citation.article_id)}, characters {citation.start}-{citation.end}"
    anchor = f", anchor {citation.anchor}" if citation.anchor else ""
    return f"{where}, revision {citation.revision[:12]}{anchor}"


def place(text: str) -> re.Match[str] | None:
    """Read an address: the groups article, start, end, revision and anchor; None if it is none."""
    return _ADDRESS.fullmatch(text)


def day(published: str) -> str:
    """Return a date as it is read.

    >>> day("2019-12-29"), day("2019"), day("")
    ('29 December 2019', '2019', '')
    """
    try:
        known = date.fromisoformat(published[:10])
    except ValueError:
        return published
    return f"{known.day} {known:%B %Y}"


def about(citation: Citation) -> list[str]:
    """Return what is known of the article behind its title: source and date, with author first."""
    return [part for part in map(one_line, (citation.author, citation.source, day(citation.published))) if part]


def web(url: str) -> str:
    """Return an address as a link may have it, "" for one that a browser may read in another way, or is not the web's.

    >>> web("https://exämple.org/ä(1)"), web("https://example.org/a b"), web("javascript:alert(1)")
    ('https://xn--exmple-cua.org/%C3%A4%281%29', '', '')
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError):
        return ""
    odd = "\\" in url or "@" in parts.netloc or any(c <= " " or c == "\x7f" for c in url)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or odd:
        return ""
    place = f"[{host}]" if ":" in host else host
    behind = parts._replace(scheme="", netloc="").geturl()
    return f"{parts.scheme}://{place}{port}{quote(behind, safe=_KEPT, errors='replace')}"


def link(citation: Citation, article: str = "") -> str:
    """Return the article's address on the web with a text fragment that scrolls to the quote, "" where none is known.

    A long quote is named by its first and last words. One that stands twice in the article, or is so short that it may,
    is named with the words around it.

    Source: WICG, URL Fragment Text Directives, 3.2: `#:~:text=prefix-,first words,last words,-suffix`, with `-`, `,`
    and `&` in the words encoded.

    Args:
        article: The article's text, where it is at hand.
    """
    url = web(citation.url).partition(":~:")[0]
    if not url:
        return ""
    text = one_line(citation.quote)
    words = text.split(" ")
    whole = len(text) <= _WHOLE or len(words) < 2 * _WORDS
    first, last = (text, "") if whole else (" ".join(words[:_WORDS]), " ".join(words[-_WORDS:]))
    before, after = citation.before.split()[-_WORDS:], citation.after.split()[:_WORDS]
    found = _encoded(first) + (f",{_encoded(last)}" if last else "")
    if one_line(article).count(first) > 1 or (not article and len(words) < _WORDS):
        found = f"{_encoded(one_line(' '.join(before)))}-,{found}" if before else found
        found += f",-{_encoded(one_line(' '.join(after)))}" if after else ""
    return f"{url}{'' if '#' in url else '#'}:~:text={found}"


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="replace").replace("-", "%2D")
