"""Any question-answering model of transformers can be the reader; these are real ones, tiny and untrained."""

import threading

import numpy as np
import pytest
from model_fixtures import bert

from index.errors import ReaderUnavailable
from index.loaded import quiet
from index.search import Results
from index.types import Evidence, Hit, Passage, Sentence
from qa.reader import foreign as module
from qa.reader.foreign import GENERIC, TransformersModel, named
from qa.reader.model import Text
from qa.reader.select import SIGNS, Reader, probability

WORDS = tuple(f"{a}{b}" for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u"))
TEXT = Text("Quds Force", ("Soleimani led it.", "It was founded in 1988, in Tehran!", "Nobody knows."))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return bert(tmp_path_factory.mktemp("reader"), "BertForQuestionAnswering", words=WORDS)


@pytest.fixture(scope="module")
def model(folder):
    return TransformersModel(folder)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """One that reads 62 word pieces at once."""
    name = bert(tmp_path_factory.mktemp("narrow"), "BertForQuestionAnswering", positions=64, words=WORDS)
    return TransformersModel(name)


def check(text, reading):
    assert len(reading.evidence) == len(reading.spans) == len(text.sentences)
    assert reading.evidence == tuple(score for score, _, _ in reading.spans)
    assert reading.answerable == max(reading.evidence, default=-40.0)
    assert np.isfinite([reading.answerable, *reading.evidence]).all()
    for sentence, (_, start, end) in zip(text.sentences, reading.spans, strict=True):
        assert 0 <= start <= end <= len(sentence)
        assert sentence[start:end] == sentence[start:end].strip()


def test_scores_are_those_of_the_model_itself(folder, model):
    """Start and end less that of the first mark, tried out over all spans of a sentence."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        network = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    question, passage = "Who led it?", "Quds Force. Soleimani led it. It was founded in 1988, in Tehran! Nobody knows."
    features = tokenizer(question, passage, return_tensors="pt", return_offsets_mapping=True)
    offsets, second = features.pop("offset_mapping")[0].tolist(), features.sequence_ids(0)
    with torch.inference_mode():
        found = network(**features)
    starts, ends = found.start_logits[0].numpy(), found.end_logits[0].numpy()
    (reading,) = model.read(question, [TEXT])
    check(TEXT, reading)
    for number, sentence in enumerate(TEXT.sentences):
        begin = passage.index(sentence)
        inside = [
            at
            for at, (start, end) in enumerate(offsets)
            if second[at] == 1 and begin <= start and end <= begin + len(sentence)
        ]
        score, first, last = max((starts[a] + ends[b], a, b) for a in inside for b in inside if 0 <= b - a < 30)
        assert reading.spans[number][0] == pytest.approx(score - starts[0] - ends[0], abs=1e-4)
        assert reading.spans[number][1:] == (offsets[first][0] - begin, offsets[last][1] - begin)


def test_no_texts_and_no_sentences(model):
    assert TransformersModel("nothing is loaded for this").read("Who?", []) == []
    check(Text("", ()), model.read("Who?", [Text("", ())])[0])


@pytest.mark.parametrize(
    "sentences",
    [
        ("x",),
        ("🎉",),
        ("Party 🎉👩‍👩‍👧 tonight 🎉.", "👍🏽"),
        ("السلام عليكم.", "قال «نعم»."),
        ("", "a", ""),
        ("\u200b", "Zero width before.", "\u200b\u00ad"),
        ("e\u0301te\u0301 ﬁn", "İstanbul"),
        ("漢字。", "かな"),
        ("word\u00a0joined\tand tabbed", "two\nlines"),
    ],
)
@pytest.mark.parametrize("title", ["", "T"])
def test_any_text_is_read(model, sentences, title):
    text = Text(title, sentences)
    (reading,) = model.read("¿Quién 🎉?", [text])
    check(text, reading)
    for sentence, (score, start, end) in zip(sentences, reading.spans, strict=True):
        if any(letter.isalnum() for letter in sentence):
            assert score > -40 and start < end


def test_the_title_is_read_and_is_no_answer(model):
    titled, bare = model.read("Who?", [TEXT, Text("", TEXT.sentences)])
    assert titled.evidence != bare.evidence
    check(TEXT, titled)


def test_of_a_long_passage_everything_is_read(model):
    """20,000 words, over a hundred windows, and the last sentence counts as much as the first."""
    rng = np.random.default_rng(0)
    sentences = tuple(" ".join(rng.choice(WORDS, 10)) for _ in range(2_000))
    text, other = Text("T", sentences), Text("T", (*sentences[:-1], "ba " * 9 + "zzz"))
    first, second = model.read("Who?", [text, other])
    check(text, first)
    assert min(first.evidence) > -40
    assert all(start < end for _, start, end in first.spans)
    assert first.evidence[:-60] == pytest.approx(second.evidence[:-60], abs=1e-4)
    assert abs(first.evidence[-1] - second.evidence[-1]) > 1e-3


def test_a_sentence_that_no_window_holds_is_read_in_parts(narrow):
    sentence = " ".join(["ba"] * 300 + ["tu"])
    text = Text("", (sentence, "de fi."))
    (reading,) = narrow.read("Who?", [text])
    check(text, reading)
    assert narrow._loaded.window == 62
    _, start, end = reading.spans[0]
    assert len(sentence[start:end].split()) <= 30
    windows = narrow._windows("Who?", [module._Passage(text)])
    read = {place.start for window in windows for place in window.places if place.sentence == 0}
    assert read == set(range(0, len(sentence), 3))
    assert max(len(window.features["input_ids"]) for window in windows) == 62


def test_of_a_long_question_beginning_and_end_are_read(model):
    middle = " ".join(WORDS * 30)
    asked = model.read(f"ba {middle} tu", [TEXT])
    check(TEXT, asked[0])
    assert model.read(f"ba {middle} {middle} tu", [TEXT]) != model.read(f"ba {middle} de", [TEXT])
    assert model.read(f"ba {middle} zz {middle} tu", [TEXT]) == model.read(f"ba {middle} fi {middle} tu", [TEXT])
    assert model.read(f"fi {middle} tu", [TEXT]) != asked
    assert model.read(f"ba {middle} de", [TEXT]) != asked


@pytest.mark.parametrize("question", ["", " ", "z" * 2_000, "ba" * 1_000, "🎉" * 2_000, "?" * 2_000])
def test_any_question_is_read(narrow, question):
    check(TEXT, narrow.read(question, [TEXT])[0])


def test_a_reading_does_not_depend_on_what_else_is_read(model):
    texts = [TEXT, Text("", ("x",)), Text("T", tuple("ba de fi." for _ in range(300))), Text("", ("ba de.", "tu."))]
    together = model.read("Who?", texts)
    for text, reading in zip(texts, together, strict=True):
        (alone,) = model.read("Who?", [text])
        assert alone.evidence == pytest.approx(reading.evidence, abs=1e-4)


def test_threads(folder):
    fresh = TransformersModel(folder)
    texts = [Text("", tuple(WORDS[: 5 * n + 1])) for n in range(6)]
    expected = [TransformersModel(folder).read("Who?" * (n + 1), [text]) for n, text in enumerate(texts)]
    wrong = []

    def work(seed):
        for n in sorted(range(6), key=lambda n: (n * 5 + seed) % 6):
            (found,) = fresh.read("Who?" * (n + 1), [texts[n]])
            if np.abs(np.subtract(found.evidence, expected[n][0].evidence)).max() > 1e-4:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_pieces_that_count_the_space_before_a_word_to_it(tmp_path):
    """RoBERTa's: bytes for pieces, several for an emoji, and places that are counted from 2."""
    import torch
    import transformers
    from tokenizers import pre_tokenizers

    torch.manual_seed(0)
    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    shape = transformers.RobertaConfig(
        vocab_size=len(letters),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        initializer_range=0.5,
    )
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    with quiet():
        transformers.RobertaForQuestionAnswering(shape).save_pretrained(tmp_path)
        transformers.RobertaTokenizer(vocab=vocabulary, merges=[], trim_offsets=False).save_pretrained(tmp_path)
    model = TransformersModel(str(tmp_path))
    text = Text("Title", ("Party 🎉 tonight, all of you who can come.", "السلام", "It was  late.", "🎉"))
    (reading,) = model.read("Who?", [text])
    check(text, reading)
    assert model._loaded.window == 64
    assert min(reading.evidence) > -40
    windows = model._windows("Who?", [module._Passage(text)])
    for number, sentence in enumerate(text.sentences):
        seen = {n for w in windows for p in w.places if p.sentence == number for n in range(p.start, p.end)}
        assert seen == {n for n, letter in enumerate(sentence) if not letter.isspace()}


def test_loading_prints_nothing(folder, capfd):
    TransformersModel(folder).read("Who?", [TEXT])
    assert capfd.readouterr() == ("", "")


def test_one_model_a_name(folder):
    assert named(folder) is named(folder)


@pytest.mark.parametrize("name", ["nowhere/at-all", "x" * 5_000, "../no\0name", "."])
def test_a_name_that_cannot_be_loaded(name):
    with pytest.raises(
        ReaderUnavailable, match=r"cannot be loaded \(\w+\); check QA_READER .*network.* or unset"
    ) as error:
        TransformersModel(name).read("Who?", [TEXT])
    assert repr(name) in str(error.value) and "\n" not in str(error.value)


def test_folders_that_hold_no_model(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    for name in (tmp_path / "missing", tmp_path):
        with pytest.raises(ReaderUnavailable, match="check QA_READER"):
            TransformersModel(str(name)).read("Who?", [TEXT])


def test_a_model_that_was_not_trained_for_questions(tmp_path, capfd):
    name = bert(tmp_path, "BertModel")
    with pytest.raises(
        ReaderUnavailable, match=r"not trained to answer .*qa_outputs\.weight\); set QA_READER"
    ) as error:
        TransformersModel(name).read("Who?", [TEXT])
    assert repr(name) in str(error.value) and "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_a_model_whose_tokenizer_is_missing(tmp_path):
    name = bert(tmp_path, "BertForQuestionAnswering")
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ReaderUnavailable, match="has no vocabulary; set QA_READER"):
        TransformersModel(name).read("Who?", [TEXT])


def test_a_model_without_a_fast_tokenizer(tmp_path):
    import transformers

    shape = transformers.CanineConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_hash_buckets=64,
        max_position_embeddings=64,
        local_transformer_stride=32,
    )
    with quiet():
        transformers.CanineForQuestionAnswering(shape).save_pretrained(tmp_path)
        transformers.CanineTokenizer().save_pretrained(tmp_path)
    with pytest.raises(ReaderUnavailable, match=r"no fast tokenizer.*; set QA_READER"):
        TransformersModel(str(tmp_path)).read("Who?", [TEXT])


