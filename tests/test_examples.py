from __future__ import annotations

import pytest

from qa import Assistant, examples
from qa.examples import examples as drawn

ARTICLES = [
    "Jonathan Hoffman, the chief Pentagon spokesman, said the strikes were over. Nobody asked him when.",
    "About 5,000 U.S. troops remain in Iraq at the invitation of its government. They train soldiers.",
    "The Svalbard Global Seed Vault opened on 26 February 2008 near the town of Longyearbyen. It is cold there.",
    "The Quds Force is the branch of the Guard Corps that works beyond the borders. He led it. It was a surprise.",
    "Nothing here suggests a question, and so none is drawn from it.",
]


@pytest.fixture(scope="module")
def assistant():
    with Assistant.of_texts(ARTICLES) as assistant:
        yield assistant


def test_examples_are_natural_questions_that_are_answered(assistant):
    found = drawn(assistant)
    assert found == [
        "Who is Jonathan Hoffman?",
        "How many U.S. troops remain in Iraq?",
        "When did the Svalbard Global Seed Vault open?",
        "What is the Quds Force?",
    ]
    for number, question in enumerate(found):
        first = assistant.ask(question).citations[0]
        assert ARTICLES[number].startswith(first.quote) and len(first.quote) > 40
    assert drawn(assistant) == found


def test_there_are_as_many_as_wanted_and_as_there_are(assistant):
    assert len(drawn(assistant, 2)) == 2
    assert len(drawn(assistant, 9)) == 4
    with Assistant.of_texts(["It rained. It was so. They left."]) as other:
        assert drawn(other) == []


def test_few_questions_are_tried(monkeypatch):
    asked = []
    with Assistant.of_texts(
        [f"Ann B. Lee{c}, the mayor, spoke. The Guard of X{c} is a force." for c in "abcdefgh"]
    ) as many:
        monkeypatch.setattr(examples, "_answered", lambda _, draft: asked.append(draft.question))
        assert drawn(many) == []
    assert len(asked) == 12


def test_hostile_articles_are_quick():
    import time

    texts = ["Aa " * 1300 + ".", "The " + "A" * 3900 + ".", "Ab, the " * 490 + ".", "1 " * 1900 + "."]
    with Assistant.of_texts(texts) as hostile:
        started = time.perf_counter()
        for article_id in hostile.articles():
            list(examples._drafts(hostile, article_id))
        assert time.perf_counter() - started < 5
