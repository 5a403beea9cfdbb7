"""The library on the page, in Chromium over the real engine: table, adding, removing, and the filter."""

from __future__ import annotations

import json
import time

import pytest
from browser import chromium
from library_fixtures import news, write
from test_added import PAGE
from test_fetch import Site, fetcher, reply
from test_web import HOSTILE
from visitor import CONTRAST, Visitor, text_of, visitors

from index.errors import LibraryInUse
from index.types import Entry, Within
from qa import Assistant
from ui import render_shelf
from ui import server as serving
from ui.shelf import Shelf, held, kept

PAPER = """---
title: The harbour of Stromness
source: {source}
published: {day}
---

The harbour of Stromness has {n} cranes. They were painted red in May. The master of the harbour is Ola Flett.
"""
OVEN = b"Hanna Keller of Zurich bakes four hundred loaves of rye bread every night. Her oven was built in 1911."


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf") / "articles"
    write(folder, "paper.md", PAPER.format(source="The Paper", day="2019-12-29", n=4))
    write(folder, "herald.md", PAPER.format(source="The Herald", day="2021-03-01", n=9).replace("of Strom", "at Strom"))
    write(folder, "hostile.md", HOSTILE)
    write(
        folder, "plain.txt", "The ferry to Hoy sails at seven in the morning from Houton pier. It carries forty cars."
    )
    write(folder, "broken.pdf", "no pdf")
    return folder


@pytest.fixture(scope="module")
def assistant(folder):
    with Assistant.open(folder, progress=False) as assistant:
        yield assistant


@pytest.fixture(scope="module")
def address(assistant):
    page = serving.start(assistant, port=7980, users=4)
    yield page.local_url.rstrip("/")
    page.close(verbose=False)


class Reader(Visitor):
    """A visitor who opens the library."""

    def library(self):
        self.page.click("#shelf-open")
        self.settled()
        return self

    def settled(self):
        self.page.wait_for_selector("#shelf-panel table:not([aria-busy]) tbody tr")
        self.page.wait_for_function("!document.querySelector('#shelf-panel .told').textContent.includes('Looking')")

    def titles(self):
        return self.page.locator("#shelf-panel tbody .title bdi").all_inner_texts()

    def told(self):
        return self.page.inner_text("#shelf-panel .told")

    def row(self, article_id):
        return self.page.locator(f'#shelf-panel tbody tr[data-id="{article_id}"]')

    def give(self, *files):
        before = self.page.locator("#shelf-panel .lines li").count()
        given = [{"name": name, "mimeType": "application/x", "buffer": data} for name, data in files]
        self.page.set_input_files("#shelf-panel .files", given)
        self.page.wait_for_function(
            "n => document.querySelectorAll('#shelf-panel .lines li:not(.doing)').length === n",
            arg=before + len(files), timeout=60_000,
        )  # fmt: skip
        return self.page.locator("#shelf-panel .lines li").all_inner_texts()[: len(files)][::-1]

    def until(self, script, arg=None):
        self.page.wait_for_function(script, arg=arg, timeout=30_000)


@pytest.fixture
def visit(browser, address):
    with visitors(browser, address, Reader) as visit:
        yield visit


