"""Chroma beside the library: never believed, always replaceable, and as good as exact search."""

import contextlib
import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from library_fixtures import crowd, exact_search, publish, random_rows, vector_of

from index.library import Library
from index.vectors import VectorIndex, embedded
from index.vectors import index as module
from index.vectors.store import ChromaError


@pytest.fixture
def library(tmp_path):
    opened = Library(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def index(library):
    opened = VectorIndex(library, owner=True)
    yield opened
    opened.close()


def folder(library):
    return next(library.folder.glob("chroma-*"))


def assert_like_exact(index, library, queries=20, k=10, recall=1.0, engine="chroma"):
    """Assert that searching finds what exact search finds, with the same similarities."""
    rows = library.vectors()[2]
    random_ = np.random.default_rng(5)
    found = expected = 0
    for _ in range(queries):
        query = rows[random_.integers(len(rows))] + random_.normal(size=rows.shape[1]) * 0.05
        query = (query / np.linalg.norm(query)).astype(np.float32)
        hits, served = index.search(query, k)
        truth = exact_search(library, query, k)
        assert served == engine
        assert list(hits.values()) == pytest.approx(sorted(hits.values(), reverse=True), abs=1e-6)
        found += len(hits.keys() & truth.keys())
        expected += len(truth)
        for key in hits.keys() & truth.keys():
            assert hits[key] == pytest.approx(truth[key], abs=1e-4)
    assert found >= recall * expected, f"{found} of {expected}"


def test_an_empty_library(library, index):
    index.open()
    assert index.search(vector_of("x"), 5) == ({}, "chroma")
    index.close()
    assert index.search(vector_of("x"), 5) == ({}, "exact")


def test_what_is_published_is_found_before_and_after_chroma_has_it(library, index):
    crowd(library, "a", random_rows(300, 1))
    index.open()
    assert library.watermark == 300 and index.engine == "chroma"
    crowd(library, "b", random_rows(50, 2))
    assert library.watermark == 300 and library.standing(300) == (300, 50, 0)
    assert_like_exact(index, library)  # the tail is searched exactly
    index.catch_up()
    assert library.watermark == 350 and index._store.collection.count() == 350
    assert_like_exact(index, library)


def test_what_is_removed_or_replaced_is_not_found(library, index):
    crowd(library, "a", random_rows(100, 1))
    crowd(library, "b", random_rows(100, 2))
    index.open()
    crowd(library, "a", random_rows(60, 3))
    for _ in range(2):
        for row in random_rows(100, 1)[:10]:
            hits, engine = index.search(row, 10)
            assert engine == "chroma" and len(hits) == 10
            assert min(hits) > 100 and max(hits.values()) < 0.9
        assert_like_exact(index, library)
        index.catch_up()
        assert not library.retired() and index._store.collection.count() == 160
    library.remove("a")
    library.remove("b")
    assert index.search(random_rows(1, 1)[0], 10)[0] == {}
    index.catch_up()
    assert index._store.collection.count() == 0 and index.engine == "chroma"


def test_many_retired_passages_are_no_reason_to_ask_chroma_for_thousands(library, index, monkeypatch):
    monkeypatch.setattr(module, "_RETIRED", 50)
    crowd(library, "a", random_rows(100, 1))
    crowd(library, "b", random_rows(100, 2))
    index.open()
    library.remove("a")
    assert_like_exact(index, library, engine="exact")
    index.catch_up()
    assert_like_exact(index, library)


@pytest.mark.parametrize("dimension", [64, 384])
def test_recall(library, index, dimension):
    """On random vectors, which have no neighbourhoods to help."""
    crowd(library, "a", random_rows(1200, 1, dimension))
    index.open()
    queries = random_rows(100, 9, dimension)
    found = sum(len(index.search(q, 10)[0].keys() & exact_search(library, q, 10).keys()) for q in queries)
    assert found >= 0.99 * 1000
    assert all(next(iter(index.search(row, 1)[0])) == key for key, row in enumerate(random_rows(1200, 1, dimension), 1))


def test_reopened_as_it_was_left(library, index, caplog):
    crowd(library, "a", random_rows(1500, 1))
    index.open()
    first = folder(library)
    for _ in range(3):
        index.close()
        index = VectorIndex(library, owner=True)
        index.open()
        assert folder(library) == first and not caplog.records
    assert_like_exact(index, library)
    index.close()


def test_nothing_is_left_to_be_built_in_at_the_next_opening(library, index):
    crowd(library, "a", random_rows(1500, 1))
    index.open()
    crowd(library, "b", random_rows(3, 2))
    index.catch_up()
    index.close()
    with contextlib.closing(sqlite3.connect(folder(library) / "chroma.sqlite3")) as chroma:
        [waiting] = chroma.execute("SELECT count(*) FROM embeddings_queue").fetchone()
    assert waiting <= 2


def test_in_a_new_process_it_is_not_rebuilt(library, index):
    crowd(library, "a", random_rows(1500, 1))
    index.open()
    before = folder(library)
    index.close()
    code = (
        "import sys; from pathlib import Path\n"
        "from index.library import Library; from index.vectors import VectorIndex\n"
        "index = VectorIndex(Library(Path(sys.argv[1])), owner=True); index.open()\n"
        "print(index.engine, index._store.path)"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, str(library.folder)],
            cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout == f"chroma {before}\n" and not done.stderr


def flip(path, count=50):
    data = bytearray(path.read_bytes())
    rng = random.Random(7)
    for _ in range(count):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def hnsw(path, name):
    return next(path.glob(f"*/{name}"))


def sparse(path):
    with hnsw(path, "link_lists.bin").open("r+b") as file:
        file.truncate(1 << 40)


DAMAGE = {
    "everything deleted": shutil.rmtree,
    "everything in it deleted": lambda path: [p.unlink() for p in path.rglob("*") if p.is_file()],
    "hnsw directory deleted": lambda path: shutil.rmtree(hnsw(path, "header.bin").parent),
    "data_level0 truncated": lambda path: os.truncate(hnsw(path, "data_level0.bin"), 100_000),
    "data_level0 flipped": lambda path: flip(hnsw(path, "data_level0.bin")),
    "header flipped": lambda path: flip(hnsw(path, "header.bin")),
    "link_lists flipped": lambda path: flip(hnsw(path, "link_lists.bin")),
    "link_lists sparse": sparse,
    "pickle truncated": lambda path: os.truncate(hnsw(path, "index_metadata.pickle"), 100),
    "sqlite empty": lambda path: os.truncate(path / "chroma.sqlite3", 0),
    "sqlite garbage": lambda path: (path / "chroma.sqlite3").write_bytes(b"garbage " * 1000),
    "sqlite flipped": lambda path: flip(path / "chroma.sqlite3"),
    "one bit": lambda path: flip(hnsw(path, "data_level0.bin"), 1),
    "a journal is left": lambda path: (path / "chroma.sqlite3-journal").write_bytes(b"x"),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A library of 1,100 passages with a sound Chroma, to be copied and damaged."""
    place = tmp_path_factory.mktemp("sound")
    library = Library(place)
    crowd(library, "a", random_rows(1100, 1))
    index = VectorIndex(library, owner=True)
    index.open()
    index.close()
    library.close()
    return place


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_chroma_is_never_opened_and_always_mended(sound, tmp_path, name, monkeypatch):
    shutil.copytree(sound, tmp_path / "library")
    library = Library(tmp_path / "library")
    first = folder(library)
    DAMAGE[name](first)
    opened = []
    monkeypatch.setattr(embedded, "_client", lambda path, real=embedded._client: opened.append(path) or real(path))
    index = VectorIndex(library, owner=True)
    examined, fine = index.examine()
    assert not fine or "not built" in examined
    index.open()
    assert first not in opened and not first.exists()
    assert index.engine == "chroma" and index.examine() == ("sound and complete", True)
    assert_like_exact(index, library, queries=5)
    assert len(list(library.folder.glob("chroma-*"))) == 1
    index.close()
    library.close()


def test_a_library_that_was_left_unsealed_is_rebuilt(sound, tmp_path, caplog):
    """As after a kill while Chroma was being written."""
    shutil.copytree(sound, tmp_path / "library")
    library = Library(tmp_path / "library")
    library.set(chroma_seal="")
    index = VectorIndex(library, owner=True)
    assert index.examine() == ("was left half written", False)
    index.open()
    assert folder(library).name == "chroma-000002" and index.engine == "chroma"
    assert_like_exact(index, library, queries=5)
    index.close()
    library.close()


def test_another_version_of_chroma_starts_afresh(sound, tmp_path, monkeypatch):
    shutil.copytree(sound, tmp_path / "library")
    library = Library(tmp_path / "library")
    monkeypatch.setattr(embedded.metadata, "version", lambda name: "1.99")
    index = VectorIndex(library, owner=True)
    index.open()
    assert folder(library).name == "chroma-000002" and index.engine == "chroma"
    index.close()
    library.close()


def test_a_write_breaks_the_seal_until_it_is_checked(library, index, monkeypatch):
    crowd(library, "a", random_rows(100, 1))
    index.open()
    crowd(library, "b", random_rows(100, 2))
    seals = []
    upsert = index._store.collection.upsert
    monkeypatch.setattr(
        type(index._store.collection),
        "upsert",
        lambda self, **k: seals.append(library.get("chroma_seal")) or upsert(**k),
    )
    index.catch_up()
    assert seals == [""] and library.get("chroma_seal")


class Failing:
    """A collection whose n-th call fails."""

    def __init__(self, collection, at, error):
        self.collection, self.left, self.error = collection, at, error

    def __getattr__(self, name):
        real = getattr(self.collection, name)
        if name not in ("upsert", "delete", "query", "count"):
            return real

        def call(*arguments, **named):
            self.left -= 1
            if self.left == 0:
                raise self.error
            return real(*arguments, **named)

        return call


class Panic(BaseException):
    """What a panic of Chroma's Rust side is like."""


@pytest.mark.parametrize("error", [RuntimeError("disk full"), Panic("index out of bounds")])
def test_whatever_call_of_chroma_fails_nothing_is_lost(library, index, error, caplog):
    crowd(library, "a", random_rows(60, 1))
    crowd(library, "b", random_rows(60, 2))
    for at in range(1, 30):
        index.open()
        assert index.engine == "chroma"
        crowd(library, "c", random_rows(20, at))
        index._store.collection = Failing(index._store.collection, at, error)
        index.catch_up()
        if index.engine == "chroma":
            break
        assert not library.get("chroma_seal")
        assert_like_exact(index, library, queries=3, engine="exact")
    assert at > 4
    index._store.collection = Failing(index._store.collection.collection, 1, error)
    assert_like_exact(index, library, queries=3, engine="exact")
    index.open()
    assert_like_exact(index, library, queries=3)


def test_an_interrupted_catch_up_goes_on(library, index):
    crowd(library, "a", random_rows(2500, 1))

    def interrupt(done, total):
        assert total == 2500
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.rebuild(interrupt)
    assert not library.get("chroma_seal") and library.watermark == 0
    assert_like_exact(index, library, queries=3)
    index.catch_up()
    assert library.watermark == 2500 and library.get("chroma_seal")
    assert_like_exact(index, library, queries=3)


def test_a_question_during_a_rebuild_is_answered_exactly(library, index):
    crowd(library, "a", random_rows(1500, 1))
    index.open()
    answers = []

    def ask(done, total):
        row = library.vectors()[2][7]
        thread = threading.Thread(target=lambda: answers.append((index.search(row, 5), exact_search(library, row, 5))))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()

    index.rebuild(ask)
    crowd(library, "b", random_rows(30, 3))
    index.catch_up(ask)
    assert len(answers) == 3
    for (hits, engine), truth in answers:
        assert engine == "exact" and list(hits) == list(truth)


def test_questions_at_the_same_time_are_all_answered_by_chroma(library, index):
    crowd(library, "a", random_rows(1000, 1))
    index.open()
    served, wrong = [], []

    def ask(seed):
        for row in random_rows(1000, 1)[seed::100]:
            hits, engine = index.search(row, 5)
            served.append(engine)
            if max(hits.values()) < 0.999:
                wrong.append(hits)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and served == ["chroma"] * 60


def test_closing_while_questions_are_asked(library, index):
    crowd(library, "a", random_rows(500, 1))
    stop, wrong = threading.Event(), []

    def ask():
        try:
            while not stop.is_set():
                hits, _ = index.search(random_rows(500, 1)[3], 3)
                if next(iter(hits)) != 4:
                    wrong.append(hits)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        index.open()
        index.close()
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert library.get("chroma_seal"), "closing is no damage"


def test_removing_while_chroma_is_written_is_no_damage(library, index, caplog):
    crowd(library, "a", random_rows(100, 1))
    crowd(library, "b", random_rows(1500, 2))
    index.rebuild(lambda done, total: library.remove("a"))
    assert index.engine == "chroma" and not caplog.records
    assert_like_exact(index, library, queries=5)
    index.catch_up()
    assert index._store.collection.count() == 1500 and not library.retired()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0])
