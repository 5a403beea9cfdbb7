"""HTML pages: the article's text without the page around it, as trafilatura finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from index.errors import UnreadableFile
from index.formats.decode import decode, kind
from index.formats.found import Found, is_blank, one_line

_CHARSET = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_EMBEDDED = re.compile(r"data:[\w.+/;=-]{0,100},[A-Za-z0-9+/=%]{500,}")  # an image inside the page
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[<>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)  # lxml shows its end
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_COLOURS = re.compile(r"(?:^|[;\s])(background(?:-color)?|color)\s*:\s*([^;!]+)", re.IGNORECASE)
_WHITE = {"#fff": "white", "#ffffff": "white", "rgb(255,255,255)": "white"}
_CONSENT = re.compile(r"cookie|consent|gdpr", re.IGNORECASE)
_CONSENT_CHARACTERS = 2_000
"""Characters of a cookie banner; what is longer is an article about cookies."""

_BLOCKS = {"p", "head", "quote", "list", "table", "div", "ab", "item", "figure"}


def read(data: bytes, name: str) -> list[Found]:
    """Read an HTML page; nothing that it names is fetched.

    Hidden elements, cookie banners and password forms are no article text.

    Raises:
        UnreadableFile: `bad_type`, `bad_encoding`; `empty` where no article text is found.
    """
    if what := kind(data):
        found = f"looks like {what}, not an HTML page; remove it or convert it"
        raise UnreadableFile(name, "bad_type", found)
    if re.match(rb"(?:[A-Z][\w-]+:.*\r?\n(?:[ \t].*\r?\n)*){2,}", data[:4096]):
        found = "looks like an e-mail or a web archive; save it as an HTML page"
        raise UnreadableFile(name, "bad_type", found)
    declared = _CHARSET.search(data[:4096])
    label = declared[1].decode("ascii", "replace") if declared else ""
    text, notes = decode(data, name, label)
    article = _article(_EMBEDDED.sub("data:,", _DOCTYPE.sub("", text, count=1)))
    if article is None or is_blank(article.text):
        found = "no article text found; remove it or save the article as text"
        raise UnreadableFile(name, "empty", found)
    article.notes = notes
    return [article]


def _article(text: str) -> Found | None:
    from lxml.etree import ParserError
    from lxml.html import HTMLParser, document_fromstring
    from trafilatura import bare_extraction

    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False)
    try:
        text = text.replace("\0", "\ufffd")  # NUL ends a text for libxml2
        page = document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except ParserError:  # not a single element
        return None
    # trafilatura capitalises each word of a site's name; the page knows best how it is written.
    sites = [one_line(name) for name in page.xpath("//meta[@property='og:site_name']/@content")]
    _remove_unseen(page)
    found = bare_extraction(
        page,
        favor_recall=True,
        with_metadata=True,
        include_comments=False,
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    if found is None or isinstance(found, dict) or found.body is None:
        return None
    blocks = [block for block in _blocks(found.body) if not is_blank(block)]
    heads = (" ".join("".join(h.itertext()).split()) for h in found.body.iter("head"))
    title = found.title or next(heads, "")
    while len(blocks) > 1 and blocks[0].casefold() == blocks[1].casefold() == title.casefold():
        del blocks[0]
    return Found(
        "\n\n".join(blocks),
        title=title,
        source=next(filter(None, sites), "") or found.sitename or "",
        url=found.url or "",
        author=found.author or "",
        published=found.date or "",
    )


def _remove_unseen(page: Any) -> None:
    """Drop what a reader of the page does not see, or has to click away."""
    root = {page, *page.iterchildren("body")}
    unseen = [
        element
        for element in page.iter()
        if isinstance(element.tag, str) and element not in root and _is_unseen(element)
    ]
    for element in unseen:
        if element.getparent() is not None:
            element.drop_tree()


def _is_unseen(element: Any) -> bool:
    if element.tag in ("template", "noscript", "iframe", "svg", "object"):
        return True
    if element.tag == "form":
        return bool(element.xpath(".//input[translate(@type, 'PASWORD', 'pasword') = 'password']"))
    attributes = element.attrib
    if not attributes or element.tag in ("meta", "link", "script", "html", "head"):
        return False
    if "hidden" in attributes or attributes.get("aria-hidden", "").lower() == "true":
        return True
    style = attributes.get("style", "")
    if _UNSEEN.search(style):
        return True
    colours = {k.lower()[:5]: "".join(v.lower().split()) for k, v in _COLOURS.findall(style)}
    if len(colours) == 2 and len({_WHITE.get(v, v) for v in colours.values()}) == 1:
        return True
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}"
    if element.tag in ("div", "section", "aside", "dialog") and _CONSENT.search(names):
        return len(element.xpath("string()")) < _CONSENT_CHARACTERS
    return False


def _blocks(element: Any) -> Iterator[str]:
    """Yield the blocks of what trafilatura found; a list or a table is one block of lines."""
    line = [_squeezed(element.text)]
    for child in element:
        if child.tag in _BLOCKS or (child.tag == "code" and "\n" in (child.text or "")):
            yield _joined(line)
            line = []
            if child.tag == "list":
                yield "\n".join(_items(child))
            elif child.tag == "table":
                yield "\n".join(f"| {' | '.join(_cells(row))} |" for row in child.iterchildren("row"))
            elif child.tag == "code":
                yield "".join(child.itertext()).strip("\n")
            else:
                yield from _blocks(child)
        else:
            line.append("\n" if child.tag == "lb" else "")
            line.extend(_squeezed(text) for text in child.itertext())
        line.append(_squeezed(child.tail))
    yield _joined(line)


def _items(element: Any) -> Iterator[str]:
    numbered = "ol" in element.get("rend", "")
    for number, item in enumerate(element.iterchildren("item"), 1):
        text = "\n".join(block for block in _blocks(item) if block)
        if text:
            yield (f"{number}. " if numbered else "- ") + text.replace("\n", "\n  ")


def _cells(row: Any) -> Iterator[str]:
    for cell in row.iterchildren("cell"):
        yield _squeezed(" ".join(cell.itertext())).strip()


def _squeezed(text: str | None) -> str:
    """Shrink white space as a browser does, which keeps a no-break space."""
    return re.sub(r"[ \t\n\r\f]+", " ", text or "")


def _joined(parts: list[str]) -> str:
    return re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", "".join(parts))).strip(" \n")
