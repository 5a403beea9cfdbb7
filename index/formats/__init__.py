"""The bytes of a file to articles: pure functions that open, fetch and start nothing.

The canonical text, which every offset counts in, is the decoded text of a `.txt` file, the field
`text` of a `.jsonl` line, and the visible text of the other formats: blocks separated by a blank
line, list items after `- ` or `1. `, the rows of tables as lines `| a | b |`. A headline that the
file shows stays in the text, once. Line ends are line feeds, NUL and lone surrogates U+FFFD;
nothing else is changed.

Files from strangers are read in the process of `index.parser`, within limits of time and memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath

from index.errors import UnreadableFile
from index.formats.found import (
    TITLE_CHARACTERS,
    Found,
    canonical,
    is_blank,
    iso_date,
    one_line,
    opening,
    web_address,
)
from index.types import Article

FILE_BYTES = 20 * 1024 * 1024
"""Bytes of a file; a larger one is refused unread."""

TEXT_CHARACTERS = 5_000_000
"""Characters of an article's canonical text."""

_READERS = {
    ".txt": "plain",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "page",
    ".htm": "page",
    ".pdf": "pdf",
    ".docx": "word",
    ".jsonl": "lines",
}

SUFFIXES = frozenset(_READERS)
"""The endings of the files that are articles, in small letters; capitals are read too."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file gave.

    Attributes:
        articles: At least one, unless each line of a `.jsonl` file was refused.
        refused: The lines of a `.jsonl` file that are no articles; the others are all the same.
        notes: What a person should know about how it was read, such as "read as cp1252".
    """

    articles: tuple[Article, ...]
    refused: tuple[UnreadableFile, ...] = ()
    notes: tuple[str, ...] = ()


def read(data: bytes, name: str) -> Reading:
    """Read the articles of a file.

    Args:
        data: The whole file.
        name: Its id: the path in the articles folder with `/` between its parts. The suffix decides
            how it is read; a lone surrogate in it (a file name that is not UTF-8) is written out.

    Raises:
        UnreadableFile: It cannot become an article; `found` says why and what to do.
        MemoryError: There is not enough memory; nothing else gets through.

    >>> read(b"Rockets hit a base in Kirkuk.", "a.txt").articles[0].title
    'Rockets hit a base in Kirkuk.'
    """
    name = shown(name)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _READERS:
        known = " ".join(sorted(SUFFIXES))
        found = f"is no kind of file that is read; convert it to one of {known}"
        raise UnreadableFile(name, "bad_type", found)
    if len(data) > FILE_BYTES:
        raise too_large(name)
    if not data:
        raise UnreadableFile(name, "empty", "is empty; remove it or add text")
    reader: Callable[[bytes, str], list[Found | UnreadableFile]]
    reader = import_module(f"index.formats.{_READERS[suffix]}").read
    try:
        raw = reader(data, name)
    except (UnreadableFile, MemoryError):
        raise
    except Exception as error:  # the boundary: parsers fail in their own ways on damaged files
        why = f"is damaged or no real {suffix} file ({type(error).__name__})"
        found = f"{why}; open it in its program and save it again"
        raise UnreadableFile(name, "unreadable", found) from error
    if isinstance(raw[0], Found) and not raw[0].key:
        return Reading((_article(raw[0], name),), notes=tuple(raw[0].notes))
    return _several(raw, name)


def shown(name: str) -> str:
    r"""Return a file name that can be stored and shown: a byte that is not UTF-8 written out.

    >>> shown("caf\udce9.txt")
    'caf\\udce9.txt'
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def too_large(name: str) -> UnreadableFile:
    """Return the refusal of a file above `FILE_BYTES`."""
    found = f"is larger than {FILE_BYTES // 2**20} MB; split it into several files"
    return UnreadableFile(name, "too_large", found)


def _several(raw: list[Found | UnreadableFile], name: str) -> Reading:
    articles: list[Article] = []
    refused: list[UnreadableFile] = []
    notes: dict[str, None] = {}
    for each in raw:
        if isinstance(each, UnreadableFile):
            refused.append(each)
            continue
        try:
            articles.append(_article(each, name))
        except UnreadableFile as error:
            refused.append(UnreadableFile(name, error.code, f"{each.where}: {error.found}"))
            continue
        notes.update(dict.fromkeys(each.notes))
    return Reading(tuple(articles), tuple(refused), tuple(notes))


def _article(raw: Found, name: str) -> Article:
    text = canonical(raw.text)
    if is_blank(text):
        raise UnreadableFile(name, "empty", "holds no visible text; remove it or add text")
    if len(text) > TEXT_CHARACTERS:
        found = f"holds {len(text):,} characters of text, more than {TEXT_CHARACTERS:,}; split it"
        raise UnreadableFile(name, "too_large", found)
    title = one_line(raw.title, TITLE_CHARACTERS) or opening(text)
    return Article(
        id=f"{name}#{raw.key}" if raw.key else name,
        title=title or one_line(PurePosixPath(name).stem) or "Untitled",
        text=text,
        source=one_line(raw.source),
        url=web_address(raw.url),
        author=one_line(raw.author),
        published=iso_date(raw.published),
    )
