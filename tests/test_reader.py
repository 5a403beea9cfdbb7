"""The shipped reader: what it reads, how it says what it found, and what it does with odd input and broken files."""

import json
import shutil
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import ReaderUnavailable
from index.kinds import fits, widened
from index.search import Results
from index.types import Evidence, Hit, Passage, Sentence
from qa import read
from qa.reader import reader
from qa.reader.model import WEIGHTS, OnnxModel, Reading, Text, shipped
from qa.reader.select import UNNAMED, Calibration, Reader, short_answer, to_read

TEXT = Text(
    "Strikes",
    (
        "The strikes hit five depots on Sunday.",
        "About 5,000 U.S. troops remain in Iraq to train its army.",
        "Officials in Baghdad declined to comment.",
    ),
)


def found(*sentences, title="T", cosine=0.6):
    """Results of one passage with these sentences, ranked as they stand."""
    spans, at = [], 0
    for number, text in enumerate(sentences):
        spans.append(Sentence("a", "0", number, at, at + len(text)))
        at += len(text) + 1
    hit = Hit(Passage(1, "a", "0", 0, tuple(spans)), title, tuple(sentences), 1.0, cosine, 3.0)
    items = [
        Evidence(span, text, -float(n), (cosine, 1.0, 0.5, 0.0), 1.0, hit)
        for n, (span, text) in enumerate(zip(spans, sentences, strict=True))
    ]
    return Results((hit,), tuple(items), "exact")


class Told:
    """A model that has been told what it reads."""

    def __init__(self, *evidence):
        self.evidence = evidence

    def read(self, question, texts):
        return [Reading(0.0, self.evidence[: len(t.sentences)], ((0.0, 0, 5),) * len(t.sentences)) for t in texts]


PLAIN = Calibration((0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0), (1.0, *[0.0] * 7), (1.0, 0.0, 0.0, 0.0, 0.0))


def test_it_finds_the_sentence_and_the_words():
    [reading] = shipped().read("How many U.S. troops remain in Iraq?", [TEXT])
    best = max(range(3), key=lambda n: reading.evidence[n])
    assert best == 1
    _, start, end = reading.spans[1]
    assert "5,000" in TEXT.sentences[1][start:end]


def test_a_persons_name_that_was_asked_for_is_a_name():
    class Spans(Told):
        def read(self, question, texts):
            return [Reading(9.0, (9.0,), ((9.0, *self.evidence),))]

    asked = "What is the name of the contractor who was killed?"
    sure = Calibration(PLAIN.sentence, (0.0, 0.0, 1.0, *[0.0] * 5), PLAIN.company)
    nameless = found("An American contractor was killed in the attack.")
    told = Reader(Spans(3, 22), sure).read(asked, nameless)
    assert (told.confidence, told.short) == (UNNAMED, None)
    assert Reader(Spans(3, 22), sure).read("Who was killed?", nameless).confidence > 0.99
    told = Reader(Spans(15, 27), sure).read(asked, found("The victim was Nawres Hamid, an interpreter."))
    assert told.confidence > 0.99
    assert told.short.text == "Nawres Hamid"


def test_it_knows_a_text_that_answers_from_one_that_does_not():
    there, absent = shipped().read(
        "How many U.S. troops remain in Iraq?", [TEXT, Text("Bees", ("Bees live in hives.", "A hive has one queen."))]
    )
    assert there.answerable > absent.answerable + 1
    assert max(there.evidence) > max(absent.evidence) + 1


def test_what_stands_beside_a_text_changes_nothing():
    others = [Text("", ("Bees live in hives. " * n,)) for n in (1, 9, 40)]
    [alone] = shipped().read("How many troops remain?", [TEXT])
    together = shipped().read("How many troops remain?", [*others, TEXT, *others])[3]
    assert together == alone


@pytest.mark.parametrize(
    "sentence",
    ["x", "", " ", "\u200b", "😀😀😀", "عربي نص هنا", "שלום עולם", "日本語の文章です。", "a" * 5_000, "é" * 300],
    ids=["one", "none", "space", "zero width", "emoji", "arabic", "hebrew", "japanese", "one long word", "accents"],
)
def test_odd_sentences_are_read(sentence):
    [reading] = shipped().read("What is it?", [Text("", (sentence, "It is a bee."))])
    assert len(reading.evidence) == len(reading.spans) == 2
    _, start, end = reading.spans[0]
    assert 0 <= start <= end <= len(sentence)


def test_a_passage_of_20_000_words_is_read_to_its_end():
    filler = tuple(f"Sentence {n} tells of a quiet field beside the old river road." for n in range(1_700))
    [reading] = shipped().read("How many U.S. troops remain in Iraq?", [Text("", (*filler, TEXT.sentences[1]))])
    assert max(range(1_701), key=lambda n: reading.evidence[n]) == 1_700
    [one] = shipped().read(
        "How many U.S. troops remain in Iraq?", [Text("", (" ".join(filler[:800]) + " " + TEXT.sentences[1],))]
    )
    _, start, end = one.spans[0]
    assert "5,000" in (" ".join(filler[:800]) + " " + TEXT.sentences[1])[start:end]


def test_a_question_longer_than_the_window_is_read():
    long = "I have been told many things about many countries. " * 60 + "How many U.S. troops remain in Iraq?"
    [reading] = shipped().read(long, [TEXT])
    assert len(reading.evidence) == 3
    assert reading != shipped().read(long.removesuffix("How many U.S. troops remain in Iraq?"), [TEXT])[0]
    assert shipped().read("国" * 2_000, [TEXT])[0].evidence


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=6), st.text(max_size=30), st.text(min_size=1, max_size=60))
def test_spans_lie_inside_their_sentences(sentences, title, question):
    [reading] = shipped().read(question, [Text(title, tuple(sentences))])
    assert len(reading.evidence) == len(sentences)
    for text, (_, start, end) in zip(sentences, reading.spans, strict=True):
        assert 0 <= start <= end <= len(text)


