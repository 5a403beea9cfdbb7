"""Near copies are found, and the same event in other words is no copy."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library_fixtures import news

from index.copies import COPY, Families, same_sentence, signature, similarity

PAIRS = [json.loads(line) for line in (Path(__file__).parent / "gold" / "copies.jsonl").read_text("utf-8").splitlines()]


def test_the_gold_pairs_are_told_apart():
    wrong = [
        pair["id"]
        for pair in PAIRS
        if (similarity(signature(pair["a"]), signature(pair["b"])) >= COPY) != (pair["kind"] == "copy")
    ]
    assert not wrong
    assert sum(pair["kind"] == "copy" for pair in PAIRS) == 20 == sum(pair["kind"] != "copy" for pair in PAIRS)


def test_among_all_articles_each_copy_finds_its_own():
    families = Families([])
    for number, pair in enumerate(PAIRS, 1):
        assert families.find(signature(pair["a"]), pair["id"]) is None
        families.add(pair["id"], number, signature(pair["a"]))
    for number, pair in enumerate(PAIRS, 1):
        found = families.find(signature(pair["b"]), "new")
        assert found == (number if pair["kind"] == "copy" else None), pair["id"]


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_a_signature_is_that_of_the_words_alone(text):
    assert len(signature(text)) == 512
    assert similarity(signature(text), signature(text)) == 1
    assert signature(text) == signature(f"  {text}\n\n")


def test_an_article_is_no_copy_of_its_own_older_self():
    families = Families([("a", 7, signature(news(1)))])
    assert families.find(signature(news(1)), "a") is None
    assert families.find(signature(news(1)), "b") == 7
    families.add("a", 8, signature(news(2)))  # edited
    assert families.find(signature(news(1)), "b") is None
    assert families.find(signature(news(2)), "b") == 8
    families.drop("a")
    families.drop("a")
    assert families.find(signature(news(2)), "b") is None


def test_there_is_room_for_many():
    families = Families((str(n), n, signature(news(n))) for n in range(600))
    for n in (0, 255, 256, 511, 512, 599):
        assert families.find(signature(news(n)), "new") == n


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The vote was 51 to 49.", "The vote was 51 to 49", True),
        ("The vote was 51 to 49.", "The vote was 49 to 50.", False),
        ("About 5,000 troops remain in Iraq.", "ABOUT 5,000 TROOPS REMAIN IN IRAQ", True),
        ("The vote was close.", "A storm hit the coast.", False),
    ],
)
def test_same_sentence(one, other, same):
    assert same_sentence(one, other) is same
    assert same_sentence(other, one) is same
