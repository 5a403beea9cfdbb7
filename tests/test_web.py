"""The real page in Chromium, over the real engine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from browser import chromium
from model_server import ModelServer, Say
from visitor import CONTRAST, Visitor, in_view, text_of, visitors

from index.errors import ArticleQAError, NoLibrary
from qa import Answer, Assistant, Event, Settings, Turn
from ui import server as serving
from ui.chat import Chat

ROCKETS = """---
title: Rockets over Kirkuk
source: The Paper
author: Ann Writer
url: https://paper.example/rockets
published: 2019-12-29
---

😀 𝒳 A salvo of rockets hit the K-1 base near Kirkuk on Friday evening.

The siren sounded twice. {filler}

The second salvo of rockets wounded four American soldiers at the K-1 base. The siren sounded twice. Then it was quiet.
"""
BAKERY = """---
title: The baker of Zurich
published: 2020-02-03
---

Hanna Keller, the master baker of Zurich, bakes four hundred loaves of rye bread every night. She learned the trade
from her grandmother in Basel. Her oven was built in 1911. Urs Meier, the mayor of Zurich, came to see it.
"""
HOSTILE = """---
title: "<img src=x onerror=alert(1)> **Evil** $x$ ![t](http://evil.example/t.png)"
source: "<script>alert(2)</script>"
url: javascript:alert(3)
published: 2021-01-01
---

The wolpertinger of Bavaria, `<img src=x onerror=alert(4)>`, eats {{constructor}}
and ${alert(5)} `</p></div></article><script>alert(6)</script><iframe src=http://evil.example></iframe>`
\u202ebackwards\u202c $$x$$ [1].

