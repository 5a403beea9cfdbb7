"""What the readers make of ordinary files."""

from __future__ import annotations

import datetime
import io
import json
import subprocess
import sys
import unicodedata

import docx
import pytest
from docx.oxml import parse_xml
from hypothesis import given, settings
from hypothesis import strategies as st

from index import formats
from index.errors import UnreadableFile
from index.formats import markdown, pdf
from index.formats.found import (
    TITLE_CHARACTERS,
    canonical,
    iso_date,
    one_line,
    opening,
    web_address,
)
from index.types import Article


def article(data: str | bytes, name: str) -> Article:
    """Read a file that holds one article."""
    reading = formats.read(data.encode() if isinstance(data, str) else data, name)
    assert not reading.refused
    (found,) = reading.articles
    return found


def refusal(data: str | bytes, name: str) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        formats.read(data.encode() if isinstance(data, str) else data, name)
    assert str(caught.value) == f"{name}: {caught.value.found}"
    return caught.value


def make_pdf(*pages: str, info: str = "") -> bytes:
    """Write a PDF with one line of text for each line of a page."""
    kids = " ".join(f"{5 + 2 * i} 0 R" for i in range(len(pages)))
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        lines = page.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").split("\n")
        shown = " ".join(f"({line}) Tj T*" for line in lines)
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET"
        bodies.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        bodies.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Contents {4 + 2 * number} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
    bodies.append(f"<< {info} >>")
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}trailer\n"
    end += f"<< /Size {len(bodies) + 1} /Root 1 0 R /Info {len(bodies)} 0 R >>\n"
    return out + f"{end}startxref\n{len(out)}\n%%EOF\n".encode()


class TestPlainText:
    def test_text_is_the_file(self) -> None:
        text = "  One.\n\n\tTwo\u2028 \x85 e\u0301 \u200b\x1b[0m three.  \n\n"
        assert article(text, "a/b.txt") == Article("a/b.txt", "One.", text)

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"a\r\nb\rc\n\rd", "a\nb\nc\n\nd"),
            (b"A text with one NUL here:\0.", "A text with one NUL here:\ufffd."),
            (b"\xef\xbb\xbfcaf\xc3\xa9", "café"),
            ("café".encode("utf-16"), "café"),
            (b"\xfe\xff" + "café".encode("utf-16-be"), "café"),
            ("café".encode("utf-32"), "café"),
            ("A plain text.".encode("utf-16-le"), "A plain text."),
            ("Обычный текст, без метки.".encode("utf-16-be"), "Обычный текст, без метки."),
            ("A plain text.".encode("utf-32-be"), "A plain text."),
        ],
    )
    def test_decoding(self, data: bytes, text: str) -> None:
        reading = formats.read(data, "a.txt")
        assert reading.articles[0].text == text

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("cp1252", "He didn’t go. “The café’s £5 offer,” she said, “was naïve.” They left."),
            (
                "cp1252",
                "Le garçon a été élevé à Genève, où il rêvait d’être prêtre. C’était déjà vu.",
            ),
            (
                "cp1252",
                "Die Größe der Straße überraschte die Bürger von Köln, sagte der Bürgermeister.",
            ),
            ("cp1252", "Café"),
            ("shift_jis", "こんにちは、みなさん。"),
            (
                "mac_roman",
                "He didn’t go, “not yet”, and she didn’t either; it wasn’t the café’s fault.",
            ),
            (
                "cp1250",
                "Vláda v úterý oznámila novou hospodářskou politiku. Odborníci říkají dobře.",
            ),
            ("cp1251", "Правительство объявило во вторник о новой экономической политике страны."),
            ("koi8-r", "Правительство объявило во вторник о новой экономической политике страны."),
            (
                "shift_jis",
                "日本の首相は火曜日に会見を開き、新しい経済政策を発表した。政府は歓迎した。",
            ),
            ("gb18030", "中国政府周二宣布了新的经济政策，专家表示这将对全球市场产生重大影响。"),
            ("big5", "中國政府週二宣布了新的經濟政策，專家表示這將對全球市場產生重大影響。"),
            (
                "euc_jp",
                "日本の首相は火曜日に会見を開き、新しい経済政策を発表した。政府は歓迎した。",
            ),
            ("euc_kr", "한국 정부는 화요일에 새로운 경제 정책을 발표했다. 전문가들은 환영했다."),
        ],
    )
    def test_encodings_of_before_utf8(self, encoding: str, text: str) -> None:
        reading = formats.read(text.encode(encoding), "a.txt")
        assert reading.articles[0].text == text
        assert reading.notes[0].startswith("read as ")

    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("Quake in Peru\n\nIt was strong.", "Quake in Peru"),
            ("Who did it?\n\nNobody knows.", "Who did it?"),
            ("\n\n  Quake in Peru  \n \nIt was strong.", "Quake in Peru"),
            ("Quake in Peru\nIt was strong.", "Quake in Peru It was strong."),
            ("It was strong.\n\nVery.", "It was strong."),
            ("U.S. forces hit five sites. Two died.", "U.S. forces hit five sites."),
            ("Lt. Col. Kadhim said so. Then he left.", "Lt. Col. Kadhim said so."),
            ("word " * 40, ("word " * 16).strip() + "…"),
            ("a" * 300, "a" * 79 + "…"),
            ("It is 中国 。\u202e", "It is 中国 。"),
            ("\u202e\u200b\n\nText", "Text"),
        ],
    )
    def test_title(self, text: str, title: str) -> None:
        assert article(text, "a.txt").title == title

    def test_byline_and_date(self) -> None:
        found = article("Quake\n\nBy Jane van Doe\nPublished 12 March 2024\n\nBy noon it was over.", "a.txt")
        assert (found.author, found.published) == ("Jane van Doe", "2024-03-12")

    @pytest.mark.parametrize(
        "line",
        [
            "By Tuesday evening it was over",
            "In 2024-03-12 terms",
            "March 12, 2024 was dark",
            "12 March 2024 saw it",
        ],
    )
    def test_no_byline_in_a_sentence(self, line: str) -> None:
        found = article(f"Quake\n\n{line}\n\nMore.", "a.txt")
        assert (found.author, found.published) == ("", "")

    @pytest.mark.parametrize("line", ["March 12, 2024 at 10:30 a.m. EDT", "Date: 2024-03-12T10:30Z", "Tue., 12.3.2024"])
    def test_date_alone(self, line: str) -> None:
        assert article(f"Quake\n{line}\n\nText.", "a.txt").published == "2024-03-12"


