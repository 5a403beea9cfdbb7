"""Files made to hang, crash, burst or mislead: refused with an exact code, or read, in time.

The numbers are those of the test plan: A plain files, B archives, C PDF, D HTML, F names, T
Unicode. All files go through one worker process, as they do in a folder.
"""

from __future__ import annotations

import io
import os
import random
import socket
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from pypdf import PdfReader, PdfWriter

from index.errors import UnreadableFile
from index.formats import FILE_BYTES
from index.parser import Parser

ENGLISH = "The strikes hit five sites in Iraq and Syria, officials said. Nobody knows more.\n"


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as one:
        yield one


def outcome(parser: Parser, data: bytes, name: str, seconds: float = 5.0) -> str:
    """Return the code of the refusal, or the texts of the articles in one."""
    start = time.monotonic()
    try:
        reading = parser.parse(data, name)
    except UnreadableFile as error:
        assert error.path == name
        assert ";" in error.found and "Traceback" not in error.found and "\n" not in error.found
        return error.code
    finally:
        assert time.monotonic() - start < seconds
    return "\n\n".join(article.text for article in reading.articles)


# A: plain files

BINARY = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "gif": b"GIF89a" + b"\1" * 40,
    "elf": b"\x7fELF\2\1\1" + b"\0" * 40,
    "sqlite": b"SQLite format 3\0" + b"\0" * 40,
    "gzip": b"\x1f\x8b\x08" + b"\0" * 40,
    "zip": b"PK\x03\x04" + b"\0" * 40,
    "pdf": b"%PDF-1.7\n1 0 obj",
    "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 40,
    "html": b"\n<!DOCTYPE HTML><title>x</title>",
    "windows": b"MZ" + b"\x90\0\3\0" * 20,
    "random": random.Random(1).randbytes(5_000),
}

PLAIN: list[tuple[str, bytes, str]] = [
    ("A1 no bytes", b"", "empty"),
    ("A2 blank", b"\xef\xbb\xbf \n\t\r\n\xe2\x80\x8b \xc2\xad", "empty"),
    ("A2 blank UTF-16", "\ufeff \u200b".encode("utf-16"), "empty"),
    ("A3 large", b"x" * (FILE_BYTES + 1), "too_large"),
    ("A4 one line", b"x" * 19_000_000, "too_large"),
    ("A6 hangs pysbd", b"..[111 111 111 111 111 111 111 111 111 111]", "="),
    ("A9 half a UTF-16", "A plain text.".encode("utf-16-le")[:-1], "bad_type"),
    ("A9 half a UTF-16 with mark", b"\xff\xfe" + b"a\0" * 300 + b"a", "a" * 300 + "\ufffd"),
    ("A11 one broken byte", "é".encode() * 200 + b"\xff", "é" * 200 + "\ufffd"),
    ("A11 overlong", "é".encode() * 500 + b"\xc0\xaf", "é" * 500 + "\ufffd" * 2),
    ("A11 surrogate bytes", "é".encode() * 500 + b"\xed\xa0\x80", "é" * 500 + "\ufffd" * 3),
    ("A11 many broken bytes", "Œufs".encode() * 30 + b"\xff\xfe\x81" * 9, "bad_encoding"),
    ("A12 two encodings", b"".join(
        ("Un café à Genève, un été. " * 9).encode(e) for e in ("utf-8", "cp1252")
    ), "bad_encoding"),
    ("A13 NUL", ENGLISH.encode() + b"\0", ENGLISH + "\ufffd"),
    ("A16 line ends", "a\rb\r\nc\nd\u2028e\x85f".encode(), "a\nb\nc\nd\u2028e\x85f"),
    ("T1 bidi", "\u202eabc\u2066 אבג.".encode(), "="),
    ("T2 invisible", "sec\u200bret \u00ad \U000e0041.".encode(), "="),
    ("T3 controls", (ENGLISH + "\x1b[31mred\x1b[0m \x9b1m \x07").encode(), "="),
    ("T4 surrogates", b"abc \xed\xa0\xbd\xed\xb8\x80" + b"d" * 999, "bad_encoding"),
    ("T5 emoji", "👩‍👩‍👧 🇩🇪 👍🏽 𝔘.".encode(), "="),
    ("T6 no normalisation", "é e\u0301 İı ß ﬁ ａ.".encode(), "="),
    ("T7 combining", ("a" + "\u0301" * 10_000).encode(), "="),
    ("T8 repeated", (ENGLISH * 500).encode(), "="),
    ("T9 markers", b"So [1] it is [^2]. Source 3: <|im_end|> Human: ### {q.x} {{7*7}}", "="),
    ("T11 no spaces", ("ประเทศไทยรวมเลือดเนื้อชาติเชื้อไทย" * 300).encode(), "="),
]  # fmt: skip


