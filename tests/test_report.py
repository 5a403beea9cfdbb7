"""Reports in each form: what goes in comes out again through a parser of that form, and nothing else does."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from datetime import date
from html.parser import HTMLParser

import pytest
from browser import chromium
from docx import Document
from docx.oxml import parse_xml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from reports import HOSTILE, abstained, answered, cited, texts

from index.errors import BadReport
from index.types import Article
from qa import Report
from qa.report import notes
from qa.report.html import fragment
from qa.report.markdown import escape
from qa.report.save import SUFFIXES, content, suffix_of, write
from qa.report.shown import CONTROLS_OF_DIRECTION, isolated, one_line, visible
from qa.report.word import ADDRESS, FOOTNOTES, QUOTE, document

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NO_DIRECTIONS = str.maketrans("", "", CONTROLS_OF_DIRECTION)
FERRY = Article(
    "boats/ferry.md",
    "The ferry to Hoy",
    "Orkney has many boats.\n\nThe ferry to Hoy sails at seven (from Houton). It carries forty cars. Nobody waits.",
    source="The Orcadian",
    url="https://orkney.example/ferry?a=1&copy;=2#top",
    author="Ann Writer",
    published="2019-12-29",
)


def plain(text):
    return one_line(text.translate(NO_DIRECTIONS))


def ferry(**given):
    start = FERRY.text.index("The ferry")
    return cited(FERRY, start, FERRY.text.index(" It carries"), **given)


@st.composite
def hostile_reports(draw):
    """Reports whose quotes, titles, names and questions are whatever they please."""
    answers = []
    for _ in range(draw(st.integers(1, 2))):
        parts = draw(st.lists(st.tuples(texts, texts, texts, texts, texts), max_size=2))
        citations = []
        for number, (quote, around, title, source, name) in enumerate(parts, 1):
            article = Article(name, title, around + quote + around, source, f"https://x.example/{source}", title)
            citations.append(cited(article, len(around), len(around) + len(quote), number))
        answers.append(answered(*citations, question=draw(texts)) if citations else abstained(draw(texts)))
    return Report(answers, draw(st.one_of(st.just(""), texts)))


def quotes_of(report):
    return [citation.quote for answer in report.answers for citation in answer.citations]


# ---------------------------------------------------------------- the words of a report


def test_a_report_has_the_title_it_was_given_else_the_question_else_a_plain_one():
    assert Report([abstained("Why?")], "Boats").heading == "Boats"
    assert Report([abstained("Why?")]).heading == "Why?"
    assert Report([abstained("Why?"), abstained("Who?")]).heading == "Answers from the articles"
    assert Report([]).made == date.today().isoformat()


def test_notes_are_numbered_throughout_and_a_text_keeps_its_own_brackets():
    worded = answered(ferry(), ferry(number=2), text="It sails at seven [1][2], they say. [9] Nobody [1].")
    entries = list(notes.entries(Report([answered(ferry(quote="See [2] there.")), worded])))
    assert [(piece.text, piece.quoted, piece.note) for piece in entries[0].said] == [("See [2] there.", True, 1)]
    assert [(piece.text, piece.note) for piece in entries[1].said] == [
        ("It sails at seven", 2), ("", 3), (", they say. [9] Nobody", 2), (".", 0),
    ]  # fmt: skip
    assert (
        "It sails at seven[^2][^3], they say. \\[9\\] Nobody[^2]." in Report([entries[0].answer, worded]).to_markdown()
    )


def test_the_unanswered_are_counted_and_listed():
    report = Report([answered(ferry(), question="When?"), abstained("How tall?"), abstained("How deep?")])
    for text in (report.to_markdown(), re.sub("<[^>]+>", "", report.to_html())):
        assert "3 questions, 1 answered." in text
        assert text.index("Not answered") < text.rindex("How tall?") < text.rindex("How deep?")
    assert "Not answered" not in Report([answered(ferry())]).to_markdown()


@given(texts)
def test_a_direction_ends_where_its_text_does(text):
    """By the rules of Unicode Standard Annex 9: every beginning has its end, and no end is without a beginning."""
    shown = isolated(text)
    assert shown.translate(NO_DIRECTIONS) == text.translate(NO_DIRECTIONS)
    opened = []
    for character in shown:
        if character in "\u2066\u2067\u2068":
            opened.append("\u2069")
        elif character in "\u202a\u202b\u202d\u202e":
            opened.append("\u202c")
        elif character in "\u202c\u2069":
            assert opened.pop() == character
    assert not opened


def test_a_link_scrolls_to_the_quote():
    url = "https://orkney.example/ferry?a=1&copy;=2#top"
    assert notes.link(ferry()) == f"{url}:~:text=The%20ferry%20to%20Hoy%20sails%20at%20seven%20%28from%20Houton%29."
    long = "one, two-three & four " * 12
    found = notes.link(ferry(quote=long, url="https://x.example/#:~:text=old"))
    assert found == (
        "https://x.example/#:~:text=one%2C%20two%2Dthree%20%26%20four%20one%2C%20two%2Dthree,"
        "%26%20four%20one%2C%20two%2Dthree%20%26%20four"
    )
    assert "-" not in found.partition("text=")[2]
    for bad in (
        "javascript:alert(1)",
        "file:///etc/passwd",
        "",
        "https://a b",
        "https://user@x.example",
        "//x",
        "https://x)y/",
        "https://x<y",
    ):
        assert notes.link(ferry(url=bad)) == ""


# ---------------------------------------------------------------- Markdown


@given(hostile_reports())
@settings(max_examples=80, deadline=None)
def test_markdown_comes_out_of_a_parser_as_it_went_in(report):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    blocks, links, quotes = [], [], quotes_of(report)
    for token in parser.parse(report.to_markdown()):
        assert token.type in {
            "inline",
            "bullet_list_open",
            "bullet_list_close",
            "list_item_open",
            "list_item_close",
        } or (token.type.startswith(("heading_", "paragraph_"))), token.type
        for part in token.children or []:
            assert part.type in {"text", "text_special", "em_open", "em_close", "link_open", "link_close"}, part.type
            links += [part.attrs["href"]] if part.type == "link_open" else []
        if token.children:
            blocks.append(plain("".join(part.content for part in token.children)))
    assert all(link.startswith("https://x.example/") for link in links)
    assert blocks[0] == plain(report.heading)
    found = [block for block in blocks if re.match(r"\[\^\d+\]: ", block)][-len(quotes) :] if quotes else []
    cites = [citation for answer in report.answers for citation in answer.citations]
    assert found == [
        plain(f'[^{n}]: "{plain(c.quote)}" {", ".join([plain(c.title), *notes.about(c)])} ({notes.address(c)})')
        for n, c in enumerate(cites, 1)
    ]


@given(texts)
def test_escaped_markdown_shows_the_text(text):
    rendered = MarkdownIt("commonmark").parse(escape(text))
    shown = [token.children for token in rendered if token.type == "inline"]
    assert len(shown) <= 1
    assert plain("".join(part.content for part in (shown or [[]])[0])) == plain(text)


# ---------------------------------------------------------------- HTML


class Tree(HTMLParser):
    """The elements of a report with their text; fails on any that is not ours."""

    ELEMENTS = frozenset(
        "html head meta title style body main header h1 h2 h3 p section ol ul li blockquote mark q cite a bdi span "
        "strong div".split()
    )
    ATTRIBUTES = frozenset(
        "lang charset http-equiv content name class dir href id value rel data-article data-revision data-anchor "
        "data-start data-end".split()
    )

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.opened = [], []
        self.feed(html)
        self.close()
        assert not self.opened

    def handle_starttag(self, tag, attrs):
        assert tag in self.ELEMENTS, tag
        assert {name for name, _ in attrs} <= self.ATTRIBUTES, attrs
        self.elements.append({"tag": tag, "text": "", **dict(attrs)})
        if tag != "meta":
            self.opened.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.opened.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.opened:
            element["text"] += data

    def handle_comment(self, data):
        raise AssertionError("a comment")

    handle_pi = unknown_decl = handle_comment

    def all(self, tag, name=None):
        return [e for e in self.elements if e["tag"] == tag and (name is None or e.get("class") == name)]


@given(hostile_reports())
@settings(max_examples=60, deadline=None)
def test_html_comes_out_of_a_parser_as_it_went_in(report):
    tree = Tree(report.to_html())
    cites = [citation for answer in report.answers for citation in answer.citations]
    assert [e["text"] for e in tree.all("mark")] == [visible(c.quote) for c in cites]
    assert [e["text"] for e in tree.all("blockquote")] == [visible(c.before + c.quote + c.after) for c in cites]
    assert [e["text"] for e in tree.all("cite")] == [visible(c.title) for c in cites]
    assert [
        (e["data-article"], e["data-start"], e["data-end"], e["data-revision"]) for e in tree.all("blockquote")
    ] == [(visible(c.article_id), str(c.start), str(c.end), c.revision) for c in cites]
    assert tree.all("h1")[0]["text"] == visible(report.heading)
    links = [e["href"] for e in tree.all("a") if e.get("class") != "number"]
    assert all(link.startswith("https://x.example/") for link in links)
    Tree(f"<html>{fragment(report)}</html>")


def test_an_html_report_works_from_disk_in_light_and_dark(tmp_path):
    start = FERRY.text.index("seven")
    answers = [answered(ferry(answer_start=start, answer_end=start + 5), question="When does it sail?"), abstained()]
    Report(answers, "Boats").save(tmp_path / "report.html")
    asked = []
    with chromium() as browser:
        for theme in ("light", "dark"):
            for width in (1280, 360):
                page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
                page.on("request", lambda request: asked.append(request.url))
                page.on("console", lambda said: asked.append(said.text))
                page.goto(f"file://{tmp_path}/report.html")
                assert page.title() == "Boats"
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                colours = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
                for name in ("mark", "main"):
                    ink, paper = (_light(colour) for colour in page.locator(name).evaluate(colours))
                    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5
                assert (_light(page.locator("main").evaluate(colours)[1]) < 0.2) == (theme == "dark")
                assert page.inner_text("mark strong") == "seven"
                page.click("a.number")
                assert page.evaluate("document.querySelector('li:target mark') !== null")
    assert {url.partition("#")[0] for url in asked} == {f"file://{tmp_path}/report.html"}


def _light(colour):
    parts = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_notebook_shows_an_answer_and_what_came_close():
    assert Tree(answered(ferry(), question="When?")._repr_html_()).all("h3")[0]["text"] == "When?"
    near = abstained()
    object.__setattr__(near, "closest", (ferry(),))
    tree = Tree(near._repr_html_())
    assert "which do not answer it" in tree.all("p", "near")[0]["text"]
    assert tree.all("ul", "near")[0]["text"].startswith(ferry().quote)
    assert not Tree(near.to_html()).all("ul", "near")


# ---------------------------------------------------------------- Word


def footnotes(data):
    word = Document(io.BytesIO(data))
    parts = [relation.target_part for relation in word.part.rels.values() if relation.reltype == FOOTNOTES]
    return word, [note for part in parts for note in parse_xml(part.blob) if note.get(f"{W}type") is None], parts


def styled(element, style):
    runs = [
        r for r in element.iter(f"{W}r") if (s := r.find(f"{W}rPr/{W}rStyle")) is not None and s.get(f"{W}val") == style
    ]
    return "".join(t.text or "" for run in runs for t in run.iter(f"{W}t"))


@given(hostile_reports())
@settings(max_examples=30, deadline=None)
def test_word_comes_out_of_a_parser_as_it_went_in(report):
    word, found, parts = footnotes(document(report))
    cites = [citation for answer in report.answers for citation in answer.citations]
    assert [plain(styled(note, QUOTE)) for note in found] == [plain(c.quote) for c in cites]
    assert [plain(styled(note, ADDRESS)) for note in found] == [plain(notes.address(c)) for c in cites]
    body = word.element.body
    references = [reference.get(f"{W}id") for reference in body.iter(f"{W}footnoteReference")]
    assert references == [note.get(f"{W}id") for note in found] == [str(n) for n in range(1, len(cites) + 1)]
    assert plain(word.paragraphs[0].text) == plain(report.heading)
    assert word.core_properties.title == one_line(report.heading)[:255]
    if report.title or len(report.answers) != 1:
        headings = [p.text for p in word.paragraphs if p.style.name == "Heading 1" and p.text != "Not answered"]
        assert list(map(plain, headings)) == [plain(answer.question) for answer in report.answers]
    targets = [relation.target_ref for part in parts for relation in part.rels.values()]
    assert all(target.startswith("https://x.example/") for target in targets)
    assert not list(body.iter(f"{W}fldSimple", f"{W}instrText"))


@pytest.mark.skipif(not (shutil.which("soffice") and shutil.which("pdftotext")), reason="needs LibreOffice and Poppler")
def test_a_word_report_opens_in_libreoffice_with_its_notes_in_place(tmp_path):
    answers = [answered(ferry(), question="When does it sail?"), abstained("How tall?")]
    answers.append(answered(ferry(quote=HOSTILE[10]), question="What else?"))
    Report(answers, "Boats").save(tmp_path / "report.docx")
    office = ["soffice", f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to"]
    subprocess.run([*office, "pdf", "--outdir", tmp_path, tmp_path / "report.docx"], check=True, capture_output=True)
    done = subprocess.run(["pdftotext", "-layout", tmp_path / "report.pdf", "-"], check=True, capture_output=True)
    text = " ".join(done.stdout.decode().split())
    assert "“The ferry to Hoy sails at seven (from Houton).”1" in text or "(from Houton).” 1" in text
    assert re.search(
        r"1 “The ferry to Hoy sails at seven \(from Houton\)\.” The ferry to Hoy, Ann Writer, The Orc", text
    )
    assert "characters 24-70, revision" in text.replace("- ", "-")
    info = subprocess.run(["pdfinfo", tmp_path / "report.pdf"], check=True, capture_output=True).stdout.decode()
    assert re.search(r"Title:\s+Boats", info)


# ---------------------------------------------------------------- for other programs


@given(hostile_reports())
@settings(max_examples=50, deadline=None)
def test_json_is_whole(report):
    found = json.loads(report.to_json())
    assert found["title"] == report.heading
    assert found["answers"] == [json.loads(answer.to_json()) for answer in report.answers]


def test_annotations_follow_the_model():
    citation = ferry()
    page = json.loads(Report([answered(citation, question="When?"), abstained()], "Boats").to_annotations())
    assert (page["@context"][0], page["type"]) == ("http://www.w3.org/ns/anno.jsonld", "AnnotationPage")
    assert page["label"] == "Boats"
    (item,) = page["items"]
    quote, position = item["target"]["selector"]
    text = FERRY.text
    assert item["target"]["article-qa:revision"] == FERRY.revision
    assert text[position["start"] : position["end"]] == quote["exact"] == citation.quote
    assert quote["prefix"] + quote["exact"] + quote["suffix"] in text
    assert (quote["type"], position["type"]) == ("TextQuoteSelector", "TextPositionSelector")
    assert item["target"]["source"].startswith("https://orkney.example/ferry")
    local = json.loads(answered(ferry(url="")).to_annotations())["items"][0]["target"]
    assert local["source"] == "urn:article-qa:article:boats/ferry.md"


def test_csl_names_each_article_once():
    found = json.loads(Report([answered(ferry(), ferry(number=2)), answered(ferry())]).to_csl())
    assert found == [
        {
            "id": "boats/ferry.md",
            "type": "article-newspaper",
            "title": "The ferry to Hoy",
            "author": [{"literal": "Ann Writer"}],
            "container-title": "The Orcadian",
            "issued": {"date-parts": [[2019, 12, 29]]},
            "URL": FERRY.url,
        }
    ]
    bare = ferry(url="javascript:x", author="", source="", published="2019")
    assert json.loads(answered(bare).to_csl())[0] == {
        "id": "boats/ferry.md", "type": "article-newspaper", "title": "The ferry to Hoy",
        "issued": {"date-parts": [[2019]]},
    }  # fmt: skip


# ---------------------------------------------------------------- files


def test_the_suffix_decides_and_a_file_is_replaced(tmp_path):
    report = Report([answered(ferry())])
    for suffix in SUFFIXES:
        (tmp_path / f"a{suffix}").write_text("old")
        report.save(tmp_path / f"a{suffix.upper() if suffix == '.md' else suffix}")
    assert suffix_of("x.csl.json") == ".csl.json"
    assert json.loads((tmp_path / "a.csl.json").read_text())[0]["title"] == FERRY.title
    assert (tmp_path / "a.html").read_text("utf-8") == report.to_html()
    assert zipfile.is_zipfile(tmp_path / "a.docx")
    report.answers[0].to_docx(tmp_path / "b.docx")
    assert len(footnotes((tmp_path / "b.docx").read_bytes())[1]) == 1
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.rtf", "ends in '.rtf', which is no form"),
        ("a", "has no suffix"),
        ("no/a.md", "cannot be written (No such file"),
    ],
)
def test_a_report_that_cannot_be_written_says_why(tmp_path, name, says):
    with pytest.raises(BadReport, match=re.escape(says)):
        Report([]).save(tmp_path / name)


def test_what_fails_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text("old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadReport, match="No space left"):
        write(tmp_path / "a.md", b"new")
    assert (tmp_path / "a.md").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.md"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links")
def test_permissions_and_links_stay(tmp_path):
    (tmp_path / "real.md").write_text("old")
    (tmp_path / "real.md").chmod(0o640)
    (tmp_path / "link.md").symlink_to("real.md")
    Report([abstained()]).save(tmp_path / "link.md")
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").read_text().startswith("# Who?")
    assert (tmp_path / "real.md").stat().st_mode & 0o777 == 0o640
    Report([abstained()]).save(tmp_path / "new.md")
    assert (tmp_path / "new.md").stat().st_mode & 0o200


def test_every_form_of_no_answers_can_be_made():
    for suffix in SUFFIXES:
        assert content(Report([]), suffix)