class TestMarkdown:
    def test_visible_text(self) -> None:
        source = """---
title: "Peru: a quake"
date: 2024-03-12
authors: [Jane Doe, Jo Roe]
url: https://x.example/a
source: Daily Star
---
# A heading #

Text with *stress*, `x < 1`, [a link](javascript:alert(1)) and ![no image](http://x/y.png)
in two lines,\\
and a third.

- one
- two
  - inner

  still two
1. first

> quoted **words**
> on

| Year | Dead |
|------|------|
| 1970 | 70,000 |

```py
if a < b:
    <b>
```

<div>raw <b>html</b> &amp; more</div>
<script>evil()</script>

<!-- never
seen -->
An <i>inline</i> tag<script>bad()</script>, a<br>break.
"""
        assert article(source, "a.md") == Article(
            "a.md",
            "Peru: a quake",
            "A heading\n\n"
            "Text with stress, x < 1, a link and in two lines,\nand a third.\n\n"
            "- one\n- two\n  - inner\n  still two\n\n1. first\n\n"
            "quoted words on\n\n"
            "| Year | Dead |\n| 1970 | 70,000 |\n\n"
            "if a < b:\n    <b>\n\n"
            "raw html & more\n\n"
            "An inline tag, a\nbreak.",
            source="Daily Star",
            url="https://x.example/a",
            author="Jane Doe, Jo Roe",
            published="2024-03-12",
        )

    @pytest.mark.parametrize(
        ("front", "published"),
        [
            ("date: 2024-03-12T23:30:00-05:00", "2024-03-12"),
            ("published: March 12, 2024", "2024-03-12"),
            ("published: soon", ""),
            ("published: 2024", ""),
            ("published: [2024-03-12]", "2024-03-12"),
        ],
    )
    def test_dates(self, front: str, published: str) -> None:
        found = article(f"---\n{front}\n---\nText.", "a.md")
        assert (found.published, found.text) == (published, "Text.")

    @pytest.mark.parametrize(
        "front",
        [
            "title: !!python/object/apply:os.system ['true']",
            "title: [unclosed",
            "published: 2024-13-45",
            "Just a line between rules",
            "a: &a [x]\nb: *nothing",
            "{" * 3000,
        ],
    )
    def test_malformed_front_matter_is_text(self, front: str) -> None:
        assert article(f"---\n{front}\n---\nText.", "a.md").text == f"{front}\n\nText."

    def test_front_matter_that_swells_is_ignored(self) -> None:
        levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20))
        found = article(f"---\na0: &a0 x\n{levels}\ntitle: *a19\n---\nText.", "a.md")
        assert (found.title, found.text) == ("Text.", "Text.")

    @pytest.mark.parametrize(
        ("source", "title"),
        [
            ("Text.\n\nA heading\n===\n\nMore.", "A heading"),
            ("One sentence. Two.", "One sentence."),
        ],
    )
    def test_title(self, source: str, title: str) -> None:
        assert article(source, "a.markdown").title == title

    def test_nothing_is_searched_twice(self) -> None:
        for piece in ("<!--", "<a ", "<script>", "</script ", "<![CDATA["):
            assert markdown._without_tags(piece * 50_000) is not None


