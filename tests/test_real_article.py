"""One real article as its writer has it: no headings, curly quotes, ranks, a caption in the middle."""

import pytest

from qa import Assistant

ANSWERED = [
    ("How many U.S. troops remain in Iraq?", "About 5,000 U.S. troops remain in Iraq"),
    ("How many fighters were killed in the strikes?", "19 fighters were killed"),
    ("How many rockets were launched on the Iraqi base near Kirkuk?", "more than 30 rockets"),
    ("What did the U.S. military strike in Iraq and Syria?", "in Iraq and two in Syria"),
    ("Who is Jonathan Hoffman?", "Jonathan Hoffman, the chief Pentagon spokesman"),
    ("How many targets did U.S. forces strike in Syria?", "three targets in Iraq and two in Syria"),
    ("What did the Iraqi military's Joint Operations Command say?", "four fighters, including the deputy commander"),
    ("What is the Quds Force?", "Quds Force, a special operations unit"),
    ("Why do U.S. troops remain in Iraq?", "to train and advise Iraqi forces"),
    ("What did Esper ask Iraqi officials to do?", "asked Iraqi officials to respond"),
    ("Who is Lt. Col. Hassan Kadhim?", "Lt. Col. Hassan Kadhim, an officer with the Iraqi army"),
]
ABSTAINED = ["How tall is the Eiffel Tower?", "Who won the World Cup in 2018?", "What is the boiling point of water?"]


@pytest.fixture(scope="module")
def assistant(real_article, tmp_path_factory):
    with Assistant.open(real_article, tmp_path_factory.mktemp("real") / "library", progress=False) as opened:
        yield opened


@pytest.mark.parametrize(("question", "words"), ANSWERED)
def test_it_is_answered_from_the_right_sentence(assistant, question, words):
    answer = assistant.ask(question)
    assert words in answer.citations[0].quote
    text = assistant.article(answer.citations[0].article_id).text
    assert all(text[c.start : c.end] == c.quote for c in answer.citations)


@pytest.mark.parametrize("question", ABSTAINED)
def test_it_abstains(assistant, question):
    answer = assistant.ask(question)
    assert (answer.status, answer.citations) == ("abstained", ())
