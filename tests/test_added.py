"""Files and pages that are added by hand, articles that are removed: in the folder, and found at once."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from library_fixtures import write
from test_fetch import Site, fetcher, reply

from index import added
from index.errors import ArticleQAError, LibraryInUse, NotAdded, NotFetched, UnreadableFile
from index.formats import SUFFIXES
from qa import Assistant

FERRY = "The ferry to Hoy sails at seven in the morning from Houton pier. It carries forty cars."
OVEN = "Hanna Keller bakes four hundred loaves of rye bread every night. Her oven was built in 1911."
PAGE = """<html><head><title>Storm over Orkney</title><link rel="canonical" href="{url}"></head><body><article>
<h1>Storm over Orkney</h1><p>The storm reached Orkney on Friday and broke {n} windows in Kirkwall. Nobody was hurt, the
harbour master said, but three boats sank in the night.</p></article></body></html>"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "articles"
    write(folder, "ferry.txt", FERRY)
    return folder


@pytest.fixture
def assistant(folder):
    with Assistant.open(folder, progress=False) as assistant:
        yield assistant


def states(assistant):
    return {entry.article_id: entry.state for entry in assistant.library()}


def saved(folder):
    return sorted(path.name for path in (folder / "added").glob("*"))


def test_a_file_is_added_and_can_be_asked_at_once(assistant, folder):
    done = assistant.add("../oven.md", f"---\nsource: The Paper\n---\n\n{OVEN}".encode())
    assert (done.file, done.articles, done.state) == ("added/oven.md", ("added/oven.md",), "added")
    answer = assistant.ask("When was the oven of Hanna Keller built?")
    assert answer.short_answer == "1911" and answer.citations[0].article_id == "added/oven.md"
    entry = {entry.article_id: entry for entry in assistant.library()}["added/oven.md"]
    assert (entry.source, entry.sentences, entry.state) == ("The Paper", 2, "ok")
    assert (folder / "added/oven.md").stat().st_mode & 0o400
    assert assistant.sync(progress=False).summary() == "2 unchanged"


def test_the_same_file_is_there_already_and_another_of_its_name_gets_a_number(assistant, folder):
    assert assistant.add("copy.txt", FERRY.encode()).state == "there"
    first = assistant.add("a.txt", OVEN.encode())
    again = assistant.add("b.txt", OVEN.encode())
    (folder / "added/.0123456789abcdef.new").write_text("left by a process that was killed")
    other = assistant.add("a.txt", b"The bridge is red. It was painted in May.")
    assert (again.state, again.file) == ("there", first.file)
    assert other.file == "added/a 2.txt" and (folder / "added/a.txt").read_text() == OVEN
    assert saved(folder) == ["a 2.txt", "a.txt"]


def test_what_cannot_be_read_leaves_nothing_behind(assistant, folder):
    before = states(assistant)
    for name, data, code in (
        ("x.exe", b"MZ", "bad_type"),
        ("x", b"text", "bad_type"),
        (".txt", b"text", "bad_type"),
        ("x.pdf", b"no pdf", None),
        ("x.txt", b"", "empty"),
        ("x.txt", b" \n ", "empty"),
        ("x.txt", b"a" * (20 * 2**20 + 1), "too_large"),
        ("x.html", b"\x89PNG\r\n\x1a\n", "bad_type"),
    ):
        with pytest.raises(UnreadableFile) as refused:
            assistant.add(name, data)
        assert code in (None, refused.value.code) and "added/" not in str(refused.value)
    assert saved(folder) == [] and states(assistant) == before
    assert assistant.sync(progress=False).refused == []


def test_lines_that_are_no_articles_are_named_and_the_others_stay(assistant):
    lines = [json.dumps({"id": "one", "title": "One", "text": OVEN}), "{broken"]
    done = assistant.add("some.jsonl", "\n".join(lines).encode())
    assert done.articles == ("added/some.jsonl#one",) and "line 2" in done.refused[0]
    assert states(assistant)["added/some.jsonl"] == "refused"


@given(st.text(max_size=300), st.sampled_from(sorted(SUFFIXES)))
def test_a_safe_name_is_a_file_of_this_folder(name, suffix):
    try:
        safe = added.safe_name(name + suffix)
    except UnreadableFile:
        safe = added.safe_name(f"x{suffix}")  # nothing of the name was left before its suffix
    path = Path("/x/added") / safe
    assert path.parent == Path("/x/added") and os.path.normpath(path) == str(path)
    assert safe.isprintable() and not safe.startswith(".") and len(safe.encode()) < 200
    assert not safe.upper().startswith("README") and path.suffix.lower() in SUFFIXES and "#" not in safe
    assert added.safe_name(safe) == safe


