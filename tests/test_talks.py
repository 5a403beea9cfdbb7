"""Kept conversations on the real page: addresses, the panel, owners, and a server that is killed."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie

import pytest
from browser import chromium
from visitor import CONTRAST, text_of, visitors

from index.errors import NotKept
from qa import Answer, Assistant, Settings, Turn
from qa.conversations import FILE, Conversations
from ui import owner
from ui import server as serving
from ui.talks import Talks

TROOPS = """---
title: Where the troops are
published: 2019-12-29
---

About 5,000 U.S. troops remain in Iraq, the Pentagon said on Sunday. About 600 U.S. troops remain in Syria to guard
the oil fields. Colonel Hassan Kadhim commands the base near Kirkuk.
"""
BAKERY = """---
title: The baker of Zurich
---

Hanna Keller, the master baker of Zurich, bakes four hundred loaves of rye bread every night. She learned the trade
from her grandmother in Basel. Her oven was built in 1911.
"""
PROGRAM = """
import sys
from qa import Assistant
from ui.server import serve
with Assistant.open(sys.argv[1], progress=False) as assistant:
    serve(assistant, port=int(sys.argv[2]), users=4)
"""
HOW_MANY = "How many U.S. troops remain in Iraq?"
WHO = "Who bakes rye bread in Zurich?"
NONE_SUCH = "There is no such conversation here."
NARROW = {"width": 360, "height": 740}


class Server:
    """The chat in a process of its own, to be killed."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.folder), str(self.port)], stdout=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().strip()
        assert self.address.endswith(f":{self.port}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("articles")
    (folder / "troops.md").write_text(TROOPS, "utf-8")
    (folder / "bakery.md").write_text(BAKERY, "utf-8")
    server = Server(folder)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, server):
    with visitors(browser, server.address) as visit:
        yield visit


def ask(visitor, question):
    answer = visitor.ask(question)
    visitor.page.wait_for_url(re.compile("conversation="))
    return answer


def questions(visitor):
    return [text_of(asked) for asked in visitor.page.locator(".question").all()]


def wait_for(visitor, *asked):
    visitor.page.wait_for_function(
        "want => JSON.stringify([...document.querySelectorAll('.question')].map(e => e.textContent)) === want",
        arg=str(list(asked)).replace("'", '"').replace('", "', '","'),
    )


def panel(visitor):
    visitor.page.click("#talks-open")
    visitor.page.wait_for_selector("#talks-panel li, #talks-panel .told:text('none yet')")
    return visitor.page.locator("#talks-panel")


def titles(panel):
    return panel.locator("li .title").all_inner_texts()


def test_an_address_opens_its_conversation_after_the_server_was_killed(visit, server):
    visitor = visit()
    ask(visitor, HOW_MANY)
    address = visitor.page.url
    assert re.search(r"[?&]conversation=[\w-]{22}$", address)
    left_open = visitor.context.new_page()
    left_open.goto(address)
    left_open.wait_for_selector("a.cite")
    visitor.page.goto("about:blank")
    server.kill()
    server.start()
    visitor.page.goto(address)
    wait_for(visitor, HOW_MANY)
    assert "How many U.S. troops remain in Syria?" in ask(visitor, "And in Syria?").inner_text()
    assert text_of(visitor.open(visitor.page.locator("a.cite").first)).startswith("About 5,000 U.S. troops")
    with visitor.page.expect_download() as download:
        visitor.page.click("#take button:text-is('Markdown')")
    report = download.value.path().read_text("utf-8")
    assert HOW_MANY in report and "And in Syria?" in report and "About 600" in report
    assert visitor.page.url == address
    left_open.click("a.cite")  # a page that outlived the server goes on where it was
    left_open.wait_for_selector("#cited", timeout=60_000)
    left_open.fill("#question textarea", "Who commands the base near Kirkuk?")
    left_open.press("#question textarea", "Enter")
    left_open.wait_for_function("document.querySelectorAll('.answer').length === 3")
    visitor.page.reload()
    wait_for(visitor, HOW_MANY, "And in Syria?", "Who commands the base near Kirkuk?")


def test_reload_back_and_forward_reopen(visit):
    visitor = visit()
    page = visitor.page
    ask(visitor, HOW_MANY)
    first = page.url
    page.click("#fresh")
    page.wait_for_selector(".welcome")
    page.wait_for_url(re.compile(r"^((?!conversation=).)*$"))
    ask(visitor, WHO)
    second = page.url
    assert first != second
    page.reload()
    wait_for(visitor, WHO)
    page.go_back()
    page.wait_for_url(first)
    wait_for(visitor, HOW_MANY)
    page.go_forward()
    page.wait_for_url(second)
    wait_for(visitor, WHO)
    visitor.open(page.locator("a.cite").first)
    page.go_back()
    wait_for(visitor, HOW_MANY)
    page.wait_for_selector("#desk .blank")


