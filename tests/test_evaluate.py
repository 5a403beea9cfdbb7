"""The figures, on outcomes whose every number can be told by hand."""

import contextlib
import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from index.errors import ArticleQAError, UnknownSetting
from index.types import Article
from qa import Answer, Assistant, Citation
from qa.evaluate import Outcome, Question, figures, load, run, taken_out
from qa.evaluate.scores import agreement, auroc, calibration, cautions, risk_coverage
from ui.command import app

A, B, C = ("a", "One."), ("a", "Two."), ("b", "Three.")


def citations(places):
    return tuple(Citation(n, quote, name, "0", "", "", "", "", 0, 1) for n, (name, quote) in enumerate(places, 1))


def outcome(gold, cited, found=(), kind="", ms=10.0, *, sure=0.0, closest=(), says="", answers=(), passage=()):
    answer = Answer(
        "q",
        "q",
        "answered" if cited else "abstained",
        "",
        short_answer=says,
        confidence=sure,
        citations=citations(cited),
        closest=citations(closest),
        timings_ms={"read": ms},
    )
    question = Question("1", "q", kind, tuple(frozenset(fact) for fact in gold), answers=answers)
    return Outcome(question, answer, tuple(found), tuple(passage))


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


def judged():
    """Five questions; the first three are answerable."""
    return [
        # Answered in full; the passage starts with the gold sentence and has another.
        outcome([[A]], [A], sure=0.9, says="5,000 troops", answers=("the 5,000 troops",), passage=[A, B]),
        # Answered with a wrong sentence, of which two of three words are right.
        outcome([[B]], [C], sure=0.8, says="about 5,000 men", answers=("5,000 men", "all"), passage=[A, B]),
        # Abstained, though it held the right sentence to be the best; lists no short answers.
        outcome([[C]], [], sure=0.2, closest=[C, A], passage=[A]),
        # Not there: answered without a short answer, and abstained.
        outcome([], [A], sure=0.8, kind="near-miss", passage=[C]),
        outcome([], [], sure=0.0, kind="off-subject", closest=[B], passage=[B]),
    ]


def test_short_answers_are_compared_as_squad_does():
    assert agreement(["the 5,000 troops"], "5,000 troops") == (1.0, 1.0)  # no articles, no commas
    assert agreement(["5000 Troops!"], "An  5,000 troops") == (1.0, 1.0)
    assert agreement(["about 5,000 troops"], "5,000 men") == (0.0, pytest.approx(0.4))  # 1 of 2, 1 of 3
    assert agreement(["a a b"], "b b") == (0.0, pytest.approx(2 / 3))  # articles gone; b counts once
    assert agreement(["no", "5,000 troops", "5,000"], "5,000") == (1.0, 1.0)  # the best of them
    assert agreement(["5,000"], "") == agreement([], "5,000") == agreement(["5,000"], "men") == (0.0, 0.0)
    assert agreement([], "") == agreement([], "the") == agreement(["the"], "") == (1.0, 1.0)


def test_exact_match_and_f1_apart_and_together():
    found = figures(judged())
    told = {part: (short.questions, short.exact, short.f1) for part, short in found.squad.items()}
    assert told == {
        "HasAns": (2, 0.5, 0.9),  # 1 and 2 * (2/3) * 1 / (5/3) = 0.8; the third lists none
        "NoAns": (2, 0.5, 0.5),
        "all": (4, 0.5, 0.7),
    }
    bare = figures([outcome([[A]], [A], says="5,000"), outcome([], [])])
    assert bare.squad is None
    assert json.loads(bare.to_json())["squad"] is None
    assert not any(row[0].startswith("exact match") for row in bare.rows())
    assert any(row[0] == "exact match / F1, NoAns" for row in found.rows())


def test_what_an_abstaining_answer_would_have_said_does_not_count():
    found = figures([outcome([[A]], [], says="5,000", answers=("5,000",)), outcome([], [], says="5,000")])
    assert (found.squad["HasAns"].exact, found.squad["NoAns"].exact) == (0.0, 1.0)


