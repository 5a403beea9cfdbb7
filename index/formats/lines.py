"""JSON lines: an article a line, an object of strings.

Its fields are `text` and, where known, `id`, `title`, `source`, `url`, `author` and `published`.
"""

from __future__ import annotations

import json

from index.errors import UnreadableFile
from index.formats.decode import decode
from index.formats.found import Found, canonical, is_blank, one_line

_KEY_CHARACTERS = 200
_REFUSALS = 20
"""Refused lines that are named one by one; the rest are counted."""


def read(data: bytes, name: str) -> list[Found | UnreadableFile]:
    """Read a file of JSON lines; a line that is no article is refused and the others go on.

    Returns:
        Articles with a `key`, the line's `id` or its number from 1, and a refusal per bad line.

    Raises:
        UnreadableFile: `bad_type`, `bad_encoding`; `empty` if there is no line at all.
    """
    text, notes = decode(data, name)
    found: list[Found | UnreadableFile] = []
    keys: dict[str, int] = {}  # the line of each
    refused = 0
    for number, line in enumerate(canonical(text).split("\n"), 1):
        if is_blank(line):
            continue
        article = _article(line, number)
        if isinstance(article, Found) and (first := keys.setdefault(article.key, number)) != number:
            article = ("unreadable", f"repeats the id of line {first}; give it another")
        if isinstance(article, Found):
            article.notes = notes
            found.append(article)
            continue
        code, why = article
        refused += 1
        if refused <= _REFUSALS:
            found.append(UnreadableFile(name, code, f"line {number}: {why}"))
    if refused > _REFUSALS:
        rest = f"{refused - _REFUSALS:,} more lines are no articles either; correct or delete them"
        found.append(UnreadableFile(name, "unreadable", rest))
    if not found:
        raise UnreadableFile(name, "empty", "holds no line; remove it or add articles")
    return found


def _article(line: str, number: int) -> Found | tuple[str, str]:
    """Read one line, or say with a code and in words why it is no article."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        return "unreadable", f"is not valid JSON{where}; correct or delete the line"
    text = fields.get("text") if isinstance(fields, dict) else None
    if not isinstance(text, str):
        return "unreadable", 'is not an object with a string "text"; correct or delete the line'
    if is_blank(text):
        return "empty", "holds no visible text; add some or delete the line"
    key = one_line(_string(fields.get("id")), _KEY_CHARACTERS)
    article = Found(text, key=key or str(number), where=f"line {number}")
    for field in ("title", "source", "url", "author", "published"):
        setattr(article, field, _string(fields.get(field)))
    return article


def _string(value: object) -> str:
    return str(value) if isinstance(value, (str, int, float)) else ""