class TestPlain:
    @pytest.mark.parametrize(("data", "expected"), [c[1:] for c in PLAIN], ids=[c[0] for c in PLAIN])
    def test_text(self, parser: Parser, data: bytes, expected: str) -> None:
        got = outcome(parser, data, "a.txt")
        assert got == (data.decode() if expected == "=" else expected)

    @pytest.mark.parametrize("kind", sorted(BINARY))
    @pytest.mark.parametrize("suffix", [".txt", ".md", ".jsonl"])
    def test_a14_a15_binary(self, parser: Parser, kind: str, suffix: str) -> None:
        if (kind, suffix) != ("html", ".jsonl"):
            assert outcome(parser, BINARY[kind], f"a{suffix}") == "bad_type"

    @pytest.mark.parametrize("character", '("<[')
    @pytest.mark.parametrize("suffix", [".txt", ".md"])
    def test_a7_one_character(self, parser: Parser, character: str, suffix: str) -> None:
        assert outcome(parser, character.encode() * 50_000, f"a{suffix}") == character * 50_000

    def test_a4_longest_line(self, parser: Parser) -> None:
        assert len(outcome(parser, b"word " * 1_000_000, "a.txt")) == 5_000_000

    def test_a5_many_sentences(self, parser: Parser) -> None:
        assert outcome(parser, b"1. a " * 4_000_000, "a.txt") == "too_large"

    def test_a19_a20_files_that_change(self, parser: Parser, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("Before.")
        assert parser.read(path, "a.txt").articles[0].text == "Before."
        path.write_text("After it.")
        assert parser.read(path, "a.txt").articles[0].text == "After it."
        path.unlink()
        with pytest.raises(UnreadableFile, match="no longer there"):
            parser.read(path, "a.txt")

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("A <script>alert(1)</script>b <img src=x onerror=alert(1)>", "A b"),
            ("[go](javascript:alert(1)) ![x](https://evil.example/?q=1)<!-- c -->", "go"),
            ("<style>p{}</style>\n<iframe src=x>y</iframe>\n\nText.", "Text."),
            ("![x][1]\n\n[1]: https://evil.example/\n\nText.", "Text."),
            ("a `<b>` &lt;i&gt;", "a <b> <i>"),
            (">" * 10_000 + " x", "empty"),
            ("---\ntitle: !!python/object/apply:os.system ['true']\n---\n", "="),
        ],
    )
    def test_a22_a24_markdown(self, parser: Parser, source: str, text: str) -> None:
        if text == "=":
            text = source.strip("-\n")
        assert outcome(parser, source.encode(), "a.md") == text

    @pytest.mark.parametrize(
        "piece",
        ["[", "![", "*a **b ", "`a``", "<!--", "<a ", "&a;", "- ", "|a|\n|-|\n", "_a*", "1. a\n  "],
    )
    def test_a23_markdown_repeated(self, parser: Parser, piece: str) -> None:
        assert outcome(parser, (piece * 10_000).encode(), "a.md") != "timeout"


# B: Word documents


