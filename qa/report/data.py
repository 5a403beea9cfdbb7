"""A report for other programs: its citations as W3C Web Annotations, its articles as CSL-JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from qa.report.notes import entries, web

if TYPE_CHECKING:
    from qa.types import Citation, Report

CONTEXT = ["http://www.w3.org/ns/anno.jsonld", {"article-qa": "urn:article-qa:"}]


def web_annotations(report: Report) -> str:
    """Return an annotation page: each citation answers its question, and points at its quote in two ways.

    Source: W3C Web Annotation Data Model (2017), 4.2.4 Text Quote Selector, 4.2.5 Text Position Selector. Positions
    count code points of the article's canonical text, whose SHA-256 is `article-qa:revision`.
    """
    items = [
        {
            "id": f"urn:article-qa:note:{note.number}",
            "type": "Annotation",
            "motivation": "linking",
            "created": f"{report.made}T00:00:00Z",
            "body": {"type": "TextualBody", "purpose": "describing", "value": entry.question},
            "target": _target(note.citation),
        }
        for entry in entries(report)
        for note in entry.notes
    ]
    page = {
        "@context": CONTEXT,
        "id": "urn:article-qa:report",
        "type": "AnnotationPage",
        "label": report.heading,
        "items": items,
    }
    return json.dumps(page, ensure_ascii=False, indent=2)


def _target(citation: Citation) -> dict[str, Any]:
    return {
        "source": web(citation.url) or f"urn:article-qa:article:{quote(citation.article_id, safe='/')}",
        "article-qa:article": citation.article_id,
        "article-qa:revision": citation.revision,
        "article-qa:anchor": citation.anchor,
        "selector": [
            {
                "type": "TextQuoteSelector",
                "exact": citation.quote,
                "prefix": citation.before,
                "suffix": citation.after,
            },
            {"type": "TextPositionSelector", "start": citation.start, "end": citation.end},
        ],
    }


def csl(report: Report) -> str:
    """Return the articles that were cited, each once, in the order of their first citation.

    Source: CSL-JSON 1.0.2. An author is a literal name: where it ends and the family begins is not guessed.
    """
    first: dict[str, Citation] = {}
    for answer in report.answers:
        for citation in answer.citations:
            first.setdefault(citation.article_id, citation)
    return json.dumps([_item(citation) for citation in first.values()], ensure_ascii=False, indent=2)


def _item(citation: Citation) -> dict[str, Any]:
    item: dict[str, Any] = {"id": citation.article_id, "type": "article-newspaper", "title": citation.title}
    if citation.author:
        item["author"] = [{"literal": citation.author}]
    if citation.source:
        item["container-title"] = citation.source
    parts = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", citation.published)
    if parts:
        item["issued"] = {"date-parts": [[int(part) for part in parts.groups() if part]]}
    if web(citation.url):
        item["URL"] = citation.url
    return item