def test_the_table_is_searched_and_sorted(visit):
    visitor = visit().library()
    assert visitor.told() == "4 articles, 1 file not read."
    assert visitor.titles() == sorted(visitor.titles(), key=str.casefold)
    head = visitor.page.locator("#shelf-panel th.published")
    head.locator("button").click()
    visitor.until("document.querySelector('th.published')?.getAttribute('aria-sort') === 'ascending'")
    dates = visitor.page.locator("#shelf-panel tbody .published").all_inner_texts()
    assert [date for date in dates if date] == ["29 December 2019", "1 January 2021", "1 March 2021"]
    head.locator("button").click()
    visitor.until("document.querySelector('th.published')?.getAttribute('aria-sort') === 'descending'")
    assert visitor.page.locator("#shelf-panel tbody .published").all_inner_texts() == dates[::-1]
    assert visitor.page.locator("#shelf-panel th[aria-sort]").count() == 1
    visitor.page.fill("#shelf-panel .search", "herald 2021")
    visitor.until("document.querySelector('#shelf-panel .told').textContent === '1 article found.'")
    assert visitor.page.locator("#shelf-panel tbody tr").get_attribute("data-id") == "herald.md"
    visitor.page.fill("#shelf-panel .search", "nowhere")
    visitor.until("document.querySelector('#shelf-panel .told').textContent.startsWith('None has')")
    visitor.page.fill("#shelf-panel .search", "wolpertinger evil")
    visitor.page.fill("#shelf-panel .search", "hostile")
    visitor.until("document.querySelector('#shelf-panel tbody tr')?.dataset.id === 'hostile.md'")
    assert text_of(visitor.row("hostile.md").locator(".title bdi")).startswith("<img src=x onerror=alert(1)> **Evil**")
    assert "<script>alert(2)</script>" in text_of(visitor.page.locator("#shelf-panel .choices"))
    assert visitor.page.locator("#shelf-panel :is(img, script, strong, em)").count() == 0
    assert (
        "does not begin like a PDF" in visitor.row("broken.pdf").inner_text()
        if visitor.row("broken.pdf").count()
        else 1
    )


def test_files_are_added_one_by_one_and_each_refusal_is_a_line(visit, assistant, folder):
    visitor = visit().library()
    lines = visitor.give(
        ("oven.txt", OVEN), ("<b>x</b>.exe", b"MZ"), ("bad.pdf", b"no"), ("none.txt", b""), ("again.txt", OVEN),
    )  # fmt: skip
    assert lines[0] == "oven.txt: Added: “Hanna Keller of Zurich bakes four hundred loaves of rye bread every night.”"
    assert lines[1].startswith("<b>x</b>.exe: Is no kind of file that is read; convert it to one of .docx")
    assert lines[2] == "bad.pdf: Does not begin like a PDF; remove it or convert it."
    assert lines[3] == "none.txt: Is empty; remove it or add text."
    assert lines[4].startswith("again.txt: This file is there already: “Hanna")
    assert (folder / "added" / "oven.txt").read_bytes() == OVEN
    visitor.until("document.querySelector('#library').textContent.includes('5 articles')")
    visitor.until(
        "[...document.querySelectorAll('#shelf-panel tbody tr')].some(r => r.dataset.id === 'added/oven.txt')"
    )
    visitor.page.click("#shelf-panel header .close")
    assert "1911" in visitor.ask("When was the oven of Hanna Keller built?").inner_text()


