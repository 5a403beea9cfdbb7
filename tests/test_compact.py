"""Space is given back, nothing else changes, and whoever has no room for it is told."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from library_fixtures import check_exact, crowd, exact_search, news, publish, random_rows, vector_of

from index import compact as module
from index.compact import compact, sizes
from index.errors import LibraryInUse, NoLibrary
from index.library import Library
from index.packed import pack, unpack
from index.vectors import VectorIndex
from qa import Assistant


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(2, 40)), elements=st.floats(-1, 1, width=16)))
@settings(max_examples=60, deadline=None)
def test_packed_vectors_are_near_and_pack_to_the_same_bytes(rows):
    rows = rows[np.linalg.norm(rows, axis=1) > 1e-3]
    if not len(rows):
        return
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    packed = pack(rows)
    found = unpack(packed, len(rows))
    assert len(packed) == rows.size and found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.abs(found - rows).max() < 0.01
    assert pack(found) == packed, "a renamed article's vectors do not drift"
    assert np.array_equal(unpack(pack(rows, "float32"), len(rows), "float32"), rows)


def test_ranking_by_packed_vectors_is_that_of_whole_ones():
    rows, queries = random_rows(3000, 1, 384), random_rows(50, 2, 384)
    near = [set(np.argsort(-(kept @ queries.T), axis=0)[:10].T.ravel()) for kept in (rows, unpack(pack(rows), 3000))]
    assert len(near[0] & near[1]) >= 0.97 * len(near[0])


def test_a_library_of_the_first_schema_goes_on_as_it_is(tmp_path):
    """Its vectors are float32; what is added has the same precision, and nothing is encoded again."""
    with_floats = Library(tmp_path)
    with_floats.set(precision="float32")
    with with_floats._database.transaction() as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.execute("DELETE FROM meta WHERE name = 'precision'")
    with_floats.close()
    library = Library(tmp_path)
    assert library.precision == "float32"
    publish(library, "a", news(1, 30))
    publish(library, "b", news(2, 30))
    check_exact(library)
    [bytes_] = {len(row["vector"]) for row in library._database.rows("SELECT vector FROM passages")}
    assert bytes_ == 4 * 64
    assert library.vectors()[2].dtype == np.float32
    assert next(iter(exact_search(library, vector_of(news(2, 3)), 1).values())) > 0.5
    library.compact()
    check_exact(library)
    library.close()


def test_space_is_given_back_and_nothing_else_changes(tmp_path):
    library = Library(tmp_path)
    library.set(dimension="64")
    index = VectorIndex(library, owner=True)
    crowd(library, "much", random_rows(3000, 1))
    publish(library, "kept", news(1, 20))
    index.open()
    library.remove("much")
    index.catch_up()
    before, after = compact(library, index)
    assert before == sizes(tmp_path)._replace(library=before.library, chroma=before.chroma)
    assert after.library < before.library / 2 and after.chroma < before.chroma / 2
    assert after == sizes(tmp_path)
    check_exact(library)
    found, engine = index.search(vector_of(news(1, 3)), 5)
    assert engine == "chroma" and found == pytest.approx(exact_search(library, vector_of(news(1, 3)), 5), abs=1e-4)
    assert "MB" in str(after)
    chroma = next(tmp_path.glob("chroma-*"))
    assert compact(library, index)[1].library <= after.library
    assert next(tmp_path.glob("chroma-*")) == chroma, "what is not patchy is not built anew"
    index.close()
    library.close()


def test_no_room(tmp_path, monkeypatch):
    library = Library(tmp_path)
    publish(library, "a", news(1))
    index = VectorIndex(library, owner=True)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda place: usage(10**9, 10**9, 1000))
    with pytest.raises(NoLibrary, match="make room there"):
        compact(library, index)
    check_exact(library)
    library.close()


_KILLED = """
import sys
from pathlib import Path
from index.library import Library
from index.vectors import VectorIndex
from index.compact import compact
library = Library(Path(sys.argv[1]))
index = VectorIndex(library, owner=True)
index.open()
print("go", flush=True)
compact(library, index)
index.rebuild()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_killed_while_it_compacts(tmp_path):
    library = Library(tmp_path / "first")
    crowd(library, "much", random_rows(6000, 1))
    for number in range(20):
        publish(library, f"{number}", news(number, 20))
    library.remove("much")
    texts = {article.id: article.text for article in library.articles()}
    library.close()
    for wait in (0.0, 0.02, 0.05):
        place = shutil.copytree(tmp_path / "first", tmp_path / str(wait))
        process = subprocess.Popen([sys.executable, "-c", _KILLED, str(place)], stdout=subprocess.PIPE, env=os.environ)
        assert process.stdout is not None and process.stdout.readline() == b"go\n"
        time.sleep(wait)
        process.kill()
        process.communicate()
        library = Library(place)
        index = VectorIndex(library, owner=True)
        index.open()
        assert library.check() == "ok" and {a.id: a.text for a in library.articles()} == texts
        check_exact(library)
        assert index.engine == "chroma" and index._store.collection.count() == library.passage_count()
        index.close()
        library.close()


def test_only_the_owner_compacts(seeds):
    where = seeds._library.folder
    with Assistant.open(seeds.folder, where, update=False, progress=False) as other:
        with pytest.raises(LibraryInUse, match="in use by"):
            other.compact()
    before, after = seeds.compact()
    assert after.library <= before.library
    assert seeds.ask("When did the seed vault open?").answered