def test_what_is_anothers_is_as_if_it_were_not(visit):
    one, two = visit(), visit()
    ask(one, WHO)
    answers = []
    for address in (one.page.url, re.sub("conversation=.*", "conversation=" + "a" * 22, one.page.url)):
        two.page.goto(address)
        two.page.wait_for_selector("#talk-note .notice")
        two.page.wait_for_selector(".welcome")
        answers.append((two.page.inner_text("#talk-note"), questions(two)))
    assert answers == [(NONE_SUCH, [])] * 2
    assert titles(panel(two)) == []
    two.page.keyboard.press("Escape")
    ask(two, HOW_MANY)
    assert two.page.url != one.page.url
    assert two.page.locator("#talk-note .notice").count() == 0
    one.page.reload()
    wait_for(one, WHO)


def test_two_windows_on_one_conversation_lose_nothing(visit):
    visitor = visit()
    ask(visitor, HOW_MANY)
    other = visitor.context.new_page()
    other.goto(visitor.page.url)
    other.wait_for_selector(".question")
    visitor.ask(WHO)
    other.fill("#question textarea", "When was the oven of Hanna Keller built?")
    other.press("#question textarea", "Enter")
    other.wait_for_function("document.querySelectorAll('.answer').length === 3")
    visitor.page.reload()
    wait_for(visitor, HOW_MANY, WHO, "When was the oven of Hanna Keller built?")


@pytest.mark.parametrize("width", [1280, 360])
def test_the_panel_lists_finds_renames_and_deletes(visit, width):
    visitor = visit(width=width)
    page = visitor.page
    ask(visitor, HOW_MANY)
    ask(visitor, "And in Syria?")
    page.click("#fresh")
    page.wait_for_selector(".welcome")
    assert visitor.page.locator("#talks-open").is_visible() and not visitor.sideways()
    ask(visitor, WHO)
    shown = panel(visitor)
    assert titles(shown) == [WHO, HOW_MANY]
    assert re.fullmatch(r"today, \d\d:\d\d · 2 questions", text_of(shown.locator("li .when").nth(1)))
    assert shown.locator("[aria-current=page] .title").all_inner_texts() == [WHO]
    box = shown.bounding_box()
    assert box == ({"x": 0, "y": 0, "width": 360, "height": 800} if width == 360 else {**box, "x": 0, "width": 420})
    assert shown.evaluate(
        "e => [e, ...e.querySelectorAll('*')].every(x => x.scrollWidth <= Math.max(x.clientWidth, 1) + 1 "
        "|| getComputedStyle(x).display === 'inline')"
    )
    search = page.get_by_role("searchbox", name="Search in questions and answers")
    search.fill('600 "syri')
    page.wait_for_selector("#talks-panel .found")
    assert titles(shown) == [HOW_MANY] and shown.locator("mark").all_inner_texts() == ["600", "Syria"]
    assert shown.locator(".told").inner_text() == "1 found."
    search.fill("wolpertinger")
    page.wait_for_selector("#talks-panel .told:text('No conversation has these words.')")
    search.fill("")
    page.wait_for_function("document.querySelectorAll('#talks-panel li').length === 2")

    page.get_by_role("button", name=f"Rename {HOW_MANY}").click()
    page.get_by_role("textbox", name="New name").fill("<b>Troops</b>")
    page.keyboard.press("Enter")
    page.wait_for_selector("#talks-panel .told:text('Renamed.')")
    page.get_by_role("button", name="Delete <b>Troops</b>").click()
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("link", name="<b>Troops</b>").click()
    wait_for(visitor, HOW_MANY, "And in Syria?")
    assert not shown.is_visible()

    shown = panel(visitor)
    assert titles(shown) == [WHO, "<b>Troops</b>"]
    page.get_by_role("button", name="Delete <b>Troops</b>").click()
    page.locator("#talks-panel .yes").click()
    page.wait_for_selector("#talks-panel .told:text('Deleted.')")
    assert titles(shown) == [WHO]
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector(".welcome")
    assert "conversation=" not in page.url
    page.go_back()
    page.wait_for_selector("#talk-note .notice")
    assert page.inner_text("#talk-note") == NONE_SUCH


