"""The desk in Chromium: the way through all citations, the link to the original, and what stands beside an answer."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path
from urllib.parse import unquote

import pytest
from linden import BAKES, HURT, NOTHING, OVEN, long_article, opened
from test_render import citation
from test_web import browser, visit  # noqa: F401  fixtures
from visitor import in_view, text_of

from qa.report.notes import link
from qa.types import Answer


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    (folder / "book.md").write_text(long_article(), "utf-8")
    with opened(folder, 7920) as found:
        yield found


@pytest.fixture
def assistant(page):
    return page[0]


@pytest.fixture
def address(page):
    return page[1]


def where(visitor, said):
    visitor.page.wait_for_function("said => document.querySelector('#where')?.textContent === said", arg=said)
    visitor.page.wait_for_function("document.activeElement.id === 'cited'")
    assert in_view(visitor)
    return text_of(visitor.page.locator("#cited"))


def test_one_goes_through_all_citations_by_buttons_and_by_keys(visit):  # noqa: F811
    visitor = visit()
    hurt = visitor.ask(HURT)
    visitor.open(hurt.locator("a.cite").first)
    first = where(visitor, "Citation 1 of 2")
    assert visitor.page.locator(".step").first.is_disabled()
    assert visitor.page.locator("#desk kbd").all_inner_texts() == ["p", "n"]
    visitor.page.click("#desk button[aria-label='Next citation']")
    second = where(visitor, "Citation 2 of 2")
    assert first.startswith("Seven people") and second.startswith("Three people")
    assert visitor.page.locator(".step").last.is_disabled()
    visitor.page.keyboard.press("n")  # there is no next one
    visitor.page.keyboard.press("p")
    assert where(visitor, "Citation 1 of 2") == first
    visitor.ask(BAKES)
    visitor.page.fill("#question textarea", "")
    visitor.page.locator("#question textarea").press_sequentially("npn")
    assert visitor.page.input_value("#question textarea") == "npn"
    visitor.page.wait_for_function("document.querySelector('#where').textContent === 'Citation 1 of 3'")
    visitor.page.focus("#desk .text")
    visitor.page.keyboard.press("n")
    visitor.page.keyboard.press("n")  # before the first has come
    assert where(visitor, "Citation 3 of 3").startswith("Hanna Keller")
    visitor.page.keyboard.press("Escape")
    assert visitor.page.evaluate("document.activeElement.matches('#conversation a.source')")


def test_all_citations_are_a_list_one_click_from_their_places(visit):  # noqa: F811
    visitor = visit()
    for question in (BAKES, HURT, OVEN):
        visitor.ask(question)
    visitor.page.click("#desk summary")  # before any article lies there
    groups = [group.split("\n") for group in visitor.page.locator("#desk .list section").all_inner_texts()]
    assert len(groups) == 3 and groups[0][0].startswith("The baker of Zurich")
    assert visitor.page.locator("#desk .list section").first.locator("a").count() == 2
    visitor.page.locator("#desk .list a", has_text="Three people").click()
    assert where(visitor, "Citation 3 of 4").startswith("Three people")
    assert text_of(visitor.page.locator("#cited strong")) == "Three"
    visitor.page.click("#desk summary")
    assert visitor.page.locator("#desk .list [aria-current]").inner_text().startswith("3")
    visitor.page.keyboard.press("Escape")
    assert not visitor.page.locator("#desk .list").is_visible()
    assert visitor.page.evaluate("document.activeElement.matches('#desk summary')")
    visitor.page.click("#fresh")
    visitor.page.wait_for_selector("#desk .blank")
    assert not visitor.page.locator("#desk .trail").is_visible()


def test_a_close_sentence_is_no_citation(visit):  # noqa: F811
    visitor = visit()
    visitor.open(visitor.ask(NOTHING).locator("a.near").first)
    assert text_of(visitor.page.locator("#where")) == "A close sentence, not a citation"
    assert all(button.is_disabled() for button in visitor.page.locator(".step").all())


def test_a_place_that_is_nowhere_is_asked_for_twice_at_most(visit):  # noqa: F811
    visitor = visit()
    visitor.open(visitor.ask(BAKES).locator("a.cite").first)
    asked = []
    visitor.page.on("request", lambda request: asked.append(request) if "queue/join" in request.url else None)
    visitor.page.evaluate(
        "() => { const link = document.querySelector('#conversation a.source'); link.href = '#c9-9'; link.click(); }"
    )
    visitor.page.wait_for_timeout(1500)
    assert len(asked) <= 4  # each has an event of its own when it has come


@pytest.mark.parametrize("width", [1280, 360])
def test_the_sentence_of_a_long_article_comes_into_view(visit, width):  # noqa: F811
    visitor = visit(width=width)
    answer = visitor.ask("When was the lighthouse of Heron opened?")
    mark = visitor.open(answer.locator("a.cite").first)
    visitor.page.wait_for_timeout(300)
    assert text_of(mark) == "The lighthouse of Heron was opened in 1932."
    assert in_view(visitor) and not visitor.sideways()
    room = visitor.page.locator("#desk .text")
    assert len(text_of(room).split()) > 9_000 and room.evaluate("room => room.scrollTop") > 5_000


def test_what_stands_beside_an_answer(visit):  # noqa: F811
    visitor = visit()
    answer = visitor.ask(HURT)
    told = answer.locator(".differ")
    assert text_of(told) == "These articles differ: [1] has “Seven”, [2] has “Three”."
    assert text_of(visitor.open(told.locator("a.cite").last)).startswith("Three people")
    assert [text_of(item) for item in answer.locator(".sources li:has(.newest) .title").all()] == [
        "What burned in Linden"
    ]
    assert answer.locator(".sure").inner_text().endswith("6 to 9 of 10 such answers were right.")
    took = answer.locator(".took")
    assert not took.locator("p").is_visible()
    took.locator("summary").click()
    assert "searched" in took.inner_text() and "ms in all" in took.inner_text() and "Chroma" in took.inner_text()


def test_how_a_question_was_read_can_be_changed(visit):  # noqa: F811
    visitor = visit()
    visitor.ask(BAKES)
    answer = visitor.ask("And where did she learn it?")
    read = text_of(answer.locator(".read-as bdi"))
    answer.locator("button.change").click()
    box = visitor.page.locator("#question textarea")
    assert box.input_value() == read and box.evaluate("box => box === document.activeElement")
    box.fill("When was the oven of Hanna Keller built?")
    box.press("Enter")
    assert "1911" in visitor.answer_after(2).inner_text()


def test_a_question_that_is_asked_again_as_it_was_read_is_read_so_again(assistant):
    from qa import Turn

    first = assistant.ask(BAKES)
    then = assistant.ask("And where did she learn it?", [Turn(first.question, first)])
    assert then.standalone_question.startswith("The baker of Zurich: ")
    history = [Turn(first.question, first), Turn(then.question, then)]
    again = assistant.ask(then.standalone_question, history)
    assert again.standalone_question == then.standalone_question
    assert "grandmother in Basel" in again.text


LONG = "The clerk of the county - a patient man, as all agreed - wrote down what the weather did & who came by road, \
and which of the neighbours had quarrelled over hay."


@pytest.mark.parametrize(
    ("given", "article", "found"),
    [
        ({"quote": "It rained - hard, & long."}, "It rained - hard, & long.", "It rained %2D hard%2C %26 long."),
        (
            {"quote": "It rained.", "before": "The owner was away. ", "after": " Nobody came to the mill at noon."},
            "It rained. The owner was away. It rained. Nobody came to the mill at noon.",
            "The owner was away.-,It rained.,-Nobody came to the mill at",
        ),
        ({"quote": "It rained.", "before": "Then: "}, "", "Then%3A-,It rained."),
        ({"quote": LONG}, LONG, "The clerk of the county %2D,the neighbours had quarrelled over hay."),
        (
            {"quote": LONG, "before": "A. ", "after": "\n\nB."},
            f"{LONG} {LONG}",
            "A.-,The clerk of the county %2D,the neighbours had quarrelled over hay.,-B.",
        ),
        ({"quote": "It rained.", "url": "https://x.example/a#top"}, "It rained.", "It rained."),
    ],
)
def test_the_link_to_the_original_names_the_quote(given, article, found):
    cited = citation(**{"url": "https://x.example/a", **given})
    made = link(cited, article)
    page, _, fragment = made.partition(":~:text=")
    assert page == ("https://x.example/a#top" if "#" in cited.url else "https://x.example/a#")
    assert fragment.replace("%20", " ") == found
    assert link(citation(url="javascript:alert(1)")) == ""


def test_the_link_scrolls_to_the_quote_that_is_meant(browser, tmp_path):  # noqa: F811
    filler = "".join(f"<p>Line {n} of the paper says little.</p>" for n in range(150))
    body = f"<p>It rained.</p>{filler}<p>The owner was away.</p><p>It rained.</p>{filler}<p>{LONG}</p>{filler}"
    (tmp_path / "a.html").write_text(f"<meta charset=utf-8><title>a</title>{body}".replace(" & ", " &amp; "), "utf-8")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet.over(tmp_path)) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{served.server_port}/a.html"
        text = f"It rained. The owner was away. It rained. {LONG}"
        rain = citation("It rained.", url=url, before="The owner was away.\n\n", after="\n\nLine 0 of the paper says")
        for cited, element in ((rain, "p:nth-of-type(153)"), (citation(LONG, url=url), "p:nth-of-type(304)")):
            page = browser.new_page(viewport={"width": 800, "height": 600})
            page.goto(link(cited, text))
            page.wait_for_function("scrollY > 0")
            top = page.locator(element).bounding_box()["y"]
            assert 0 <= top <= 600, unquote(link(cited, text))
            page.close()
        served.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    @classmethod
    def over(cls, folder: Path):
        return functools.partial(cls, directory=folder)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("dates", "newest"),
    [
        (["2019-12-29", "2020-01-03"], {2}),
        (["2020-01-03", "2019-12-29", "2020-01-03T10:00"], {1, 3}),
        (["2020-01-03", "", "yesterday"], set()),
        (["2020-01-03", "2020-01-03"], set()),
        (["2020", "2020-01-03"], set()),
        (["2019", "2020-01-03"], {2}),
        ([], set()),
    ],
)
def test_the_newest_is_marked_where_it_can_be_told(dates, newest):
    cited = tuple(citation(number=n, published=day) for n, day in enumerate(dates, 1))
    assert Answer("q", "q", "answered", "t", citations=cited).newest == newest
