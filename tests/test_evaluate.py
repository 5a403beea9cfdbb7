"""The figures, on outcomes whose every number can be told by hand."""

import json

import pytest

from index.errors import ArticleQAError
from index.types import Article
from qa import Answer, Assistant, Citation
from qa.evaluate import Outcome, Question, figures, load, run

A, B, C = ("a", "One."), ("a", "Two."), ("b", "Three.")


def outcome(gold, cited, found=(), kind="", ms=10.0):
    citations = tuple(Citation(n, quote, name, "0", "", "", "", "", 0, 1) for n, (name, quote) in enumerate(cited, 1))
    answer = Answer(
        "q", "q", "answered" if citations else "abstained", "", citations=citations, timings_ms={"read": ms}
    )
    return Outcome(Question("1", "q", kind, tuple(frozenset(fact) for fact in gold)), answer, tuple(found))


def test_figures_by_hand():
    found = figures(
        [
            # Right at once: precision 1, recall 1.
            outcome([[A]], [A], [(0, 0, 120)]),
            # Needs A (or C) and B; cites a wrong one first, then C: precision 1/2, recall 1/2, F1 1/2.
            outcome([[A, C], [B]], [("b", "No."), C], [(2, 3, 900), (6, 9, 1_500)], kind="two"),
            # Abstained although it was there.
            outcome([[B]], [], [(None, None, None)]),
            # Not there: abstained once, answered once.
            outcome([], [], kind="off-subject"),
            outcome([], [A], kind="near-miss", ms=30.0),
        ]
    )
    assert (found.questions, found.answerable, found.unanswerable, found.answered) == (5, 3, 2, 3)
    assert found.recall == {1: 0.25, 5: 0.5, 10: 0.75}  # of four needed sentences
    assert found.gold_at == {300: 0.3333, 1_000: 0.3333, 2_000: 0.6667}  # both of the second's, or none
    assert (found.top_citation, found.right_among_answered) == (0.3333, 0.5)
    assert (found.citation_precision, found.citation_recall, found.citation_f1) == (0.75, 0.75, 0.75)
    assert found.abstained == {
        "answerable": 0.3333,
        "unanswerable": 0.5,
        "two": 0.0,
        "off-subject": 1.0,
        "near-miss": 0.0,
    }
    assert (found.p50_ms, found.p95_ms) == (10.0, 26.0)
    assert json.loads(found.to_json())["citation_f1"] == 0.75


def test_run_finds_where_the_gold_sentence_came():
    first, second = "About 5,000 U.S. troops remain in Iraq.", "The vault opened in 2008."
    question = Question("1", "How many U.S. troops remain in Iraq?", gold=(frozenset({("t", first)}),))
    with Assistant.of_texts([Article("t", "T", f"{first} {second}")]) as assistant:
        [found] = run(assistant, [question])
    assert found.right
    assert found.found == ((0, 0, len(first)),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no questions"),
        ('{"question": "a"}\nnonsense\n', "line 2: not a question"),
        ('{"gold": []}\n', "line 1: not a question"),
        ('{"question": "a", "gold": [{"article": "x"}]}\n', "line 1: not a question"),
        ("[1]\n", "line 1: not a question"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, content, message):
    path = tmp_path / "questions.jsonl"
    path.write_text(content)
    with pytest.raises(ArticleQAError, match=message):
        load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArticleQAError, match="cannot be read"):
        load(tmp_path / "none.jsonl")