def test_the_keyboard_is_enough(visit):
    visitor = visit()
    page, keyboard = visitor.page, visitor.page.keyboard
    ask(visitor, WHO)
    ask(visitor, HOW_MANY)
    page.click("#fresh")
    page.wait_for_selector(".welcome")
    ask(visitor, HOW_MANY)
    visitor.open(page.locator("a.cite").first)
    page.focus("#talks-open")
    keyboard.press("Enter")
    page.wait_for_selector("#talks-panel li")
    assert page.evaluate("document.activeElement.matches('.search')")
    for _ in range(4):  # the first one's link, Rename, Delete; then the second's link
        keyboard.press("Tab")
    assert page.evaluate("document.activeElement.querySelector('.title').textContent") == WHO
    keyboard.press("Tab")
    keyboard.press("Enter")
    keyboard.type("Bread")
    keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.rename')") and titles(page.locator("#talks-panel"))[1] == WHO
    keyboard.press("Enter")
    keyboard.type("Bread")
    keyboard.press("Enter")
    page.wait_for_selector("#talks-panel .title:text-is('Bread')")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Rename Bread"
    keyboard.press("Tab")
    keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Keep"
    keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Delete Bread"
    keyboard.press("Escape")
    page.wait_for_selector("#talks-panel", state="hidden")
    assert page.evaluate("document.activeElement.id") == "talks-open"
    assert page.locator("#cited").count() == 1, "Escape shuts the panel and not the article behind it"
    keyboard.press("Enter")
    page.wait_for_selector("#talks-panel li")
    for _ in range(4):
        keyboard.press("Tab")
    keyboard.press("Enter")
    wait_for(visitor, WHO, HOW_MANY)
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_are_legible(visit, theme):
    visitor = visit(query=f"?__theme={theme}&conversation=none")
    visitor.page.wait_for_selector("#talk-note .notice")
    ratios = visitor.page.evaluate(CONTRAST, ["#talk-note .notice", "#talks-open"])
    ask(visitor, WHO)
    visitor.page.wait_for_timeout(200)
    shown = panel(visitor)
    visitor.page.fill("#talks-panel .search", "rye")
    visitor.page.wait_for_selector("#talks-panel .found")
    shown.locator(".delete").click()
    names = [
        "h2",
        "input",
        ".told",
        ".title",
        ".when",
        "time",
        ".found",
        "mark",
        ".rename",
        ".yes",
        ".no",
        ".sure span",
    ]
    ratios += visitor.page.evaluate(CONTRAST, [f"#talks-panel {name}" for name in names])
    assert {name: round(ratio, 1) for name, ratio in ratios if ratio < 4.5} == {}


def test_a_damaged_file_is_told_and_the_chat_goes_on(visit, server):
    file = server.folder / ".article-qa" / FILE
    visitor = visit()
    ask(visitor, WHO)
    old = visitor.page.url
    for suffix in ("-wal", "-shm"):
        file.with_name(FILE + suffix).unlink()
    broken = file.with_name("broken")
    broken.write_bytes(b"no database " * 5_000)
    broken.replace(file)
    visitor.page.reload()
    visitor.page.wait_for_selector("#talk-note .notice")
    assert "was damaged" in visitor.page.inner_text("#talk-note") and NONE_SUCH in visitor.page.inner_text("#talk-note")
    ask(visitor, HOW_MANY)
    visitor.page.wait_for_function("old => location.href !== old", arg=old)
    assert len(list(file.parent.glob("conversations.damaged-*.sqlite"))) == 1


def test_only_a_persons_visit_gets_the_cookie(server):
    def given(path, **headers):
        request = urllib.request.Request(server.address + path, headers=headers)
        with urllib.request.urlopen(request) as response:
            return SimpleCookie(response.headers.get("set-cookie", "")).get(owner.COOKIE)

    html = {"Accept": "text/html,*/*"}
    cookie = given("/", **html)
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["secure"]
    assert len(cookie.value) == 43 and given("/", **html).value != cookie.value
    assert given("/", Cookie=f"{owner.COOKIE}={cookie.value}", **html).value == cookie.value
    assert given("/", Cookie=f"{owner.COOKIE}=<b>", **html).value != "<b>"
    assert given("/config") is None
    assert given("/", **html, **{"Sec-Fetch-Dest": "iframe"}) is None
    kept = (server.folder / ".article-qa" / FILE).read_bytes()
    assert cookie.value.encode() not in kept


def run(app, scope):
    sent = []

    async def send(message):
        sent.append(message)

    with ThreadPoolExecutor(1) as aside:  # the browser's own loop runs in this thread
        aside.submit(lambda: asyncio.run(app(scope, None, send))).result()
    return sent


