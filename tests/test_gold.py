"""Quality floors on the seeds' gold questions, a little under what was reached: no later change loses ground unseen."""

import json
from collections import Counter

import pytest
from conftest import GOLD, SEEDS

from qa.evaluate import figures, load, run, squeeze
from qa.evaluate.scores import normal

FLOORS = {
    "seeds.jsonl": {"recall@5": 0.88, "gold@1000": 0.83, "top": 0.52, "right": 0.67, "off-subject": 0.92},
    "plain.jsonl": {"recall@5": 0.91, "gold@1000": 0.82, "top": 0.66, "right": 0.71, "off-subject": 0.91},
}


@pytest.fixture(scope="module", params=sorted(FLOORS))
def outcomes(seeds, request):
    return request.param, run(seeds, load(GOLD / request.param))


def test_the_questions_are_as_many_as_they_should_be():
    kinds = Counter(question.kind for question in load(GOLD / "seeds.jsonl"))
    assert kinds["answerable"] + kinds["two"] >= 80
    assert kinds["two"] >= 20
    assert kinds["off-subject"] >= 14
    assert kinds["near-miss"] >= 14
    assert kinds["follow-up"] >= 12


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_every_gold_sentence_is_a_sentence_of_its_article(seeds, name):
    for line in (GOLD / name).read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        for need in item["gold"]:
            for gold in (need, *need.get("also", [])):
                text = seeds.article(gold["article"]).text
                spans = seeds._library.sentences(gold["article"])
                assert squeeze(gold["quote"]) in {squeeze(text[s.start : s.end]) for s in spans}, (item["id"], gold)


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_every_short_answer_stands_in_a_gold_sentence(name):
    questions = load(GOLD / name)
    for question in questions:
        quotes = [normal(quote) for fact in question.gold for _, quote in fact]
        for answer in question.answers:
            assert any(normal(answer) in quote for quote in quotes), (question.id, answer)
    assert sum(bool(question.answers) for question in questions) >= 30


def test_the_seeds_are_complete(seeds):
    assert len(seeds.articles()) == 12
    assert len({path.suffix for path in SEEDS.iterdir() if not path.name.startswith(("README", "."))}) >= 4
    for name in seeds.articles():
        article = seeds.article(name)
        assert article.title
        assert article.published, name
        assert 380 <= len(article.text.split()) <= 920, name
        assert seeds.report.refused == []


def test_quality_does_not_fall(outcomes):
    name, answered = outcomes
    found, floors = figures(answered), FLOORS[name]
    assert found.recall[5] >= floors["recall@5"]
    assert found.gold_at[1_000] >= floors["gold@1000"]
    assert found.top_citation >= floors["top"]
    assert found.right_among_answered >= floors["right"]
    assert found.abstained["off-subject"] >= floors["off-subject"]


def test_every_shown_quote_is_exact(outcomes, seeds):
    for outcome in outcomes[1]:
        assert outcome.answer.answered == bool(outcome.answer.citations)
        for c in (*outcome.answer.citations, *outcome.answer.closest):
            assert seeds.article(c.article_id).text[c.start : c.end] == c.quote
