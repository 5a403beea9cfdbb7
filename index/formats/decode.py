"""Bytes to text: binary files are refused by their content, encodings told by evidence."""

from __future__ import annotations

import codecs
import re

from index.errors import UnreadableFile

REPLACED_SHARE = 0.01
"""Of the characters; with more that cannot be decoded, a file is refused."""

CONTROL_SHARE = 0.05
"""Of the bytes; with more control characters, a file is binary."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document or a password-protected one"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"RIFF", "a sound, a film or a WebP image"),
    (b"OggS", "a sound file"),
    (b"ID3", "an MP3 file"),
    (b"MZ", "a Windows program"),
    (b"PAR1", "a Parquet file"),
)
_SPELLED = (b"BZh", b"RIFF", b"OggS", b"ID3", b"MZ", b"PAR1")  # a text may begin like this

_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\f\r\x1b") + b"\x7f"
_MULTIBYTE_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_WIDE = re.compile(r"big5|gb|hz|euc|shift|cp932|cp949|cp950|johab|iso2022")

# What pages say, and what they mean by it (WHATWG Encoding).
_MEANT = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030"}
_MEANT |= {
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
}
_ALLOWED = re.compile(
    r"utf-8|cp125\d|cp932|cp949|cp866|cp874|iso8859-\d+|koi8-[ru]|mac-(roman|cyrillic)|gb18030"
    r"|big5|euc_jp"
)

# The letters of languages written in cp1252, which is told from its neighbours by them.
_WESTERN = [
    set(letters + letters.upper())
    for letters in (
        "àâæçéèêëîïôœùûüÿ",
        "äöüßéà",
        "áéíñóúü",
        "àâãáçéêíóôõúü",
        "àèéìíîòóùú",
        "åäöæøéü",
    )
]
_MARKS_OF_ALL = set("\u00a0‘’“”‚„‹›«»–—…•·†‡€£¥¢§©®™°±²³½¼¾×µ¿¡ªº")
_WESTERN_SHARE = 0.97
_RARE = 0.03
"""Of the bytes; with fewer accents, a text may have words of any of those languages."""


def kind(data: bytes) -> str:
    r"""Name what a file is by its first bytes, "" where they are those of a text.

    >>> kind(b"\x89PNG\r\n\x1a\n...")
    'a PNG image'
    """
    for magic, what in _MAGIC:
        if data.startswith(magic) and (magic not in _SPELLED or _is_binary(data[:4096])):
            return what
    return ""


def is_page(data: bytes) -> bool:
    r"""Say whether a file begins like an HTML page.

    >>> is_page(b"\xef\xbb\xbf\n<!DOCTYPE html>")
    True
    """
    head = data[:1024].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    return head.startswith((b"<!doctype html", b"<html"))


def decode(data: bytes, name: str, declared: str = "") -> tuple[str, list[str]]:
    """Decode a text: by its byte order mark, as UTF-8, as declared, else by its letters.

    Valid UTF-8 goes before a declaration, because a text in another encoding is hardly ever valid
    UTF-8 by accident, and declarations are often wrong.

    Args:
        data: The bytes.
        name: The file's name, for errors.
        declared: The encoding that the file itself names, "" for none.

    Returns:
        The text without byte order mark, and notes on how it was read.

    Raises:
        UnreadableFile: `bad_type` for binary content, `bad_encoding` where no encoding fits well.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _damaged(data[len(mark) :], name, encoding)
    if b"\0" in data and (wide := _unmarked(data)):
        return data.decode(wide), [f"read as {wide}, which the file does not say"]
    if what := kind(data):
        raise UnreadableFile(name, "bad_type", f"looks like {what}, not text; {_CONVERT}")
    if _is_binary(data):
        raise UnreadableFile(name, "bad_type", f"holds binary data, not text; {_CONVERT}")
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    if encoding := _allowed(declared):
        return _damaged(data, name, encoding)
    return _legacy(data, name)