HTML = """<!doctype html><html><head><title>Quake kills 300 in Peru - Daily Star</title>
<meta charset="{charset}"><meta property="og:site_name" content="Daily Star">
<meta name="author" content="Jane Doe"><link rel="canonical" href="https://star.example/q">
<meta property="article:published_time" content="2024-03-12T10:00:00Z"></head>
<body><nav><a href="/">Home</a> <a href="/world">World</a></nav>
<div class="cookie-banner">We use cookies. <button>Accept</button></div>
<article><h1>Quake kills 300 in Peru</h1>
<p>A strong quake struck Peru on Tuesday, killing at least <b>300</b> people,
the <a href="javascript:alert(1)">government</a> said.</p>
<p>Second&nbsp;paragraph, café.<br>After a break.</p>
<h2>Background</h2>
<ul><li>one item</li><li>two items<ul><li>inner</li></ul></li></ul>
<blockquote><p>We will rebuild, he said.</p></blockquote>
<table><tr><th>Year</th><th>Dead</th></tr><tr><td>1970</td><td>70,000</td></tr></table>
<p>&lt;script&gt;alert(1)&lt;/script&gt; is literal.</p>
<p style="display: none">secret 1</p><p hidden>secret 2</p><p aria-hidden="true">secret 3</p>
<template><p>secret 4</p></template><noscript><p>secret 5</p></noscript><!-- secret 6 -->
<p style="color:#fff; background-color: white">secret 7</p><script>var a = "secret 8"</script>
</article><footer>Copyright 2024 Daily Star</footer></body></html>"""


class TestPages:
    def test_article(self) -> None:
        assert article(HTML.format(charset="utf-8"), "a.html") == Article(
            "a.html",
            "Quake kills 300 in Peru",
            "Quake kills 300 in Peru\n\n"
            "A strong quake struck Peru on Tuesday, killing at least 300 people, "
            "the government said.\n\n"
            "Second\u00a0paragraph, café.\nAfter a break.\n\n"
            "Background\n\n"
            "- one item\n- two items\n  - inner\n\n"
            "We will rebuild, he said.\n\n"
            "| Year | Dead |\n| 1970 | 70,000 |\n\n"
            "<script>alert(1)</script> is literal.",
            source="Daily Star",
            url="https://star.example/q",
            author="Jane Doe",
            published="2024-03-12",
        )

    @pytest.mark.parametrize(
        ("charset", "encoding"),
        [
            ("iso-8859-1", "cp1252"),  # what it means on pages
            ("windows-1252", "cp1252"),
            ("utf-16", "utf-8"),  # cannot be: it was read as ASCII
            ("gb2312", "gb18030"),
            ("iso-8859-1", "utf-8"),  # wrong: valid UTF-8 goes first
            ("base64", "utf-8"),
            ("unicode_escape", "cp1252"),  # not an encoding of pages: told by its letters
            ("utf-8", "utf-16"),  # the mark goes first
        ],
    )
    def test_charset(self, charset: str, encoding: str) -> None:
        found = article(HTML.format(charset=charset).encode(encoding), "a.htm")
        assert "paragraph, café." in found.text

    @pytest.mark.parametrize(
        "page",
        [
            "<html></html>",
            "<html><body><form>Log in <input name=u><input type=PASSWORD></form></body></html>",
            "<div id=cookie-consent><p>We use cookies to improve our site for you.</p></div>",
            "<html><frameset><frame src='http://127.0.0.1/x'></frameset></html>",
            "<html><body><script>var a = 'some text'</script></body></html>",
        ],
    )
    def test_no_article(self, page: str) -> None:
        error = refusal(page, "a.html")
        assert (error.code, error.found.partition(";")[0]) == ("empty", "no article text found")

    @pytest.mark.parametrize(
        "page",
        [
            "A text without any tag.",
            "<p>A text without any tag.",
            "<html><body><b><i>A text without any tag.</b></i>",
            '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>A text without any tag.</p></html>',
        ],
    )
    def test_poor_html(self, page: str) -> None:
        assert article(page, "a.html").text == "A text without any tag."

    def test_headline_is_kept_once(self) -> None:
        page = "<title>Big News</title><h1>Big News</h1><h2>Big News</h2><p>It is so.</p>"
        assert article(page, "a.html").text == "Big News\n\nIt is so."


