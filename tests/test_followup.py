"""A question that leans on the conversation is read with it; one that changes the subject is not."""

import time

import pytest

from qa import Answer, Assistant, Citation, Turn
from qa.followup import LEANS, SURE, discussion, find, is_fragment, leaning, merged, stand_alone
from qa.types import ABSTAIN

VAULT = "Seeds are kept in a vault on Svalbard. It opened in 2008 and cost 45 million kroner. Norway owns the vault."
STRIKES = (
    "American jets struck five sites in Iraq and Syria on Sunday. The militia lost 25 men. Its leader, Hadi al-Amiri, "
    "called the strikes an attack on Iraq. About 5,000 U.S. troops remain in Iraq. About 900 troops remain in Syria."
)
BRIDGE = "The bridge in Basra opened in May 2020. It cost $40 million. Nobody was hurt when its first arch fell."


@pytest.fixture(scope="module")
def assistant():
    from index.types import Article

    articles = [
        Article("vault", "The seed vault", VAULT),
        Article("strikes", "Strikes on a militia", STRIKES),
        Article("bridge", "A new bridge", BRIDGE),
    ]
    with Assistant.of_texts(articles) as assistant:
        yield assistant


@pytest.fixture(scope="module")
def search(assistant):
    return assistant._search


def turn(assistant, question, quote):
    """Return a turn whose answer cites a sentence, as the assistant cites it."""
    for article_id in assistant.articles():
        article = assistant.article(article_id)
        start = article.text.find(quote)
        if start >= 0:
            place = article_id, article.revision, article.title, "", "", "", start, start + len(quote)
            return Turn(
                question, Answer(question, question, "answered", quote, citations=(Citation(1, quote, *place),))
            )
    raise AssertionError(quote)


@pytest.fixture(scope="module")
def opened(assistant):
    return turn(assistant, "When did the seed vault open?", "It opened in 2008 and cost 45 million kroner.")


@pytest.fixture(scope="module")
def troops(assistant):
    return turn(assistant, "How many U.S. troops remain in Iraq?", "About 5,000 U.S. troops remain in Iraq.")


SILENT = Turn("How tall is it?", Answer("How tall is it?", "How tall is it?", "abstained", ABSTAIN))


@pytest.mark.parametrize("question", ["And in Syria?", "How many?", "Why?", "What about its cost?", "Who else?"])
def test_a_fragment_cannot_stand_alone(question):
    assert is_fragment(question)


@pytest.mark.parametrize("question", ["Who commands the Quds Force?", "What is Kirkuk?", "In 1990, when did it open?"])
def test_a_whole_question_is_no_fragment(question):
    assert not is_fragment(question)


@pytest.mark.parametrize(
    "question", ["And why there?", "Who owns it?", "What did it cost?", "How many?", "Is there anything else in it?"]
)
def test_it_leans(search, opened, question):
    read = stand_alone(question, [opened], search)
    assert read.title == "The seed vault"
    assert str(read) == f"The seed vault: {read.question}"


@pytest.mark.parametrize(
    "question",
    [
        "When did the bridge in Basra open?",
        "How many U.S. troops remain in Iraq?",
        "What did Hadi al-Amiri call the strikes?",
        "Who did Hadi al-Amiri say he met?",  # the pronoun points inside its own question
        "Is there water on Mars?",
        "Who wrote the book that won the prize in 2020?",
    ],
)
def test_a_change_of_subject_takes_nothing(search, opened, question):
    assert str(stand_alone(question, [opened], search)) == question


def test_the_probability_falls_with_a_name_that_is_new(search, opened):
    talk = discussion([opened], search)
    assert 0 <= leaning("What did Soleimani say about Kirkuk?", talk, search) < LEANS
    assert LEANS <= leaning("Who owns it?", talk, search) <= 1
    assert leaning("Why?", talk, search) == 1.0


def test_what_can_be_told_is_put_in(search, troops):
    read = stand_alone("And in Syria?", [troops], search)
    assert str(read) == "Strikes on a militia: How many U.S. troops remain in Syria?"


def test_without_history_nothing_is_taken(search):
    assert str(stand_alone("And why there?", [], search)) == "And why there?"


def test_abstained_answers_only_leave_nothing_under_discussion(search):
    turns = [SILENT, Turn("And how wide?", ABSTAIN), Turn("q", ""), Turn("q", "…"), Turn("q", None)]
    assert discussion(turns, search) is None
    assert str(stand_alone("And why there?", turns, search)) == "And why there?"


def test_an_abstention_is_passed_over(search, opened):
    assert stand_alone("Who owns it?", [opened, SILENT], search).title == "The seed vault"


def test_the_last_article_is_under_discussion(search, opened, troops):
    assert discussion([opened, troops], search).article_id == "strikes"
    assert discussion([troops, opened], search).article_id == "vault"


def test_an_answer_in_words_is_looked_up(search):
    verbatim = Turn("When?", "It opened in 2008 and cost 45 million kroner. [1]")
    assert discussion([verbatim], search).article_id == "vault"
    retold = Turn("Who owns the seed vault?", "The seed vault belongs to Norway.")
    assert discussion([retold], search).article_id == "vault"
    assert discussion([Turn("What is a quark?", "A quark is an elementary particle.")], search) is None


