"""Word documents: the body's visible text, once the archive around it was checked."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from index.errors import UnreadableFile
from index.formats.decode import kind
from index.formats.found import Found, iso_date

ENTRIES = 2_000
PART_BYTES = 50_000_000
TOTAL_BYTES = 100_000_000
"""Bytes of all parts, unpacked."""
RATIO = 100
"""Times that a part of 1 MB or more may be larger unpacked than packed."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OTHER = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = {_W + tag for tag in ("del", "moveFrom", "pPr", "rPr", "sectPr", "txbxContent")}
_SKIPPED |= {_OTHER}


def read(data: bytes, name: str) -> list[Found]:
    """Read a Word document: the paragraphs and tables of its body in order.

    Left out are tracked deletions, hidden text, comments, footnotes, headers, footers, text boxes.

    Raises:
        UnreadableFile: `bad_type`; `unreadable` (damaged, protected, with a DTD); `too_large`.
    """
    check(data, name)
    from docx import Document

    try:
        document = Document(io.BytesIO(data))
    except (ValueError, KeyError) as error:  # another kind of Office file; no main part
        raise _no_document(name) from error
    about = document.core_properties
    hidden = _hidden_styles(document)
    names = {style.style_id: style.name or "" for style in document.styles}
    blocks: list[str] = []
    heading = ""
    for block, style in _blocks(document.element.body, hidden):
        if not block.strip():
            continue
        blocks.append(block)
        if not heading and re.match(r"title$|heading \d", names.get(style, ""), re.IGNORECASE):
            heading = block
    return [
        Found(
            "\n\n".join(blocks),
            title=about.title or heading,
            author=about.author if about.author != "python-docx" else "",
            published=iso_date(about.created or about.modified or ""),
        )
    ]


def check(data: bytes, name: str) -> None:
    """Refuse an archive that lies, bursts or is no Word document; unpack a part at a time."""
    what = kind(data)
    if "ZIP" not in what:
        found = f"looks like {what}" if what else "is no Word document"
        raise UnreadableFile(name, "bad_type", f"{found}; open it in Word and save it as .docx")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise _damaged(name) from error
    with archive:
        parts = archive.infolist()
        if len(parts) > ENTRIES or sum(part.file_size for part in parts) > TOTAL_BYTES:
            raise _bursts(name)
        if any(part.file_size > PART_BYTES or _swells(part) for part in parts):
            raise _bursts(name)
        if any(part.flag_bits & 1 for part in parts):
            found = "is password protected; save a copy without a password"
            raise UnreadableFile(name, "unreadable", found)
        names = {part.filename for part in parts}
        if len(names) < len(parts) or sum(part.compress_size for part in parts) > len(data):
            raise _damaged(name)
        if "[Content_Types].xml" not in names:
            raise _no_document(name)
        for part in parts:
            _check_part(archive, part, name)


def _swells(part: zipfile.ZipInfo) -> bool:
    return part.file_size > 1_000_000 and part.file_size > RATIO * max(part.compress_size, 1)


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    declared = part.file_size
    part.file_size = 2 * PART_BYTES  # zipfile stops at this many bytes, whatever there is
    try:
        with archive.open(part) as opened:
            content = opened.read(declared + 1)
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib, bz2 and lzma have each their own
        raise _damaged(name) from error
    finally:
        part.file_size = declared
    if len(content) > declared:
        raise _bursts(name)
    drawing = part.filename.startswith("word/media/")  # an SVG has one, and is not parsed
    if not drawing and b"<!DOCTYPE" in content.replace(b"\0", b""):  # NUL: in UTF-16
        found = "declares a DTD, which no Word document does; save it again in Word"
        raise UnreadableFile(name, "unreadable", found)


def _bursts(name: str) -> UnreadableFile:
    found = f"unpacks to more than {TOTAL_BYTES // 10**6} MB or swells like a bomb; save it again"
    return UnreadableFile(name, "too_large", found)


def _damaged(name: str) -> UnreadableFile:
    return UnreadableFile(name, "unreadable", "is a damaged archive; open it in Word and save it again")


def _no_document(name: str) -> UnreadableFile:
    return UnreadableFile(name, "bad_type", "is no Word document without macros; save it as .docx")


def _hidden_styles(document: Any) -> set[str]:
    return {s.style_id for s in document.styles if s.element.find(f"{_W}rPr/{_W}vanish") is not None}


def _blocks(container: Any, hidden: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the blocks of a body or of what wraps a part of it, each with the id of its style."""
    for element in container:
        if element.tag == _W + "p":
            yield _paragraph(element, hidden), _style(element, "pPr", "pStyle")
        elif element.tag == _W + "tbl":
            yield "\n".join(_rows(element, hidden)), ""
        elif element.tag not in _SKIPPED and isinstance(element.tag, str):
            yield from _blocks(element, hidden)  # a content control, a tracked insertion


def _rows(table: Any, hidden: set[str]) -> Iterator[str]:
    for row in _within(table, "tr"):
        cells = (" ".join(block for block, _ in _blocks(cell, hidden)) for cell in _within(row, "tc"))
        yield f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"


def _within(container: Any, tag: str) -> Iterator[Any]:
    """Yield the rows of a table or the cells of a row, without those of tables inside it."""
    for element in container:
        if element.tag == _W + tag:
            yield element
        elif element.tag in (_W + "sdt", _W + "sdtContent", _W + "ins"):
            yield from _within(element, tag)


def _style(element: Any, properties: str, kind_of: str) -> str:
    found = element.find(f"{_W}{properties}/{_W}{kind_of}")
    return found.get(_W + "val", "") if found is not None else ""


def _paragraph(element: Any, hidden: set[str]) -> str:
    if _style(element, "pPr", "pStyle") in hidden:
        return ""
    text = "".join(_runs(element, hidden)).strip()
    numbered = element.find(f"{_W}pPr/{_W}numPr") is not None
    return f"- {text}" if numbered and text else text


def _runs(element: Any, hidden: set[str]) -> Iterator[str]:
    for child in element:
        if child.tag == _W + "t":
            yield child.text or ""
        elif child.tag == _W + "tab":
            yield "\t"
        elif child.tag in (_W + "br", _W + "cr"):
            yield "\n"
        elif child.tag == _W + "noBreakHyphen":
            yield "\u2011"
        elif (
            child.tag in _SKIPPED
            or not isinstance(child.tag, str)
            or (child.tag == _W + "r" and _is_hidden(child, hidden))
        ):
            continue
        else:
            yield from _runs(child, hidden)


def _is_hidden(run: Any, hidden: set[str]) -> bool:
    vanish = run.find(f"{_W}rPr/{_W}vanish")
    if vanish is not None:
        return vanish.get(_W + "val", "1") not in ("0", "false", "off")
    return _style(run, "rPr", "rStyle") in hidden
