"""A report as a Word document with real footnotes.

python-docx 1.2 writes no footnotes, so their part is made here: Office Open XML, ECMA-376 part 1, 17.11.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from qa.report.notes import Entry, Note, about, address, entries, lead, link, unanswered
from qa.report.shown import isolated, one_line

if TYPE_CHECKING:
    from qa.types import Report

QUOTE, ADDRESS = "ArticleQuote", "ArticleAddress"
"""Ids of the styles by which a quote and its address are found again."""

_REFERENCE, _NOTE, _LINK = "FootnoteReference", "FootnoteText", "Hyperlink"
_PART = "/word/footnotes.xml"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
FOOTNOTES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
"""The relationship of a document to its footnotes."""


def document(report: Report) -> bytes:
    """Return a report as the bytes of a `.docx` file."""
    from docx import Document

    word = Document()
    _styles(word)
    about_it = word.core_properties
    about_it.title = one_line(report.heading)[:255]
    about_it.author, about_it.last_modified_by, about_it.comments = "", "", lead(report)
    about_it.created = about_it.modified = _moment(report.made)
    word.add_heading(_text(report.heading), 0)
    word.add_paragraph().add_run(_text(lead(report))).italic = True
    notes: list[Note] = []
    for entry in entries(report):
        if len(report.answers) != 1 or report.title:
            word.add_heading(_text(entry.question), 1)
        _entry(word, entry)
        notes += entry.notes
    if left := unanswered(report):
        word.add_heading("Not answered", 1)
        for question in left:
            word.add_paragraph(_text(question), style="List Bullet")
    if notes:
        _footnotes(word, notes)
    packed = io.BytesIO()
    word.save(packed)
    return packed.getvalue()


def _entry(word: Any, entry: Entry) -> None:
    if entry.read_as:
        word.add_paragraph().add_run(_text(f"Read as: {entry.read_as}")).italic = True
    paragraph = word.add_paragraph()
    for n, piece in enumerate(entry.said):
        text = _text(piece.text)
        paragraph.add_run(piece.space * bool(n) + "“" * piece.quoted)
        run = paragraph.add_run(text, style="Article Quote" if piece.quoted else None)
        run.italic = True if not entry.answer.answered else None
        paragraph.add_run("”" * piece.quoted)
        if piece.note:
            paragraph._p.append(_element(_run(f'<w:footnoteReference w:id="{piece.note}"/>', _REFERENCE)))
    if entry.differ:
        word.add_paragraph().add_run(entry.differ).italic = True


def _footnotes(word: Any, notes: list[Note]) -> None:
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    part = Part(PackURI(_PART), _TYPE, package=word.part.package)
    mark = '<w:footnote w:type="{0}" w:id="{1}"><w:p><w:r><w:{0}/></w:r></w:p></w:footnote>'
    body = mark.format("separator", -1) + mark.format("continuationSeparator", 0)
    for note in notes:
        url = link(note.citation)
        relation = part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True) if url else ""
        body += f'<w:footnote w:id="{note.number}">{_footnote(note, relation)}</w:footnote>'
    part._blob = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{_root("footnotes", body)}'.encode()
    word.part.relate_to(part, FOOTNOTES)
    word.settings.element.insert_element_before(
        _element('<w:footnotePr {}><w:footnote w:id="-1"/><w:footnote w:id="0"/></w:footnotePr>'),
        *("w:endnotePr", "w:compat", "w:docVars", "w:rsids", "m:mathPr", "w:themeFontLang", "w:clrSchemeMapping"),
        *("w:shapeDefaults", "w:decimalSymbol", "w:listSeparator"),
    )


def _footnote(note: Note, relation: str) -> str:
    citation = note.citation
    title = _run(_t(citation.title), _LINK if relation else "", italic=True)
    if relation:
        title = f'<w:hyperlink r:id="{relation}" w:history="1">{title}</w:hyperlink>'
    behind = "".join(f", {isolated(part)}" for part in about(citation))
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{_NOTE}"/></w:pPr>{_run("<w:footnoteRef/>", _REFERENCE)}'
        f"{_run(_t(' “'))}{_run(_t(citation.quote), QUOTE)}{_run(_t('” '))}{title}{_run(_t(f'{behind} ('))}"
        f"{_run(_t(address(citation)), ADDRESS)}{_run(_t(')'))}</w:p>"
    )


def _run(inner: str, style: str = "", *, italic: bool = False) -> str:
    named = f'<w:rStyle w:val="{style}"/>' if style else ""
    return f"<w:r><w:rPr>{named}{'<w:i/>' * italic}</w:rPr>{inner}</w:r>"


def _t(text: str) -> str:
    from xml.sax.saxutils import escape

    edges = " " * text.startswith(" "), " " * text.endswith(" ")
    return f'<w:t xml:space="preserve">{edges[0]}{escape(_text(text))}{edges[1]}</w:t>'


def _text(text: str) -> str:
    return isolated(one_line(text))


def _root(name: str, inner: str) -> str:
    spaces = (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    )
    return f"<w:{name} {spaces}>{inner}</w:{name}>"


def _element(xml: str) -> Any:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    return parse_xml(xml.replace("<w:r>", f"<w:r {nsdecls('w')}>", 1).replace("{}", nsdecls("w")))


def _styles(word: Any) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Pt, RGBColor

    styles = word.styles
    styles["Normal"].font.name = "Calibri"
    note = styles.add_style("footnote text", WD_STYLE_TYPE.PARAGRAPH)
    note.element.set(_qn("w:styleId"), _NOTE)
    note.base_style, note.font.size, note.paragraph_format.space_after = styles["Normal"], Pt(9), Pt(3)
    names = {"footnote reference": _REFERENCE, "Article Quote": QUOTE, "Article Address": ADDRESS, "Hyperlink": _LINK}
    for name, style_id in names.items():
        styles.add_style(name, WD_STYLE_TYPE.CHARACTER).element.set(_qn("w:styleId"), style_id)
    styles["footnote reference"].font.superscript = True
    styles["Article Address"].font.color.rgb = RGBColor(0x62, 0x5D, 0x55)
    styles["Hyperlink"].font.color.rgb = RGBColor(0x1C, 0x55, 0x70)
    styles["Hyperlink"].font.underline = True


def _qn(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))


def _moment(made: str) -> datetime:
    try:
        return datetime.fromisoformat(made).replace(tzinfo=UTC)
    except ValueError:
        return datetime.now(UTC)
