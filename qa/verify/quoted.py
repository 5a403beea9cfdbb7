"""A report, an answer or any Markdown to the quotes in it, with the addresses they have.

What article-qa wrote names an address with each quote: in the footnotes of Markdown and Word, in the attributes of
HTML, in the fields of JSON. What stands in the text above a note is read too, and is a quote of its own where it
differs from its note. Other quotes of Markdown and Word have no address: passages between quotation marks, and block
quotes.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from os import PathLike
from pathlib import Path
from typing import Any

from index.errors import BadReport, UnreadableFile
from qa.report.notes import place
from qa.report.shown import CONTROLS_OF_DIRECTION
from qa.types import Citation, Report
from qa.verify.words import fold

MOST_BYTES = 50_000_000
FEWEST_WORDS = 3
"""Words of a passage between quotation marks that has no address; one of fewer is no quote of an article."""

_DIRECTIONS = str.maketrans("", "", CONTROLS_OF_DIRECTION)
_MADE = "Made with article-qa on "
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_STRAIGHT = r'(?<!\\)"((?:[^"\\]|\\.){0,5000})"'  # a sentence has 2,000 characters at most
_NOTE = re.compile(r"^ {0,3}\[\^([^\]\s]+)\]:[ \t]*(.*(?:\n(?![ \t]*(?:\n|$)| {0,3}\[\^[^\]\s]+\]:).*)*)", re.MULTILINE)
_NOTED = re.compile(rf"(?s){_STRAIGHT}.*?\(((?:[^()\\]|\\.)+)\)\s*$|“(.*)”.*\(((?:[^()\\]|\\.)+)\)\s*$")
_BODY = re.compile(rf"(?s){_STRAIGHT}\[\^([^\]\s]+)\]")
_WORD_NOTE = re.compile(r"(?s)\s*“(?P<quote>.*)”.*\((?P<address>.+)\)\s*")
_PAIRS = re.compile(r"«([^«»]*)»|(?:(?<=[\s(\[—–-])|^)\"(?=\S)([^\"]*[^\"\s])\"(?!\w)", re.MULTILINE)
_AROUND = ("“”", '""', "«»", "„“", "„”")
_BY = re.compile(r"\s*(?:—|–|--)\s*\S")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote of a report.

    Attributes:
        number: Of its note, "" where it has none.
        article_id: As it was written down, on one line; "" where the quote has no address. So are the others:
        revision: At least the first twelve hex digits.
        start: As cited, as are `end` and `anchor`.
    """

    quote: str
    number: str = ""
    article_id: str = ""
    revision: str = ""
    start: int = -1
    end: int = -1
    anchor: str = ""


def quotes(report: Report) -> list[Quoted]:
    """Return the quotes of a report that was not written to a file."""
    cited = [citation for answer in report.answers for citation in answer.citations]
    return [_of_citation(citation, n) for n, citation in enumerate(cited, 1)]