_CONVERT = "remove it or convert it to text"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _is_binary(data: bytes) -> bool:
    return len(data) - len(data.translate(None, _CONTROLS)) > CONTROL_SHARE * len(data)


def _damaged(data: bytes, name: str, encoding: str) -> tuple[str, list[str]]:
    """Decode with U+FFFD for what does not fit, if that is at most `REPLACED_SHARE`."""
    text = data.decode(encoding, "replace")
    lost = text.count("\ufffd")
    if lost and encoding == "utf-8":
        lost -= data.count("\ufffd".encode())
    if lost > REPLACED_SHARE * len(text):
        raise _undecodable(name, f"{lost:,} of {len(text):,} characters are not valid {encoding}")
    notes = [] if encoding.startswith("utf") else [f"read as {encoding}"]
    if lost:
        notes.append(f"{lost:,} characters that are not valid {encoding} were replaced")
    return text, notes


def _undecodable(name: str, why: str) -> UnreadableFile:
    return UnreadableFile(name, "bad_encoding", f"{why}; save it as UTF-8")


def _unmarked(data: bytes) -> str:
    """Name the UTF-16 or UTF-32 of a text without a mark by where its NULs stand, or ""."""
    for encoding, width, zero in (
        ("utf-32-le", 4, 3),
        ("utf-32-be", 4, 0),
        ("utf-16-le", 2, 1),
        ("utf-16-be", 2, 0),
    ):
        count = len(data) // width
        if len(data) % width or not count:
            continue
        high = data[zero::width].count(0) / count
        low = data[width - 1 - zero :: width].count(0) / count
        if high < (0.99 if width == 4 else 0.05) or low > high / 20:
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(c.isprintable() or c in "\t\n\f\r\ufeff" for c in text) > 0.98 * len(text):
            return encoding
    return ""


def _allowed(label: str) -> str:
    """Return Python's name of the encoding that a page means by `label`, "" for one not allowed."""
    try:
        found = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):
        return ""
    found = _MEANT.get(found, found)
    return found if _ALLOWED.fullmatch(found) else ""


def _legacy(data: bytes, name: str) -> tuple[str, list[str]]:
    """Decode what is not UTF-8: damaged UTF-8, or an encoding of before it."""
    sound = len(_MULTIBYTE_UTF8.findall(data))
    broken = data.decode("utf-8", "replace").count("\ufffd")
    if sound >= broken and broken <= REPLACED_SHARE * len(data):
        return _damaged(data, name, "utf-8")
    encoding = _guess(_sample(data))
    if not encoding:
        raise _undecodable(name, "the encoding of its text cannot be told")
    if not _WIDE.match(encoding) and sound > 0.1 * broken:
        raise _undecodable(name, f"mixes UTF-8 with another encoding ({encoding}?)")
    return _damaged(data, name, encoding)


def _sample(data: bytes, size: int = 50_000) -> bytes:
    """Return lines that are not ASCII: the only ones that tell an encoding."""
    lines: list[bytes] = []
    for line in data.split(b"\n"):
        if not line.isascii():
            lines.append(line[:size])
            size -= len(line)
            if size <= 0:
                break
    return b"\n".join(lines)


def _guess(sample: bytes) -> str:
    """Name the encoding of a text that is not UTF-8, "" where the evidence is thin."""
    if _is_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, threshold=0.15).best()
    if best is None or not (_WIDE.match(best.encoding) or best.coherence >= 0.1):
        return ""
    return str(best.encoding)


def _is_western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    high = [c for c in text if c > "\x7f"]
    # "donÕt" is the apostrophe of another encoding, and text without ASCII letters another script.
    if re.search(r"[a-z][À-Þ]", text) or 3 * len(high) > len(text):
        return False
    letters = [c for c in high if c not in _MARKS_OF_ALL]
    rare = len(letters) < _RARE * len(text)
    alphabets = [set().union(*_WESTERN)] if rare else _WESTERN
    known = max(sum(c in alphabet for c in letters) for alphabet in alphabets)
    return known >= _WESTERN_SHARE * len(letters)
