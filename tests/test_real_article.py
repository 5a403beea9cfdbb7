"""One real article as its writer has it: no headings, curly quotes, ranks, a caption in the middle."""

import pytest

from qa import Assistant

ANSWERED = [
    ("How many U.S. troops remain in Iraq?", "About 5,000 U.S. troops remain in Iraq"),
    ("How many fighters were killed in the strikes?", "19 fighters were killed"),
    ("How many fighters were injured?", "35 were injured"),
    ("How many rockets were launched on the Iraqi base near Kirkuk?", "more than 30 rockets"),
    ("When were rockets launched on the Iraqi base?", "On Friday, more than 30 rockets"),
    ("What did the U.S. military strike in Iraq and Syria?", "in Iraq and two in Syria"),
    ("How many targets did U.S. forces strike in Syria?", "three targets in Iraq and two in Syria"),
    ("What kind of places were hit?", "weapons storage facilities"),
    ("Who is Jonathan Hoffman?", "Jonathan Hoffman, the chief Pentagon spokesman"),
    ("Who is the Defense Secretary?", "Defense Secretary Mark T. Esper"),
    ("Who is the spokesman for the militia?", "Jaafar al-Hussaini, a spokesman"),
    ("Who is Lt. Col. Hassan Kadhim?", "Lt. Col. Hassan Kadhim, an officer with the Iraqi army"),
    ("Who reported from Baghdad?", "Salim reported"),
    ("Who invited the U.S. troops to stay in Iraq?", "invitation of the Iraqi government"),
    ("What did the Iraqi military's Joint Operations Command say?", "four fighters, including the deputy commander"),
    ("What is the Quds Force?", "Quds Force, a special operations unit"),
    ("What are the Popular Mobilization Units?", "an umbrella organization"),
    ("Why do U.S. troops remain in Iraq?", "to train and advise Iraqi forces"),
    ("Why did Trump send thousands of additional troops?", "to counter Iran"),
    ("What did Esper ask Iraqi officials to do?", "asked Iraqi officials to respond"),
    ("What does Esper suspect?", "My suspicion would be that Iran"),
    ("Where are the militia's headquarters?", "along the Iraq-Syria border"),
    ("What does Iran want?", "to have their war in our land"),
    ("What must Iran and its proxy forces stop?", "must cease their attacks"),
]
SURE = {
    "How many U.S. troops remain in Iraq?",
    "How many fighters were killed in the strikes?",
    "How many rockets were launched on the Iraqi base near Kirkuk?",
    "What did the U.S. military strike in Iraq and Syria?",
    "Who is Jonathan Hoffman?",
    "How many targets did U.S. forces strike in Syria?",
    "What did the Iraqi military's Joint Operations Command say?",
    "What is the Quds Force?",
    "Why do U.S. troops remain in Iraq?",
    "What did Esper ask Iraqi officials to do?",
    "Who is Lt. Col. Hassan Kadhim?",
}
"""Those that may never fail."""

ABSTAINED = [
    "What is the name of the contractor who was killed?",
    "How tall is the Eiffel Tower?",
    "Who won the World Cup in 2018?",
    "What is the boiling point of water?",
]


@pytest.fixture(scope="module")
def assistant(real_article, tmp_path_factory):
    with Assistant.open(real_article, tmp_path_factory.mktemp("real") / "library", progress=False) as opened:
        yield opened


@pytest.mark.parametrize(("question", "words"), [pair for pair in ANSWERED if pair[0] in SURE])
def test_it_is_answered_from_the_right_sentence(assistant, question, words):
    assert words in assistant.ask(question).citations[0].quote


def test_nine_of_ten_are_answered_from_a_right_sentence(assistant):
    wrong = []
    for question, words in ANSWERED:
        answer = assistant.ask(question)
        if not (answer.citations and words in answer.citations[0].quote):
            wrong.append((question, answer.confidence, [c.quote for c in answer.citations or answer.closest][:1]))
        text = assistant.article(assistant.articles()[0]).text
        assert all(text[c.start : c.end] == c.quote for c in answer.citations)
    assert len(wrong) <= len(ANSWERED) // 10, wrong


@pytest.mark.parametrize("question", ABSTAINED)
def test_it_abstains(assistant, question):
    answer = assistant.ask(question)
    assert (answer.status, answer.citations) == ("abstained", ())


def test_a_name_is_given_whole(assistant):
    answer = assistant.ask("Who is the Defense Secretary?")
    assert answer.short_answer == "Mark T. Esper"
    first = answer.citations[0]
    assert assistant.article(first.article_id).text[first.answer_start : first.answer_end] == "Mark T. Esper"
