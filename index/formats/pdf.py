"""PDF files: the text layer, its lines joined to paragraphs."""

from __future__ import annotations

import io
import re
import unicodedata
from typing import Any

from index.errors import UnreadableFile
from index.formats.decode import kind
from index.formats.found import Found, canonical, is_blank

PAGES = 1_000
"""Pages of a file; one with more is refused."""

_TEXT_CHARACTERS = 5_000_000
_UNMAPPED_SHARE = 0.3
_JUNK_TITLE = re.compile(
    r"untitled.*|microsoft \w+ - .*|(?:slide|page|document|presentation) ?\d*|title"
    r"|.*\.(?:docx?|odt|rtf|tex|dvi|pdf|indd|qxd|pptx?|xlsx?|html?|txt)|\S*[\\/]\S*",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?…:;][\"'”’)\]]*$")
_BULLET = re.compile(r"(?:[-*•–·▪◦]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")


def read(data: bytes, name: str) -> list[Found]:
    """Read a PDF file: its text layer as it is, also where a scan hides it behind the picture.

    Pages are joined with a blank line.

    Raises:
        UnreadableFile: `bad_type`; `unreadable` (protected, damaged); `too_large`; `empty` without
            a text layer; `bad_encoding` where the letters of its fonts are not known.
    """
    start = data.find(b"%PDF-", 0, 1024)
    if start < 0:
        what = kind(data)
        found = f"looks like {what}, not a PDF" if what else "does not begin like a PDF"
        raise UnreadableFile(name, "bad_type", f"{found}; remove it or convert it")
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, LimitReachedError

    try:
        reader = PdfReader(io.BytesIO(data[start:]))
        if reader.is_encrypted and not reader.decrypt(""):
            raise _protected(name)
        text = _text(reader, name)
        title, author, created = _about(reader)
    except DependencyError as error:  # its cipher is not installed
        raise _protected(name) from error
    except LimitReachedError as error:
        found = "unpacks to more than is read; save it again smaller"
        raise UnreadableFile(name, "too_large", found) from error
    if is_blank(text):
        found = "has no text layer (a scanned PDF?); recognise its text (OCR) first"
        raise UnreadableFile(name, "empty", found)
    seen = "".join(text.split())
    unmapped = sum(c == "\ufffd" or unicodedata.category(c)[0] == "C" for c in seen)
    if unmapped > _UNMAPPED_SHARE * len(seen):
        found = "its fonts do not say which letters they show; export it anew"
        raise UnreadableFile(name, "bad_encoding", found)
    if _JUNK_TITLE.fullmatch(title.strip()):
        title = ""
    return [Found(text, title=title, author=author, published=created)]


def _protected(name: str) -> UnreadableFile:
    found = "is password protected; save a copy without a password"
    return UnreadableFile(name, "unreadable", found)


def _about(reader: Any) -> tuple[str, str, str]:
    about = reader.metadata or {}
    values = (about.get(key) for key in ("/Title", "/Author", "/CreationDate"))
    title, author, created = (canonical(v) if isinstance(v, str) else "" for v in values)
    return title, author, created


def _text(reader: Any, name: str) -> str:
    pages: list[str] = []
    size = 0
    for number, page in enumerate(reader.pages):
        if number == 0 and len(reader.pages) > PAGES:
            found = f"has {len(reader.pages):,} pages, more than {PAGES:,}; split it"
            raise UnreadableFile(name, "too_large", found)
        text = _paragraphs(canonical(page.extract_text()))
        size += len(text)
        if size > _TEXT_CHARACTERS:
            found = f"holds more than {_TEXT_CHARACTERS:,} characters; split it"
            raise UnreadableFile(name, "too_large", found)
        pages.append(text)
    return "\n\n".join(page for page in pages if page)


def _paragraphs(page: str) -> str:
    r"""Join the lines of a page to paragraphs.

    A line ends its paragraph if the next is blank or a list item, or if it is short for its page
    and either ends like a sentence or is followed by a capital.

    >>> _paragraphs("The strikes hit five facili-\nties in Iraq and in Syria.\n \nNo one died.")
    'The strikes hit five facilities in Iraq and in Syria.\n\nNo one died.'
    """
    lines = [" ".join(line.split()) for line in page.split("\n")]
    lengths = sorted(len(line) for line in lines if line)
    width = lengths[int(0.9 * (len(lengths) - 1))] if lengths else 0
    blocks: list[str] = []
    opened = False
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if not line:
            opened = False
            continue
        if not opened or _BULLET.match(line):
            blocks.append(line)
        elif re.search(r"[a-z]-$", blocks[-1]) and line[0].islower():
            blocks[-1] = blocks[-1][:-1] + line
        else:
            blocks[-1] += " " + line
        short = len(line) < 0.75 * width
        opened = not (short and after and (_ENDS.search(line) or not after[0].islower()))
    return "\n\n".join(blocks)
