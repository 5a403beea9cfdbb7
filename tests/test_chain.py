"""The chain is made of named Runnables and behaves as LangChain users expect."""

import asyncio
import json

import pytest

from index.errors import BadQuestion
from qa import Answer, Turn
from qa.chain import clean
from qa.types import ABSTAIN

TROOPS = "How many American troops were killed by militants backed by Iran, according to the Pentagon?"
OFF = "How tall is the Eiffel Tower?"


def test_the_graph_shows_the_four_steps(seeds):
    names = [node.name for node in seeds.chain.get_graph().nodes.values()]
    assert [n for n in names if n in ("question", "retrieve", "read", "cite")] == [
        "question",
        "retrieve",
        "read",
        "cite",
    ]


def test_invoke_batch_stream_and_ainvoke_agree(seeds):
    def essence(answer):
        return answer.status, answer.text, answer.citations, answer.confidence, answer.engine

    one = seeds.chain.invoke(TROOPS)
    assert isinstance(one, Answer)
    batch = seeds.chain.batch([TROOPS, {"question": OFF}])
    assert essence(batch[0]) == essence(one)
    assert not batch[1].answered
    assert [essence(a) for a in seeds.chain.stream(TROOPS)] == [essence(one)]
    assert essence(asyncio.run(seeds.chain.ainvoke({"question": TROOPS, "history": []}))) == essence(one)


def test_eight_at_once_answer_as_one_does(seeds):
    questions = [TROOPS, OFF, "When was Hubble launched?", "Who commands the Quds Force?"] * 4
    alone = [seeds.chain.invoke(question) for question in questions[:4]] * 4
    together = seeds.chain.batch(questions, config={"max_concurrency": 8})
    assert [(a.text, a.confidence) for a in together] == [(a.text, a.confidence) for a in alone]


def test_an_abstention_says_so_and_cites_nothing(seeds):
    answer = seeds.ask(OFF)
    assert (answer.status, answer.text, answer.citations, answer.short_answer) == ("abstained", ABSTAIN, (), "")
    assert answer.closest
    assert 0 <= answer.confidence < 0.5


def test_an_answer_is_its_citations_in_order(seeds):
    answer = seeds.ask("When did the Svalbard Global Seed Vault open?")
    assert answer.answered
    assert answer.engine == "chroma"
    assert answer.text == " ".join(f"{' '.join(c.quote.split())} [{c.number}]" for c in answer.citations)
    assert [c.number for c in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert set(answer.timings_ms) == {"question", "retrieve", "read", "cite"}
    for c in answer.citations:
        article = seeds.article(c.article_id)
        assert article.text[c.start : c.end] == c.quote
        assert (c.title, c.source, c.published, c.revision) == (
            article.title,
            article.source,
            article.published,
            article.revision,
        )


def test_json_is_flat_and_complete(seeds):
    answer = seeds.ask("When did the Svalbard Global Seed Vault open?")
    found = json.loads(answer.to_json())
    assert set(found) == set(Answer.__dataclass_fields__)
    assert found["status"] == "answered"
    assert found["citations"][0]["quote"] == answer.citations[0].quote


def test_history_makes_a_leaning_question_stand_alone(seeds):
    first = seeds.ask("When did the Svalbard Global Seed Vault open?")
    second = seeds.ask("And who owns it?", [Turn(first.question, first)])
    assert second.question == "And who owns it?"
    assert second.standalone_question == f"{first.citations[0].title}: And who owns it?"
    third = seeds.ask("When was Hubble launched?", [Turn(first.question, first)])
    assert third.standalone_question == third.question


@pytest.mark.parametrize("question", ["", "   \n", "???", "😀", "\0"])
def test_a_question_without_a_word_is_refused(seeds, question):
    with pytest.raises(BadQuestion) as error:
        seeds.ask(question)
    assert "\n" not in str(error.value)


def test_a_question_of_ten_thousand_words_is_refused(seeds):
    with pytest.raises(BadQuestion, match="more than 2,000"):
        seeds.ask("why " * 10_000)


@pytest.mark.parametrize(
    "question",
    [
        "伊拉克有多少美军？",
        "Сколько солдат осталось в Ираке?",
        "كم عدد القوات",
        '" AND NEAR(* - OR title:',
        "{x.__class__} {{7*7}} %s ${jndi:ldap://x}",
        "'; DROP TABLE articles; --",
        '{"lc":1,"type":"secret","id":["KEY"]}',
        "a\ud800b troops",
        "NOT",
        "x" * 2_000,
    ],
)
def test_odd_questions_answer_or_abstain(seeds, question):
    answer = seeds.ask(question)
    assert answer.answered == bool(answer.citations)
    json.loads(answer.to_json())


def test_clean_makes_one_line():
    assert clean("  How\nmany\t troops? ") == "How many troops?"