def test_auroc_counts_a_tie_half():
    assert auroc([0.9, 0.8], [0.1]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([0.9, 0.5, 0.2], [0.5, 0.3]) == 0.5833  # 2 + 1.5 + 0 of 6 pairs
    assert auroc([], [0.3]) is None is auroc([0.3], [])
    found = figures(judged())
    assert found.auroc == 0.75  # 2 + 1.5 + 1 of 6 pairs
    assert found.auroc_by_kind == {"near-miss": 0.5, "off-subject": 1.0}


def test_calibration_error():
    perfect = [0.8] * 10 + [0.3] * 10, [True] * 8 + [False] * 2 + [True] * 3 + [False] * 7
    assert calibration(*perfect)[0] == 0.0
    assert calibration([1.0] * 10, [True] * 6 + [False] * 4)[0] == 0.4
    # A bin of three that is 0.1 too sure, and one that is 0.6 not sure enough.
    error, bins = calibration([0.74, 0.76, 0.8, 0.4], [True, True, False, True])
    assert error == 0.225
    assert [(b.low, b.high, b.questions, b.confidence, b.answerable) for b in bins if b.questions] == [
        (0.3, 0.4, 1, 0.4, 1.0),
        (0.7, 0.8, 3, 0.7667, 0.6667),
    ]
    assert (len(bins), bins[0].confidence) == (10, None)
    assert [b.questions for b in calibration([0.0, 0.1, 0.1001, 1.0], [True] * 4)[1]] == [2, 1, *[0] * 7, 1]
    assert calibration([], [])[0] is None


def test_risk_at_coverage():
    at, area = risk_coverage([0.9, 0.8, 0.7, 0.6], [False, True, False, True])
    assert at == {0.5: 0.5, 0.7: 0.3333, 0.8: 0.5, 0.9: 0.5, 1.0: 0.5}  # two, three and four questions
    assert area == 0.3333  # (0 + 1/2 + 1/3 + 1/2) / 4
    assert risk_coverage([0.6, 0.8, 0.9, 0.7], [True, True, False, False]) == (at, area)
    at, area = risk_coverage([0.5] * 10, [True] * 3 + [False] * 7)  # no order is better than another
    assert (set(at.values()), area) == ({0.3}, 0.3)
    assert risk_coverage([], []) == (dict.fromkeys((0.5, 0.7, 0.8, 0.9, 1.0)), None)


def test_the_top_sentence_is_known_when_abstaining():
    found = figures(judged())
    # By confidence: right; wrong and unanswerable, tied; right, though it abstained; unanswerable.
    assert found.risk_at == {0.5: 0.6667, 0.7: 0.5, 0.8: 0.5, 0.9: 0.6, 1.0: 0.6}
    assert found.aurc == 0.4533  # (0 + 1/2 + 2/3 + 1/2 + 3/5) / 5
    assert found.top_citation == 0.3333  # the one that abstained gave no answer


def test_what_each_setting_of_caution_would_do():
    table = {row.caution: (row.answered, row.right, row.abstained) for row in figures(judged()).caution}
    assert list(table) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert table[0.0] == (1.0, 0.6667, 0.0)
    assert table[0.2] == (1.0, 0.6667, 0.5)
    assert table[0.3] == table[0.8] == (0.6667, 0.5, 0.5)
    assert table[0.9] == (0.3333, 1.0, 1.0)
    nothing = cautions([-1.0, 0.3], [True, True], [False, True])  # nothing found: never answered
    assert (nothing[0].answered, nothing[0].right, nothing[0].abstained) == (0.5, 1.0, None)
    assert (nothing[9].answered, nothing[9].right) == (0.0, None)


def test_the_baselines():
    found = figures(judged())
    passage, abstain = found.baselines["top passage"], found.baselines["abstain"]
    assert (passage.answered, passage.top_citation, passage.right_among_answered) == (5, 0.3333, 0.3333)
    assert (passage.citation_precision, passage.citation_recall) == (0.3333, 0.6667)  # 1/2, 1/2, 0; 1, 1, 0
    assert passage.citation_f1 == 0.4444
    assert passage.risk == 0.8
    assert passage.abstained == {"answerable": 0.0, "unanswerable": 0.0, "near-miss": 0.0, "off-subject": 0.0}
    assert (passage.squad["HasAns"].f1, passage.squad["NoAns"].exact) == (0.0, 0.0)
    assert (abstain.answered, abstain.top_citation, abstain.right_among_answered, abstain.risk) == (0, 0.0, None, None)
    assert (abstain.citation_f1, abstain.abstained["answerable"]) == (None, 1.0)
    assert (abstain.squad["HasAns"].exact, abstain.squad["NoAns"].exact, abstain.squad["all"].f1) == (0.0, 1.0, 0.5)
    nothing = figures([outcome([[A]], [])]).baselines["top passage"]  # none was found
    assert (nothing.answered, nothing.risk) == (0, None)


def test_the_tables_fit_a_terminal(monkeypatch, tmp_path):
    monkeypatch.setattr("ui.command._opened", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr("qa.evaluate.run", lambda *_: judged())
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "Who?"}\n')
    printed = CliRunner().invoke(app, ["evaluate", str(path)])
    assert printed.exit_code == 0, printed.output
    lines = printed.output.splitlines()
    assert lines[0].split("  ")[0] == "5 questions, 3 answerable"
    assert lines[0].endswith("article-qa    top passage        abstain")
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) <= 80
    told = {line[:25].strip(): line[25:].split() for line in lines}
    assert told["top citation right"] == ["0.333", "0.333", "0.000"]
    assert told["sentence F1"] == ["0.500", "0.444", "–"]
    assert told["risk at coverage 1.0"] == ["0.600", "0.800", "–"]
    assert told["AUROC of confidence"] == ["0.750", "–", "–"]
    assert "caution" not in told
    both = CliRunner().invoke(app, ["evaluate", str(path), "--caution-table"]).output
    assert both.startswith(printed.output)
    assert [line.split() for line in both.splitlines()[-1:]] == [["0.9", "0.333", "1.000", "1.000"]]
    assert max(map(len, both.splitlines())) <= 80
    assert json.loads(CliRunner().invoke(app, ["evaluate", str(path), "--json"]).output)["caution"][9]["right"] == 1.0


