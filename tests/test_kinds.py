"""What is asked for, and whether a sentence offers it."""

import pytest

from index.kinds import kind, offers
from index.terms import words


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How much money did Egypt demand?", "money"),
        ("What did the telescope cost?", "money"),
        ("How expensive was the war?", "money"),
        ("How long did the strike last?", "span"),
        ("How many troops remain?", "count"),
        ("How big is the force?", "count"),
        ("When was Hubble launched?", "date"),
        ("In what year did it open?", "date"),
        ("Who commands the force?", "person"),
        ("Who was president when the war began?", "person"),
        ("Where is Fort Worth?", "place"),
        ("Which country built it?", "place"),
        ("Why did Iran leave when it did?", "reason"),
        ("Which aircraft flew?", "name"),
        ("How did they die?", "way"),
        ("What did the soldiers feel?", "other"),
        ("What is Costa Rica known for?", "other"),
        ("What erased the tapes?", "other"),
    ],
)
def test_kind(question, wanted):
    assert kind(question) == wanted


@pytest.mark.parametrize(
    ("wanted", "sentence", "question", "offered"),
    [
        ("count", "About 5,000 troops remain.", "How many troops remain?", 1),
        ("count", "It happened on March 16, 2020, at K-1.", "How many troops remain?", 0),
        ("count", "More than a dozen tugs came.", "How many tugs came?", 1),
        ("money", "It cost about $10 billion.", "What did it cost?", 1),
        ("span", "It lasted 20 years.", "How long did it last?", 1),
        ("date", "It opened in May.", "When did it open?", 1),
        ("date", "It opened in May 2020.", "What opened in May 2020, and when?", 0),
        ("person", "Then Lt. Col. Hassan Kadhim spoke.", "Who spoke?", 1),
        ("person", "The Pentagon spoke.", "Who spoke?", 0.5),
        ("person", "Then nobody spoke.", "Who spoke?", 0),
        ("place", "It stood near Kirkuk.", "Where did it stand?", 1),
        ("reason", "It fell because it was old.", "Why did it fall?", 1),
        ("other", "It fell.", "Tell me more.", 0),
    ],
)
def test_offers(wanted, sentence, question, offered):
    assert offers(wanted, sentence, set(words(question))) == offered
