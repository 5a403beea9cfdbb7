"""Where two articles give different numbers, dates or names: found, cited, and told in every form."""

import json
from types import SimpleNamespace

import pytest
from conftest import GOLD
from hypothesis import given
from hypothesis import strategies as st
from model_server import ModelServer, Say

from qa import Answer, Assistant, Report, Settings
from qa.differ import differing
from qa.history import load as load_history
from qa.report.save import content
from qa.types import short
from qa.verify.quoted import read as read_report
from ui.command import _printed

PAIRS = [json.loads(line) for line in (GOLD / "differ.jsonl").read_text("utf-8").splitlines()]


def said(short, sentence):
    return SimpleNamespace(text=short, evidence=SimpleNamespace(text=sentence))


def ask(pair, **settings):
    texts = [pair["one"], pair["other"]]
    with Assistant.of_texts(texts, settings=Settings(**settings)) as assistant:
        return assistant.ask(pair["question"])


def test_no_pair_that_agrees_gets_a_note_and_few_that_differ_get_none():
    found = [(pair["differ"], bool(ask(pair).differ), pair["about"]) for pair in PAIRS]
    assert [about for differ, noted, about in found if noted and not differ] == []
    assert sum(noted for differ, noted, _ in found if differ) >= 14
    assert sum(differ for differ, _, _ in found) == 16


def test_the_sample_articles_do_not_differ(seeds):
    lines = (GOLD / "plain.jsonl").read_text("utf-8").splitlines()
    asked = [question for question in map(json.loads, lines) if question["gold"]][::3]
    assert [q["question"] for q in asked if seeds.ask(q["question"]).differ] == []


@pytest.mark.parametrize("most", [1, 3])
def test_both_are_cited_with_their_short_answers(most):
    answer = ask(PAIRS[0], max_citations=most)
    assert answer.differ == (1, 2) and len({c.article_id for c in answer.citations}) == 2
    assert {short(citation) for citation in answer.citations} == {"Three", "Seven"}
    assert answer.short_answer in ("Three", "Seven")
    assert answer.remarks[0].startswith("These articles differ: [1] has “")


def test_beside_the_words_of_a_model_both_are_cited():
    def reply(prompt):
        line = next(line for line in prompt.splitlines() if "Seven people" in line)
        return f"Seven people were hurt in the fire at the mill. {line[: line.index(']') + 1]}"

    server = ModelServer()
    server.will(Say(reply))
    try:
        answer = ask(PAIRS[0], model="ollama:m", model_url=server.url)
    finally:
        server.close()
    assert answer.writer and answer.differ == (1, 2) and answer.sure == ""
    assert answer.text.startswith("Seven people were hurt in the fire at the mill. [1]") and answer.text.endswith("[2]")
    assert [short(citation) for citation in answer.citations] == ["Seven", "Three"]


def test_every_form_tells_it(tmp_path):
    answer = ask(PAIRS[0])
    report = Report((Answer("q", "q", "abstained", "The articles do not say."), answer))
    for suffix in (".md", ".html"):
        assert "These articles differ: notes 1 and 2." in content(report, suffix).decode()
    report.save(tmp_path / "report.docx")
    from docx import Document

    assert "These articles differ: notes 1 and 2." in [p.text for p in Document(tmp_path / "report.docx").paragraphs]
    told = _printed(answer).splitlines()
    assert any(line.startswith("These articles differ: [1] has “") for line in told) and told[-1] == answer.sure
    for suffix in (".md", ".html", ".docx", ".json"):
        report.save(tmp_path / f"report{suffix}")
        assert len(read_report(tmp_path / f"report{suffix}")[0]) == 2
    (tmp_path / "answer.json").write_text(answer.to_json(), "utf-8")
    [turn] = load_history(tmp_path / "answer.json")
    assert turn.answer == answer and json.loads(answer.to_json())["differ"] == [1, 2]


@pytest.mark.parametrize(
    ("question", "one", "other", "differ"),
    [
        ("How many came?", ("3", "3 came."), ("three", "Then three came."), False),
        ("How many came?", ("3", "3 came."), ("four", "Then four came."), True),
        ("How many came?", ("at least 25", "At least 25 came."), ("31", "Then 31 came."), False),
        ("How many came?", ("at least 25", "At least 25 came."), ("19", "Then 19 came."), True),
        ("How many came?", ("1,200", "1,200 came."), ("1,234", "Then 1,234 came."), False),
        ("How many cells are there?", ("37 trillion", "37 trillion."), ("37.2 trillion", "Or 37.2 trillion."), False),
        ("How many cells are there?", ("37 trillion", "37 trillion."), ("38.2 trillion", "Or 38.2 trillion."), True),
        ("What did it cost?", ("$1.2 billion", "It was $1.2 billion."), ("$1.23 billion", "Or $1.23 billion."), False),
        ("What did it cost?", ("$1.2 billion", "It was $1.2 billion."), ("$1.28 billion", "Or $1.28 billion."), True),
        ("How many came?", ("5", "5 ships came."), ("9", "9 tugs came."), False),
        ("How many ships came in 1990?", ("5", "In 1990 5 ships came."), ("9", "In 1991 9 ships came."), False),
        ("How big was it?", ("5 km", "It was 5 km long."), ("9 hectares", "It was 9 hectares."), False),
        ("When was it built?", ("1954", "It was built in 1954."), ("1950s", "It was built in the 1950s."), False),
        ("When was it built?", ("1954", "It was built in 1954."), ("1960s", "It was built in the 1960s."), True),
        ("Who led it?", ("Soleimani", "Soleimani led it."), ("Qassem Soleimani", "Qassem Soleimani led it."), False),
        ("Who led it?", ("Ida Brandt", "Ida Brandt led it."), ("Tom Weil", "Tom Weil led it."), True),
        ("Who were the leaders?", ("Ida Brandt", "Ida Brandt led it."), ("Tom Weil", "Tom Weil led it."), False),
        ("Where was it?", ("Basel", "It was in Basel."), ("Switzerland", "It was in Switzerland."), False),
        ("Why did it end?", ("3", "3 came."), ("4", "4 came."), False),
    ],
)  # fmt: skip
def test_what_differs(question, one, other, differ):
    assert bool(differing(question, said(*one), [said(*other)])) == differ
    assert bool(differing(question, said(*other), [said(*one)])) == differ


@given(st.integers(2, 10**7), st.integers(2, 10**7))
def test_a_number_differs_from_no_spelling_of_itself(one, other):
    first = said(f"{one:,}", f"{one:,} ships came.")
    assert differing("How many ships came?", first, [said(str(one), f"There came {one} ships.")]) is None
    assert differing("How many ships came?", first, [said(f"{one:,}", f"About {one:,} ships came.")]) is None
    second = said(str(other), f"{other} ships came.")
    there = differing("How many ships came?", first, [second])
    assert bool(there) == bool(differing("How many ships came?", second, [first]))
    if one < 100 and other < 100:
        assert bool(there) == (one != other)