`![p](http://evil.example/p.png?q=1)` is eaten too.
"""
CHANGING = "The ferry to Hoy sails at seven in the morning from Houton pier. It carries forty cars.\n"
FILLER = " ".join(f"Paragraph filler number {n} says little about anything at all." for n in range(120))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("articles")
    (folder / "rockets.md").write_text(ROCKETS.format(filler=FILLER), "utf-8")
    (folder / "bakery.md").write_text(BAKERY, "utf-8")
    (folder / "hostile.md").write_text(HOSTILE, "utf-8")
    (folder / "ferry.txt").write_text(CHANGING, "utf-8")
    (folder / "<b>broken.pdf").write_bytes(b"not a pdf")
    return folder


@pytest.fixture(scope="module")
def assistant(folder):
    with Assistant.open(folder, progress=False) as assistant:
        yield assistant


@pytest.fixture(scope="module")
def address(assistant):
    with socket.socket() as taken:
        taken.bind((serving.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        page = serving.start(assistant, port=port, users=4)
    found = page.local_url.rstrip("/")
    assert urlsplit(found).hostname == "127.0.0.1"
    assert urlsplit(found).port > port, "the next free port"
    yield found
    page.close(verbose=False)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    with visitors(browser, address) as visit:
        yield visit


def test_a_click_on_a_number_shows_the_sentence_in_its_article(visit, assistant):
    visitor = visit()
    answer = visitor.ask("How many American soldiers did the second salvo wound?")
    assert "engine-chroma" in answer.get_attribute("class")
    quote = "The second salvo of rockets wounded four American soldiers at the K-1 base."
    assert text_of(answer.locator(".said q").first) == quote
    assert text_of(answer.locator(".said a.cite").first) == "[1]"
    source = answer.locator(".sources li").first
    assert all(
        part in source.inner_text() for part in ("Rockets over Kirkuk", "The Paper", "29 December 2019", quote[:30])
    )
    mark = visitor.open(answer.locator("a.cite").first)
    assert text_of(mark) == quote
    assert in_view(visitor)
    article = next(assistant.article(i) for i in assistant.articles() if i == "rockets.md")
    assert text_of(visitor.page.locator("#desk .text")) == article.text
    assert visitor.page.locator("#desk h2").inner_text() == "Rockets over Kirkuk"
    link = visitor.page.locator("#desk a.original")
    assert link.inner_text() == "Original on paper.example"
    assert (link.get_attribute("href"), link.get_attribute("rel")) == (
        "https://paper.example/rockets#:~:text=The%20second%20salvo%20of%20rockets%20wounded%20four%20American%20soldiers"
        "%20at%20the%20K%2D1%20base.",
        "noopener noreferrer",
    )


def test_the_same_link_opens_its_place_again(visit):
    visitor = visit()
    answer = visitor.ask("How many American soldiers did the second salvo wound?")
    visitor.open(answer.locator("a.cite").first)
    visitor.page.evaluate(
        "document.querySelector('#desk .text').scrollTop = 0; document.querySelector('textarea').focus()"
    )
    assert not in_view(visitor)
    visitor.open(answer.locator("a.source").first)
    assert in_view(visitor)


def test_an_abstention_has_no_numbers_and_its_closest_sentences_open(visit):
    visitor = visit()
    answer = visitor.ask("What is the population of Australia?")
    assert answer.locator(".said").inner_text() == "The articles do not say."
    assert "The closest sentences are:" in answer.inner_text()
    assert answer.locator("a.cite, .sources").count() == 0
    near = answer.locator("a.near").first
    assert text_of(visitor.open(near)) == text_of(near)


def test_a_conversation_goes_on_and_begins_anew(visit):
    visitor = visit()
    visitor.ask("Who bakes rye bread in Zurich?")
    answer = visitor.ask("And where did she learn it?")
    assert "Read as: The baker of Zurich: And where did Hanna Keller learn it?" in answer.inner_text()
    assert "grandmother in Basel" in answer.inner_text()
    visitor.open(answer.locator("a.place").first)
    visitor.page.click("#fresh")
    visitor.page.wait_for_selector(".welcome")
    visitor.page.wait_for_selector("#desk .blank")
    answer = visitor.ask("And where did she learn it?")
    assert "Read as" not in answer.inner_text()


def test_two_visitors_do_not_mix(visit):
    one, two = visit(), visit()
    for visitor, question in ((one, "Who bakes rye bread in Zurich?"), (two, "What hit the K-1 base near Kirkuk?")):
        visitor.page.fill("#question textarea", question)
    one.page.press("#question textarea", "Enter")
    two.page.press("#question textarea", "Enter")
    assert "Hanna Keller" in one.answer_after(0).inner_text()
    assert "rockets" in two.answer_after(0).inner_text()
    assert "Read as: The baker of Zurich" in one.ask("And why there?").inner_text()
    assert "Read as: Rockets over Kirkuk" in two.ask("And why there?").inner_text()
    assert one.page.locator(".question").count() == two.page.locator(".question").count() == 2


def test_an_example_can_be_asked_with_a_click(visit, assistant):
    visitor = visit()
    visitor.page.locator("button.example").first.click()
    answer = visitor.answer_after(0)
    assert answer.locator("a.cite").count() >= 1


def test_what_is_typed_after_an_example_is_asked_next(visit):
    visitor = visit()
    example = visitor.page.locator("button.example").first
    asked = example.inner_text()
    example.click()
    visitor.page.wait_for_selector(".question")
    assert visitor.page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    visitor.page.fill("#question textarea", "When was the oven of Hanna Keller built?")
    visitor.page.press("#question textarea", "Enter")
    visitor.answer_after(1)
    questions = visitor.page.locator(".question").all_inner_texts()
    assert questions == [asked, "When was the oven of Hanna Keller built?"]


def test_what_the_page_loads_late_does_not_wipe_an_answer(visit):
    late = """
        const fetched = window.fetch;
        window.late = 0;
        window.fetch = async (...given) => {
          const early = String(given[0]).includes("/run/") && !document.querySelector(".question");
          const got = await fetched(...given);
          if (early) {
            await new Promise(then => setTimeout(then, 6000));
            window.late += 1;
          }
          return got;
        };"""
    visitor = visit(script=late)
    visitor.ask("Who bakes rye bread in Zurich?")
    visitor.page.wait_for_function("window.late > 0")
    visitor.page.wait_for_timeout(500)
    assert visitor.page.locator(".answer").count() == 1


def test_hostile_articles_are_shown_as_text(visit, assistant):
    visitor = visit()
    answer = visitor.ask("What does the wolpertinger of Bavaria eat?")
    quote = text_of(answer.locator(".said q").first)
    assert "<img src=x onerror=alert(4)>" in quote and "${alert(5)}" in quote and "{{constructor}}" in quote
    assert text_of(answer.locator("blockquote").first) == quote
    assert "<img src=x onerror=alert(1)> **Evil** $x$" in text_of(answer.locator(".title").first)
    assert text_of(visitor.open(answer.locator("a.cite").first)) == quote
    article = assistant.article("hostile.md")
    assert "![p](http://evil.example/p.png?q=1)" in article.text
    assert text_of(visitor.page.locator("#desk .text")) == article.text
    assert text_of(visitor.page.locator("#desk h2")) == article.title
    visitor.ask("<img src=x onerror=alert(7)> ![q](http://evil.example/q.png) $$x$$ wolpertinger?")
    assert text_of(visitor.page.locator(".question").last).startswith("<img src=x onerror=alert(7)> ![q](http://evil")
    made = "img, script, iframe, .katex, strong:not(q strong, mark strong), em"
    made = visitor.page.locator(f":is(#conversation, #desk) :is({made})")
    assert made.count() == 0
    assert "<b>broken.pdf" in text_of(visitor.page.locator("#library"))


def test_an_error_is_one_sentence_and_the_question_stays(visit):
    visitor = visit()
    problem = visitor.ask("?!" * 20)
    assert "has no word in it" in problem.inner_text()
    assert visitor.page.input_value("#question textarea") == "?!" * 20
    assert "Hanna Keller" in visitor.ask("Who bakes rye bread in Zurich?").inner_text()


def test_a_changed_article_is_not_marked(visit, assistant, folder):
    visitor = visit()
    link = visitor.ask("When does the ferry to Hoy sail?").locator("a.cite").first
    (folder / "ferry.txt").write_text("Now at eight. " + CHANGING, "utf-8")
    assistant.sync(progress=False)
    link.click()
    visitor.page.wait_for_selector("#desk .gone")
    assert "changed" in visitor.page.inner_text("#desk .gone")
    assert visitor.page.locator("#cited").count() == 0
    assert text_of(visitor.page.locator("#desk blockquote")) == CHANGING.split(". ")[0] + "."
    (folder / "ferry.txt").unlink()
    assistant.sync(progress=False)
    link.click()
    visitor.page.wait_for_function("document.querySelector('#desk .gone').textContent.includes('removed')")


def test_a_phone_shows_the_desk_over_the_conversation(visit):
    visitor = visit(width=360, height=740)
    assert not visitor.sideways()
    answer = visitor.ask("What does the wolpertinger of Bavaria eat?")
    link = answer.locator("a.cite").first
    assert not visitor.sideways()
    visitor.open(link)
    visitor.page.wait_for_timeout(300)
    assert visitor.page.locator("#reading-room").bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 740}
    assert in_view(visitor) and not visitor.sideways()
    visitor.page.click("#desk .close")
    visitor.page.wait_for_selector("#reading-room", state="hidden")
    assert link.evaluate("element => element === document.activeElement")


def test_a_tablet_that_is_turned_has_its_conversation_back(visit):
    visitor = visit(width=700, height=1000)
    inert = "['#talk', '#masthead'].map(name => document.querySelector(name).inert)"
    visitor.open(visitor.ask("Who bakes rye bread in Zurich?").locator("a.cite").first)
    assert visitor.page.evaluate(inert) == [True, True]
    visitor.page.set_viewport_size({"width": 1000, "height": 700})
    visitor.page.wait_for_function(f"!{inert}.some(on => on)")
    visitor.page.set_viewport_size({"width": 700, "height": 1000})
    visitor.page.wait_for_function(f"{inert}.every(on => on)")


def test_escape_in_the_question_box_stays_there(visit):
    visitor = visit()
    visitor.open(visitor.ask("Who bakes rye bread in Zurich?").locator("a.cite").first)
    visitor.page.focus("#question textarea")
    visitor.page.keyboard.press("Escape")
    assert visitor.page.evaluate("document.activeElement.tagName") == "TEXTAREA"


def test_without_encryption_a_conversation_is_copied_too(visit):
    visitor = visit(script="Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    visitor.ask("Who bakes rye bread in Zurich?")
    visitor.page.click("#copy")
    visitor.page.wait_for_selector("#copy:text('Copied')")
    visitor.page.fill("#question textarea", "")
    visitor.page.focus("#question textarea")
    visitor.page.keyboard.press("Control+V")
    assert visitor.page.input_value("#question textarea").startswith("# Who bakes rye bread")


def test_the_keyboard_is_enough(visit):
    visitor = visit()
    keyboard = visitor.page.keyboard
    visitor.page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    keyboard.type("Who bakes rye bread in Zurich?")
    keyboard.press("Enter")
    visitor.answer_after(0)
    for _ in range(12):
        keyboard.press("Shift+Tab")
        if visitor.page.evaluate("document.activeElement.matches('a.cite')"):
            break
    keyboard.press("Enter")
    visitor.page.wait_for_function("document.activeElement.id === 'cited'")
    assert in_view(visitor)
    keyboard.press("Escape")
    assert visitor.page.evaluate("document.activeElement.matches('a.cite')")


def test_what_is_typed_while_an_answer_is_made_is_kept_and_asked_next(visit, monkeypatch):
    stream = Assistant.stream

    def slow(*given, **named):
        time.sleep(1.5)
        yield from stream(*given, **named)

    monkeypatch.setattr(Assistant, "stream", slow)
    visitor = visit()
    box = visitor.page.locator("#question textarea")
    box.fill("Who bakes rye bread in Zurich?")
    box.press("Enter")
    visitor.page.wait_for_selector(".question")
    box.fill("What does the wolpertinger of Bavaria eat?")
    box.press("Enter")
    assert "Hanna Keller" in visitor.answer_after(0).inner_text()
    visitor.page.wait_for_function("document.querySelectorAll('.question').length === 2")
    box.fill("Who came")
    visitor.answer_after(1)
    asked = [text_of(question) for question in visitor.page.locator(".question").all()]
    assert asked == ["Who bakes rye bread in Zurich?", "What does the wolpertinger of Bavaria eat?"]
    assert box.input_value() == "Who came"


def test_what_a_model_writes_is_grey_until_it_is_checked(folder, tmp_path, browser):
    server = ModelServer()
    said = "It was built in 1911. [{n}]\n<img src=x onerror=alert(8)> Built in 1912. [{n}]"

    def reply(prompt):
        line = next(line for line in prompt.splitlines() if "built in 1911" in line)
        return said.replace("{n}", line[1 : line.index("]")])

    server.will(Say(reply, pause=0.15))
    settings = Settings(model="ollama:m", model_url=server.url)
    with Assistant.open(folder, tmp_path, settings=settings, progress=False) as assistant:
        page = serving.start(assistant, port=7900)
        try:
            visitor = Visitor(browser, page.local_url.rstrip("/"))
            visitor.page.fill("#question textarea", "When was the oven of Hanna Keller built?")
            visitor.page.press("#question textarea", "Enter")
            visitor.page.wait_for_selector(".unchecked")
            assert "Not yet checked" in visitor.page.inner_text(".unchecked")
            visitor.page.wait_for_function(
                "document.querySelector('.unchecked')?.textContent.includes('<img src=x onerror=alert(8)>')"
            )
            answer = visitor.answer_after(0)
            assert text_of(answer.locator(".said")) == "It was built in 1911. [1]"
            assert visitor.page.locator(".unchecked").count() == 0
            told = answer.locator(".remark").all_inner_texts()
            assert told[0].startswith("Worded by ollama:m")
            assert told[1].startswith("1 claim was left out")
            assert "Her oven was built in 1911." in text_of(visitor.open(answer.locator("a.cite").first))
            assert visitor.bad == []
            visitor.context.close()
        finally:
            page.close(verbose=False)
            server.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_are_legible(visit, tmp_path, theme):
    visitor = visit(query=f"?__theme={theme}")
    shown = ["#library .counts", "#fresh", ".welcome p", "#desk .blank", "#send", "#library .notice"]
    visitor.page.wait_for_selector(".welcome")
    ratios = visitor.page.evaluate(CONTRAST, shown)
    visitor.ask("?!")
    answer = visitor.ask("How many American soldiers did the second salvo wound?")
    visitor.open(answer.locator("a.cite").first)
    visitor.ask("What is the population of Australia?")
    shown = [
        ".question",
        ".said",
        "a.cite",
        ".source .title",
        ".from bdi",
        "blockquote",
        ".near",
        ".closest-are",
        ".problem",
    ]
    shown += [
        "#take button",
        "#take #download span",
        "#desk h2",
        "#desk .origin",
        "#desk .original",
        "#desk .text",
        "#cited",
        "#question textarea",
    ]
    ratios += visitor.page.evaluate(CONTRAST, shown)
    assert {name: round(ratio, 1) for name, ratio in ratios if ratio < 4.5} == {}
    visitor.page.screenshot(path=tmp_path / f"{theme}.png")


FORMS = [
    ("Markdown", ".md"),
    ("Web page", ".html"),
    ("Word", ".docx"),
    ("JSON", ".json"),
    ("Annotations", ".jsonld"),
    ("References", ".csl.json"),
]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_conversation_is_copied_and_downloaded_in_each_form(visit, assistant, tmp_path, width):
    visitor = visit(width=width)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    assert not visitor.page.locator("#take").is_visible()
    visitor.ask("Who bakes rye bread in Zurich?")
    visitor.ask("?!")
    visitor.ask("What is the population of Australia?")
    assert visitor.page.locator("#take").is_visible() and not visitor.sideways()
    box = visitor.page.locator("#take").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 800
    visitor.page.click("#copy")
    visitor.page.wait_for_selector("#copy:text('Copied')")
    copied = visitor.page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n")
    assert copied.startswith("# Answers from the articles") and "2 questions, 1 answered." in copied
    assert (
        '"Hanna Keller, the master baker of Zurich, bakes four hundred loaves of rye bread every night."[^1]' in copied
    )
    quotes = set()
    for form, suffix in FORMS:
        with visitor.page.expect_download() as download:
            visitor.page.click(f"#take button:text-is('{form}')")
        assert download.value.suggested_filename.endswith(suffix)
        download.value.save_as(tmp_path / f"report{suffix}")
        if suffix == ".csl.json":  # which has articles, no quotes
            [article] = json.loads((tmp_path / f"report{suffix}").read_text("utf-8"))
            assert article["title"]
            continue
        found = assistant.verify(tmp_path / f"report{suffix}")
        assert found.stands and len(found.checks) >= 1
        quotes.add(tuple(check.quote for check in found.checks))
    assert len(quotes) == 1
    assert (tmp_path / "report.md").read_text("utf-8") == copied
    visitor.page.click("#fresh")
    visitor.page.wait_for_selector("#take", state="hidden")


def test_an_empty_library_says_how_to_fill_it(visit, tmp_path):
    with Assistant.open(tmp_path, progress=False) as empty:
        page = serving.start(empty, port=7900, users=1)
        visitor = visit(page.local_url.rstrip("/"))
        greeting = visitor.page.locator(".welcome").inner_text()
        assert "There are no articles yet" in greeting and str(tmp_path) in greeting and ".pdf" in greeting
        assert "There are no articles" in visitor.ask("Who?").inner_text()
        visitor.page.goto("about:blank")
        page.close(verbose=False)


def test_the_page_answers_no_other_host_name_and_lists_no_calls(address):
    def status(path, host):
        request = urllib.request.Request(address + path, headers={"Host": host})
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code

    assert status("/", urlsplit(address).netloc) == 200
    assert status("/", "evil.example") == 400
    assert status("/monitoring", urlsplit(address).netloc) != 200
    with urllib.request.urlopen(address) as page:
        assert "connect-src 'self'" in page.headers["content-security-policy"]


def test_serving_prints_the_address_and_ends_at_ctrl_c(tmp_path):
    program = (
        "import sys; from qa import Assistant; from ui.server import serve\n"
        "with Assistant.open(sys.argv[1], progress=False) as assistant: serve(assistant, port=7950, users=1)"
    )
    doors = {
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SHARE": "True",
        "GRADIO_ALLOWED_PATHS": "/",
        "GRADIO_ANALYTICS_ENABLED": "True",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **doors},
    )
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:79")
        assert urllib.request.urlopen(address).status == 200
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}/gradio_api/file=/etc/hostname")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, rest, errors) == (0, "", "")


class Stub:
    """An assistant that fails, or notes the history it was given."""

    folder = report = None
    notices: tuple[str, ...] = ()

    def __init__(self, error=None):
        self.error = error
        self.histories = []

    def counts(self):
        return 1, 1, 1

    def stream(self, question, history, *, within=None):
        self.histories.append(list(history))
        yield Event("question", question)
        if self.error:
            raise self.error
        yield Event("answer", answer=Answer(question, question, "abstained", "The articles do not say."))


def test_twenty_turns_are_remembered_and_problems_are_not():
    stub = Stub()
    turns = [Turn(str(n), Answer(str(n), "", "abstained", "")) for n in range(30)] + [Turn("q", "A problem.")]
    (waiting, *_), (shown, after, box) = Chat(stub).reply("last", turns)
    assert "Searching 1 article…" in waiting[-1]["content"] and len(waiting) == 64
    assert [turn.question for turn in stub.histories[0]] == [str(n) for n in range(10, 30)]
    assert (len(shown), len(after), box) == (64, 32, None)  # what is typed meanwhile stays


@pytest.mark.parametrize("error", [NoLibrary("There are no articles; add some."), ValueError("secret")])
def test_what_fails_is_told_in_a_sentence(error):
    *_, (_, turns, box) = Chat(Stub(error)).reply("why", [])
    told = turns[0].answer
    assert box == "why" and "secret" not in told and told.endswith(".")
    assert isinstance(error, ArticleQAError) == (told == str(error))


@pytest.mark.parametrize("address", ["", "#c0-1", "#c7-1", "#n0-0", "#c1-1", "javascript:alert(1)"])
def test_a_link_that_points_nowhere_opens_nothing(address):
    turns = [Turn("q", Answer("q", "q", "abstained", "")), Turn("q", "A problem.")]
    assert Chat(Stub()).open(address, turns) is None


def test_a_blank_question_is_not_asked():
    stub = Stub()
    assert list(Chat(stub).reply("  ", [])) == [([], [], "")]
    assert stub.histories == []