@pytest.mark.parametrize("name", ["../a.txt", "..\\a.txt", "/etc/a.txt", "C:\\a.txt", "~/a.txt", ".a.txt", "a\0.txt"])
def test_names_that_lead_elsewhere(name):
    assert added.safe_name(name) == "a.txt"


def test_a_removed_article_stays_removed_until_its_text_changes(assistant, folder):
    assistant.add("oven.txt", OVEN.encode())
    assistant.remove("ferry.txt")
    assert assistant.articles() == ["added/oven.txt"] and (folder / "ferry.txt").is_file()
    assert not assistant.ask("When does the ferry to Hoy sail?").answered
    report = assistant.sync(progress=False)
    assert (report.added, report.left_out) == ([], 1) and "1 left out as removed by hand" in report.summary()
    os.utime(folder / "ferry.txt", ns=(1, 1))
    assert assistant.sync(progress=False).added == [] and states(assistant)["ferry.txt"] == "removed"
    with pytest.raises(ArticleQAError, match="removed already"):
        assistant.remove("ferry.txt")
    write(folder, "ferry.txt", FERRY + " It has a bar.")
    report = assistant.sync(progress=False)
    assert (report.added, report.left_out) == (["ferry.txt"], 0) and states(assistant)["ferry.txt"] == "ok"
    assistant.remove("ferry.txt")
    (folder / "ferry.txt").unlink()
    assert assistant.sync(progress=False).left_out == 0 and "ferry.txt" not in states(assistant)


def test_a_removed_article_outlives_the_process_and_comes_back(folder):
    with Assistant.open(folder, progress=False) as assistant:
        assistant.remove("ferry.txt")
    with Assistant.open(folder, progress=False) as assistant:
        assert assistant.report.left_out == 1 and assistant.counts()[0] == 0
        assistant.restore("ferry.txt")
        assert assistant.ask("When does the ferry to Hoy sail?").answered
        assistant.remove("ferry.txt")
        assert assistant.add("again.txt", FERRY.encode()).state == "restored"
        assert assistant.articles() == ["ferry.txt"] and assistant.sync(progress=False).unchanged == 1
        with pytest.raises(ArticleQAError, match="no removed article"):
            assistant.restore("ferry.txt")


def test_one_of_several_articles_of_a_file(assistant, folder):
    told = [{"id": key, "title": key, "text": text} for key, text in (("one", FERRY + " One."), ("two", OVEN))]
    write(folder, "some.jsonl", "\n".join(map(json.dumps, told)))
    assistant.sync(progress=False)
    assistant.remove("some.jsonl#two")
    told[0]["text"] += " It sails at eight."
    write(folder, "some.jsonl", "\n".join(map(json.dumps, told)))
    report = assistant.sync(progress=False)
    assert (report.updated, report.left_out) == (["some.jsonl#one"], 1)
    write(folder, "some.jsonl", json.dumps(told[0]))
    assert assistant.sync(progress=False).left_out == 0


def test_a_page_is_added_with_its_address(assistant, folder):
    pages = {"/storm?id=1": reply(PAGE.format(url="https://evil.example/x", n=40).encode())}
    site = Site(lambda path: pages[path])
    assistant.fetch = fetcher(site)
    url = f"http://news.example:{site.port}/storm?id=1"
    done = assistant.add_url(url)
    assert (done.file, done.state) == ("added/news.example storm.html", "added")
    citation = assistant.ask("How many windows did the storm break in Kirkwall?").citations[0]
    assert (citation.url, citation.source, citation.title) == (url, "news.example", "Storm over Orkney")
    assert assistant.add_url(url).state == "there"
    pages["/storm?id=1"] = reply(PAGE.format(url=url.replace("?id=1", "-over-orkney"), n=60).encode())
    assert assistant.add_url(url).state == "updated"
    assert assistant.ask("How many windows did the storm break in Kirkwall?").short_answer == "60"
    assert assistant.article(done.file).url.endswith("/storm-over-orkney"), "its own word for its address on its site"
    assert saved(folder) == [".origins.json", "news.example storm.html"]
    kept = json.loads((folder / "added/.origins.json").read_text())["added/news.example storm.html"]
    assert kept == {"url": url, "fetched": time.strftime("%Y-%m-%d")}
    pages["/storm?id=1"] = reply(b"<html><body></body></html>")
    with pytest.raises(UnreadableFile):
        assistant.add_url(url)
    assert assistant.ask("How many windows did the storm break in Kirkwall?").short_answer == "60"
    assert assistant.sync(progress=False).refused == []
    with pytest.raises(NotFetched, match=r"127\.0\.0\.1 is not a public address"):
        assistant.fetch = None
        assistant.add_url("http://127.0.0.1/")
    site.close()