def test_run_finds_where_the_gold_sentence_came():
    first, second = "About 5,000 U.S. troops remain in Iraq.", "The vault opened in 2008."
    question = Question("1", "How many U.S. troops remain in Iraq?", gold=(frozenset({("t", first)}),))
    with Assistant.of_texts([Article("t", "T", f"{first} {second}")]) as assistant:
        [found] = run(assistant, [question])
    assert found.right
    assert found.found == ((0, 0, len(first)),)
    assert found.passage == (("t", first), ("t", second))


def test_a_setting_that_hides_the_top_sentence_is_refused():
    with pytest.raises(UnknownSetting, match="QA_CLOSEST is 0"):
        run(SimpleNamespace(settings=SimpleNamespace(closest=0)), [])


def test_short_answers_are_read(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "a", "answers": ["5,000", "the"]}\n{"question": "b"}\n')
    assert [question.answers for question in load(path)] == [("5,000",), ()]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no questions"),
        ('{"question": "a"}\nnonsense\n', "line 2: not a question"),
        ('{"gold": []}\n', "line 1: not a question"),
        ('{"question": "a", "gold": [{"article": "x"}]}\n', "line 1: not a question"),
        ("[1]\n", "line 1: not a question"),
        ('{"question": "a", "answers": "5,000"}\n', "line 1: not a question"),
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


def test_an_article_taken_out_is_gone_for_a_while():
    with Assistant.of_texts(["The bridge of Basra opened in May.", "Svalbard keeps seeds in the ice."]) as assistant:
        before = assistant.results("When did the bridge open?")
        with taken_out(assistant._library, "text-1"):
            assert assistant.articles() == ["text-2"]
            assert {e.sentence.article_id for e in assistant.results("When did the bridge open?").evidence} == {
                "text-2"
            }
        after = assistant.results("When did the bridge open?")
        assert [(e.sentence, e.score) for e in after.evidence] == [(e.sentence, e.score) for e in before.evidence]
        with pytest.raises(ValueError, match="text-9"), taken_out(assistant._library, "text-9"):
            pass