def test_only_what_was_uploaded_is_read(assistant, folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(OVEN + b" It is a secret.")
    done = Shelf(assistant).do({"do": "add", "path": str(secret), "name": "a.txt"}, {"/other"})
    assert done == {"ok": False, "told": "The file did not arrive; send it again."} and secret.exists()
    assert Shelf(assistant).do({"do": "format disk"}, set())["ok"] is False


def test_files_may_be_dropped_anywhere(visit):
    visitor = visit()
    visitor.page.evaluate("""() => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(20 * 2 ** 20 + 1)], "big.txt"));
      files.items.add(new File(["The bridge of Waithe is blue. It is short."], "bridge.txt"));
      for (const type of ["dragenter", "drop"])
        document.querySelector("#conversation").dispatchEvent(
          new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true }));
    }""")
    visitor.page.wait_for_selector("#shelf-panel[open] .lines li.done")
    lines = visitor.page.locator("#shelf-panel .lines li").all_inner_texts()
    assert lines == [
        "bridge.txt: Added: “The bridge of Waithe is blue.”",
        "big.txt: Is larger than 20 MB; split it into several files.",
    ]
    assert not visitor.page.evaluate("document.body.classList.contains('dropping')")


def test_a_page_is_added_by_its_address(visit, assistant):
    site = Site(lambda path: reply(PAGE.format(url="", n=40).encode()))
    assistant.fetch = fetcher(site)
    url = f"http://news.example:{site.port}/storm"
    visitor = visit().library()
    visitor.page.fill("#shelf-panel .url", url)
    visitor.page.press("#shelf-panel .url", "Enter")
    visitor.page.wait_for_selector("#shelf-panel .lines li.done")
    assert "Added: “Storm over Orkney”" in visitor.page.inner_text("#shelf-panel .lines")
    assistant.fetch = None
    visitor.page.fill("#shelf-panel .url", "http://127.0.0.1/admin")
    visitor.page.press("#shelf-panel .url", "Enter")
    visitor.page.wait_for_selector("#shelf-panel .lines li.refused")
    told = visitor.page.locator("#shelf-panel .lines li").first.inner_text()
    assert told == (
        "http://127.0.0.1/admin: 127.0.0.1 is not a public address; save the page in a browser and add the file"
    )
    visitor.page.click("#shelf-panel header .close")
    answer = visitor.ask("How many windows did the storm break in Kirkwall?")
    visitor.open(answer.locator("a.cite").first)
    assert visitor.page.locator("#desk a.original").get_attribute("href").startswith(url)
    site.close()


def test_an_article_is_removed_and_brought_back(visit, assistant):
    visitor = visit().library()
    row = visitor.row("plain.txt")
    row.locator(".remove").click()
    row.locator(".no").click()
    assert visitor.page.evaluate("document.activeElement.className") == "remove"
    row.locator(".remove").click()
    row.locator(".yes").click()
    visitor.until("document.querySelector('tr[data-id=\"plain.txt\"]').className === 'removed'")
    visitor.until("document.querySelector('#shelf-panel .told').textContent.startsWith('Removed until')")
    assert "plain.txt" not in assistant.articles()
    visitor.row("plain.txt").locator(".restore").click()
    visitor.until("document.querySelector('tr[data-id=\"plain.txt\"]').className === 'ok'")
    assert "plain.txt" in assistant.articles()


def test_the_folder_is_read_again(visit, assistant, folder):
    visitor = visit().library()
    write(folder, "new.txt", "The lighthouse of Graemsay was lit in 1851. It is white.")
    visitor.page.click("#shelf-panel .sync")
    visitor.page.wait_for_selector("#shelf-panel .lines li.done")
    assert "The folder was read: 1 added" in visitor.page.inner_text("#shelf-panel .lines")
    visitor.until("document.querySelector('tr[data-id=\"new.txt\"]') !== null")


def test_a_filter_holds_for_the_next_questions(visit):
    visitor = visit().library()
    question = "How many cranes has the harbour of Stromness?"
    visitor.page.click("#shelf-panel summary")
    visitor.page.get_by_label("The Herald").check()
    visitor.page.locator("#shelf-panel .narrow button[type=submit]").click()
    visitor.page.wait_for_selector("#chip .chip", state="attached")
    assert visitor.told() == "1 article is asked from now on."
    visitor.page.keyboard.press("Escape")
    assert "from The Herald" in visitor.page.inner_text("#chip")
    answer = visitor.ask(question)
    assert "9 cranes" in answer.inner_text() and "Only articles from The Herald were asked." in answer.inner_text()
    assert "4 cranes" not in answer.inner_text()
    follow = visitor.ask("And who is the master of it?")
    assert "Ola Flett" in follow.inner_text() and "The Paper" not in follow.inner_text()
    visitor.page.click("#chip .everything")
    visitor.until("!document.querySelector('#chip .chip')")
    assert "Only articles" not in visitor.ask(question).inner_text()


def test_a_filter_that_leaves_nothing_is_told_and_not_set(visit):
    visitor = visit().library()
    visitor.page.click("#shelf-panel summary")
    visitor.page.fill("#shelf-panel .since", "2090-01-01")
    visitor.page.press("#shelf-panel .since", "Enter")
    visitor.until("document.querySelector('#shelf-panel .told').textContent.startsWith('There is no article since')")
    assert visitor.page.locator("#chip .chip").count() == 0


def test_ask_only_this_article_with_the_keyboard_alone(visit):
    visitor = visit()
    keyboard = visitor.page.keyboard

    def tab_to(test, back=False, most=60):
        for _ in range(most):
            if visitor.page.evaluate(f"document.activeElement.matches({test!r})"):
                return
            keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{test} is not reached")

    tab_to("#shelf-open", back=True)
    keyboard.press("Enter")
    visitor.settled()
    tab_to("th.source .sort")
    keyboard.press("Enter")
    visitor.until("document.querySelector('th.source').getAttribute('aria-sort') === 'ascending'")
    tab_to('tr[data-id="paper.md"] .only')
    assert visitor.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "Ask only this: The harbour"
    )
    keyboard.press("Enter")
    visitor.page.wait_for_selector("#chip .chip")
    visitor.until("document.activeElement.tagName === 'TEXTAREA'")
    keyboard.type("How many cranes has the harbour?")
    keyboard.press("Enter")
    assert "4 cranes" in visitor.answer_after(0).inner_text()
    tab_to("#chip .everything", back=True)
    keyboard.press("Enter")
    visitor.until("!document.querySelector('#chip .chip')")
    tab_to("#shelf-open", back=True)
    keyboard.press("Enter")
    visitor.page.wait_for_selector("#shelf-panel[open]")
    keyboard.press("Escape")
    visitor.until("document.activeElement.id === 'shelf-open'")


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (360, "light"), (1280, "dark"), (360, "dark")])
def test_it_fits_and_is_legible(visit, width, theme):
    visitor = visit(query=f"?__theme={theme}", width=width, height=740).library()
    visitor.page.click("#shelf-panel summary")
    visitor.give(("x.exe", b"MZ"))
    visitor.row("paper.md").locator(".only").scroll_into_view_if_needed()
    wide = "e => e.scrollWidth > e.clientWidth + 1"
    assert not any(visitor.page.locator(f"#shelf-panel{name}").evaluate(wide) for name in ("", " .body"))
    box = visitor.page.locator("#shelf-panel").bounding_box()
    assert (box["x"] + box["width"], box["height"]) == (width, 740) and (width > 400 or box["x"] == 0)
    shown = ["h2", ".choose", ".kinds", ".lines .said", ".choices label", ".hint", ".told", "th .sort", "td.state",
             ".where", ".only", ".remove", ".refused .name"]  # fmt: skip
    visitor.page.locator("#shelf-panel .search").hover()
    ratios = visitor.page.evaluate(CONTRAST, [f"#shelf-panel {name}" for name in shown])
    assert all(ratio >= 4.5 for _, ratio in ratios), ratios
    unnamed = visitor.page.evaluate("""() => [...document.querySelectorAll('#shelf-panel :is(button, input)')]
      .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).length""")
    assert unnamed == 0
    visitor.row("paper.md").locator(".only").click()
    visitor.page.wait_for_selector("#chip .chip")
    assert not visitor.sideways()
    ratios = visitor.page.evaluate(CONTRAST, ["#chip .only", "#chip bdi", "#chip button"])
    assert all(ratio >= 4.5 for _, ratio in ratios), ratios