def test_the_encoding_that_only_the_server_knows(assistant):
    text = "Der Sturm erreichte Łódź am Freitag. Żółta łódź zatonęła."
    site = Site(
        lambda path: reply(text.encode("iso8859-2"), headers="Content-Type: text/plain; charset=iso-8859-2\r\n")
    )
    assistant.fetch = fetcher(site)
    assert assistant.article(assistant.add_url(f"http://a.example:{site.port}/a").file).text == text
    site.close()


def test_a_folder_that_takes_nothing(assistant, folder):
    (folder / "added").write_text("a file in its place")
    with pytest.raises(NotAdded, match=r"Nothing can be added to .*; make it writable, or put the file there by hand"):
        assistant.add("oven.txt", OVEN.encode())
    (folder / "added").unlink()
    (folder / "added").symlink_to(folder)
    with pytest.raises(NotAdded, match="symbolic link"):
        assistant.add("oven.txt", OVEN.encode())
    assert assistant.articles() == ["ferry.txt"]


def test_only_the_owner_may(folder, assistant):
    with Assistant.open(folder, progress=False) as other:
        for change in (lambda: other.add("a.txt", b"x."), lambda: other.remove("ferry.txt"),
                       lambda: other.restore("ferry.txt"), lambda: other.add_url("http://a.example/")):  # fmt: skip
            with pytest.raises(LibraryInUse):
                change()
        assert states(other) == {"ferry.txt": "ok"}


def test_a_library_of_an_older_version_knows_no_removed_articles(folder):
    import sqlite3

    with Assistant.open(folder, progress=False):
        pass
    path = folder / ".article-qa" / "library.sqlite"
    with sqlite3.connect(path) as old:
        old.execute("DROP TABLE removed")
    old.close()
    with Assistant.open(folder, progress=False) as owner:
        with Assistant.open(folder, progress=False) as other:
            assert states(other) == {"ferry.txt": "ok"}
        owner.remove("ferry.txt")
        assert states(owner) == {"ferry.txt": "removed"}


def test_copies_name_the_article_they_repeat(assistant):
    assistant.add("copy.txt", f"{FERRY} ".encode())
    copied = {entry.article_id: entry for entry in assistant.library()}["added/copy.txt"]
    assert (copied.state, copied.note) == ("copy", "ferry.txt")
    assistant.remove("ferry.txt")
    assert states(assistant)["added/copy.txt"] == "ok"


def test_questions_go_on_while_the_library_changes(assistant):
    stop, wrong = threading.Event(), []

    def ask():
        while not stop.is_set():
            answer = assistant.ask("When does the ferry to Hoy sail?")
            for citation in answer.citations:
                text = assistant.article(citation.article_id).text
                if text[citation.start : citation.end] != citation.quote:
                    wrong.append(citation)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(4):
        assistant.add(f"n{n}.txt", f"The harbour of Stromness has {n + 3} cranes. They are red.".encode())
        assistant.remove(f"added/n{n}.txt")
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and assistant.articles() == ["ferry.txt"]


def test_one_file_costs_one_article(folder):
    for n in range(40):
        write(folder, f"n{n}.txt", f"The harbour of Stromness{n} has {n + 3} cranes. They are red{n}.")
    with Assistant.open(folder, progress=False) as assistant:
        encoded = []
        passages = assistant._encoder.passages
        assistant._encoder.passages = lambda texts, spans: encoded.append(len(texts)) or passages(texts, spans)
        try:
            assistant.add("oven.txt", OVEN.encode())
        finally:
            del assistant._encoder.passages
        assert encoded == [1]


def test_a_strangers_note_of_origins_replaces_nothing_outside(assistant, folder, tmp_path):
    url = "http://news.example/storm"
    (tmp_path / "index.html").write_text("mine")
    (folder / "added").mkdir()
    strange = ["../index.html", f"{tmp_path}/index.html", "added/../../index.html", "added/..", "ferry.txt", "a\\b"]
    note = folder / "added" / ".origins.json"
    note.write_text(json.dumps({path: {"url": url, "fetched": ""} for path in strange}))
    assert added.origins(folder) == {}
    note.write_text(json.dumps({"added/a b.html": {"url": url, "fetched": "2020-01-01"}}))
    assert list(added.origins(folder)) == ["added/a b.html"]


def test_when_all_were_removed_it_is_said(assistant):
    assistant.remove("ferry.txt")
    with pytest.raises(
        ArticleQAError, match=r"All articles in .* were removed by hand; .* remove --restore ferry\.txt"
    ):
        assistant.ask("When does the ferry sail?")


def test_lines_of_a_file_are_one_file_not_read(folder):
    (folder / "ferry.txt").unlink()
    (folder / "lines.jsonl").write_text("{\n{\n{\n")
    with Assistant.open(folder, progress=False) as broken:
        assert (len(broken.report.refused), broken.report.refused_files) == (3, 1)
        with pytest.raises(ArticleQAError, match="None of the 1 files"):
            broken.ask("When does the ferry sail?")
