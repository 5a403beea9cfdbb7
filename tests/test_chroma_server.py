"""A real Chroma server: as good as files while it is there, and nobody's trouble while it is not."""

import contextlib
import json
import logging
import shutil
import threading
import time

import numpy as np
import pytest
from chroma_server import ChromaServer, Gate, free_port
from conftest import GOLD, SEEDS
from hypothesis import given
from hypothesis import strategies as st
from library_fixtures import crowd, exact_search, random_rows
from pydantic import SecretStr
from typer.testing import CliRunner

from index.errors import UnknownSetting
from index.library import Library
from index.vectors import Server, VectorIndex, server
from index.vectors import index as module
from qa import Assistant, Turn, doctor
from qa.evaluate import load
from qa.settings import load as settings
from ui.command import app

LIMIT = 2.0 + 1.5  # seconds that a question may take at most, with what a busy machine adds


@pytest.fixture(scope="module")
def chroma(tmp_path_factory):
    running = ChromaServer(tmp_path_factory.mktemp("chroma"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def breakable(tmp_path):
    """A server of its own, for a test that kills or stops it."""
    (tmp_path / "chroma").mkdir()
    running = ChromaServer(tmp_path / "chroma")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def gate(chroma):
    opened = Gate(chroma)
    yield opened
    opened.close()


@pytest.fixture
def library(tmp_path):
    opened = Library(tmp_path / "library")
    crowd(opened, "a", random_rows(300, 1))
    yield opened
    opened.close()


@pytest.fixture
def open_index(library):
    """Open the library's index on a server."""
    opened = []

    def open_(url, token="", *, of=library, owner=True):
        index = VectorIndex(of, owner=owner, server=Server(url, SecretStr(token)))
        opened.append(index)
        index.open()
        return index

    yield open_
    for index in opened:
        index.close()


@pytest.fixture
def soon(monkeypatch):
    """Have a server that is away looked for ten times as often."""
    monkeypatch.setattr(module, "_AGAIN", 0.3)


def ask(index, row, k=10):
    """Return what served a question, which is answered in time and as exact search answers it."""
    started = time.monotonic()
    hits, engine = index.search(row, k)
    assert time.monotonic() - started < LIMIT
    truth = exact_search(index._library, row, k)
    assert hits == {key: pytest.approx(found, abs=1e-4) for key, found in truth.items()}
    return engine


def until(engine, index, rows, seconds=30):
    """Ask until this serves; every answer on the way is right."""
    end = time.monotonic() + seconds
    for number in range(10_000):
        if ask(index, rows[number % len(rows)]) == engine:
            return
        assert time.monotonic() < end, f"not {engine} within {seconds} seconds: {index.notice}"
        time.sleep(0.02)


def eventually(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextlib.contextmanager
def api(running):
    """Talk to a server behind the product's back."""
    client = Server(running.url)
    yield client.api
    client.close()


def collections(running):
    with api(running) as there:
        return {found.name: found for found in there.list_collections()}


def kept(library):
    return json.loads(library.get("chroma_seal"))


# ---------------------------------------------------------------- the same answers


def copied(seeds, place, url, **more):
    """Open a copy of the library of the seeds, on a server."""
    shutil.copytree(seeds._library.folder, place)
    return Assistant.open(SEEDS, place, settings=settings(chroma_url=url, **more), update=False, progress=False)


@pytest.fixture(scope="module")
def served(seeds, chroma, tmp_path_factory):
    with copied(seeds, tmp_path_factory.mktemp("served") / "library", chroma.url) as assistant:
        yield assistant


def test_gold_questions_have_the_same_answers_as_with_files(seeds, served):
    """What is read is the same for all of them; what is answered is looked at for every 24th."""
    questions = load(GOLD / "plain.jsonl") + load(GOLD / "seeds.jsonl")
    for question in questions:
        here, there = (assistant.results(question.text, question.history) for assistant in (seeds, served))
        assert (here.engine, there.engine) == ("chroma", "chroma")
        assert (there.hits, there.evidence) == (here.hits, here.evidence)
    for question in questions[::24]:
        here, there = (assistant.ask(question.text, question.history) for assistant in (seeds, served))
        assert (there.engine, there.status, there.citations) == ("chroma", here.status, here.citations)
    assert not served.notices and not list(served._library.folder.glob("chroma-*"))


def test_eight_questions_at_once(seeds, served):
    questions = [question.text for question in load(GOLD / "plain.jsonl")[:8]]
    expected = [seeds.ask(question).citations for question in questions]
    answers = [None] * len(questions)

    def put(number):
        answers[number] = served.ask(questions[number])

    threads = [threading.Thread(target=put, args=(number,)) for number in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.engine for answer in answers] == ["chroma"] * 8
    assert [answer.citations for answer in answers] == expected


def test_a_server_that_is_killed_and_comes_back_in_the_middle_of_a_chat(seeds, breakable, tmp_path, soon, caplog):
    asked = [
        "Who was the contractor killed at the base near Kirkuk?",
        "When was Hubble launched?",
        "And who repaired it?",
    ]
    expected, history = [], []
    for question in asked:
        history.append(Turn(question, seeds.ask(question, history)))
        expected.append(history[-1].answer.citations)
    with copied(seeds, tmp_path / "library", breakable.url) as assistant:
        engines, told = [], []
        for act in (None, breakable.kill, breakable.start):
            if act:
                act()
            end = time.monotonic() + 30
            while True:
                history = []
                for question, citations in zip(asked, expected, strict=True):
                    answer = assistant.ask(question, history)
                    assert answer.citations == citations
                    history.append(Turn(question, answer))
                    engines.append(answer.engine)
                if engines[-1] == ("exact" if act == breakable.kill else "chroma"):
                    break
                assert time.monotonic() < end
            told.append(assistant.notices)
    assert engines[:3] == ["chroma"] * 3 and engines[3:6] == ["exact"] * 3
    assert told[0] == told[2] == []
    assert "cannot be reached; search is exact until it is back: start it with `chroma run`" in told[1][0]
    assert [record.levelname for record in caplog.records if record.name.startswith("index")].count("WARNING") == 1


# ---------------------------------------------------------------- away, and back


def test_what_is_synced_while_the_server_is_away_is_caught_up_later(library, breakable, open_index, soon):
    index = open_index(breakable.url)
    name = kept(library)["collection"]
    breakable.kill()
    crowd(library, "b", random_rows(40, 2))
    library.remove("a")
    index.catch_up()
    assert library.get("chroma_seal") and library.watermark == 300, "nothing was put in doubt"
    assert ask(index, random_rows(40, 2)[3]) == "exact"
    breakable.start()
    until("chroma", index, random_rows(40, 2))
    eventually(lambda: library.standing(library.watermark) == (40, 0, 0) and library.get("chroma_seal"))
    assert ask(index, random_rows(40, 2)[3]) == "chroma"
    assert kept(library)["collection"] == name and index._store.count() == 40, "it was brought up to date, not rebuilt"


def test_a_server_that_is_away_when_the_library_is_opened(library, breakable, open_index, soon, caplog):
    breakable.kill()
    index = open_index(breakable.url)
    assert ask(index, random_rows(1, 9)[0]) == "exact" and "cannot be reached" in index.notice
    breakable.start()
    until("chroma", index, random_rows(5, 9))
    assert index.notice == "" and len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


def test_a_server_that_accepts_and_never_answers_holds_nobody_up(library, breakable, open_index):
    rows = random_rows(8, 9)
    index = open_index(breakable.url)
    breakable.hang()
    try:
        engines = []
        threads = [threading.Thread(target=lambda row=row: engines.append(ask(index, row))) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert engines == ["exact"] * 8
        started = time.monotonic()
        assert [ask(index, row) for row in rows] == ["exact"] * 8
        assert time.monotonic() - started < 1, "it is known to be away"
        assert "did not answer within 2 seconds" in index.notice
        time.sleep(max(0.0, index._next_look - time.monotonic()))
        assert ask(index, rows[0]) == "exact"  # looks for it in the background
        started = time.monotonic()
        index.close()
        index.open()
        assert time.monotonic() - started < LIMIT and index.engine == "exact"
    finally:
        breakable.go_on()
    until("chroma", index, rows)


def test_a_server_that_dies_while_it_is_written(library, breakable, open_index, soon, monkeypatch):
    monkeypatch.setattr(module, "_BATCH", 100)
    monkeypatch.setattr(module, "_MUCH_LATER", 0.3)
    index = open_index(breakable.url)
    crowd(library, "b", random_rows(400, 2))
    index.catch_up(lambda done, total: breakable.kill() if done == 200 else None)
    assert not library.get("chroma_seal") and ask(index, random_rows(1, 2)[0]) == "exact"
    breakable.start()
    until("chroma", index, random_rows(400, 2))
    assert set(collections(breakable)) == {kept(library)["collection"]}
    assert kept(library)["collection"].endswith("-000002") and index._store.count() == 700


def test_an_empty_server_in_its_place(library, breakable, open_index, soon, tmp_path):
    index = open_index(breakable.url)
    breakable.kill()
    shutil.rmtree(breakable.folder)
    breakable.folder.mkdir()
    breakable.start()
    until("exact", index, random_rows(3, 9))
    until("chroma", index, random_rows(3, 9))
    assert index._store.count() == 300


# ---------------------------------------------------------------- what stands on the server is not believed


def emptied(there, held):
    there._delete(held.id, ids=there._get(held.id, include=[])["ids"])


def partly_emptied(there, held):
    there._delete(held.id, ids=there._get(held.id, include=[], limit=7)["ids"])


def filled(there, held):
    there._upsert(held.id, ids=["x:y"], embeddings=random_rows(1, 7))


def moved(there, held):
    ids = there._get(held.id, include=[])["ids"]
    there._upsert(held.id, ids=ids, embeddings=random_rows(len(ids), 77))


def another_token(there, held):
    there._modify(held.id, new_metadata={"seal": "somebody else's"})


def remade(dimension, space):
    def act(there, held):
        token = there.get_collection(held.name).metadata
        there.delete_collection(held.name)
        made = there.create_collection(held.name, configuration={"hnsw": {"space": space}}, metadata=token)
        there._upsert(made.id, ids=[f"{n}" for n in range(300)], embeddings=random_rows(300, 1, dimension))

    return act


TAMPERED = {
    "deleted": lambda there, held: there.delete_collection(held.name),
    "emptied": emptied,
    "partly emptied": partly_emptied,
    "filled": filled,
    "moved": moved,
    "another token": another_token,
    "another space": remade(64, "l2"),
    "another dimension": remade(32, "cosine"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_collection_that_is_not_as_it_was_left_is_built_anew(library, chroma, open_index, soon, name, caplog):
    index = open_index(chroma.url)
    held = index._store.collection
    with api(chroma) as there:
        TAMPERED[name](there, held)
    index.open()
    assert index.engine == "chroma" and kept(library)["collection"] != held.name
    assert "built anew from the library" in caplog.text
    assert [ask(index, row) for row in random_rows(5, 9)] == ["chroma"] * 5


def test_a_collection_that_goes_while_questions_are_asked_is_built_anew(library, chroma, open_index, soon):
    index = open_index(chroma.url)
    with api(chroma) as there:
        there.delete_collection(kept(library)["collection"])
    until("exact", index, random_rows(5, 9))
    until("chroma", index, random_rows(5, 9))
    assert index._store.count() == 300 and not index.notice


def test_two_libraries_on_one_server_do_not_mix(library, chroma, open_index, tmp_path):
    other = Library(tmp_path / "other")
    crowd(other, "a", random_rows(200, 2))  # the same keys, and ids as alike as they can be
    mine, theirs = open_index(chroma.url), open_index(chroma.url, of=other)
    for _ in range(2):
        for rows in (random_rows(5, 1), random_rows(5, 2)):
            assert [ask(index, row) for index in (mine, theirs) for row in rows] == ["chroma"] * 10
        mine.rebuild()  # sweeps its own earlier one, and nobody else's
    assert {kept(each)["collection"] for each in (library, other)} <= set(collections(chroma))
    assert (mine._store.count(), theirs._store.count()) == (300, 200)
    other.close()


def test_a_copied_library_takes_a_name_of_its_own(library, chroma, open_index, tmp_path):
    first = open_index(chroma.url)
    first.close()
    shutil.copytree(library.folder, tmp_path / "copy")
    copy = Library(tmp_path / "copy")
    second = open_index(chroma.url, of=copy)
    crowd(copy, "b", random_rows(50, 2))
    second.catch_up()
    first.open()
    assert kept(library)["collection"] != kept(copy)["collection"]
    assert [ask(index, row) for index in (first, second) for row in random_rows(3, 1)] == ["chroma"] * 6
    seals = [each.get("chroma_seal") for each in (library, copy)]
    for index in (first, second):
        index.close()
        index.open()
    assert [each.get("chroma_seal") for each in (library, copy)] == seals, "and keeps it"
    copy.close()


def test_from_files_to_a_server_and_back(library, chroma, open_index, caplog):
    files = VectorIndex(library, owner=True)
    files.open()
    assert [ask(files, row) for row in random_rows(3, 9)] == ["chroma"] * 3
    files.close()
    index = open_index(chroma.url)
    assert [ask(index, row) for row in random_rows(3, 9)] == ["chroma"] * 3
    assert not list(library.folder.glob("chroma-*"))
    index.close()
    files.open()
    assert [ask(files, row) for row in random_rows(3, 9)] == ["chroma"] * 3
    files.close()
    assert not caplog.records


def test_nothing_is_made_for_an_empty_library(tmp_path, chroma, open_index):
    library = Library(tmp_path / "empty")
    before = set(collections(chroma))
    index = open_index(chroma.url, of=library)
    assert set(collections(chroma)) == before and index.search(random_rows(1, 1)[0], 3)[0] == {}
    crowd(library, "a", random_rows(10, 1))
    index.catch_up()
    assert ask(index, random_rows(1, 1)[0]) == "chroma"
    library.close()


def test_who_does_not_own_the_library_reads_the_server_and_never_writes_it(library, gate, open_index, soon):
    mine = open_index(gate.url, gate.token)
    reader = Library(library.folder, create=False)
    gate.paths.clear()
    other = open_index(gate.url, gate.token, of=reader, owner=False)
    assert [ask(other, row) for row in random_rows(3, 9)] == ["chroma"] * 3
    other.catch_up()
    other.rebuild()
    assert {path.rsplit("/", 1)[-1] for path in gate.paths} <= {"heartbeat", "query", kept(library)["collection"]}
    crowd(library, "b", random_rows(30, 2))
    assert [ask(other, row) for row in random_rows(3, 2)] == ["chroma"] * 3  # what the server has not is added
    mine.catch_up()
    until("chroma", other, random_rows(3, 2))
    mine.rebuild()
    until("chroma", other, random_rows(3, 2))
    library.set(chroma_seal="")  # as while its owner writes
    assert ask(other, random_rows(1, 2)[0]) == "exact"
    reader.close()


def test_code_that_a_server_names_is_not_loaded(library, chroma, open_index):
    """CVE-2026-45829: a collection's configuration names embedding functions, which Chroma's client builds."""
    from chromadb.utils.embedding_functions import register_embedding_function

    built = []

    @register_embedding_function
    class Trap:
        @staticmethod
        def name():
            return "trap"

        @staticmethod
        def build_from_config(config):
            built.append(config)
            raise AssertionError("built")

    index = open_index(chroma.url)
    held, seal = index._store.collection, kept(library)
    with api(chroma) as there:
        token = there.get_collection(held.name).metadata
        there.delete_collection(held.name)
        trap = {"type": "known", "name": "trap", "config": {"a": 1}}
        path = "/tenants/default_tenant/databases/default_database/collections"
        asked = {
            "name": held.name,
            "metadata": token,
            "configuration": {"hnsw": {"space": "cosine"}, "embedding_function": trap},
        }
        there._make_request("post", path, json=asked)
        made = there.get_collection(held.name)
        _, ids, rows = library.vectors()
        there._upsert(made.id, ids=ids, embeddings=rows)
        with pytest.raises((ValueError, AssertionError)):
            made.get_configuration()
        assert len(built) == 1, "the trap works"
    library.set(chroma_seal=json.dumps({**seal, "id": str(made.id)}))
    index.open()
    crowd(library, "b", random_rows(20, 2))
    index.catch_up()
    assert ask(index, random_rows(1, 2)[0]) == "chroma" and kept(library)["id"] == str(made.id)
    assert len(built) == 1


# ---------------------------------------------------------------- gates, tokens, addresses


def test_the_token_is_sent_with_every_request_and_the_path_is_kept(library, gate, open_index):
    index = open_index(gate.url, gate.token)
    assert [ask(index, row) for row in random_rows(3, 9)] == ["chroma"] * 3
    assert set(gate.seen) == {f"Bearer {gate.token}"} and len(gate.seen) > 8


@pytest.mark.parametrize(("token", "found"), [("wr0ng-token", "refused the token"), ("", "asks for a token")])
def test_a_wrong_token_is_told_and_never_shown(library, gate, open_index, caplog, token, found):
    caplog.set_level(logging.DEBUG)
    index = open_index(gate.url, token)
    assert ask(index, random_rows(1, 9)[0]) == "exact"
    assert found in index.notice and "QA_CHROMA_TOKEN" in index.notice
    told = caplog.text + index.notice + repr(index._server) + repr(settings(chroma_url=gate.url, chroma_token=token))
    told += str(doctor._server(settings(chroma_url=gate.url, chroma_token=token)))
    assert found in told and "wr0ng" not in told


@pytest.mark.parametrize("status", [301, 403, 404, 429, 500, 503])
def test_a_gate_that_does_not_let_through(library, gate, open_index, soon, status, caplog):
    index = open_index(gate.url, gate.token)
    gate.status = status
    assert ask(index, random_rows(1, 9)[0]) == "exact"
    assert "You sent" not in caplog.text + index.notice and gate.token not in caplog.text + index.notice
    gate.status = 0
    until("chroma", index, random_rows(3, 9))
    assert kept(library)["collection"].endswith("-000001")


def test_a_hiccup_is_not_noticed(library, gate, open_index, monkeypatch, caplog):
    index = open_index(gate.url, gate.token)
    monkeypatch.setattr(gate, "status", 503)
    threading.Timer(0.02, lambda: monkeypatch.setattr(gate, "status", 0)).start()
    crowd(library, "b", random_rows(40, 2))
    index.catch_up()
    assert ask(index, random_rows(1, 2)[0]) == "chroma" and not caplog.records
    assert library.watermark == 340


GARBAGE = (b"", b"<html>hello", b"[]", b"null", b'{"ids": [["x"]]}', b'{"ids": [["a:9"]], "distances": [["x"]]}')


@pytest.mark.parametrize("raw", GARBAGE)
def test_garbage_is_no_answer(library, gate, open_index, soon, raw):
    index = open_index(gate.url, gate.token)
    gate.raw = raw
    assert ask(index, random_rows(1, 9)[0]) == "exact"
    gate.raw = None
    until("chroma", index, random_rows(3, 9))


def test_a_byte_now_and_then_is_no_answer(library, gate, open_index):
    index = open_index(gate.url, gate.token)
    gate.trickle = True
    assert ask(index, random_rows(1, 9)[0]) == "exact" and "within 2 seconds" in index.notice


NO_ADDRESS = (
    "127.0.0.1:8000", "localhost", "ftp://host", "http://", "http://host:port", "http://host:99999", "http://a b",
    "//x", "http://host/\nx", "http://[::1", 'http://h"', "http://host:0",
)  # fmt: skip


@pytest.mark.parametrize("url", NO_ADDRESS)
def test_an_address_that_is_none_is_one_sentence(url):
    with pytest.raises(UnknownSetting, match=r"QA_CHROMA_URL cannot be .*as in http://127\.0\.0\.1:8000\.") as error:
        Server(url)
    assert "\n" not in str(error.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@/?#"), min_size=6))
def test_a_password_in_the_address_is_refused_and_not_repeated(secret):
    for url in (
        f"https://me:{secret}@host",
        f"{secret}@host:8000",
        f"http://host/?token={secret}",
        f"http://h/#{secret}",
    ):
        with pytest.raises(UnknownSetting, match="QA_CHROMA_URL") as error:
            Server(url)
        assert secret not in str(error.value) and str(error.value).count(".") >= 1


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "\u00e9", "tab\t"])
def test_a_token_that_no_header_carries_is_refused_and_not_repeated(token):
    with pytest.raises(UnknownSetting, match="QA_CHROMA_TOKEN has") as error:
        Server("https://host", SecretStr(token))
    assert token not in str(error.value)


def test_a_token_without_a_server_is_refused():
    with pytest.raises(UnknownSetting, match="set QA_CHROMA_URL"):
        server("", SecretStr("x"))
    assert server("") is None


@pytest.mark.parametrize("url", ["http://[::1]:8000", "https://chroma.example/base/", "http://host"])
def test_addresses(url):
    client = Server(url)
    assert client.api.get_api_url() == f"{url.rstrip('/')}/api/v2"
    client.close()


def test_the_doctor_says_how_the_server_stands(library, breakable, open_index):
    def findings(url):
        known = settings(chroma_url=url)
        return doctor._try("", lambda: doctor._server(known)), doctor._chroma(library.folder, known)

    there, held = findings(breakable.url)
    assert there.fine and there.found.startswith(f"{breakable.url} answers, in ")
    assert held.found == f"not built on {breakable.url} yet; search is exact" and not held.fine
    open_index(breakable.url).close()
    assert findings(breakable.url)[1].found == f"300 vectors on {breakable.url}, complete"
    with api(breakable) as there:
        another_token(there, collections(breakable).popitem()[1])
    assert "not as it was left" in findings(breakable.url)[1].found
    breakable.kill()
    there, held = findings(breakable.url)
    assert not there.fine and "`chroma run`" in there.mend
    assert held.fine and "not looked at" in held.found
    assert "has a name or a password in it" in findings("http://me:you@host")[0].found


def test_a_sync_without_its_server_says_so(tmp_path, monkeypatch):
    (tmp_path / "hoy.txt").write_text("The bridge of Hoy was opened on 4 March 1962.", encoding="utf-8")
    monkeypatch.setenv("QA_CHROMA_URL", f"http://127.0.0.1:{free_port()}")
    done = CliRunner().invoke(app, ["sync", str(tmp_path)])
    assert done.exit_code == 0 and "1 added" in done.stdout
    assert "cannot be reached; search is exact until it is back" in done.stderr


def test_questions_without_a_direction_are_refused_as_ever(chroma, open_index):
    index = open_index(chroma.url)
    with pytest.raises(ValueError, match="finite"):
        index.search(np.zeros(64, np.float32), 3)
