"""What a reader found in a file, and what makes it regular: text, titles, dates, addresses."""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import dataclass, field

TITLE_CHARACTERS = 200
FIELD_CHARACTERS = 300
"""Characters of a source or an author."""
URL_CHARACTERS = 2_048

_SURROGATE = re.compile("[\ud800-\udfff]")
# White space, controls, and what takes no room: zero widths, fillers, bidi marks, tags.
_INVISIBLE = re.compile(
    "[\\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]")
_SHORT = {
    "mr",
    "mrs",
    "ms",
    "dr",
    "st",
    "lt",
    "col",
    "gen",
    "maj",
    "sgt",
    "capt",
    "rep",
    "sen",
    "gov",
    "prof",
    "no",
    "vs",
    "jr",
    "sr",
    "inc",
}
_ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"((?:jan|febr?)(?:uary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
_MONTH += r"|(?:sept?|oct|nov|dec)(?:o|em)?(?:ber)?)\.?"


@dataclass(slots=True)
class Found:
    """One article as its reader found it; nothing is cleaned yet.

    Attributes:
        text: The visible text, blocks separated by a blank line where the format has blocks.
        key: Which article of a file with several, "" where the file is one article.
        where: Its place in such a file, for people: "line 3".
        notes: What a person should know about how it was read, one sentence fragment each.
    """

    text: str
    title: str = ""
    source: str = ""
    url: str = ""
    author: str = ""
    published: str = ""
    key: str = ""
    where: str = ""
    notes: list[str] = field(default_factory=list)


def canonical(text: str) -> str:
    r"""Return the text with line feeds as line ends, NUL and lone surrogates as U+FFFD.

    >>> canonical("one\r\ntwo\rthree\0") == "one\ntwo\nthree\ufffd"
    True
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def is_blank(text: str) -> bool:
    r"""Say whether nothing of the text can be seen: white space, controls, zero-width characters.

    >>> is_blank(" \n\u200b"), is_blank("。")
    (True, False)
    """
    return _INVISIBLE.fullmatch(text) is not None or not text


def one_line(text: str, limit: int = FIELD_CHARACTERS) -> str:
    r"""Return a text as one line without controls, cut at a word to `limit` characters.

    >>> one_line("Quake\n  in\x1b Peru")
    'Quake in Peru'
    >>> one_line("one two three", 8)
    'one two…'
    """
    text = _SURROGATE.sub("\ufffd", text[: limit * 10])
    text = "".join(c for c in text if c.isspace() or unicodedata.category(c) != "Cc")
    text = " ".join(_BIDI.sub("", text).split())
    if is_blank(text):
        return ""
    return text if len(text) <= limit else _cut(text, limit)


def opening(text: str, limit: int = 80) -> str:
    """Return the first sentence of a text, cut at a word: a title for want of one.

    >>> opening("Rockets hit a base in Kirkuk. Nobody was hurt.")
    'Rockets hit a base in Kirkuk.'
    """
    block = next((b for b in re.split(r"\n\s*\n", text.strip()[:10_000]) if not is_blank(b)), "")
    line = one_line(block, 4 * limit)
    for end in _SENTENCE_END.finditer(line):
        word = line[: end.start()].rpartition(" ")[2]
        after = line[end.end() :].lstrip()
        # "U.S." and "Lt." end no sentence; neither does a stop before a small letter.
        short = len(word) < 2 or "." in word or word.lower() in _SHORT
        if not short and not after[:1].islower():
            line = line[: end.end()]
            break
    return line if len(line) <= limit else _cut(line, limit)


def web_address(text: str) -> str:
    """Return the text if it is an http or https address, else "".

    >>> web_address("javascript:alert(1)"), web_address("https://example.org/a")
    ('', 'https://example.org/a')
    """
    text = text.strip()
    if len(text) > URL_CHARACTERS or not _ADDRESS.fullmatch(text):
        return ""
    return "" if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text) else text


def iso_date(value: object) -> str:
    """Return a date as ISO 8601 (`2024-03-12`), "" where the value is not clearly one.

    Day and month in figures are read only where their order is certain: `12.3.2024`, `13/3/2024`.

    >>> iso_date("Tuesday, March 12th, 2024"), iso_date("2024-03-12T10:00Z"), iso_date("3/4/2024")
    ('2024-03-12', '2024-03-12', '')
    """
    if isinstance(value, datetime.date):  # a datetime is one too
        return value.isoformat()[:10]
    text = " ".join(str(value)[:100].split())
    for pattern, order in _DATES:
        if match := pattern.match(text):
            found = dict(zip(order, match.groups(), strict=True))
            return _date(found["y"], found["m"], found["d"])
    if match := re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)", text, re.ASCII):
        day, month, year = match.groups()
        if int(day) > 12 or day == month:
            return _date(year, month, day)
        return _date(year, day, month) if int(month) > 12 else ""
    return ""


def _date(year: str, month: str, day: str) -> str:
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    try:
        return datetime.date(int(year), number, int(day)).isoformat()
    except ValueError:
        return ""


def _dates(*patterns: tuple[str, str]) -> list[tuple[re.Pattern[str], str]]:
    weekday = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
    return [(re.compile(weekday + p, re.IGNORECASE | re.ASCII), order) for p, order in patterns]


_DATES = _dates(
    (r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)", "ymd"),
    (r"(\d{4})/(\d{1,2})/(\d{1,2})(?!\d)", "ymd"),
    (r"(?:D:)?((?:19|20)\d\d)(\d\d)(\d\d)(?:$|[T ]|\d{4}(?:\d\d)?(?!\d))", "ymd"),
    (r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)", "dmy"),
    (rf"(\d{{1,2}})(?:st|nd|rd|th)?[ -](?:of )?{_MONTH},?[ -](\d{{4}})(?!\d)", "dmy"),
    (rf"{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})(?!\d)", "mdy"),
)


def _cut(text: str, limit: int) -> str:
    """Cut a line that is too long at a word; the mark "…" is counted."""
    words = " " in text[limit // 2 : limit]
    head = text[:limit].rpartition(" ")[0] if words else text[: limit - 1]
    return head.rstrip(" ,;:–—-") + "…"
