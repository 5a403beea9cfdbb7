"""The packaged encoder: the vectors of sentence-transformers, nothing truncated, nothing printed."""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from index import compiled
from index.encoder import PACKAGED, Encoder, encoder
from index.errors import EncoderUnavailable

ROOT = Path(__file__).parents[1]
SHORT = "About 5,000 U.S. troops remain in Iraq. They train its army."


@pytest.fixture(scope="session")
def real():
    return encoder()


@pytest.fixture(scope="session")
def whole():
    """The same weights as they are, with sentence-transformers."""
    return Encoder(str(compiled._packaged()))


def test_a_short_text_has_the_vector_of_sentence_transformers(whole):
    expected = whole._network.model.encode([SHORT, "Café 中文 \U0001f600"], normalize_embeddings=True)
    vectors, _ = whole.passages([SHORT, "Café 中文 \U0001f600"], [[], []])
    assert np.abs(vectors - expected).max() < 1e-5
    assert np.abs(whole.query(SHORT) - expected[0]).max() < 1e-5
    assert vectors.dtype == np.float32 and vectors.shape == (2, whole.dimension) == (2, 384)


def test_what_is_compiled_is_near_the_original_and_has_its_word_pieces(real, whole):
    texts = [SHORT, "Café 中文 \U0001f600", "a \ufffd b", "", "Rockets hit a base. " * 60, "supercalifragilistic " * 20]
    spans = [[(0, 35), (36, 60)], [], [], [], [(0, 19), (400, 419)], [(0, 20)]]
    assert real.limit == whole.limit and real.lengths(texts) == whole.lengths(texts)
    assert [p.ids for p in real._network.pieces(texts)] == [p.ids for p in whole._network.pieces(texts)]
    found, parts = real.passages(texts, spans)
    expected, expected_parts = whole.passages(texts, spans)
    assert (found * expected).sum(axis=1).min() > 0.98
    for own, others in zip(parts, expected_parts, strict=True):
        assert not len(own) or (own * others).sum(axis=1).min() > 0.97
    assert found.dtype == np.float32 and found.shape == (6, real.dimension) == (6, 384)


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


def test_a_sentence_vector_is_the_mean_of_its_own_word_pieces(whole):
    text = "Rockets hit Kirkuk. Two eggs, please!"
    _, (parts,) = whole.passages([text], [[(0, 19), (20, len(text))]])
    tokens = whole._network.model.encode(text, output_value="token_embeddings").cpu().numpy()
    first, second = whole.lengths([text[:19], text[20:]])
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
    assert real.lengths(["", "Iraq", SHORT]) == [0, 1, 18]


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


def test_the_fingerprint_names_model_weights_and_precision(real, whole):
    assert real.fingerprint == f"{PACKAGED}@{compiled.WEIGHTS[:16]}-int8.1"
    assert whole.fingerprint.endswith(f"@{compiled.WEIGHTS[:16]}")
    assert encoder() is encoder(PACKAGED) is encoder("")


def test_other_weights_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(compiled, "WEIGHTS", "0" * 64)
    with pytest.raises(EncoderUnavailable, match=r"not the recorded ones.*pip install --force-reinstall"):
        compiled.compile_into(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A cache of its own, with what was compiled in it."""
    mine = compiled.made()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    where = tmp_path / "article-qa" / mine.name
    shutil.copytree(mine, where)
    return where


def test_what_was_compiled_is_found_again(cache, monkeypatch):
    monkeypatch.setattr(compiled, "_run", lambda out: pytest.fail("it was compiled again"))
    assert compiled.folder() == compiled.made() == cache
    assert Encoder().ready


@pytest.mark.parametrize("harm", ["cut", "gone", "manifest"])
def test_damaged_files_are_compiled_again(cache, monkeypatch, harm, caplog):
    good = cache.with_name("good")
    shutil.copytree(cache, good)
    if harm == "cut":
        (cache / "encoder.onnx").write_bytes((cache / "encoder.onnx").read_bytes()[:-1])
    elif harm == "gone":
        (cache / "tokenizer.json").unlink()
    else:
        (cache / "manifest.json").write_text("{", encoding="utf-8")
    runs = []
    monkeypatch.setattr(compiled, "_run", lambda out: runs.append(shutil.copytree(good, out, dirs_exist_ok=True)))
    assert Encoder().query("x").shape == (384,)
    assert len(runs) == 1 and "once for this user" in caplog.text
    assert compiled._sound(cache) and compiled.made() == cache and len(runs) == 1


def test_two_at_once_compile_once(cache, monkeypatch):
    good = cache.with_name("good")
    cache.rename(good)
    runs = []

    def run(out):
        runs.append(out)
        time.sleep(0.3)
        shutil.copytree(good, out, dirs_exist_ok=True)

    monkeypatch.setattr(compiled, "_run", run)
    threads = [threading.Thread(target=compiled.made) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1 and compiled._sound(cache)


def test_a_cache_that_cannot_be_written_is_told_of_and_done_without(cache, monkeypatch, tmp_path, caplog):
    good = cache.with_name("good")
    cache.rename(good)
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(compiled, "_run", lambda out: shutil.copytree(good, out, dirs_exist_ok=True))
    assert Encoder().query("x").shape == (384,)
    assert f"{blocked}" in caplog.text and "XDG_CACHE_HOME" in caplog.text


def test_a_compilation_that_fails_leaves_nothing_and_says_why(cache, monkeypatch, tmp_path):
    shutil.rmtree(cache)
    monkeypatch.setattr(compiled, "_BOOT", "import sys; sys.exit('EncoderUnavailable: the weights are odd')")
    with pytest.raises(EncoderUnavailable, match=r"^the weights are odd$"):
        compiled.made()
    monkeypatch.setattr(compiled, "_BOOT", "raise ImportError('no module onnxscript')")
    with pytest.raises(EncoderUnavailable, match="no module onnxscript; mend its libraries with `pip install"):
        compiled.made()
    assert [file.name for file in (tmp_path / "article-qa").iterdir()] == ["encoder.lock"]


def test_it_is_compiled_from_the_weights_in_a_process_of_its_own(tmp_path, real):
    compiled._run(tmp_path)
    network = compiled.Compiled(tmp_path)
    before, behind = network.marks
    (_, vector, _), *_ = network.read([[*before, *network.pieces([SHORT])[0].ids, *behind]])
    assert np.abs(vector - real.query(SHORT)).max() < 1e-6


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
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = refuse\n"
        "from index.encoder import encoder\n"
        "e = encoder(); e.query('x'); e.lengths(['word ' * 2000]); e.passages(['word ' * 2000], [[(0, 4)]])\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
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


def test_the_folder_one_stands_in_gives_the_compiler_no_modules(tmp_path, monkeypatch):
    (tmp_path / "onnx.py").write_text("raise SystemExit('trap')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(compiled, "_BOOT", "import onnx, sys; sys.exit('no trap')")
    with pytest.raises(EncoderUnavailable, match="no trap"):
        compiled._run(tmp_path)