def test_an_empty_library_is_filled_without_a_restart(browser, tmp_path):
    with Assistant.open(tmp_path, progress=False) as assistant:
        page = serving.start(assistant, port=7990)
        try:
            visitor = Reader(browser, page.local_url.rstrip("/"))
            greeting = visitor.page.inner_text(".welcome")
            assert "two ways" in greeting and str(tmp_path) in greeting and ".pdf" in greeting
            (tmp_path / "a.txt").write_text("The lighthouse of Graemsay was lit in 1851. It is white.")
            visitor.page.click(".welcome .resync")
            visitor.page.wait_for_selector("#shelf-panel .lines li.done")
            visitor.settled()
            visitor.give(("oven.txt", OVEN))
            visitor.page.click("#shelf-panel header .close")
            visitor.until("document.querySelector('.welcome').textContent.includes('2 articles')")
            assert "1911" in visitor.ask("When was the oven of Hanna Keller built?").inner_text()
            assert visitor.bad == []
            visitor.context.close()
        finally:
            page.close(verbose=False)


class Many:
    """An assistant with many articles."""

    def __init__(self, count):
        self.entries = [
            Entry(f"a{n:05}.txt", news(n, 1)[:40], f"Sender {n % 7}x", f"20{n % 30:02}-01-01", "", n % 90)
            for n in range(count)
        ]

    def library(self):
        return self.entries

    def remove(self, article_id):
        raise LibraryInUse("The library is in use by process 7; close that.")


