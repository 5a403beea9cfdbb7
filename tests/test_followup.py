"""A question that leans on the conversation takes the title of the article under discussion."""

import pytest

from qa import Answer, Citation, Turn
from qa.followup import leans, subject

CITATION = Citation(1, "It opened in 2008.", "a.md", "0" * 64, "The seed vault", "", "", "", 0, 18)
TURN = Turn(
    "When did it open?", Answer("When did it open?", "When did it open?", "answered", "x", citations=(CITATION,))
)


@pytest.mark.parametrize(
    "question",
    [
        "And in Syria?",
        "Why are they there?",
        "What did he say about it?",
        "How many?",
        "Why?",
        "What about its cost?",
        "Who else?",
    ],
)
def test_it_leans(question):
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many U.S. troops remain in Iraq?",
        "When was the Svalbard seed vault opened?",
        "Who commands the Quds Force?",
        "Why did the Federal Reserve raise interest rates?",
        "What is Kirkuk?",
    ],
)
def test_it_stands_alone(question):
    assert not leans(question)


def test_a_leaning_question_takes_the_title():
    assert subject("And why there?", [TURN], lambda text: "") == "The seed vault"


def test_a_question_that_stands_alone_takes_nothing():
    assert subject("Who commands the Quds Force?", [TURN], lambda text: "") == ""


def test_without_history_nothing_is_taken():
    assert subject("And why there?", [], lambda text: "") == ""


def test_an_abstention_is_passed_over():
    silent = Turn(
        "How tall is it?", Answer("How tall is it?", "How tall is it?", "abstained", "The articles do not say.")
    )
    assert subject("And why there?", [TURN, silent], lambda text: "") == "The seed vault"


def test_a_turn_in_words_is_looked_up():
    assert (
        subject("And why there?", [Turn("q", "It opened in 2008.")], lambda text: f"found {text}")
        == "found It opened in 2008."
    )


def test_an_abstention_in_words_is_passed_over():
    silent = Turn("How tall is it?", "The articles do not say.")
    assert subject("And why there?", [TURN, silent], lambda text: "found") == "The seed vault"


@pytest.mark.parametrize("answer", ["", " ", "…", None])
def test_a_turn_without_words_is_passed_over(answer):
    assert subject("And why there?", [Turn("q", answer)], lambda text: "found") == ""


@pytest.mark.parametrize("question", ["Is there water on Mars?", "Who wrote the book that won the prize in 2020?"])
def test_words_that_point_at_nothing_do_not_lean(question):
    assert not leans(question)
