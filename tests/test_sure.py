"""What is said of how sure an answer is stands in the table that was measured."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa.reader
from qa import Assistant, Settings, read
from qa.sure import BANDS, sure

CARD = (Path(qa.reader.__file__).parent / "weights" / "CARD.md").read_text("utf-8")
README = (Path(qa.reader.__file__).parent.parent.parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize("document", [CARD, README])
def test_the_words_are_those_of_the_table(document):
    rows = re.findall(r"^\| (0\.\d) to [\d.]+ \| ([\w ]+) \| (0\.\d+) \| (0\.\d+) \|$", document, re.MULTILINE)
    assert [(band.least, band.name) for band in BANDS] == [(float(least), name) for least, name, *_ in rows]
    for band, (_, _, many, few) in zip(BANDS, rows, strict=True):
        assert (band.few, band.many) == (round(float(few) * 10), round(float(many) * 10))


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_surer_of_two_is_never_said_to_be_less_sure(one, other):
    names = [band.name for band in BANDS]
    low, high = sorted((one, other))
    assert names.index(sure(high).split(":")[0]) <= names.index(sure(low).split(":")[0])


def test_an_answer_says_it_and_an_abstention_does_not():
    texts = ["The bridge of Hoy was opened on 4 March 1962. It has two lanes."]
    answer = read("When was the bridge of Hoy opened?", texts)
    assert answer.sure == sure(answer.confidence) != ""
    assert read("Who is the queen of Spain?", texts).sure == ""
    assert qa.reader.reader(3).measured and not qa.reader.reader(3, "another/model").measured
    with Assistant.of_texts(texts, settings=Settings(caution=0)) as assistant:
        assert assistant.ask("Who is the queen of Spain?").sure.startswith("A guess")