def test_five_thousand_articles_are_shown_a_page_at_a_time():
    shelf = Shelf(Many(5_000))
    started = time.monotonic()
    first = shelf.do({"do": "list", "by": "sentences", "down": True, "search": "sender 3x"}, set())
    assert first["more"] and first["rows"].count("<tr") == 100 and first["told"] == "714 articles found."
    assert shelf.do({"do": "list", "limit": 10**9}, set())["rows"].count("<tr") == 5_000
    assert time.monotonic() - started < 10
    assert shelf.do({"do": "remove", "id": "a"}, set()) == {
        "ok": False, "told": "The library is in use by process 7; close that."}  # fmt: skip


@pytest.mark.parametrize("broken", ["", "{", "[]", "3", '{"since": "soon"}', '{"sources": 3}', "null"])
def test_a_filter_from_a_browser_that_is_none(broken):
    assert held(broken) == Within()


def test_a_filter_outlives_its_way_through_the_browser():
    within = Within(("The <Paper>", ""), "2019", "2020", ("a#1",))
    assert held(kept(within)) == within and json.loads(kept(within))["since"] == "2019-01-01"
    assert kept(Within()) == "" and render_shelf.chip(Within()) == ""
    assert "<Paper>" not in render_shelf.chip(within, ["<i>"])


def test_ticks_stay_while_articles_are_looked_for(visit):
    visitor = visit().library()
    visitor.page.click("#shelf-panel summary")
    box = visitor.page.locator("#shelf-panel .choices input[value='The Herald']")
    box.check()
    visitor.page.fill("#shelf-panel .search", "herald")
    visitor.until("document.querySelector('#shelf-panel .told').textContent === '1 article found.'")
    assert box.is_checked()
    visitor.page.click("#shelf-panel .narrow button[type=submit]")
    visitor.until("document.querySelector('#shelf-panel .told').textContent === '1 article is asked from now on.'")


@pytest.mark.parametrize("panel", ["shelf", "talks"])
def test_a_server_that_fails_leaves_nothing_waiting(browser, address, panel):
    visitor = Reader(browser, address)
    if panel == "shelf":
        visitor.library()
    visitor.page.route("**/gradio_api/run/**", lambda route: route.fulfill(status=504, body="{}"))
    visitor.page.route("**/gradio_api/call/**", lambda route: route.fulfill(status=504, body="{}"))
    visitor.page.click("#shelf-panel .sync" if panel == "shelf" else "#talks-open")
    told = "#shelf-panel .lines li.refused" if panel == "shelf" else "#talks-panel .told"
    visitor.until("name => document.querySelector(name)?.textContent.includes('got no answer; load it again')", told)
    assert not visitor.page.locator("[aria-busy=true], .sync:disabled").count()
    visitor.context.close()