@pytest.mark.parametrize(
    ("root", "scheme", "request_root", "path", "secure"),
    [
        ("", "http", "", "/", False),
        ("", "https", "/qa", "/qa", True),
        ("/qa/", "http", "", "/qa", False),
        ("https://example.org/qa", "http", "", "/qa", True),
    ],
)
def test_the_cookie_behind_a_proxy(root, scheme, request_root, path, secure):
    async def page(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    scope = {"type": "http", "method": "GET", "scheme": scheme, "root_path": request_root, "headers": []}
    scope["headers"] = [(b"accept", b"text/html")]
    (start,) = run(owner.Owned(page, root), scope)
    cookie = SimpleCookie(dict(start["headers"])[b"set-cookie"].decode())[owner.COOKIE]
    assert (cookie["path"], bool(cookie["secure"])) == (path, secure)


class Request:
    def __init__(self, username=None, scope=None):
        self.username = username
        self.request = self
        self.scope = scope or {}


def test_a_user_who_logged_in_is_the_owner_in_any_browser():
    one, two = Request("ann", {"article_qa.owner": "a"}), Request("ann", {"article_qa.owner": "b"})
    assert owner.owner(one) == owner.owner(two) != owner.owner(Request("bob"))
    assert "ann" not in owner.owner(one)
    assert owner.owner(Request(None, {"article_qa.owner": "a"})) == "a" and owner.owner(Request()) == ""


def test_without_an_owner_or_a_file_the_chat_goes_on(tmp_path):
    turn = Turn("Who?", Answer("Who?", "Who?", "abstained", "No."))
    off = Talks(None)
    assert off.keep("me", "", [], [turn]) == ("", [turn], "")
    assert off.open("me", "x") == ([], NONE_SUCH) and off.open("me", "") == ([], "")
    talks_ = Talks(Conversations(tmp_path))
    talk, after, told = talks_.keep("", "", [], [turn])
    assert (talk, after) == ("", [turn]) and "cookies" in told
    assert "cookies" in talks_.open("", "")[1] and "cookies" in talks_.panel("", "", {})["told"]
    lost = Talks(Conversations(tmp_path / "nowhere"))
    talk, after, told = lost.keep("me", "", [], [turn])
    assert (talk, after) == ("", [turn]) and told.startswith("Conversations are not kept, because")
    assert lost.open("me", "")[1] == told == lost.panel("me", "", {})["told"]
    assert not (tmp_path / "nowhere").exists()


def test_a_question_after_the_conversation_was_deleted_begins_a_new_one(tmp_path):
    kept = Conversations(tmp_path)
    talks_ = Talks(kept)
    turns = [Turn("One?", "No."), Turn("Two?", "No.")]
    talk, _, _ = talks_.keep("me", "", [], turns[:1])
    kept.delete("me", talk)
    now, after, told = talks_.keep("me", talk, turns[:1], turns)
    assert now != talk and after == turns[1:] and "deleted in another window" in told
    assert kept.turns("me", now) == after


@pytest.mark.parametrize("asked", [{}, {"do": "rename"}, {"do": "delete", "id": 7}, {"limit": "9", "search": None}])
def test_a_forged_call_of_the_panel_does_nothing(tmp_path, asked):
    kept = Conversations(tmp_path)
    talk, _ = kept.add("other", "", Turn("Who?", "No."))
    try:
        answer = Talks(kept).panel("me", talk, asked)
    except NotKept:
        answer = {}
    assert talk not in str(answer) and kept.turns("other", talk) == [Turn("Who?", "No.")]


def test_a_long_list_says_that_there_is_more(tmp_path):
    kept = Conversations(tmp_path)
    for n in range(53):
        kept.add("me", "", Turn(f"Who is number {n}?", "No."))
    first = Talks(kept).panel("me", "", {"do": "list"})
    assert first["html"].count("<li ") == 50 and first["more"]
    whole = Talks(kept).panel("me", "", {"do": "list", "limit": 100})
    assert whole["html"].count("<li ") == 53 and not whole["more"]


def test_it_can_be_switched_off(tmp_path):
    (tmp_path / "bridge.txt").write_text("The bridge of Hoy was opened in 1962.", encoding="utf-8")
    off = Assistant.open(tmp_path, settings=Settings(keep=False), progress=False)
    page = serving.start(off, port=8400, users=1)
    request = urllib.request.Request(page.local_url, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request) as response:
        assert response.headers.get("set-cookie") is None and b"talks-title" not in response.read()
    page.close(verbose=False)
    off.close()
    assert off.conversations is None and not list(tmp_path.rglob("conversations.sqlite*"))
