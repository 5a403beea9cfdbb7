"""One process at a time owns a library."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from library_fixtures import publish, vector_of

from index.errors import LibraryInUse
from index.library import Library
from index.owner import Owner
from index.vectors import VectorIndex

ROOT = Path(__file__).parents[1]
HOLD = """
import sys, time
from pathlib import Path
from index.owner import Owner
owner = Owner(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that owns the library in tmp_path."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_at_once_with_the_owners_number(tmp_path, holder):
    started = time.perf_counter()
    with pytest.raises(LibraryInUse, match=rf"process {holder.pid} since 20\d\d-.*--library"):
        Owner(tmp_path)
    assert time.perf_counter() - started < 1


def test_a_killed_owner_frees_it(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    owner = Owner(tmp_path)
    assert json.loads((tmp_path / "owner.json").read_text())["pid"] == os.getpid()
    owner.release()


def test_the_same_process_twice(tmp_path):
    owner = Owner(tmp_path)
    with pytest.raises(LibraryInUse, match=str(os.getpid())):
        Owner(tmp_path)
    owner.release()
    Owner(tmp_path).release()


@pytest.mark.parametrize("card", ["", "{", "[]", '{"pid": "x", "since": ""}', '"\\ud800"'])
def test_a_broken_card_names_no_process(tmp_path, card):
    owner = Owner(tmp_path)
    (tmp_path / "owner.json").write_text(card)
    with pytest.raises(LibraryInUse, match="in use by another process"):
        Owner(tmp_path)
    owner.release()


def test_a_place_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError):
        Owner(tmp_path / "file" / "library")


def test_who_does_not_own_reads_what_is_committed_and_searches_exactly(tmp_path):
    owner = Owner(tmp_path)
    writer = Library(tmp_path)
    publish(writer, "a.txt", "Rockets hit a base in Kirkuk.")
    mine = VectorIndex(writer, owner=True)
    mine.open()
    reader = Library(tmp_path, create=False)
    other = VectorIndex(reader, owner=False)
    other.open()
    assert (mine.engine, other.engine) == ("chroma", "exact")
    publish(writer, "b.txt", "Penguins live on ice.")
    hits, engine = other.search(vector_of("Penguins live on ice."), 1)
    assert engine == "exact" and list(hits) == [2] and hits[2] == pytest.approx(1, abs=1e-3)
    hits, engine = mine.search(vector_of("Penguins live on ice."), 1)  # before Chroma has it
    assert engine == "chroma" and list(hits) == [2]
    other.catch_up()
    assert reader.watermark == 1
    for closing in (mine, other, reader, writer):
        closing.close()
    owner.release()