class TestPDF:
    def test_text_and_metadata(self) -> None:
        data = make_pdf(
            "Quake in Peru\nA strong quake struck Peru on Tues-\n"
            "day, killing at least 300 people in the\n"
            "south of the country (of Peru),\nofficials said.\nThe next one is feared.",
            "Second page. It’s “fine”.",
            info="/Title (A quake) /Author (Jane Doe) /CreationDate (D:20240312235959-05'00')",
        )
        assert article(data, "a.pdf") == Article(
            "a.pdf",
            "A quake",
            "Quake in Peru\n\n"
            "A strong quake struck Peru on Tuesday, killing at least 300 people in the south "
            "of the country (of Peru), officials said.\n\nThe next one is feared.\n\n"
            "Second page. It’s “fine”.",
            author="Jane Doe",
            published="2024-03-12",
        )

    @pytest.mark.parametrize(
        "title",
        ["untitled", "Microsoft Word - quake.doc", "quake.indd", "/home/texts/q", "", "Slide 1"],
    )
    def test_junk_titles(self, title: str) -> None:
        data = make_pdf("A sentence.", info=f"/Title ({title})")
        assert article(data, "a.pdf").title == "A sentence."

    @pytest.mark.parametrize(
        ("lines", "joined"),
        [
            (
                "The well-\nknown man left the house that day.",
                "The wellknown man left the house that day.",
            ),
            ("It was the Anglo-\nSaxon king who left.", "It was the Anglo- Saxon king who left."),
            ("- one thing here\n- another thing", "- one thing here\n\n- another thing"),
            ("One.\n \n\nTwo.", "One.\n\nTwo."),
        ],
    )
    def test_lines(self, lines: str, joined: str) -> None:
        assert pdf._paragraphs(lines) == joined

    def test_without_text_layer(self) -> None:
        error = refusal(make_pdf(""), "a.pdf")
        assert (error.code, "no text layer (a scanned PDF?)" in error.found) == ("empty", True)

    def test_pages(self) -> None:
        assert article(make_pdf(*["x"] * 1000), "a.pdf").text.count("x") == 1000
        assert refusal(make_pdf(*["x"] * 1001), "a.pdf").code == "too_large"


def make_docx(*blocks: str) -> bytes:
    """Write a Word document with these blocks of WordprocessingML after a first paragraph."""
    document = docx.Document()
    document.core_properties.author = ""
    document.add_paragraph("First.")
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    for block in blocks:
        element = parse_xml(f"<w:body {space}>{block}</w:body>")
        for child in element:
            document.element.body.insert(len(document.element.body) - 1, child)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