def read(path: str | PathLike[str]) -> tuple[list[Quoted], int]:
    """Return the quotes of a file, in order, and how many of fewer than `FEWEST_WORDS` words were left out.

    Raises:
        BadReport: It cannot be read, is of another kind, or holds no quote.
    """
    name = os.fspath(path)
    suffix = Path(path).suffix.lower()
    if suffix not in _READERS:
        raise BadReport(f"{name} cannot be verified; name a file that ends in one of {', '.join(_READERS)}.")
    try:
        size = os.stat(path).st_size
        if size > MOST_BYTES:
            raise BadReport(f"{name} has {size:,} bytes, more than {MOST_BYTES:,}; verify its parts one by one.")
        data = Path(path).read_bytes()
    except OSError as error:
        raise BadReport(f"{name} cannot be read ({error.strerror}); name a report.") from error
    try:
        found, ours = _READERS[suffix](data)
    except UnicodeDecodeError as error:
        raise BadReport(f"{name} is not UTF-8 text; save it as UTF-8.") from error
    except UnreadableFile as error:
        raise BadReport(f"{name} {error.found}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadReport(f"{name} holds no quotes that article-qa wrote; name what `article-qa report` made.") from error
    kept = [quote for quote in found if quote.article_id or len(quote.quote.split()) >= FEWEST_WORDS]
    if not kept and not ours:
        raise BadReport(f"{name} has no quotes in it; name a report, or Markdown with quotation marks or block quotes.")
    return kept, len(found) - len(kept)


def _of_citation(citation: Citation, number: int) -> Quoted:
    c = citation
    return Quoted(c.quote, str(number), c.article_id, c.revision, c.start, c.end, c.anchor)


def _at(quote: str, number: str, address: str) -> Quoted:
    """Return a quote with its address, without one if it has none."""
    match = place(address.translate(_DIRECTIONS).strip())
    if match is None:
        return Quoted(quote, number)
    start, end = int(match["start"]), int(match["end"])
    return Quoted(quote, number, match["article"], match["revision"], start, end, match["anchor"] or "")


def _with_body(notes: Iterable[Quoted], body: Iterable[tuple[str, str]]) -> list[Quoted]:
    """Add what stands in the text above a note and differs from it; the pairs are (quote, number)."""
    known = {note.number: note for note in notes}
    altered = [
        replace(known[number], quote=quote)
        for quote, number in body
        if number in known and fold(quote) != fold(known[number].quote)
    ]
    return [*known.values(), *altered]


# ---------------------------------------------------------------- Markdown


def _markdown(data: bytes) -> tuple[list[Quoted], bool]:
    text = data.decode("utf-8-sig")
    notes: list[Quoted] = []

    def take(match: re.Match[str]) -> str:
        noted = _NOTED.match(match[2])
        if noted is None:
            return match[0]
        quote, address = (noted[1], noted[2]) if noted[1] is not None else (noted[3], noted[4])
        note = _at(_unescaped(quote), match[1], _unescaped(address))
        if note.article_id:
            notes.append(note)
        return "" if note.article_id else match[0]

    rest = _NOTE.sub(take, text)
    numbers = {note.number for note in notes}
    body = [(_unescaped(m[1]), m[2]) for m in _BODY.finditer(rest) if m[2] in numbers]
    rest = _BODY.sub(lambda m: "" if m[2] in numbers else m[0], rest)
    return [*_with_body(notes, body), *map(Quoted, _in_markdown(rest))], _MADE in text


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _in_markdown(text: str) -> Iterator[str]:
    """Yield what stands in block quotes and between quotation marks, as CommonMark shows it."""
    from markdown_it import MarkdownIt

    depth = 0
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("blockquote_open", "blockquote_close"):
            depth += token.nesting
        if token.type != "inline":
            continue
        words = "".join(
            "\n" if part.type in ("softbreak", "hardbreak") else part.content
            for part in token.children or []
            if part.type in ("text", "text_special", "code_inline", "softbreak", "hardbreak")
        )
        if depth:
            lines = words.split("\n")
            said = " ".join(lines[:1] + [line for line in lines[1:] if not _BY.match(line)]).strip()
            yield from [_bare(said)] if said and not _BY.match(said) else []
        else:
            yield from between_marks(words)


def _bare(text: str) -> str:
    """Return a block quote without the quotation marks that stand around all of it."""
    inner = text[1:-1]
    around = len(text) > 2 and text[0] + text[-1] in _AROUND and not {text[0], text[-1]} & set(inner)
    return inner if around else text


def between_marks(text: str) -> list[str]:
    """Return the passages between quotation marks: “curly”, nested ones as part of the outer, "straight", «angled».

    A curly one that is not closed goes on to the end of its paragraph, as in a speech of several.

    >>> between_marks('He said “I heard “no”, twice” and "left at once".')
    ['I heard “no”, twice', 'left at once']
    """
    found: list[tuple[int, str]] = []
    depth, opened, covered = 0, 0, 0
    rest = list(text)
    for at, mark in enumerate(text):
        if mark in "“„":
            depth += 1
            opened = at if depth == 1 else opened
        elif mark == "”" and depth:
            depth -= 1
            if not depth:
                found.append((opened, text[opened + 1 : at]))
                rest[opened : at + 1] = " " * (at + 1 - opened)
                covered = at + 1
    if depth:
        start = max(opened, covered)
        found.append((start, text[start + 1 :]))
        rest[start:] = " " * (len(text) - start)
    found += [(match.start(), match[1] or match[2] or "") for match in _PAIRS.finditer("".join(rest))]
    return [passage.strip() for _, passage in sorted(found) if passage.strip()]


# ---------------------------------------------------------------- HTML


class _Page(HTMLParser):
    """What is marked in the block quotes of a report, and the quotes in the text above."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ours = False
        self.notes: list[Quoted] = []
        self.body: list[tuple[str, str]] = []
        self._number = ""
        self._address: dict[str, str] | None = None
        self._in: list[str] = []
        self._said = self._marked = self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and given.get("name") == "generator":
            self.ours |= given.get("content") == "article-qa"
        elif tag == "li":
            self._number = given.get("value", "")
        elif tag == "blockquote" and "data-article" in given:
            self._address, self._marked = given, ""
        elif tag in ("q", "mark") or (tag == "a" and given.get("class") == "number"):
            self._in.append(tag)
            if tag == "q":
                self._said = ""
            self._link = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "blockquote" and self._address is not None:
            a, self._address = self._address, None
            self.notes.append(
                Quoted(
                    self._marked, self._number, " ".join(a["data-article"].split()), a["data-revision"],
                    int(a["data-start"]), int(a["data-end"]), a.get("data-anchor", ""),
                )
            )  # fmt: skip
        elif self._in and self._in[-1] == tag:
            self._in.pop()
            if tag == "a" and self._said:
                self.body.append((self._said, self._link.strip()))
                self._said = ""

    def handle_data(self, data: str) -> None:
        inside = self._in[-1] if self._in else ""
        if inside == "q":
            self._said += data
        elif inside == "mark":
            self._marked += data
        elif inside == "a":
            self._link += data


def _html(data: bytes) -> tuple[list[Quoted], bool]:
    page = _Page()
    page.feed(data.decode("utf-8-sig"))
    page.close()
    if not page.notes and not page.ours:
        raise ValueError("no quote in it has an address")
    return _with_body(page.notes, page.body), True


# ---------------------------------------------------------------- Word


def _word(data: bytes) -> tuple[list[Quoted], bool]:
    from docx import Document
    from docx.oxml import parse_xml

    from index.formats.word import check
    from qa.report.word import FOOTNOTES

    check(data, "")
    document = Document(io.BytesIO(data))
    parts = [r.target_part for r in document.part.rels.values() if r.reltype == FOOTNOTES and not r.is_external]
    notes = [n for part in parts for n in parse_xml(part.blob) if n.get(_w("type")) in (None, "normal")]
    shown = {note.get(_w("id")): str(number) for number, note in enumerate(notes, 1)}  # a program may count ids anew
    known = [quoted for note in notes if (quoted := _word_note(note, shown[note.get(_w("id"))])).article_id]
    body: list[tuple[str, str]] = []
    plain: list[str] = []
    for paragraph in document.element.body.iter(_w("p")):
        rest, quote = "", ""
        for run in paragraph.iter(_w("r")):
            text = _text(run)
            if _style(run) == _QUOTE:
                quote += text
                continue
            numbers = [reference.get(_w("id")) for reference in run.iter(_w("footnoteReference"))]
            if numbers and quote:
                body.append((quote, shown.get(numbers[0], "")))
                quote = ""
            rest += text
        plain += [quote] * bool(quote.strip()) + between_marks(rest)
    ours = _MADE in "".join(_text(p) for p in document.element.body.iter(_w("p")))
    return [*_with_body(known, body), *map(Quoted, plain)], ours


def _word_note(note: Any, number: str) -> Quoted:
    runs = list(note.iter(_w("r")))
    quote = "".join(_text(run) for run in runs if _style(run) == _QUOTE)
    address = "".join(_text(run) for run in runs if _style(run) == _ADDRESS)
    if not (quote and address):  # the styles were lost
        match = _WORD_NOTE.fullmatch("".join(map(_text, runs)))
        quote, address = (match["quote"], match["address"]) if match else ("", "")
    return _at(quote, number, address)


def _text(element: Any) -> str:
    return "".join("\t" if e.tag == _w("tab") else e.text or "" for e in element.iter(_w("t"), _w("tab")))


def _style(run: Any) -> str:
    found = run.find(f"{_w('rPr')}/{_w('rStyle')}")
    return "" if found is None else str(found.get(_w("val")))


def _w(name: str) -> str:
    return f"{{http://schemas.openxmlformats.org/wordprocessingml/2006/main}}{name}"


_QUOTE, _ADDRESS = "ArticleQuote", "ArticleAddress"


# ---------------------------------------------------------------- JSON


def _json(data: bytes) -> tuple[list[Quoted], bool]:
    found = json.loads(data.decode("utf-8-sig"))
    if isinstance(found, dict) and found.get("type") == "AnnotationPage":
        return [_of_target(item["target"], n) for n, item in enumerate(found["items"], 1)], True
    answers = found["answers"] if isinstance(found, dict) and "answers" in found else found
    answers = answers if isinstance(answers, list) else [answers]
    cited = [citation for answer in answers for citation in answer["citations"]]
    return [_of_fields(fields, n) for n, fields in enumerate(cited, 1)], True


def _of_fields(fields: dict[str, Any], number: int) -> Quoted:
    return Quoted(
        str(fields["quote"]),
        str(number),
        str(fields["article_id"]),
        str(fields["revision"]),
        int(fields["start"]),
        int(fields["end"]),
        str(fields.get("anchor", "")),
    )


def _of_target(target: dict[str, Any], number: int) -> Quoted:
    selectors = {selector["type"]: selector for selector in target["selector"]}
    position = selectors["TextPositionSelector"]
    return Quoted(
        str(selectors["TextQuoteSelector"]["exact"]),
        str(number),
        str(target["article-qa:article"]),
        str(target["article-qa:revision"]),
        int(position["start"]),
        int(position["end"]),
        str(target.get("article-qa:anchor", "")),
    )


_READERS: dict[str, Callable[[bytes], tuple[list[Quoted], bool]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _markdown,
    ".html": _html,
    ".htm": _html,
    ".docx": _word,
    ".json": _json,
    ".jsonld": _json,
}
