"""Markdown to its visible text, with YAML front matter as metadata."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from index.errors import UnreadableFile
from index.formats.decode import decode, is_page
from index.formats.found import Found, canonical, one_line

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_NESTING = 60
"""Levels of quotes and lists, two levels a list; what is nested deeper is left out."""

_SILENT = "script|style|template|noscript|iframe|object|svg|math|textarea|select|head|title"
# Each alternative stops at the end of the text at the latest, so that nothing is searched twice.
_HTML = re.compile(
    rf"<!--.*?(?:-->|\Z)|<({_SILENT})\b[^<>]*>.*?(?:</\1\s*>|\Z)|<[a-zA-Z/!?][^<>]*>?",
    re.DOTALL | re.IGNORECASE,
)


def read(data: bytes, name: str) -> list[Found]:
    """Read a Markdown text; front matter that is not a YAML mapping is text.

    The title is the front matter's, else the first heading.

    Raises:
        UnreadableFile: `bad_type`, `bad_encoding`.
    """
    if is_page(data):
        found = "looks like an HTML page, not Markdown; rename it to .html"
        raise UnreadableFile(name, "bad_type", found)
    text, notes = decode(data, name)
    text = canonical(text)
    blocks: list[str] = []
    fields: dict[str, str] | None = {}
    if match := _FRONT.match(text):
        text = text[match.end() :]
        fields = _front_matter(match[1])
        if fields is None:
            blocks.append(match[1].strip())
    body, heading = _visible(text)
    blocks.extend(body)
    fields = {"title": heading} | (fields or {})
    return [Found("\n\n".join(b for b in blocks if b.strip()), notes=notes, **fields)]


def _front_matter(text: str) -> dict[str, str] | None:
    """Return the known fields of a front matter, None if it is none."""
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date such as 2024-13-45
        return None
    if not isinstance(found, dict):
        return None
    names = {str(key).lower(): value for key, value in found.items()}
    wanted = {
        "title": ("title",),
        "source": ("source", "publisher", "sitename"),
        "url": ("url", "link", "canonical"),
        "author": ("author", "authors"),
        "published": ("published", "date"),
    }
    fields = {field: next((s for key in keys if (s := _string(names.get(key)))), "") for field, keys in wanted.items()}
    return {field: value for field, value in fields.items() if value}


def _string(value: object) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        names = (one for one in value[:10] if isinstance(one, (str, datetime.date)))
        return ", ".join(filter(None, map(_string, names)))
    return one_line(str(value)) if isinstance(value, (str, int, float)) else ""


def _visible(text: str) -> tuple[list[str], str]:  # noqa: C901  one branch a token
    """Return the visible blocks of a Markdown text, and its first heading ("" for none)."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _NESTING}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # only its text stays
    tokens = parser.parse(text)
    blocks: list[str] = []
    heading = ""
    depth, marker = 0, ""
    row: list[str] = []
    grown = False  # the last block is a list or a table that the next line belongs to
    for before, token in zip([None, *tokens], tokens, strict=False):
        line = ""
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                depth += 1
            case "bullet_list_close" | "ordered_list_close":
                depth -= 1
                grown = grown and depth > 0
            case "list_item_open":
                marker = "  " * (depth - 1) + (f"{token.info}. " if token.info else "- ")
            case "tr_open":
                row = []
            case "tr_close":
                line = f"| {' | '.join(row)} |"
            case "table_close":
                grown = depth > 0
            case "fence" | "code_block":
                line = token.content.rstrip("\n")
            case "html_block":
                line = _without_tags(token.content)
            case "inline":
                line = re.sub(r" {2,}", " ", "".join(_inline(token.children or []))).strip()
                if before is not None and before.type in ("th_open", "td_open"):
                    row.append(" ".join(line.split()))
                    line = ""
                elif before is not None and before.type == "heading_open":
                    heading = heading or line
        if not line.strip():
            continue
        line, marker = (marker or "  " * depth) + line, ""
        if grown:
            blocks[-1] += "\n" + line
        else:
            blocks.append(line)
        grown = depth > 0 or token.type == "tr_close"
    return blocks, heading


def _inline(tokens: list[Token]) -> Iterator[str]:
    silent = ""  # the element whose content is not shown
    for token in tokens:
        if token.type == "html_inline":
            if silent:
                if re.match(rf"</{silent}\s*>", token.content, re.IGNORECASE):
                    silent = ""
            elif match := re.match(rf"<({_SILENT})\b", token.content, re.IGNORECASE):
                silent = match[1]
            elif re.match(r"<br\b", token.content, re.IGNORECASE):
                yield "\n"
        elif silent or token.type == "image":
            continue
        elif token.type in ("softbreak", "hardbreak"):
            yield " " if token.type == "softbreak" else "\n"
        else:
            yield token.content


def _without_tags(text: str) -> str:
    text = re.sub(r"<(?:br|/p|/div|/li|/tr|/h\d)\b[^<>]*>", "\n", text, flags=re.IGNORECASE)
    lines = (" ".join(line.split()) for line in html.unescape(_HTML.sub("", text)).split("\n"))
    return "\n".join(line for line in lines if line)
