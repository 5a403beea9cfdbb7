"""Splitting: the golden sentences, what holds for any text, and hostile texts in linear time."""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.split import (
    MAX_SENTENCE,
    MAX_SENTENCES,
    TooManySentences,
    _continues,
    is_heading,
    passages,
    sentences,
)

GOLD = Path(__file__).parent / "gold" / "sentences.jsonl"

NASTY = (
    "aZ9é\u0301\u200d\u202e\ufeff\U0001f468\U0001f3fd\U0001f1eb\u2028\x1c\xa0"
    ".!?…,;:-—'\"“”‘’()[]{}<>#*|&/\\  \n\n\t。！」中ا"
)
texts = st.one_of(
    st.text(st.sampled_from(NASTY), max_size=300),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=300),
    st.lists(
        st.sampled_from(
            "Lt. Col. Kadhim|said|in the U.S.|“Why?”|No.|5|a.m.|\n\n|\n|- |1. |The end.|e.g.|He|eBay|\u0301|。|  |!?|’"
            "|(sic)|www.example.org|p. 5".split("|")
        ),
        max_size=60,
    ).map(" ".join),
)  # fmt: skip


def told(text):
    return [text[a:b] for a, b in sentences(text)]


def test_golden_sentences():
    right = total = 0
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        found = told(record["joiner"].join(record["sentences"]))
        right += sum(sentence in found for sentence in record["sentences"])
        total += len(record["sentences"])
    assert total > 300
    assert right >= 0.95 * total, f"{right} of {total}"


@pytest.mark.parametrize(
    "expected",
    [
        ["He ran on, beating his chest.", "Eliud Kipchoge of Kenya had become the first."],
        ["It saw some 3,000 galaxies.", "Hubble also helped."],
        ["It took pulling and luck.", "Excavators, comically small, dug on."],
        ["Gen. Henry Ford met Dr. Ronald Smith.", "Melissa came."],
        ["He works at the bank.", "Morgan does not."],
        ["They treat cancer.", "Doctors Smith and Jones came."],
    ],
)
def test_an_ordinary_word_is_no_abbreviation(expected):
    assert told(" ".join(expected)) == expected


def check(text):
    """Assert what holds for the sentences of any text."""
    spans = sentences(text)
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(text)
        assert not text[at:start].strip()  # nothing is left out
        assert text[start:end] == text[start:end].strip()
        for cut in (start, end):
            if 0 < cut < len(text) and not text[cut - 1].isspace():
                assert not _continues(text, cut), (text[start:end], cut)
        at = end
    assert not text[at:].strip()
    for start, end in spans:
        if end - start > MAX_SENTENCE:  # only where there was no legal cut
            assert not any(character.isspace() for character in text[start : start + MAX_SENTENCE])
            assert all(_continues(text, cut) for cut in range(start + MAX_SENTENCE, end))
    return spans


@given(texts)
@settings(max_examples=100, deadline=None)
def test_sentences_are_ordered_disjoint_trimmed_and_complete(text):
    check(text)


@given(texts, st.integers(30, 90))
@settings(max_examples=30, deadline=None)
def test_long_texts_without_an_end_are_cut(text, times):
    check(" ".join(text.split()) * times)


@pytest.mark.parametrize(
    "character", ["e\u0301\u0327", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3fd"]
)
@pytest.mark.parametrize("before", ["", "x", "xx", "xxx"])
def test_a_run_without_spaces_is_not_cut_inside_a_character(character, before):
    assert len(check(before + character * MAX_SENTENCE)) > 1


@given(texts, texts)
@settings(max_examples=50, deadline=None)
def test_a_paragraph_does_not_depend_on_the_next(one, other):
    one = one.strip() + "."
    if "\n" in one or "\n" in other.strip():
        return
    assert sentences(one + "\n\n" + other)[: len(sentences(one))] == sentences(one)


HOSTILE = {
    "pysbd hangs": "..[111 111 111 111 111 111 111 111 111 111]",
    "parentheses": "(" * 50_000,
    "quotes": '"' * 50_000,
    "brackets": "[" * 50_000,
    "angles": "<" * 50_000,
    "a.": "a. " * 300_000,
    "1. a": "1. a " * 100_000,
    "one word": "x" * 1_000_000,
    "no space in Chinese": "新华社北京电记者今天从有关部门获悉" * 20_000,
    "Chinese": "新华社北京电。" * 40_000,
    "quoted": 'a. "A ' * 50_000,
    "initials": "J.R.R. " * 50_000,
    "dots": "." * 500_000,
    "spaced dots": ". " * 250_000,
    "spaces": "a" + " " * 500_000 + "b",
    "line ends": "a\n" * 40_000,
    "blank lines": ("\n" + " " * 999) * 500 + "a",
    "accents": "e" + "\u0301" * 100_000,
    "flags": "\U0001f1eb\U0001f1f7" * 50_000,
    "joined": "\U0001f468\u200d" * 50_000,
    "asked": "“Why?” " * 50_000,
    "capitals": "A. The " * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_seconds(name):
    text = HOSTILE[name]
    started = time.perf_counter()
    try:
        spans = sentences(text)
    except TooManySentences as error:
        assert f"{MAX_SENTENCES:,}" in str(error)
        spans = []
    spent = time.perf_counter() - started
    assert spent < 10, f"{spent:.1f} s"
    for (_, end), (start, _) in pairwise(spans):
        assert end <= start


def test_too_many_sentences_are_refused():
    with pytest.raises(TooManySentences, match="split it"):
        sentences("He ran.\n\n" * (MAX_SENTENCES + 1))


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 254))
def test_passages_hold_every_sentence_once(lengths, limit):
    runs = passages(lengths, limit)
    assert [n for run in runs for n in run] == list(range(len(lengths)))
    for run in runs:
        assert len(run) == 1 or sum(lengths[n] for n in run) <= limit
    for run, following in pairwise(runs):  # and none was opened without need
        assert sum(lengths[n] for n in run) + lengths[following[0]] > limit


@given(texts)
@settings(max_examples=50, deadline=None)
def test_any_span_can_be_asked_whether_it_is_a_heading(text):
    for start, end in sentences(text):
        if is_heading(text, start, end):
            assert "\n" not in text[start:end]


def test_headings():
    text = "The cost\n\nIt cost $10 billion. Nobody knew why\n\n- eggs\n\nBy Anna Smith\n\nShe came."
    found = {text[a:b]: is_heading(text, a, b) for a, b in sentences(text)}
    assert found["The cost"] and found["By Anna Smith"]
    assert not found["It cost $10 billion."] and not found["Nobody knew why"] and not found["- eggs"]
