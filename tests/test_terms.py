"""Terms agree with what SQLite's full text sees, whatever the text."""

import sqlite3
import threading

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index import terms as module
from index.terms import TOKENIZER, query_words, searchable, terms, words

texts = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=80),
    st.text(st.sampled_from("aZsS9éßİσΣς\u0301\u0308\u0330\u0345\u200d_-'.½²ﬁ中ا\U0001f600 \n"), max_size=60),
)


@pytest.fixture(scope="module")
def fts():
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        f"CREATE VIRTUAL TABLE t USING fts5(x, tokenize='{TOKENIZER}');"
        "CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance');"
    )
    yield connection
    connection.close()


@given(texts)
@example("ΟΔΟΣ οδος")
@example("cafe\u0301s café cafes")
@example("İstanbul")
@example("fire\U0001f972 0\uaaf7")
@settings(max_examples=300, deadline=None)
def test_terms_are_those_of_full_text_search(fts, text):
    fts.execute("DELETE FROM t")
    fts.execute("INSERT INTO t VALUES (?)", (searchable(text),))
    assert terms(text) == [row[0] for row in fts.execute("SELECT term FROM v ORDER BY offset")]


@given(texts)
@settings(max_examples=100, deadline=None)
def test_a_questions_words_find_its_own_text(fts, text):
    fts.execute("DELETE FROM t")
    fts.execute("INSERT INTO t VALUES (?)", (searchable(text),))
    found = query_words(text)
    assert set(found) <= set(terms(text))
    for word in found.values():
        assert fts.execute("SELECT count(*) FROM t WHERE t MATCH ?", (f'"{word}"',)).fetchone()[0] == 1


def test_grammar_is_left_out_unless_it_is_all():
    assert list(query_words("What did the president say about THE vote?")) == ["presid", "vote"]
    assert list(query_words("Who is who?")) == ["who", "is"]
    assert query_words("?!") == {}


def test_words_keep_order_and_repeat():
    assert words("Rain, rain: RAIN_2020") == ["rain", "rain", "rain", "2020"]


def test_a_full_memory_loses_nothing(monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    monkeypatch.setattr(module, "_stems", {})
    for _ in range(3):
        assert terms("the running dogs barked") == ["the", "run", "dog", "bark"]
        assert terms("dogs sleeping soundly tonight") == ["dog", "sleep", "soundli", "tonight"]


def test_threads(monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 50)
    wrong = []

    def work(seed):
        for n in range(60):
            text = f"running{seed}x{n} dogs barked {n}"
            if terms(text) != [f"running{seed}x{n}", "dog", "bark", str(n)]:
                wrong.append(terms(text))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
