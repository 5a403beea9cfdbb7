"""The reader selects the most direct sentences and says how likely it is that they answer."""

from index.search import Results
from index.types import Evidence, Hit, Passage, Sentence
from qa.reader import SimilarityReader, probability


def evidence(number, score, cosine=0.7, coverage=0.9):
    sentence = Sentence("a", "0", number, number * 10, number * 10 + 9)
    hit = Hit(Passage(1, "a", "0", 0, (sentence,)), 1.0, cosine, 3.0)
    return Evidence(sentence, "x" * 9, score, (cosine, 1.0, coverage, 0.0), 1.0, hit)


def results(*items):
    return Results((), items, "exact")


def test_nothing_found_is_no_answer():
    assert SimilarityReader().read("Who?", results()).confidence == 0.0


def test_only_sentences_near_the_best_are_selected():
    reader = SimilarityReader(most=3, margin=1.0)
    found = results(evidence(4, 9.0), evidence(2, 8.5), evidence(7, 7.9), evidence(1, 7.0))
    chosen = reader.read("Who?", found).sentences
    assert [e.sentence.number for e in chosen] == [4, 2]
    assert len(reader.read("Who?", results(*(evidence(n, 9.0) for n in range(6)))).sentences) == 3


def test_nearer_evidence_is_likelier_to_answer():
    near, far = probability([evidence(0, 9.0, 0.8, 1.0)]), probability([evidence(0, 9.0, 0.2, 0.1)])
    assert 0.0 <= far < 0.1 < 0.8 < near <= 1.0