class TestWord:
    def test_text_and_metadata(self) -> None:
        document = docx.Document()
        about = document.core_properties
        about.author, about.created = "Jane Doe", datetime.datetime(2024, 3, 12, 10, 0)
        document.add_heading("Quake in Peru", 1)
        document.add_paragraph("A strong quake\tstruck.").add_run(" It was bad.\nVery.")
        table = document.add_table(2, 2)
        for cell, text in zip(table._cells, ["Year", "Dead", "1970", "70,000"], strict=True):
            cell.text = text
        document.add_paragraph("")
        document.add_paragraph("The end.")
        file = io.BytesIO()
        document.save(file)
        assert article(file.getvalue(), "a.docx") == Article(
            "a.docx",
            "Quake in Peru",
            "Quake in Peru\n\nA strong quake\tstruck. It was bad.\nVery.\n\n"
            "| Year | Dead |\n| 1970 | 70,000 |\n\nThe end.",
            author="Jane Doe",
            published="2024-03-12",
        )
        about.title = "A quake"
        file = io.BytesIO()
        document.save(file)
        assert article(file.getvalue(), "a.docx").title == "A quake"

    @pytest.mark.parametrize(
        ("block", "text"),
        [
            ("<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>", "new"),
            ("<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>", ""),
            ("<w:p><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>", ""),
            ("<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>", ""),
            ('<w:p><w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>shown</w:t></w:r></w:p>', "shown"),
            ("<w:p><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>", ""),
            (
                '<w:p><w:hyperlink w:anchor="x"><w:r><w:t>link</w:t></w:r></w:hyperlink></w:p>',
                "link",
            ),
            (
                "<w:sdt><w:sdtContent><w:p><w:r><w:t>in</w:t></w:r></w:p></w:sdtContent></w:sdt>",
                "in",
            ),
            ("<w:p><w:r><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t></w:r></w:p>", "a\u2011b"),
            (
                "<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc><w:p><w:r><w:t>deep</w:t></w:r></w:p></w:tc>"
                "</w:tr></w:tbl></w:tc></w:tr></w:tbl>",
                "| | deep | |",
            ),
        ],
    )
    def test_what_is_visible(self, block: str, text: str) -> None:
        assert article(make_docx(block), "a.docx").text == f"First.\n\n{text}".strip()


class TestJSONLines:
    def test_articles(self) -> None:
        lines = [
            {"id": "a", "title": "T", "text": "One.\r\nTwo\0", "source": "S", "author": "Jo"},
            {
                "text": "Three.",
                "published": "12 March 2024",
                "url": "https://x.example/",
                "title": None,
            },
            {"id": 7, "text": "Four. \ud83d\ude00\ud800", "url": "javascript:x", "extra": [1]},
        ]
        data = "\ufeff" + "\n\n".join(map(json.dumps, lines)) + "\n"
        reading = formats.read(data.encode(), "news/all.jsonl")
        assert reading.refused == ()
        assert reading.articles == (
            Article("news/all.jsonl#a", "T", "One.\nTwo\ufffd", source="S", author="Jo"),
            Article(
                "news/all.jsonl#3",
                "Three.",
                "Three.",
                url="https://x.example/",
                published="2024-03-12",
            ),
            Article("news/all.jsonl#7", "Four.", "Four. \U0001f600\ufffd"),
        )

    def test_bad_lines_do_not_hold_up_good_ones(self) -> None:
        bad = [
            "{",
            "[]",
            '{"text": 5}',
            '{"text": " \\u200b"}',
            '{"id": "a", "text": "again"}',
            "[" * 99_999,
        ]
        reading = formats.read("\n".join(['{"id": "a", "text": "One."}', *bad]).encode(), "a.jsonl")
        assert [found.text for found in reading.articles] == ["One."]
        assert [error.path for error in reading.refused] == ["a.jsonl"] * 6
        starts = [error.found.partition(":")[0] for error in reading.refused]
        assert starts == [f"line {number}" for number in range(2, 8)]
        codes = [error.code for error in reading.refused]
        assert codes == ["unreadable"] * 3 + ["empty"] + ["unreadable"] * 2

    def test_many_bad_lines_are_counted(self) -> None:
        reading = formats.read(b"{\n" * 500, "a.jsonl")
        assert len(reading.refused) == 21
        assert reading.refused[-1].found.startswith("480 more lines")


