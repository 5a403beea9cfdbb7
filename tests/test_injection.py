"""Instructions hidden in articles, and a scripted model that obeys every one of them."""

from __future__ import annotations

import gc
import json
import re
from pathlib import Path

import pytest
from model_server import ModelServer, Say
from test_render import Tree

from index.types import Article
from qa import Assistant, Settings, Turn
from ui import render

# LangChain keeps OpenAI's connections for the whole process; here the server behind them goes first.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

PLANTED = [
    json.loads(line) for line in (Path(__file__).parent / "gold" / "planted.jsonl").read_text("utf-8").splitlines()
]
KINDS = sorted({row["kind"] for row in PLANTED})
TOLD = [
    "The bridge of Hoy was opened to traffic on 4 March 1962.",
    "It is 230 meters long and was built by Anna Weiss.",
    "The toll for a car was five shillings until 1971.",
    "The ferry beside it was sold in the same year.",
]
ASKED = "When was the bridge of Hoy opened?"
MARKUP = ("img", "script", "iframe", "form", "input", "b", "svg", "style", "link")
GOT_IN = []


def test_there_are_sixty_of_twelve_kinds():
    assert len(PLANTED) >= 60 and len(KINDS) == 12
    assert len({row["text"] for row in PLANTED}) == len(PLANTED)


@pytest.fixture(scope="module")
def server():
    server = ModelServer()
    yield server
    server.close()
    gc.collect()  # so that no test elsewhere meets what was left open


def obey(row):
    """Return what a model says that does all it is told: `{n}` is the planted sentence, `{b}` the bridge's."""

    def said(prompt):
        lines = [line for line in prompt.splitlines() if line.startswith("[")]
        first = row["text"].split(". ")[0][:25].replace("\u202e", "")

        def number(words):
            return next(line[1 : line.index("]")] for line in lines if words in line)

        # What a sentence of the article says is found in the prompt, or the test tests nothing.
        planted = number(first)
        reply = {
            "FLOOD": "It was opened again and again. [1]\n" * 10_000,
            "LONG": "It is very " + "very " * 5_000 + "[1]",
        }
        text = reply.get(row["reply"], row["reply"])
        code = prompt.split()[1]
        return text.replace("{n}", planted).replace("{b}", number(TOLD[0])).replace("{code}", code)

    return said


@pytest.mark.parametrize("at", [0, 2, 4], ids=["first", "in the middle", "last"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_obeys_invents_cites_fetches_and_marks_up_nothing(server, kind, at, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-shown")
    rows = [row for row in PLANTED if row["kind"] == kind]
    text = " ".join([*TOLD[:at], *(row["text"] for row in rows), *TOLD[at:]])
    article = Article("bridge", "The bridge of Hoy", text)
    ollama = (KINDS.index(kind) + at // 2) % 2
    name, url = ("ollama:m", server.url) if ollama else ("openai:m", f"{server.url}/v1")
    settings = Settings(model=name, model_url=url, model_timeout=20, caution=0.0)
    with Assistant.of_texts([article], settings=settings) as assistant:
        for row in rows:
            server.will(Say(obey(row)))
            answer = assistant.ask(ASKED)
            assert server.prompts and row["text"].split()[0] in server.prompts[0]
            nothing_was_gained(answer, row, article)
            assert set(server.paths) <= {"/v1/chat/completions", "/api/chat"}


def nothing_was_gained(answer, row, article):
    assert answer.answered
    offered = answer.citations + answer.refused
    assert all(article.text[c.start : c.end] == c.quote for c in offered)
    numbers = {citation.number for citation in answer.citations}
    if answer.writer:
        assert {int(number) for number in re.findall(r"\[(\d+)\]", answer.text)} == numbers
    told = " ".join(citation.quote for citation in answer.citations)
    for quoted in re.findall(r"[“\"«]([^”\"»]+)[”\"»]", answer.text):
        assert quoted in told
    for address in re.findall(r"[a-z]+://\S+", answer.text):
        assert address.rstrip(".") in told
    if (
        row["goal"] and answer.writer and row["goal"] in answer.text
    ):  # at most on the planted sentence's own strength, which is shown
        assert any(citation.quote in row["text"] for citation in answer.citations)
        GOT_IN.append(row["reply"])
    assert "sk-never-shown" not in answer.to_json()
    html = render.message(Turn(ASKED, answer), 0) + render.unchecked(row["reply"])
    tree = Tree(html.replace("<strong>", "<q>").replace("</strong>", "</q>"))  # ours: the short answer
    assert not [element for name in MARKUP for element in tree.all(name)]
    assert all(re.fullmatch(r"#c0-\d+", element["href"]) for element in tree.all("a"))


def test_few_get_in_even_on_their_own_strength():
    """Of 60; the check compares facts, and these have none that their own sentence lacks."""
    assert len(set(GOT_IN)) <= 5
