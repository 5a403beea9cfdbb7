"""Plain text: the file as it is, its title, and a byline or a date where it clearly gives one."""

from __future__ import annotations

import re

from index.errors import UnreadableFile
from index.formats.decode import decode, is_page
from index.formats.found import Found, canonical, is_blank, iso_date

_HEADLINE = 120
"""Characters; a longer first line is not a title."""

_RENAME = "looks like an HTML page, not text; rename it to .html"
_BYLINE = re.compile(r"By ((?:[A-Z][\w.'’-]*|de|van|von|der|la|bin|al|and|&)(?:,? |$)){2,12}")
_LABEL = re.compile(r"(?:published|posted|date|updated)(?: on)?:? ", re.IGNORECASE)
_OF_DATES = {
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
}
_OF_DATES |= {
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "of",
    "st",
    "nd",
    "rd",
    "th",
    "at",
    "t",
    "z",
}
_OF_DATES |= {
    "am",
    "pm",
    "a.m",
    "p.m",
    "gmt",
    "utc",
    "est",
    "edt",
    "et",
    "pst",
    "pdt",
    "cet",
    "bst",
}


def read(data: bytes, name: str) -> list[Found]:
    """Read a plain text.

    The title is the first line where that is short, stands alone and does not end like a sentence.

    Raises:
        UnreadableFile: `bad_type`, `bad_encoding`.
    """
    if is_page(data):
        raise UnreadableFile(name, "bad_type", _RENAME)
    text, notes = decode(data, name)
    text = canonical(text)
    lines = text[:20_000].split("\n")
    article = Found(text, title=_headline(lines), notes=notes)
    for line in (line.strip() for line in lines[:5]):
        if len(line) < 100 and _BYLINE.fullmatch(line):
            article.author = article.author or line.removeprefix("By ").strip()
        elif _is_date(date := _LABEL.sub("", line, count=1)):
            article.published = article.published or iso_date(date)
    return [article]


def _headline(lines: list[str]) -> str:
    first = next((i for i, line in enumerate(lines) if not is_blank(line)), len(lines))
    alone = first + 2 < len(lines) and is_blank(lines[first + 1])
    if not alone or len(line := lines[first].strip()) > _HEADLINE:
        return ""
    return "" if re.search(r"[.!?…:;,][\"'”’)\]]*$", line) and not line.endswith("?") else line


def _is_date(line: str) -> bool:
    """Say whether a line has figures and else only words that dates have."""
    words = re.findall(r"[^\W\d]+(?:\.m)?", line.lower())
    return len(line) < 50 and any(map(str.isdigit, line)) and {w[:3] for w in words} <= _OF_DATES