def test_several_threads_read_the_same():
    expected = shipped().read("Who declined to comment?", [TEXT])[0].evidence
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(shipped().read("Who declined to comment?", [TEXT])[0].evidence))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 6


@pytest.fixture
def weights(tmp_path):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    return tmp_path / "weights"


@pytest.mark.parametrize("name", ["reader.onnx", "tokenizer.json"])
def test_a_damaged_file_is_named(weights, name):
    data = bytearray((weights / name).read_bytes())
    data[len(data) // 2] ^= 1
    (weights / name).write_bytes(data)
    with pytest.raises(ReaderUnavailable, match=rf"{name} is not the recorded file.*restore.*pip install"):
        OnnxModel(weights).read("Who?", [TEXT])


@pytest.mark.parametrize("name", ["reader.onnx", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_named(weights, name):
    (weights / name).unlink()
    with pytest.raises(ReaderUnavailable, match=rf"{name}.*restore.*pip install"):
        OnnxModel(weights).read("Who?", [TEXT])


def test_a_network_that_does_not_load_is_named(weights):
    (weights / "reader.onnx").write_bytes(b"no network")
    manifest = json.loads((weights / "manifest.json").read_text())
    import hashlib

    manifest["files"]["reader.onnx"] = hashlib.sha256(b"no network").hexdigest()
    (weights / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReaderUnavailable, match="cannot be loaded"):
        OnnxModel(weights).read("Who?", [TEXT])


def test_the_weights_are_small_enough_to_ship():
    assert (WEIGHTS / "reader.onnx").stat().st_size <= 25_000_000


def test_nothing_found_is_no_answer():
    selection = reader(3).read("Who?", Results((), (), "exact"))
    assert (selection.sentences, selection.confidence, selection.short) == ((), 0.0, None)


def test_all_evidence_is_ranked_and_the_first_is_selected():
    selection = Reader(Told(-5.0, 2.0, -5.0), PLAIN).read("Why?", found("One.", "Two.", "Three."))
    assert [e.text for e in selection.ranked] == ["Two.", "One.", "Three."]
    assert [e.text for e in selection.sentences] == ["Two."]
    assert selection.confidence == pytest.approx(0.8808, abs=1e-4)


def test_sentences_that_belong_are_selected_up_to_the_most_in_reading_order():
    model = Told(1.0, 2.0, 3.0)
    results = found("One.", "Two.", "Three.")
    assert [e.text for e in Reader(model, PLAIN).read("Why?", results).sentences] == ["One.", "Two.", "Three."]
    assert [e.text for e in Reader(model, PLAIN, most=2).read("Why?", results).sentences] == ["Two.", "Three."]


def test_the_passages_of_the_best_sentences_are_read():
    hits = []
    for key in range(6):
        sentence = Sentence("a", "0", key, key * 9, key * 9 + 8)
        hits.append(Hit(Passage(key, "a", "0", key, (sentence,)), "", ("x",), -float(key), 0.5, 0.0))
    items = [Evidence(h.passage.sentences[0], "x", 1.0, (0.5, 1.0, 0.5, 0.0), 1.0, h) for h in reversed(hits)]
    assert [h.passage.key for h in to_read(Results(tuple(hits), tuple(items), "exact"), 4)] == [5, 4, 3, 2]


@pytest.mark.parametrize(
    ("wanted", "words", "fit"),
    [
        ("count", "About 5,000", True),
        ("count", "two", True),
        ("count", "the militia", False),
        ("date", "Dec. 27", True),
        ("date", "Sunday", True),
        ("date", "the base", False),
        ("person", "Mark T. Esper", True),
        ("person", "an officer", False),
        ("place", "Kirkuk", True),
        ("reason", "because of Iraq", False),
        ("other", "a special operations unit", True),
    ],
)
def test_a_short_answer_is_of_the_kind_asked_for(wanted, words, fit):
    assert fits(wanted, words, {"who", "how"}) == fit


def test_a_name_is_given_whole():
    text = "Defense Secretary Mark T. Esper said so."
    start = text.index("Mark")
    assert text[slice(*widened("person", text, start, start + 7))] == "Mark T. Esper"
    assert widened("date", text, start, start + 7) == (start, start + 7)


def test_the_short_answer_stands_in_the_article_where_it_says():
    results = found("Nothing here.", "About 5,000 U.S. troops remain in Iraq.")
    selection = reader(3).read("How many U.S. troops remain in Iraq?", results)
    short = selection.short
    assert short and "5,000" in short.text
    at = short.evidence.sentence.start
    assert short.evidence.text[short.start - at : short.end - at] == short.text
    assert short_answer("Why do they remain?", selection_row(selection, results)) is None


def selection_row(selection, results):
    from qa.reader.select import Read

    return Read(selection.sentences[0], (0.0,) * 8, (1.0, 0, 11))


def test_read_answers_and_abstains():
    texts = ["The chief said little. About 5,000 U.S. troops remain in Iraq.", "Bees live in hives."]
    answer = read("How many U.S. troops remain in Iraq?", texts)
    assert answer.answered
    assert answer.citations[0].quote == "About 5,000 U.S. troops remain in Iraq."
    assert "5,000" in answer.short_answer
    cited = answer.citations[0]
    assert texts[0][cited.answer_start : cited.answer_end] == answer.short_answer
    assert not read("How tall is the Eiffel Tower?", texts).answered
