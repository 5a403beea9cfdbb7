"""What a conversation carries into a question, and where nothing is carried because it cannot be told."""

import pytest

from qa import Answer, Citation, Turn
from qa.carry import carried, focus

TROOPS = Turn("How many U.S. troops remain in Iraq?", "About 5,000 U.S. troops remain in Iraq. [1]")
CONTRACTOR = Turn("Who was the contractor killed near K-1?", "He was identified as Nawres Hamid, an interpreter. [1]")
GENERAL = Turn("What did Soleimani say?", "Maj. Gen. Qassim Soleimani said that he had come as a guest. [1]")


def answered(question, quote, short=""):
    start = quote.index(short) if short else None
    citation = Citation(1, quote, "a.md", "0" * 64, "A", "", "", "", 0, len(quote), start, start and start + len(short))
    return Turn(question, Answer(question, question, "answered", quote, short, citations=(citation,)))


@pytest.mark.parametrize(
    ("turn", "asked", "read"),
    [
        (CONTRACTOR, "Did he have any family?", "Did Nawres Hamid have any family?"),
        (CONTRACTOR, "What was his job?", "What was Nawres Hamid’s job?"),
        (CONTRACTOR, "Who shot him?", "Who shot Nawres Hamid?"),
        (GENERAL, "Where was he born?", "Where was Soleimani born?"),
        (Turn("Did Hadi al-Amiri attend?", "He did. [1]"), "What did he say?", "What did Hadi al-Amiri say?"),
        (TROOPS, "Why are they there?", "Why are U.S. troops in Iraq?"),
        (TROOPS, "And in Syria?", "How many U.S. troops remain in Syria?"),
        (TROOPS, "What about in Syria?", "How many U.S. troops remain in Syria?"),
        (
            Turn("Who commands the Quds Force?", "Esmail Qaani. [1]"),
            "And Kataib Hezbollah?",
            "Who commands Kataib Hezbollah?",
        ),
        (Turn("Did the U.S. strike Syria?", "It did. [1]"), "Why?", "Why did the U.S. strike Syria?"),
        (Turn("Where did the drone land?", "In Basra. [1]"), "And when?", "When did the drone land?"),
    ],
)
def test_it_is_put_in(turn, asked, read):
    assert carried(asked, [turn]) == read


@pytest.mark.parametrize(
    ("turn", "asked"),
    [
        (GENERAL, "Who did Hadi al-Amiri say he met?"),  # the pronoun points inside its own question
        (Turn("Who met in Baghdad?", "Hadi al-Amiri met Qassim Soleimani. [1]"), "Where was he born?"),  # one of two
        (Turn("Who did she marry?", "She married Lois Burnham. [1]"), "Where did she work?"),  # the other of the two
        (Turn("What did the Quds Force say?", "Nothing. [1]"), "What did he say?"),  # no person
        (Turn("Is there water on Mars?", "There is. [1]"), "What did he say?"),
        (TROOPS, "What did it cost?"),
        (TROOPS, "Is there water?"),
        (Turn("Who was killed?", "Two men. [1]"), "Why?"),  # "Why was killed?" is no question
        (CONTRACTOR, "When was Hubble launched?"),
    ],
)
def test_what_cannot_be_told_is_left_alone(turn, asked):
    assert carried(asked, [turn]) == asked


def test_a_person_is_carried_over_several_turns():
    turns = [
        Turn("Who beat the world record?", "Kelvin Kiptum, a Kenyan, won the race in 2:00:35. [1]"),
        Turn("How did he die?", "His car left the road near Kaptagat. [1]"),
    ]
    assert carried("How old was he?", turns) == "How old was Kelvin Kiptum?"


def test_the_short_answer_says_who_was_meant():
    turn = answered("Who leads it now?", "Ali Khamenei named Esmail Qaani its head.", "Esmail Qaani")
    assert carried("How old is he?", [turn]) == "How old is Esmail Qaani?"


def test_nothing_is_carried_from_nothing():
    assert focus([]).question == ""
    assert carried("And in Syria?", []) == "And in Syria?"


@pytest.mark.parametrize("said", [None, "", "…", "\ud800", "a\0b", "伊拉克有多少美军？", "كم عدد القوات"])
def test_odd_turns_do_no_harm(said):
    assert carried("What did he say?", [Turn(said, said)]) == "What did he say?"