def word_file(body: str = "<w:p><w:r><w:t>Text.</w:t></w:r></w:p>", head: str = "") -> bytes:
    """Write a Word document with this body, and `head` before its root element."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    whole = f'{head}<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
    return rezipped(lambda name, data: whole.encode() if name == "word/document.xml" else data)


def rezipped(change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    plain, file = io.BytesIO(), io.BytesIO()
    docx.Document().save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, data in more.items():
            new.writestr(name, data)
    return file.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def lying(data: bytes, size: int) -> bytes:
    """Make every entry of the central directory declare `size` bytes."""
    out = bytearray(data)
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        struct.pack_into("<I", out, at + 24, size)
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(out)


def encrypted_flag(data: bytes) -> bytes:
    out = bytearray(data)
    at = data.find(b"PK\x01\x02")
    out[at + 8] |= 1
    return bytes(out)


def overlapping() -> bytes:
    """Write an archive of 50 entries that are one."""
    data = zipped({"[Content_Types].xml": os.urandom(20_000)})
    start = data.find(b"PK\x01\x02")
    entry = data[start : data.find(b"PK\x05\x06")]
    entries = b"".join(entry.replace(b"[Content_Types].xml", b"[Content_Types].x%02d" % n) for n in range(50))
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 50, 50, len(entries), start, 0)
    return data[:start] + entries + end


LOL = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
BOMB = b"\0" * 60_000_000

WORD: list[tuple[str, Callable[[], bytes], str]] = [
    ("sound", word_file, "Text."),
    ("B1 ratio", lambda: rezipped(lambda n, d: d, bomb=b"\0" * 2_000_000), "too_large"),
    ("B1 part", lambda: rezipped(lambda n, d: d, bomb=BOMB), "too_large"),
    ("B2 lie", lambda: lying(zipped({"[Content_Types].xml": os.urandom(90_000)}), 100),
     "too_large"),
    ("B3 nested", lambda: rezipped(lambda n, d: d, inner=zipped({"b": b"\0" * 10**6})), "empty"),
    ("B4 overlap", overlapping, "unreadable"),
    ("B5 entries", lambda: zipped({f"x{n}": b"" for n in range(2_001)}), "too_large"),
    ("B5 encrypted", lambda: encrypted_flag(word_file()), "unreadable"),
    ("B6 names", lambda: rezipped(lambda n, d: d, **{"../../x": b"x", "/etc/x": b"x"}), "empty"),
    ("B7 entities", lambda: word_file("&a9;", f'<!DOCTYPE x [<!ENTITY a0 "ha">{LOL}]>'),
     "unreadable"),
    ("B7 UTF-16", lambda: rezipped(
        lambda n, d: '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x []><x/>'.encode("utf-16")
        if n == "word/document.xml" else d), "unreadable"),
    ("B7 in another part", lambda: rezipped(
        lambda n, d: b"<!DOCTYPE x []>" + d if n.endswith("core.xml") else d), "unreadable"),
    ("B8 external entity", lambda: word_file(
        "<w:p><w:r><w:t>&e;</w:t></w:r></w:p>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        "unreadable"),
    ("B10 empty paragraphs", lambda: word_file("<w:p/>" * 1_000_000), "too_large"),
    ("B10 nested tables", lambda: word_file(
        "<w:tbl><w:tr><w:tc>" * 5_000 + "</w:tc></w:tr></w:tbl>" * 5_000), "unreadable"),
    ("B10 tables in tables", lambda: word_file(
        "<w:tbl><w:tr><w:tc>" * 60 + "<w:p><w:r><w:t>x</w:t></w:r></w:p>"
        + "</w:tc></w:tr></w:tbl>" * 60), "| " * 60 + "x" + " |" * 60),
    ("B11 OLE", lambda: BINARY["ole"], "bad_type"),
    ("B11 macros", lambda: rezipped(
        lambda n, d: d.replace(
            b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
            b"application/vnd.ms-word.document.macroEnabled.main+xml")), "bad_type"),
    ("B11 another zip", lambda: zipped({"a.txt": b"Text."}), "bad_type"),
    ("B13 truncated", lambda: word_file()[:-200], "unreadable"),
    ("B13 damaged", lambda: word_file().replace(b"\0\0\0\x08\0", b"\0\0\0\x63\0"), "unreadable"),
    ("B13 junk before", lambda: b"junk" + word_file(), "bad_type"),
    ("B13 junk after", lambda: word_file() + b"junk" * 9, "Text."),
    ("a text", lambda: b"Text.", "bad_type"),
]  # fmt: skip


class TestWord:
    @pytest.mark.parametrize(("make", "expected"), [c[1:] for c in WORD], ids=[c[0] for c in WORD])
    def test_archive(self, parser: Parser, make: Callable[[], bytes], expected: str) -> None:
        assert outcome(parser, make(), "a.docx") == expected

    def test_duplicate_names(self, parser: Parser) -> None:
        file = io.BytesIO(word_file())
        with pytest.warns(UserWarning), zipfile.ZipFile(file, "a") as archive:
            archive.writestr("word/document.xml", b"<x/>")
        assert outcome(parser, file.getvalue(), "a.docx") == "unreadable"


# C: PDF


def pdf_file(*contents: bytes, filters: str = "", trailer: str = "", kids: str = "") -> bytes:
    """Write a PDF with a page for each content stream."""
    count = len(contents)
    kids = kids or " ".join(f"{5 + 2 * n} 0 R" for n in range(count))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, content in enumerate(contents):
        bodies.append(b"<< /Length %d %s >>\nstream\n" % (len(content), filters.encode()))
        bodies[-1] += content + b"\nendstream"
        page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
        page += f"/Contents {4 + 2 * n} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        bodies.append(page.encode())
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}trailer\n"
    end += f"<< /Size {len(bodies) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + end.encode()


def shows(text: bytes, mode: str = "") -> bytes:
    return b"BT /F1 12 Tf %s 72 720 Td (%s) Tj ET" % (mode.encode(), text)


def locked(user: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_file(shows(b"Text.")))))
    writer.encrypt(user, owner_password="owner", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def burst() -> bytes:
    packed = zlib.compressobj(9)
    content = b"".join(packed.compress(b"(AAAAAAAA) Tj " * 100_000) for _ in range(100))
    return pdf_file(content + packed.flush(), filters="/Filter /FlateDecode")


SOUND = pdf_file(shows(b"Text."))

PDF: list[tuple[str, Callable[[], bytes], str]] = [
    ("sound", lambda: SOUND, "Text."),
    ("C1 circular pages", lambda: pdf_file(shows(b"x"), kids="2 0 R 2 0 R"), "unreadable"),
    ("C1 circular table", lambda: SOUND.replace(
        b"/Size", b"/Prev %d /Size" % SOUND.find(b"xref")), "Text."),
    ("C2 bomb", burst, "too_large"),
    ("C3 pages", lambda: pdf_file(*[shows(b"x")] * 1_001), "too_large"),
    ("C4 no password", lambda: locked(""), "Text."),
    ("C4 password", lambda: locked("secret"), "unreadable"),
    ("C5 no text", lambda: pdf_file(b"0 0 m 9 9 l S"), "empty"),
    ("C6 truncated", lambda: SOUND[:400], "unreadable"),
    ("C6 header later", lambda: b"x" * 900 + SOUND, "Text."),
    ("C6 junk after", lambda: SOUND + b"junk" * 900, "Text."),
    ("C6 random", lambda: b"%PDF-1.7\n" + random.Random(2).randbytes(9_000), "unreadable"),
    ("C7 glyphs", lambda: pdf_file(shows(b"\\001\\002\\003\\004 Te")), "bad_encoding"),
    ("C8 a scan's hidden layer", lambda: pdf_file(shows(b"Text.", "3 Tr")), "Text."),
    ("C9 JavaScript", lambda: SOUND.replace(
        b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"), "Text."),
    ("C11 also HTML", lambda: SOUND + b"<html><script>alert(1)</script></html>", "Text."),
    ("a picture", lambda: BINARY["png"], "bad_type"),
    ("a text", lambda: b"Text.", "bad_type"),
]  # fmt: skip


class TestPDF:
    @pytest.mark.parametrize(("make", "expected"), [c[1:] for c in PDF], ids=[c[0] for c in PDF])
    def test_pdf(self, parser: Parser, make: Callable[[], bytes], expected: str) -> None:
        assert outcome(parser, make(), "a.pdf", seconds=20) == expected

    def test_any_byte_may_be_wrong(self, parser: Parser) -> None:
        whole, dice = pdf_file(*[shows(b"Text.")] * 3), random.Random(3)
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(5):
                data[dice.randrange(len(data))] = dice.randrange(256)
            assert outcome(parser, bytes(data), "a.pdf") not in ("timeout", "bad_path")


# D: HTML

PAGES: list[tuple[str, str, str]] = [
    ("D1 scripts", "<article><p onclick=x()>Text.</p><script>x()</script><svg onload=x()></svg>"
     "<iframe srcdoc='<p>no</p>'></iframe><a href='javascript:x()'>Link.</a></article>",
     "Text.\n\nLink."),
    ("D2 code", "<p>It is &lt;script&gt;alert(1)&lt;/script&gt; here.</p>",
     "It is <script>alert(1)</script> here."),
    ("D3 deep", "<div>" * 100_000 + "Text.", "empty"),
    ("D5 unclosed", "<p>Text, <b>bold<p>More.", "Text, bold\n\nMore."),
    ("D5 XHTML", '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
     "<html><body><p>Text&e;.</p></body></html>", "Text&e;."),
    ("D7 hidden", "<p>Text.</p><p style='display:none'>a</p><p style='visibility: hidden'>b</p>"
     "<p style='font-size:0px'>c</p><p style='opacity:0.0'>d</p><template>e</template><!-- f -->",
     "Text."),
    ("D7 shown", "<p style='opacity:0.5'>Text.</p><p style='font-size:0.8em'>More.</p>",
     "Text.\n\nMore."),
    ("D9 data", f"<p>Text.</p><img src='data:image/png;base64,{'A' * 15_000_000}'>", "Text."),
    ("D9 MHTML", "From: <x>\r\nSubject: y\r\nContent-Type: multipart/related\r\n"
     "\r\n<html><p>=3D</p></html>", "bad_type"),
    ("D10 login", "<form>Name <input> <input type=password></form>", "empty"),
    ("nothing", "<!-- -->", "empty"),
    ("NUL", "<p>" + ENGLISH.strip() + "\0 More.</p>", ENGLISH.strip() + "\ufffd More."),
]  # fmt: skip


class TestPages:
    @pytest.mark.parametrize(("page", "expected"), [c[1:] for c in PAGES], ids=[c[0] for c in PAGES])
    def test_page(self, parser: Parser, page: str, expected: str) -> None:
        assert outcome(parser, page.encode(), "a.html") == expected

    def test_d4_many_rows(self, parser: Parser) -> None:
        page = "<table>" + "<tr><td>cell</td></tr>" * 20_000 + "</table>"
        assert outcome(parser, page.encode(), "a.html", seconds=31).count("| cell |") == 20_000

    @pytest.mark.parametrize("kind", sorted(set(BINARY) - {"html", "random", "windows"}))
    def test_binary(self, parser: Parser, kind: str) -> None:
        assert outcome(parser, BINARY[kind], "a.html") == "bad_type"


# Any format


def test_nothing_is_fetched(parser: Parser) -> None:
    """B8, B9, D8: what a file names is not asked for."""
    seen: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    seen.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=listen, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        page = (
            f"<html><head><base href='{url}'><link rel=stylesheet href='{url}'>"
            f"<script src='{url}'></script><meta http-equiv=refresh content='0; url={url}'>"
            f"<link rel=canonical href='{url}'></head>"
            f"<body><article><p>Text.</p><img src='{url}'><iframe src='{url}'></iframe>"
            f"<a href='{url}'>Link.</a><a href='y'>Rel.</a></article></body></html>"
        )
        outcome(parser, page.encode(), "a.html")
        outcome(parser, f"<!DOCTYPE html SYSTEM '{url}'><html><p>Text.</p></html>".encode(), "a.html")
        outcome(parser, f"![x]({url})\n<img src={url}>\n\nText. <{url}>".encode(), "a.md")
        outcome(parser, word_file("&e;", f"<!DOCTYPE x [<!ENTITY % e SYSTEM '{url}'> %e;]>"), "a.docx")
        outcome(parser, word_file("<w:p/>", f"<!DOCTYPE x SYSTEM '{url}'>"), "a.docx")
        link = (
            '<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
            f'relationships/attachedTemplate" Target="{url}" TargetMode="External"/>'
            "</Relationships>"
        )
        remote = rezipped(
            lambda name, data: data.replace(b"</Relationships>", link.encode()) if ".rels" in name else data
        )
        outcome(parser, remote, "a.docx")
        action = f"/Catalog /OpenAction << /S /URI /URI ({url}) >>".encode()
        outcome(parser, SOUND.replace(b"/Catalog", action), "a.pdf")
        time.sleep(0.1)
        server.close()
    assert seen == []


@pytest.mark.parametrize(
    "name",
    [
        "../x.txt",
        "..\\x.txt",
        "/etc/x.txt",
        "a/\n/b.txt",
        '"><img src=x>.txt',
        "\u202etxt.exe.txt",
        "-x.txt",
        "=cmd().txt",
        "CON.txt",
        "a.txt:stream.txt",
        "x" * 5_000 + ".txt",
        "e\u0301.txt",
    ],
)
def test_f_names_are_only_names(parser: Parser, name: str) -> None:
    assert parser.parse(b"Text.", name).articles[0].id == name


def test_good_files_among_bad_ones(parser: Parser) -> None:
    for number, data in enumerate(BINARY.values()):
        outcome(parser, data, "bad.txt")
        outcome(parser, data, "bad.pdf")
        assert outcome(parser, f"Text {number}.".encode(), "good.txt") == f"Text {number}."
