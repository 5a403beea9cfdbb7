"""Verification: what becomes of quotes when their articles are edited, moved about, renamed and deleted."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from conftest import GOLD, SEEDS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reports import HOSTILE, answered, cited, texts

from index.errors import BadReport
from index.types import Article
from qa import Answer, Assistant, Report
from qa.cite import anchor
from qa.report.save import content
from qa.report.shown import one_line
from qa.verify.quoted import between_marks, read
from qa.verify.words import cut, difference, fold, in_parts, nearest, occurrences

FORMS = (".md", ".html", ".docx", ".json", ".jsonld")


def sure(assistant, question, k=3):
    """Return an answer made of the sentences that come nearest, whatever the reader thinks of them."""
    found = [replace(c, number=n) for n, c in enumerate(assistant.search(question, k), 1)]
    text = " ".join(f"{' '.join(c.quote.split())} [{c.number}]" for c in found)
    return Answer(question, question, "answered", text, citations=tuple(found))


@pytest.fixture(scope="module")
def questions():
    lines = [line for name in ("plain", "seeds") for line in (GOLD / f"{name}.jsonl").read_text("utf-8").splitlines()]
    asked = [json.loads(line)["question"] for line in lines]
    return [
        *asked,
        *(
            f"What is known about {word}?"
            for word in ("rockets", "seeds", "troops", "telescopes", "ships", "money", "ice", "runners")
        ),
    ]


# ---------------------------------------------------------------- round trip


@pytest.fixture(scope="module")
def report(seeds, questions):
    return Report([sure(seeds, question) for question in questions], "All")


@pytest.mark.parametrize("suffix", FORMS)
def test_every_citation_of_200_answers_stands_in_each_form(seeds, report, suffix, tmp_path):
    assert len(report.answers) == 200
    report.save(tmp_path / f"report{suffix}")
    found = seeds.verify(tmp_path / f"report{suffix}")
    cites = [c for answer in report.answers for c in answer.citations]
    assert len(found.checks) == len(cites) > 550
    assert Counter(check.status for check in found.checks) == {"stands": len(cites)}
    assert [(c.found_id, c.start, c.end) for c in found.checks] == [(c.article_id, c.start, c.end) for c in cites]
    assert found.stands and found.summary() == f"{len(cites)} quotes: {len(cites)} stand as cited"


def test_answers_of_the_reader_stand_too(seeds):
    answer = seeds.ask("What did the James Webb Space Telescope cost?")
    assert answer.answered and seeds.verify(answer).stands
    text = seeds.article(answer.citations[0].article_id).text
    c = answer.citations[0]
    assert text[c.start - len(c.before) : c.start] == c.before and c.before.startswith("At 7:20 a.m.")
    assert text[c.end : c.end + len(c.after)] == c.after and c.after.endswith("under $1 billion.")
    assert c.anchor == anchor(text, c.start, c.end) and c.author == "Tobias Arkwright"


@pytest.fixture(scope="module")
def edited(tmp_path_factory, questions):
    """A report in each form, written before its folder was changed, and what must be found after it."""
    place = tmp_path_factory.mktemp("edited")
    shutil.copytree(SEEDS, place / "articles", ignore=shutil.ignore_patterns(".*"))
    with Assistant.open(place / "articles", place / "library", progress=False) as assistant:
        report = Report([sure(assistant, question) for question in questions])
        for suffix in FORMS:
            report.save(place / f"report{suffix}")
        cites = [c for answer in report.answers for c in answer.citations]

        webb = place / "articles" / "james-webb-telescope.md"
        sentence = "The James Webb Space Telescope had taken more than two decades and about $10 billion to get there."
        text = webb.read_text("utf-8")
        assert text.count(sentence) == 1
        webb.write_text(text.replace(sentence, sentence.replace("about $10", "nearly, all told, $11")), "utf-8")

        (place / "articles" / "svalbard-seed-vault.txt").unlink()

        strikes = place / "articles" / "us-strikes-december-2019.md"
        blocks = strikes.read_text("utf-8").split("\n\n")
        moved = next(block for block in blocks if block.startswith("The dead man's name"))
        blocks.remove(moved)
        strikes.write_text("\n\n".join([*blocks, moved]) + "\n", "utf-8")

        assistant.sync(progress=False)
        expected = {
            c: "changed" if c.quote == sentence
            else "gone" if c.article_id == "svalbard-seed-vault.txt"
            else "moved" if c.article_id == strikes.name and c.quote in moved
            else "stands"
            for c in cites
        }  # fmt: skip
        yield place, assistant, cites, expected


@pytest.mark.parametrize("suffix", FORMS)
def test_an_edited_sentence_a_deleted_article_and_a_moved_paragraph_are_named_and_nothing_else(edited, suffix):
    place, assistant, cites, expected = edited
    found = assistant.verify(place / f"report{suffix}")
    assert {"changed", "gone", "moved", "stands"} == set(expected.values())
    assert [(check.quote, check.status) for check in found.checks if check.status != "stands"] == [
        (check.quote, expected[c]) for c, check in zip(cites, found.checks, strict=True) if expected[c] != "stands"
    ]
    for c, check in zip(cites, found.checks, strict=True):
        if check.status in ("moved", "stands"):
            text = assistant.article(check.found_id).text
            assert fold(text[check.start : check.end]) == fold(c.quote)
        if check.status == "changed":
            assert check.now.endswith("$11 billion to get there.")
            assert "[-about-]{+nearly, all told,+} $[-10-]{+11+} billion" in check.difference
    shifted = [c for c, k in zip(cites, found.checks, strict=True) if k.status == "stands" and k.start != c.start]
    assert len(shifted) > 5, "what stands behind an edit has another place and is not named"


# ---------------------------------------------------------------- one thing at a time

BOATS = (
    "Boats of Orkney\n\n"
    "The ferry to Hoy sails at seven. It carries forty cars. The siren sounds twice.\n\n"
    "The old pier was built in 1911 of granite. The siren sounds twice.\n\n"
    "Nobody waits for long. The new boat is called Varagen.\n\n"
    "It was launched in 1989."
)


class Library:
    """A folder of texts that can be changed, and asked to verify."""

    def __init__(self, place):
        self.folder = place / "articles"
        self.folder.mkdir()
        self.assistant = None

    def write(self, name, text):
        (self.folder / name).write_text(text, "utf-8")

    def sync(self):
        if self.assistant is None:
            self.assistant = Assistant.open(self.folder, progress=False)
        else:
            self.assistant.sync(progress=False)
        return self.assistant

    def cite(self, quote, nth=0, name="boats.txt", **given):
        article = self.assistant.article(name)
        start = -1
        for _ in range(nth + 1):
            start = article.text.index(quote, start + 1)
        return answered(cited(article, start, start + len(quote), **given))


@pytest.fixture
def library(tmp_path):
    library = Library(tmp_path)
    library.write("boats.txt", BOATS)
    library.write("bread.txt", "Bread\n\nHanna Keller bakes four hundred loaves of rye bread every night.")
    library.sync()
    yield library
    library.assistant.close()


def only(verification):
    (check,) = verification.checks
    return check


def test_the_same_sentence_twice_is_two_citations(library):
    first, second = library.cite("The siren sounds twice."), library.cite("The siren sounds twice.", 1)
    assert first.citations[0].start < second.citations[0].start
    library.write("boats.txt", BOATS.replace("forty cars. The siren sounds twice.", "forty cars."))
    library.sync()
    assert only(library.assistant.verify(second)).status == "stands"
    check = only(library.assistant.verify(first))
    text = library.assistant.article("boats.txt").text
    assert text[check.start : check.end] == "The siren sounds twice."


def test_a_renamed_article_is_moved(library):
    answer = library.cite("It carries forty cars.")
    (library.folder / "boats.txt").rename(library.folder / "ships.txt")
    library.sync()
    check = only(library.assistant.verify(answer))
    assert (check.status, check.article_id, check.found_id, check.start) == (
        "moved", "boats.txt", "ships.txt", answer.citations[0].start,
    )  # fmt: skip


def test_a_deleted_article_whose_words_stand_elsewhere_is_gone_and_they_are_named(library):
    answer = library.cite("It carries forty cars.")
    library.write("copy.txt", "Somebody copied this. It carries forty cars.")
    (library.folder / "boats.txt").unlink()
    library.sync()
    check = only(library.assistant.verify(answer))
    assert (check.status, check.found_id) == ("gone", "copy.txt")


def test_a_sentence_taken_out_is_changed_and_has_nothing_now(library):
    answer = library.cite("The new boat is called Varagen.")
    library.write("boats.txt", BOATS.replace(" The new boat is called Varagen.", ""))
    library.sync()
    check = only(library.assistant.verify(answer))
    assert (check.status, check.now, check.found_id, check.start) == ("changed", "", "", None)


def test_a_quote_that_was_altered_in_the_report_was_never_there(library, tmp_path):
    answer = library.cite("It carries forty cars.")
    for suffix in FORMS:
        if suffix == ".docx":
            continue
        path = tmp_path / f"r{suffix}"
        path.write_bytes(content(Report([answer]), suffix).replace(b"forty cars", b"fifty cars"))
        check = only(library.assistant.verify(path))
        assert (check.status, check.difference) == ("never", "It carries [-fifty-]{+forty+} cars."), suffix


@pytest.mark.parametrize("suffix", [".md", ".html"])
def test_a_quote_that_was_altered_above_its_note_only_is_found(library, tmp_path, suffix):
    data = content(Report([library.cite("It carries forty cars.")]), suffix)
    path = tmp_path / f"r{suffix}"
    path.write_bytes(data.replace(b"forty cars", b"fifty cars", 1))
    assert [c.status for c in library.assistant.verify(path).checks] == ["stands", "never"]


def test_a_quote_altered_in_a_word_document_is_found_above_and_in_its_note(library, tmp_path):
    from docx import Document

    Report([library.cite("It carries forty cars.")]).save(tmp_path / "r.docx")
    word = Document(tmp_path / "r.docx")
    for paragraph in word.paragraphs:
        for run in paragraph.runs:
            if "forty cars" in run.text:
                run.text = run.text.replace("forty cars", "fifty cars")
    word.add_paragraph("An editor adds: “nobody ever waits for long”, and “the old pier was built in 1911”.")
    word.save(tmp_path / "r.docx")
    found = library.assistant.verify(tmp_path / "r.docx")
    assert [c.status for c in found.checks] == ["stands", "never", "changed", "stands"]
    assert "ever-]" in found.checks[2].difference


def test_an_address_that_was_altered_leads_to_the_place(library, tmp_path):
    data = content(Report([library.cite("It carries forty cars.")]), ".md").decode()
    start = BOATS.index("It carries")
    (tmp_path / "r.md").write_text(data.replace(f"characters {start}-", "characters 3-"), "utf-8")
    check = only(library.assistant.verify(tmp_path / "r.md"))
    assert (check.status, check.start) == ("moved", start)


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("He said “It carries  forty\ncars,” and left.", ["stands"]),
        ('The piece has "the siren sounds twice" and «Nobody waits for long».', ["stands", "stands"]),
        ("“It Carries Forty Cars”", ["changed"]),
        ("> “Nobody waits for long.\n> The new boat is called Varagen.”\n> — The Orcadian", ["stands"]),
        ("> It carries **forty** cars.\n\n> Hanna Keller bakes four hundred loaves", ["stands", "stands"]),
        ("“The ferry to Hoy […] carries forty cars.”", ["stands"]),
        ("“… carries forty cars …” and “The ferry ... was built in 1911”", ["stands", "stands"]),
        ("“was built in 1911 … The ferry to Hoy”", ["never"]),
        ("“Hanna Keller bakes five hundred loaves of rye bread every night.”", ["changed"]),
        ("“The moon is made of green cheese, say mice.”", ["never"]),
        ("```\n“The moon is made of cheese”\n```\n“It carries forty cars.”", ["stands"]),
        ("“It carries forty car”", ["changed"]),
        ("See “Boats of Orkney” for more: “It carries forty cars.”", ["stands", "stands"]),
    ],
)  # fmt: skip
def test_quotes_without_an_address_are_looked_for_in_all_articles(library, tmp_path, text, statuses):
    (tmp_path / "piece.md").write_text(text, "utf-8")
    found = library.assistant.verify(tmp_path / "piece.md")
    assert [check.status for check in found.checks] == statuses
    for check in found.checks:
        if check.status == "changed":
            assert check.now in library.assistant.article(check.found_id).text


def test_short_passages_are_counted_and_not_looked_for(library, tmp_path):
    (tmp_path / "piece.md").write_text("The “so-called” boat: “It carries forty cars.”", "utf-8")
    found = library.assistant.verify(tmp_path / "piece.md")
    assert found.short == 1
    assert found.summary() == "1 quote: 1 stand as cited; 1 of fewer than 3 words not looked for"


def test_a_report_of_abstentions_only_is_no_error(library, tmp_path):
    report = Report([library.assistant.ask("How tall is the Eiffel Tower?")] * 2)
    for suffix in FORMS:
        report.save(tmp_path / f"r{suffix}")
        found = library.assistant.verify(tmp_path / f"r{suffix}")
        assert (found.checks, found.stands, found.summary()) == ((), True, "0 quotes: nothing to verify")


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("none.md", None, "cannot be read (No such file or directory)"),
        ("a.pdf", b"%PDF-", "cannot be verified; name a file that ends in one of .md"),
        ("a.md", b"Just words.", "has no quotes in it"),
        ("a.md", b'"a b c d\\' * 5_000, "has no quotes in it"),  # quadratic, were each escaped mark a beginning
        ("a.md", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("a.json", b"[1, 2]", "holds no quotes that article-qa wrote"),
        ("a.json", b'{"answers": [{"citations": [{"quote": "x"}]}]}', "holds no quotes that article-qa wrote"),
        ("a.json", b"[" * 100_000, "holds no quotes that article-qa wrote"),
        ("a.html", b"<p>Hello</p>", "holds no quotes that article-qa wrote"),
        ("a.html", b"<blockquote data-article=a><mark>x</mark></blockquote>", "holds no quotes that article-qa wrote"),
        ("a.docx", b"PK\x03\x04 no archive", "damaged"),
        ("a.docx", b"words", "is no Word document"),
    ],
)
def test_a_file_that_is_no_report_is_one_sentence(library, tmp_path, name, data, says):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(BadReport) as error:
        library.assistant.verify(tmp_path / name)
    assert says in str(error.value) and str(error.value).startswith(str(tmp_path / name))


def test_what_is_found_can_be_read_by_programs(library):
    found = json.loads(library.assistant.verify(library.cite("It carries forty cars.")).to_json())
    assert found["counts"] == {"stands": 1, "moved": 0, "changed": 0, "gone": 0, "never": 0}
    assert found["checks"][0]["found_id"] == "boats.txt"


# ---------------------------------------------------------------- reading what was written


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=2))
@example([(hostile, hostile, hostile) for hostile in HOSTILE[:9]])
@example([(hostile, hostile, hostile) for hostile in HOSTILE[9:]])
@settings(max_examples=30, deadline=None)
def test_what_any_form_says_is_read_again(tmp_path_factory, parts):
    articles = [Article(name, title, f"{title}{quote}{title}", title) for quote, title, name in parts]
    citations = [
        cited(article, len(title), len(title) + len(quote), n)
        for n, (article, (quote, title, _)) in enumerate(zip(articles, parts, strict=True), 1)
    ]
    report = Report([answered(*citations, question="Who?")])
    place = tmp_path_factory.mktemp("read")
    for suffix in FORMS:
        report.save(place / f"r{suffix}")
        found, _ = read(place / f"r{suffix}")
        assert [fold(q.quote) for q in found] == [fold(c.quote) for c in citations], suffix
        assert [fold(q.article_id) for q in found] == [fold(one_line(c.article_id)) for c in citations], suffix
        assert [(q.start, q.end, q.anchor, q.number) for q in found] == [
            (c.start, c.end, c.anchor, str(c.number)) for c in citations
        ], suffix
        assert all(c.revision.startswith(q.revision) for q, c in zip(found, citations, strict=True)), suffix


def test_footnotes_that_an_editor_wrapped_are_read(library, tmp_path):
    data = content(Report([library.cite("It carries forty cars.")]), ".md").decode()
    head, _, note = data.partition("[^1]: ")
    (tmp_path / "r.md").write_text(f"{head}[^1]: " + note.replace(" ", "\n    ", 6), "utf-8")
    assert only(library.assistant.verify(tmp_path / "r.md")).status == "stands"


# ---------------------------------------------------------------- words


@given(texts, texts, texts)
@settings(deadline=None)
def test_a_quote_is_found_where_it_stands(before, quote, after):
    text = f"{before} {quote} {after}"
    places = list(occurrences(quote, text, fold(text)))
    assert all(fold(text[a:b]) == fold(quote) for a, b in places)
    words = fold(quote)
    if words and f" {words} " in f" {fold(text)} " and not (before + after).isalnum():
        assert places


def test_what_makes_no_difference_and_what_does():
    text = "“It’s  hard\n\nwork,” he said… re‑elected on 5\u00a0May."
    for same in ("It's hard work", '"It\'s hard work," he said...', "re-elected on 5 May."):
        assert list(occurrences(same, text, fold(text))), same
    for other in ("Its hard work", "it's hard work", "re–elected", "t's hard"):
        assert not list(occurrences(other, text, fold(text))), other


def test_composed_and_decomposed_letters_are_the_same():
    assert list(occurrences("Café au lait", "Cafe\u0301 au lait", fold("Cafe\u0301 au lait")))
    assert list(occurrences("Cafe\u0301 au lait", "Café au lait", "Café au lait"))


def test_the_parts_of_a_cut_quote_stand_in_order_and_near_each_other():
    text = "One two three. " + "Filler words. " * 10 + "Four five six." + " More." * 1000 + " Seven eight."
    assert cut("one [...] two… three (…)") == ["one", "two", "three"]
    assert in_parts("One two … five six", text, fold(text)) == (0, text.index(" six") + 4)
    assert in_parts("five six … One two", text, fold(text)) is None
    assert in_parts("five six … Seven eight", text, fold(text)) is None


def test_what_changed_is_shown():
    assert difference("He was late.", "He was late.") == "He was late."
    assert difference("Five sites were hit.", "Six sites were hit hard.") == "[-Five-]{+Six+} sites were hit {+hard+}."
    assert difference("It’s late", "It's late") == "It's late"


@given(st.text(max_size=200), st.text(max_size=200))
@settings(deadline=None)
def test_a_difference_and_a_nearest_sentence_are_had_for_any_words(was, now):
    assert isinstance(difference(was, now), str)
    near = nearest(was, [now, was], part=True)
    assert -1 <= near.number < 2 and 0 <= near.share <= 1
    assert 0 <= near.span[0] <= near.span[1] <= max(len(was), len(now))


def test_quotation_marks():
    assert between_marks('a “b c” d "e f" g «h i» 5\'10" tall') == ["b c", "e f", "h i"]
    assert between_marks("“open to the end") == ["open to the end"]
    assert between_marks('"one" and "two"') == ["one", "two"]
    assert between_marks("no quotes, don't") == []


def test_the_anchor_tells_a_moved_paragraph_from_a_shifted_one():
    text = "Alpha one.\n\nBeta two. Beta three.\n\nGamma four.\n\nDelta five."
    place = text.index("Beta two"), text.index("Beta two") + 9
    known = anchor(text, *place)
    shifted = "Alpha zero. " + text
    assert anchor(shifted, place[0] + 12, place[1] + 12)[4:] == known[4:]
    moved = "Alpha one.\n\nGamma four.\n\nDelta five.\n\nBeta two. Beta three."
    found = anchor(moved, moved.index("Beta two"), moved.index("Beta two") + 9)
    assert found[:4] != known[:4] and found[4:] != known[4:]