def test_an_article_that_is_gone_still_names_the_subject(search):
    gone = Citation(1, "It was tall.", "gone.md", "0" * 64, "The lost tower", "", "", "", 0, 12)
    turns = [Turn("q", Answer("q", "q", "answered", "It was tall. [1]", citations=(gone,)))]
    assert discussion(turns, search).title == "The lost tower"
    assert stand_alone("Who owns it?", turns, search).title == "The lost tower"


def test_the_sentence_just_given_is_never_found(search, opened):
    read = stand_alone("When did it open?", [opened], search)
    assert read.just_given == ("It opened in 2008 and cost 45 million kroner.",)
    texts = [item.text for item in find(read, search).evidence]
    assert "It opened in 2008 and cost 45 million kroner." not in texts
    assert "Norway owns the vault." in texts


def test_the_sentence_just_given_is_never_the_answer(assistant, opened):
    for question in ("When did it open?", "And when?", "What did it cost?"):
        answer = assistant.ask(question, [opened])
        assert answer.standalone_question.startswith("The seed vault: ")
        assert opened.answer.citations[0].quote not in [c.quote for c in (*answer.citations, *answer.closest)]
    words = [Turn("When did the seed vault open?", "It opened in 2008 and cost 45 million kroner. [1]")]
    answer = assistant.ask("What did it cost?", words)
    assert opened.answer.citations[0].quote not in [c.quote for c in (*answer.citations, *answer.closest)]


def test_a_question_that_stands_alone_may_have_the_same_answer_again(assistant, troops):
    answer = assistant.ask("How many U.S. troops remain in Iraq?", [troops])
    assert answer.standalone_question == answer.question
    assert answer.citations[0].quote == "About 5,000 U.S. troops remain in Iraq."


def test_a_sentence_given_earlier_goes_back(search, opened, assistant):
    owner = turn(assistant, "Who owns it?", "Norway owns the vault.")
    earlier = stand_alone("What else is known of it?", [opened, owner], search)
    ranked = find(earlier, search).evidence
    known = [item for item in ranked if item.known]
    assert [item.text for item in known] == ["It opened in 2008 and cost 45 million kroner."]
    assert "Norway owns the vault." not in [item.text for item in ranked]
    assert [item.score for item in ranked] == sorted((item.score for item in ranked), reverse=True)


def test_the_article_under_discussion_is_preferred_and_not_locked_in(assistant, troops):
    bridge = turn(assistant, "When did the bridge in Basra open?", "The bridge in Basra opened in May 2020.")
    assert assistant.ask("What did it cost?", [bridge]).citations[0].article_id == "bridge"
    other = assistant.ask("And what did the seed vault cost?", [bridge])
    assert other.citations[0].article_id == "vault"


def test_what_is_not_sure_is_searched_both_ways(search, opened):
    sure = stand_alone("Who owns it?", [opened], search)
    one, other = search("Who owns it?", sure.title), search("Who owns it?")
    both = merged(one, other)
    assert {item.sentence for item in both.evidence} == {e.sentence for e in (*one.evidence, *other.evidence)}
    scores = [item.score for item in both.evidence]
    assert scores == sorted(scores, reverse=True)
    first = both.evidence[0]
    apart = [item.score for found in (one, other) for item in found.evidence if item.sentence == first.sentence]
    assert first.score == pytest.approx(sum(apart) / 2)
    assert LEANS < SURE


def test_a_very_long_history_costs_nothing_noticeable(assistant, search, opened):
    turns = [Turn("Who was it?", "x" * 10_000), SILENT, opened] * 334
    stand_alone("Who owns it?", turns[-3:], search)
    started = time.perf_counter()
    few = stand_alone("Who owns it?", turns[-12:], search)
    short = time.perf_counter() - started
    started = time.perf_counter()
    assert stand_alone("Who owns it?", turns, search) == few
    assert time.perf_counter() - started < 5 * short + 0.1


@pytest.mark.parametrize(
    "said", ["伊拉克有多少美军？", "Сколько солдат осталось?", "كم عدد القوات", "\ud800 a\0b", "A-" * 2_000]
)
def test_a_history_in_any_script_does_no_harm(assistant, opened, said):
    answer = assistant.ask("Who owns it?", [Turn(said, said)])
    assert answer.answered == bool(answer.citations)
    answer = assistant.ask("Who owns it?", [opened, Turn(said, said)])
    assert answer.question == "Who owns it?"


def test_the_chain_reads_it_alike(assistant, troops):
    asked = {"question": "And in Syria?", "history": [troops]}
    one = assistant.chain.invoke(asked)
    assert one.standalone_question == "Strikes on a militia: How many U.S. troops remain in Syria?"
    assert one.citations[0].quote == "About 900 troops remain in Syria."
    assert [a.text for a in assistant.chain.batch([asked, asked])] == [one.text] * 2
    assert [a.standalone_question for a in assistant.chain.stream(asked)] == [one.standalone_question]