class TestMetadata:
    @pytest.mark.parametrize(
        ("value", "date"),
        [
            ("2024-03-12", "2024-03-12"),
            ("2024-3-2T10:00:00+02:00", "2024-03-02"),
            ("2024/03/12", "2024-03-12"),
            ("20240312", "2024-03-12"),
            ("D:20240312101010Z", "2024-03-12"),
            ("12 March 2024", "2024-03-12"),
            ("12th of March, 2024", "2024-03-12"),
            ("Tue, 12 Mar 2024 10:00:00 GMT", "2024-03-12"),
            ("Tuesday, Sept. 12, 2023", "2023-09-12"),
            ("12-Nov-2023", "2023-11-12"),
            ("12.3.2024", "2024-03-12"),
            ("13/3/2024", "2024-03-13"),
            ("3/13/2024", "2024-03-13"),
            ("3/3/2024", "2024-03-03"),
            ("3/4/2024", ""),
            ("2024-02-30", ""),
            ("12 Marvel 2024", ""),
            ("March 2024", ""),
            ("2024", ""),
            ("1234567890", ""),
            ("٢٠٢٤-٠٣-١٢", ""),
            ("", ""),
            (None, ""),
            (datetime.date(2024, 3, 12), "2024-03-12"),
            (datetime.datetime(2024, 3, 12, 10), "2024-03-12"),
        ],
    )
    def test_dates(self, value: object, date: str) -> None:
        assert iso_date(value) == date

    @pytest.mark.parametrize(
        "address",
        [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "/a",
            "https://x.example/a b",
            "https://",
            "https://x.example/\u202e",
            "https://x.example/" + "a" * 2048,
            'https://x.example/"><img>',
        ],
    )
    def test_addresses_that_are_none(self, address: str) -> None:
        assert web_address(address) == ""

    @given(st.text(), st.integers(2, 300))
    def test_one_line(self, text: str, limit: int) -> None:
        line = one_line(text, limit)
        assert len(line) <= limit
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in line)
        assert line == line.strip()

    def test_poisoned_fields_are_cut(self) -> None:
        long = "![x](https://evil.example/?q=1) " * 40_000
        line = {"text": "One.", "title": long, "author": long, "source": long, "published": long}
        (found,) = formats.read(json.dumps(line).encode(), "a.jsonl").articles
        assert len(found.title) <= TITLE_CHARACTERS
        assert len(found.author) <= 300 and len(found.source) <= 300 and found.published == ""

    def test_title_from_the_name(self) -> None:
        assert article("\u200b\n\n" * 4_000 + "Text.", "a/b\n.c.txt").title == "b .c"

    @given(st.text(max_size=400))
    def test_opening(self, text: str) -> None:
        assert len(opening(text)) <= 80


class TestAnyFile:
    @pytest.mark.parametrize("suffix", [".exe", "", ".doc", ".docm", ".md.zip"])
    def test_other_files(self, suffix: str) -> None:
        assert refusal("Text.", f"a{suffix}").code == "bad_type"

    def test_capitals(self) -> None:
        assert article("Text.", "A.TXT").id == "A.TXT"

    def test_name_that_is_not_utf8(self) -> None:
        assert formats.read(b"Text.", "caf\udce9.txt").articles[0].id == r"caf\udce9.txt"

    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(sorted(formats.SUFFIXES)),
        st.one_of(
            st.binary(max_size=400),
            st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
        ),
        st.sampled_from(
            [
                b"",
                b"%PDF-1.7\n",
                b"PK\x03\x04",
                b"---\ntitle: ",
                b"<html><p>",
                b'{"text": "',
                b"\xff\xfe",
            ]
        ),
    )
    def test_any_bytes(self, suffix: str, data: bytes, start: bytes) -> None:
        outcomes: list[formats.Reading | tuple[str, str]] = []
        for _ in range(2):
            try:
                outcomes.append(formats.read(start + data, f"a{suffix}"))
            except UnreadableFile as error:
                assert error.code in (
                    "empty",
                    "bad_type",
                    "bad_encoding",
                    "unreadable",
                    "too_large",
                )
                outcomes.append((error.code, error.found))
        first, second = outcomes
        if not isinstance(first, formats.Reading) or not isinstance(second, formats.Reading):
            assert first == second
            return
        assert first.articles == second.articles
        for found in first.articles:
            assert found.title and "\n" not in found.title
            assert not set(found.text) & {"\r", "\0"}
            assert found.revision  # lone surrogates cannot be encoded

    @given(st.text())
    def test_canonical_text(self, text: str) -> None:
        assert canonical(canonical(text)) == canonical(text)
        found = canonical(text + "\ud800\r")
        assert found == canonical(text) + ("\ufffd\n")

    def test_parsers_are_imported_when_needed(self) -> None:
        code = (
            "import sys; from index import formats, parser; formats.read(b'Text.', 'a.txt');"
            "print(*{name.partition('.')[0] for name in sys.modules})"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        heavy = {
            "trafilatura",
            "pypdf",
            "docx",
            "lxml",
            "yaml",
            "markdown_it",
            "charset_normalizer",
        }
        assert not heavy & set(run.stdout.split())


def test_the_name_of_a_site_stays_as_the_page_writes_it() -> None:
    page = (
        b'<html><head><title>Strikes</title><meta property="og:site_name" content="the U.S. desk"></head><body>'
        b"<article><p>About 5,000 U.S. troops remain in Iraq, the Pentagon said after the attack.</p></article>"
        b"</body></html>"
    )
    assert formats.read(page, "a.html").articles[0].source == "the U.S. desk"
