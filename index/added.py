"""Files that are added through the page or the call: into the articles folder, so that the folder stays the truth.

They lie in `added/`. What a fetched page cannot say of itself, its address and the day it was fetched, stands beside
them in a hidden file. Names come from strangers: nothing of them can lead elsewhere, hide a file or replace another.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from index.errors import NotAdded, UnreadableFile
from index.formats import SUFFIXES, shown
from index.formats.found import one_line, web_address
from index.types import Article

if TYPE_CHECKING:
    from index.fetch import Fetched

FOLDER = "added"
"""The folder for them inside the articles folder."""

_ORIGINS = ".origins.json"
_NAME = 100  # bytes of a name without its suffix
_BAD = re.compile(r"[\x00-\x1f\x7f<>:\"|?*#%]+")  # what some system refuses in a name, and `#`, which parts an id
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)|readme", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file was fetched from, and on which day, as ISO 8601."""

    url: str
    fetched: str


def safe_name(name: str) -> str:
    r"""Return the name that a file from a stranger gets: no path, not hidden, of a length that any system takes.

    Raises:
        UnreadableFile: `bad_type` for a suffix that is none of an article's.

    >>> safe_name("../../etc/passwd.txt"), safe_name(r"C:\new\.hidden.MD"), safe_name("README.md")
    ('passwd.txt', 'hidden.md', 'article-README.md')
    """
    last = re.split(r"[/\\]", shown(name))[-1]
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    kept = " ".join(_BAD.sub("-", kept).split())
    stem, suffix = os.path.splitext(kept.lstrip(" .~"))
    suffix = suffix.lower()
    if suffix not in SUFFIXES:
        known = " ".join(sorted(SUFFIXES))
        found = f"is no kind of file that is read; convert it to one of {known}"
        raise UnreadableFile(one_line(last, 100) or "The file", "bad_type", found)
    stem = stem.strip(" .-~") or "article"
    if _DEVICE.match(stem):
        stem = f"article-{stem}"
    return stem.encode()[:_NAME].decode("utf-8", "ignore").rstrip(" .") + suffix


def page_name(page: Fetched) -> str:
    """Return the name for a fetched page, from its address.

    >>> from index.fetch import Fetched
    >>> page_name(Fetched(b"", "https://news.example/2024/05/storm.php?id=1", ".html", ""))
    'news.example storm.html'
    """
    parts = urlsplit(page.url)
    last = PurePosixPath(unquote(parts.path)).name.rpartition("/")[2]
    stem = os.path.splitext(last)[0] or last
    return safe_name(f"{parts.hostname} {stem}".strip().replace("/", "-").replace("\\", "-") + page.suffix)


def page_data(page: Fetched) -> bytes:
    """Return the bytes to save of a page: as they came, or in UTF-8 where only the server knew the encoding."""
    if page.charset and page.suffix in (".html", ".txt", ".md"):
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            try:
                page.data.decode("utf-8")
            except UnicodeDecodeError:
                return codecs.BOM_UTF8 + page.data.decode(page.charset).encode("utf-8", "replace")
    return page.data


def save(folder: Path, name: str, data: bytes, *, over: str | None = None) -> str:
    """Write a file into `added/`, whole or not at all, and never over another one that was not named.

    Args:
        folder: The articles folder.
        name: From `safe_name`; a number is put behind it where there is such a file.
        over: The path of the file to replace.

    Returns:
        Its path in the articles folder.

    Raises:
        NotAdded: The folder takes no files.
    """
    with _told(folder):
        place = _place(folder)
        for left in place.glob(".*.new"):  # of a process that was killed
            left.unlink(missing_ok=True)
        new = place / f".{secrets.token_hex(8)}.new"
        try:
            with open(new, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if over:
                os.replace(new, folder / over)
                return over
            stem, suffix = os.path.splitext(name)
            number = 1
            while True:
                to = place / (f"{stem} {number}{suffix}" if number > 1 else name)
                number += 1
                with contextlib.suppress(FileExistsError):
                    _move(new, to)
                    return f"{FOLDER}/{to.name}"
        finally:
            new.unlink(missing_ok=True)


def discard(folder: Path, path: str) -> None:
    """Delete a file that was saved and turned out to be no article."""
    with contextlib.suppress(OSError):
        (folder / path).unlink()


def origins(folder: Path) -> dict[str, Origin]:
    """Return where the fetched files came from, by path; nothing where that cannot be read."""
    try:
        held = json.loads((folder / FOLDER / _ORIGINS).read_text(encoding="utf-8"))
        return {
            path: Origin(web_address(str(o["url"])), str(o["fetched"])[:10])
            for path, o in held.items()
            # The file may be a stranger's: only what lies here is said of, and can be replaced.
            if re.fullmatch(rf"{FOLDER}/[^/\\]+", path) and path != f"{FOLDER}/.."
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def remember(folder: Path, path: str, origin: Origin) -> None:
    """Note where a file was fetched from, and forget files that are gone.

    Raises:
        NotAdded: The folder takes no files.
    """
    known = {name: held for name, held in origins(folder).items() if (folder / name).is_file()}
    known[path] = origin
    told = {name: {"url": held.url, "fetched": held.fetched} for name, held in sorted(known.items())}
    with _told(folder):
        new = _place(folder) / f"{_ORIGINS}.new"
        new.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(new, _place(folder) / _ORIGINS)


def told(article: Article, path: str, known: Mapping[str, Origin]) -> Article:
    """Return an article with what its file cannot say: its address, and its site where it names no source.

    What the page says of its own address is believed where that is on the same site.
    """
    origin = known.get(path)
    if origin is None or not origin.url:
        return article
    site, claimed = urlsplit(origin.url).hostname or "", urlsplit(article.url).hostname or ""
    own = claimed == site
    # Where a page names no site, that of its own address is taken for its source.
    source = article.source if own or article.source != claimed.removeprefix("www.") else ""
    return replace(article, url=article.url if own else origin.url, source=source or site.removeprefix("www."))


def _place(folder: Path) -> Path:
    place = folder / FOLDER
    if place.is_symlink():
        raise NotAdded(f"{place} is a symbolic link, which is not followed; put a folder in its place.")
    place.mkdir(exist_ok=True)
    return place


def _move(new: Path, to: Path) -> None:
    """Give a file its name, where nothing has it yet."""
    try:
        os.link(new, to)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if to.exists():
            raise FileExistsError(to) from None
        os.rename(new, to)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotAdded(
            f"Nothing can be added to {folder} ({error.strerror}); make it writable, or put the file there by hand."
        ) from error