def test_weights_that_give_no_numbers(folder):
    import torch

    broken = TransformersModel(folder)
    with torch.no_grad():
        broken._loaded._model.qa_outputs.bias.fill_(float("nan"))
    with pytest.raises(ReaderUnavailable, match="gives no numbers; unset QA_READER"):
        broken.read("Who?", [TEXT])


def test_any_model_fits_the_reader(model):
    sentences = tuple(Sentence("a", "0", n, n * 10, n * 10 + 9) for n in range(3))
    hit = Hit(Passage(1, "a", "0", 0, sentences), TEXT.title, TEXT.sentences, 1.0, 0.5, 3.0)
    evidence = tuple(
        Evidence(sentence, text, 3.0 - n, (0.5, 1.0, 0.5, 0.0), 1.0, hit)
        for n, (sentence, text) in enumerate(zip(sentences, TEXT.sentences, strict=True))
    )
    (reading,) = model.read("Who?", [TEXT])
    found = Reader(model, GENERIC).read("Who?", Results((hit,), evidence, "exact"))
    best = max(range(3), key=lambda n: reading.evidence[n])
    assert found.ranked[0].sentence == sentences[best]
    assert found.confidence == pytest.approx(1 / (1 + np.exp(-reading.evidence[best])))


def test_a_span_as_good_as_none_is_even():
    assert probability([0.0] * len(SIGNS), GENERIC.signs) == 0.5
    assert probability([2.0] * len(SIGNS), GENERIC.signs) == pytest.approx(1 / (1 + np.exp(-2.0)))