def test_a_question_without_a_direction_is_refused(library, index, bad):
    crowd(library, "a", random_rows(10, 1))
    index.open()
    with pytest.raises(ValueError, match="finite"):
        index.search(np.full(64, bad, np.float32), 3)


def test_who_does_not_own_the_library_never_touches_chroma(library, monkeypatch):
    crowd(library, "a", random_rows(10, 1))
    monkeypatch.setattr(embedded, "_client", lambda path: pytest.fail("opened"))
    other = VectorIndex(library, owner=False)
    other.open()
    other.catch_up()
    assert_like_exact(other, library, queries=3, engine="exact")
    assert not list(library.folder.glob("chroma-*"))


def test_a_library_in_memory_is_searched_exactly():
    library = Library(None)
    publish(library, "a", "Rockets hit a base.")
    index = VectorIndex(library, owner=True)
    index.open()
    assert index.search(vector_of("Rockets hit a base."), 3) == ({1: pytest.approx(1, abs=1e-3)}, "exact")
    library.close()


def test_a_place_where_chroma_cannot_be_built(library, index, monkeypatch, caplog):
    def refuse(path):
        raise Panic("no space")

    crowd(library, "a", random_rows(10, 1))
    with monkeypatch.context() as patch:
        patch.setattr(embedded, "_client", refuse)
        index.open()
    assert index.engine == "exact" and caplog.records[0].levelno == logging.WARNING
    assert_like_exact(index, library, queries=3, engine="exact")
    index.open()
    assert_like_exact(index, library, queries=3)


def test_ties_are_broken_by_key(library, index):
    crowd(library, "a", np.repeat(random_rows(1, 1), 30, axis=0))
    for _ in range(2):
        assert list(index.search(random_rows(1, 1)[0], 30)[0]) == list(range(1, 31))
        index.open()


def test_a_foreign_collection_is_refused(library, index):
    index.open()
    path = folder(library)
    index.close()
    client = embedded._client(path)
    client.delete_collection("passages")
    client.create_collection("passages", embedding_function=None, configuration={"hnsw": {"space": "l2"}})
    client.close()
    library.set(chroma_seal=embedded._seal(path))
    with pytest.raises(ChromaError, match="cosine"):
        index._store.connect(path)
    index.open()
    assert index.engine == "chroma" and folder(library) != path
