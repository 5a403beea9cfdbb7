"""The store of record: whole articles or nothing, exact offsets, full text that never drifts, no damage read."""

import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from library_fixtures import HashEncoder, check_exact, draft, news, publish, vector_of

from index.errors import DamagedLibrary, EncoderMismatch, NoLibrary
from index.library import FILE, FileRecord, Library
from index.types import Article

ROCKETS = "Rockets hit a base in Kirkuk. Nobody was hurt. Rockets hit a base in Kirkuk."


@pytest.fixture
def library(tmp_path):
    opened = Library(tmp_path)
    yield opened
    opened.close()


def tables(library):
    """Return everything that stands in the library's file, the full text's own tables too."""
    connection = sqlite3.connect(library.path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    state = {name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in names
             if not name.startswith("vocabulary")}  # fmt: skip
    connection.close()
    return state


def integrity(library):
    """Have SQLite and FTS5 look for what is wrong."""
    connection = sqlite3.connect(library.path)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    connection.close()


def test_what_is_published_is_there_in_full(library):
    article = Article("a.txt", "War", ROCKETS, "AP", "https://example.org", "Ann", "2019-12-29")
    family = library.publish(draft(article), file="a.txt")
    assert library.article("a.txt") == article
    assert library.article("b.txt") is None
    assert list(library.articles()) == [article]
    assert library.article_ids() == library.article_ids("a.txt") == ["a.txt"]
    assert library.article_ids("b.txt") == []
    assert library.articles_of_files() == {"a.txt": 1}
    assert library.counts() == (1, 3, 1)
    assert library.signatures() == [("a.txt", family, draft(article).signature)]
    check_exact(library)
    (found,) = library.passages([1, 2, 99]).values()
    assert found.sentence_texts[0] == found.sentence_texts[2] and found.passage.sentences[2].start == 47
    assert np.allclose(found.vector, draft(article).vectors[0], atol=0.01)
    assert np.allclose(found.sentence_vectors, draft(article).sentence_vectors[0], atol=0.01)
    spans, runs, vectors, parts = library.encoded(article.revision)
    assert (spans, runs) == (draft(article).spans, draft(article).runs)
    assert np.array_equal(vectors[0], found.vector) and np.array_equal(parts[0], found.sentence_vectors)
    assert library.encoded("0" * 64) is None
    integrity(library)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=400))
@settings(max_examples=60, deadline=None)
def test_offsets_are_exact_for_any_text(text):
    library = Library(None)
    publish(library, "a", f"{text}\n\nThe same. {text} The same.")
    publish(library, "a", text)
    publish(library, "b", text)
    check_exact(library)
    library.close()


def test_an_edited_article_replaces_its_predecessor(library):
    publish(library, "a.txt", news(1, 60))
    publish(library, "b.txt", news(2))
    old = library.vectors()
    publish(library, "a.txt", news(3, 30))
    keys, ids, _ = library.vectors()
    gone = set(old[0]) - set(keys)
    assert len(gone) > 2 and library.retired() == {key: old[1][old[0].index(key)] for key in gone}
    assert min(set(keys) - set(old[0])) > max(old[0]), "a key is never given twice"
    assert not library.lexical(["Report"], 99).keys() & gone
    assert library.frequencies(["report"]) == {"report": len(keys)}
    assert library.passages(list(gone)) == {} == library.ids_of(list(gone))
    assert library.ids_of(keys) == dict(zip(ids, keys, strict=True))
    check_exact(library)
    integrity(library)


class Broken(list):
    """Passages of which the last cannot be stored."""

    def __getitem__(self, at):
        if at == len(self) - 1:
            raise KeyboardInterrupt
        return super().__getitem__(at)


@pytest.mark.parametrize("known", [False, True])
def test_an_article_that_breaks_half_way_leaves_nothing(library, known):
    publish(library, "b.txt", news(2))
    if known:
        publish(library, "a.txt", news(1, 50))
    library.record_files({"a.txt": FileRecord(1, 2, "x", "")})
    before = tables(library)
    made = draft(Article("a.txt", "New", news(3, 60)))
    assert len(made.runs) > 3
    with pytest.raises(KeyboardInterrupt):
        library.publish(replace(made, sentence_vectors=Broken(made.sentence_vectors)), "a.txt")
    assert tables(library) == before
    library.publish(made, "a.txt")
    check_exact(library)


class Refusing:
    """A connection whose n-th statement fails."""

    def __init__(self, connection, at):
        self.connection, self.left = connection, at

    def _count(self):
        self.left -= 1
        if self.left == 0:
            raise sqlite3.OperationalError("disk I/O error")

    def execute(self, *arguments):
        if arguments[0] != "ROLLBACK":
            self._count()
        return self.connection.execute(*arguments)

    def executemany(self, *arguments):
        self._count()
        return self.connection.executemany(*arguments)

    def __getattr__(self, name):
        return getattr(self.connection, name)


@pytest.mark.parametrize("change", ["publish", "describe", "remove", "remove_file"])
def test_every_statement_may_fail(library, change):
    """The n-th call fails, for every n: the state is the one before, or the one after, never between."""
    publish(library, "a.txt", news(1, 30), title="Old")
    library.record_files({"a.txt": FileRecord(1, 2, "x", "")})
    before = tables(library)
    made = draft(Article("a.txt", "New", news(2, 30)))
    doing = {
        "publish": lambda: library.publish(made, "a.txt"),
        "describe": lambda: library.describe(Article("a.txt", "New", news(1, 30)), "a.txt"),
        "remove": lambda: library.remove("a.txt"),
        "remove_file": lambda: library.remove_file("a.txt"),
    }[change]
    threads = library._database._threads
    connection = threads.connection
    for at in range(1, 100):
        threads.connection = Refusing(connection, at)
        try:
            doing()
        except NoLibrary:
            assert tables(library) == before
        else:
            break
    threads.connection = connection
    assert at > 4 and tables(library) != before
    check_exact(library)
    integrity(library)


def test_a_full_disk_is_one_sentence_and_costs_nothing(library):
    publish(library, "a.txt", news(1))
    before = tables(library)
    pages = library._database.row("PRAGMA page_count")[0]
    library._database.row(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(NoLibrary, match="disk is full"):
        publish(library, "b.txt", news(2, 400))
    assert tables(library) == before
    library._database.row("PRAGMA max_page_count = 1000000")
    publish(library, "b.txt", news(2, 400))
    check_exact(library)


def test_new_metadata_is_found_and_the_old_is_not(library):
    publish(library, "a.txt", ROCKETS, title="Attack in the north")
    assert library.lexical(["attack"], 9) and not library.lexical(["harvest"], 9)
    library.describe(Article("a.txt", "Harvest", ROCKETS, "AP", "u", "w", "2020-01-01"), "c.txt")
    assert not library.lexical(["attack"], 9) and library.lexical(["harvest"], 9)
    assert library.article("a.txt") == Article("a.txt", "Harvest", ROCKETS, "AP", "u", "w", "2020-01-01")
    assert library.article_ids("c.txt") == ["a.txt"]
    assert not library.retired()
    integrity(library)


def test_a_changed_article_unsettles_its_file(library):
    """Else a file that is put back as it was, after a sync that did not end, would count as read."""
    record = FileRecord(1, 2, "hash", "[]")
    for change in (
        lambda: publish(library, "a.txt", news(1)),
        lambda: library.describe(Article("a.txt", "New", news(1)), "a.txt"),
        lambda: library.remove("a.txt"),
    ):
        library.record_files({"a.txt": record, "b.txt": record})
        change()
        assert library.files() == {"a.txt": FileRecord(1, -1, "", "[]"), "b.txt": record}
    assert library.remove_file("a.txt") == [] and library.files() == {"b.txt": record}


def test_version_grows_with_every_change(library):
    seen = [library.version]
    for change in (
        lambda: publish(library, "a.txt", news(1)),
        lambda: library.describe(Article("a.txt", "New", news(1)), "a.txt"),
        lambda: library.remove("a.txt"),
    ):
        change()
        seen.append(library.version)
    library.remove("a.txt")
    assert seen == [0, 1, 2, 3] and library.version == 3


def test_a_family_outlives_its_first_member(library):
    first = library.publish(draft(Article("a", "T", news(1))), "a")
    assert library.publish(draft(Article("b", "T", news(1))), "b", first) == first
    assert library.publish(draft(Article("a", "T", news(1) + " More.")), "a", first) == first
    library.remove("a")
    other = library.publish(draft(Article("c", "T", news(3))), "c")
    assert {i: family for i, family, _ in library.signatures()} == {"b": first, "c": other}
    assert other != first
    assert {f.passage.article_id: f.family for f in library.passages(library.vectors()[0]).values()} == {
        "b": first,
        "c": other,
    }


@pytest.mark.parametrize(
    "word", ['"', "AND", "OR NOT", "a*", "title:", "NEAR(a b)", "^x", "-", "x'; --", "", "中文", "'"]
)
def test_words_are_no_operators(library, word):
    publish(library, "a.txt", "This AND that, a title: near (a b).")
    library.lexical([word, "that"], 5)
    assert library.bm25([word, "that"], [1]).keys() == {1}


def test_bm25_is_the_same_whichever_way_it_is_asked(library):
    for n in range(30):
        publish(library, f"{n}.txt", f"Rockets hit {'the base ' * n} today. " + news(n, n))
    ranked = library.lexical(["rockets", "base"], 1000)
    assert library.bm25(["rockets", "base"], list(ranked)) == pytest.approx(ranked)
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)
    assert all(score > 0 for score in ranked.values())
    assert library.bm25(["rockets"], []) == {}
    assert list(library.lexical(["rockets", "base"], 7)) == list(ranked)[:7]


def test_encoders_are_not_mixed(library):
    encoder = HashEncoder()
    library.match_encoder(encoder)
    library.match_encoder(encoder, claim=True)
    library.match_encoder(encoder)
    encoder.fingerprint = "other@2"
    with pytest.raises(EncoderMismatch, match=r"hash@1.*other@2.*QA_ENCODER"):
        library.match_encoder(encoder)


def test_a_long_article_is_removed_in_seconds(library):
    publish(library, "long.txt", news(1, 3000))
    library.remove("long.txt")
    assert library.counts() == (0, 0, 0)


# ---------------------------------------------------------------- files that are no library


def sqlite_file(path, **pragmas):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name} = {value}")
    connection.commit()
    connection.close()


def truncated(path):
    whole(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def whole(path):
    library = Library(path.parent)
    publish(library, "a.txt", news(1, 50))
    library.close()


def later(path):
    whole(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


DAMAGED = {
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 64),
    "text": lambda path: path.write_text("not a database"),
    "a header alone": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "truncated": truncated,
    "foreign": sqlite_file,
    "foreign with a version": lambda path: sqlite_file(path, user_version=3),
    "foreign with an application": lambda path: sqlite_file(path, application_id=12345),
    "later": later,
}


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_no_library_is_refused_and_left_alone(tmp_path, name, create):
    path = tmp_path / FILE
    DAMAGED[name](path)
    before, changed = path.read_bytes(), path.stat().st_mtime_ns
    for _ in range(2):
        with pytest.raises(DamagedLibrary) as caught:
            Library(tmp_path, create=create)
        message = str(caught.value)
        assert "\n" not in message and str(path) in message and message.endswith(".")
    assert path.read_bytes() == before and path.stat().st_mtime_ns == changed


def test_an_empty_file_is_no_library_yet(tmp_path):
    """What a kill at the very first write leaves: nothing is lost in it, so it may be filled."""
    (tmp_path / FILE).touch()
    with pytest.raises(NoLibrary, match="is empty"):
        Library(tmp_path, create=False)
    assert not (tmp_path / FILE).stat().st_size
    whole(tmp_path / FILE)
    library = Library(tmp_path, create=False)
    assert library.counts()[0] == 1
    library.close()


def test_damage_inside_is_told_when_it_is_met(tmp_path):
    whole(tmp_path / FILE)
    path = tmp_path / FILE
    data = bytearray(path.read_bytes())
    for page in range(2, len(data) // 4096):  # all but the first two pages
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)
    library = Library(tmp_path)
    with pytest.raises(DamagedLibrary, match="Move it away"):
        list(library.articles())
        library.vectors()
        library.lexical(["report"], 5)
    with pytest.raises(DamagedLibrary):
        assert library.check() == "ok"
    library.close()


def test_no_library(tmp_path):
    with pytest.raises(NoLibrary, match="article-qa sync"):
        Library(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(NoLibrary, match="--library"):
        Library(tmp_path / "file" / "library")
    (tmp_path / "taken" / FILE).mkdir(parents=True)
    with pytest.raises(NoLibrary):
        Library(tmp_path / "taken")


def test_only_its_owner_may_read_a_new_library(tmp_path):
    Library(tmp_path / "new").close()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode) == 0o600


def test_a_read_only_folder_can_be_read(tmp_path):
    """On a read-only mount, because root may write anywhere else."""
    whole(tmp_path / FILE)
    code = (
        "import sys; from pathlib import Path; from index.library import Library\n"
        "library = Library(Path(sys.argv[1]), create=False)\n"
        "print(library.counts()[0], len(library.lexical(['report'], 5)) > 0)"
    )
    script = f'mount --bind "{tmp_path}" "{tmp_path}" && mount -o remount,bind,ro "{tmp_path}" && exec "$@"'
    if not shutil.which("unshare"):
        pytest.skip("unshare is not here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.stdout == "1 True\n", done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == [FILE]


def test_a_library_that_is_busy_does_not_count_as_read_only(tmp_path, monkeypatch):
    """Else whoever comes then would see no later commit, and could write none."""
    whole(tmp_path / FILE)
    monkeypatch.setattr("index.database._WAIT", 0.1)
    writer = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    writer.execute("PRAGMA journal_mode = DELETE")
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NoLibrary, match="locked"):
        Library(tmp_path)
    writer.execute("ROLLBACK")
    writer.close()
    library = Library(tmp_path)
    publish(library, "b.txt", news(2))
    assert library.counts()[0] == 2
    library.close()


# ---------------------------------------------------------------- threads


@pytest.mark.parametrize("memory", [False, True])
def test_threads_see_whole_articles(tmp_path, memory):
    library = Library(None if memory else tmp_path)
    publish(library, "a.txt", news(0, 20))
    stop, wrong = threading.Event(), []

    def read():
        try:
            while not stop.is_set():
                keys, _, _ = library.vectors()
                for found in library.passages(keys).values():
                    if not found.sentence_texts or "" in found.sentence_texts:
                        wrong.append(found)
                library.lexical(["report"], 50)
                library.encoded(library.article("a.txt").revision)
        except Exception as error:
            wrong.append(error)

    if memory:  # written first, then read
        stop_after = [threading.Timer(1.0, stop.set)]
    else:
        stop_after = []
    threads = [threading.Thread(target=read) for _ in range(4)] + stop_after
    for thread in threads:
        thread.start()
    if not memory:
        for n in range(40):
            publish(library, "a.txt", news(n, 20 + n % 7))
        stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]
    library.close()


def test_ended_threads_leave_no_connections(library):
    for _ in range(50):
        thread = threading.Thread(target=library.counts)
        thread.start()
        thread.join()
    assert len(library._database._opened) < 5


def test_a_library_in_memory_is_its_own(tmp_path):
    one, other = Library(None), Library(None)
    publish(one, "a", news(1))
    assert one.counts()[0] == 1 and other.counts()[0] == 0
    found = []
    thread = threading.Thread(target=lambda: found.append(one.counts()[0]))
    thread.start()
    thread.join()
    assert found == [1]
    one.close()
    other.close()


# ---------------------------------------------------------------- a model


class Model(RuleBasedStateMachine):
    """Anything that can be done to a library, against a dict."""

    @initialize()
    def start(self):
        self.folder = Path(tempfile.mkdtemp())
        self.library = Library(self.folder)
        self.model = {}

    ids = st.sampled_from(["a.txt", "b.txt", "c/d.md"])
    titles = st.sampled_from(["Storm at sea", "The harvest", "Vote 2019", "Título é", "🥲glued"])
    numbers = st.integers(0, 6)

    @rule(article_id=ids, title=titles, number=numbers, length=st.integers(1, 30))
    def publish(self, article_id, title, number, length):
        self.model[article_id] = publish(self.library, article_id, news(number, length), title)

    @rule(article_id=ids, title=titles)
    def describe(self, article_id, title):
        if article_id in self.model:
            self.model[article_id] = replace(self.model[article_id], title=title)
            self.library.describe(self.model[article_id], article_id)

    @rule(article_id=ids)
    def remove(self, article_id):
        self.library.remove(article_id)
        self.model.pop(article_id, None)

    @rule(old=ids, new=ids)
    def rename(self, old, new):
        if old in self.model and old != new:
            article = replace(self.model.pop(old), id=new)
            made = self.library.encoded(article.revision)
            self.library.publish(replace(draft(article), spans=made[0], runs=made[1], vectors=made[2]), new)
            self.library.remove_file(old)
            self.model[new] = article

    @rule()
    def reopen(self):
        self.library.close()
        self.library = Library(self.folder)

    @invariant()
    def articles_are_the_models(self):
        if hasattr(self, "model"):
            assert {article.id: article for article in self.library.articles()} == self.model
            keys = set(self.library.vectors()[0])
            assert not keys & self.library.retired().keys()

    def teardown(self):
        if hasattr(self, "model"):
            check_exact(self.library)
            integrity(self.library)
            self.full_text_is_that_of_a_fresh_library()
            self.library.close()
            shutil.rmtree(self.folder)

    def full_text_is_that_of_a_fresh_library(self):
        fresh = Library(None)
        for article in self.library.articles():
            fresh.publish(draft(article), article.id)
        asked = ["report", "storm", "harvest", "vote", "titulo", "glued", "minister", "part", "0", "5", "changed"]
        assert self.library.frequencies(asked) == fresh.frequencies(asked)
        for word in asked:
            assert self.named(self.library, word) == pytest.approx(self.named(fresh, word))
        fresh.close()

    def named(self, library, word):
        scores = library.lexical([word], 10_000)
        found = library.passages(list(scores))
        assert len(found) == len(scores)
        return {(f.passage.article_id, f.passage.number): scores[key] for key, f in found.items()}


Model.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestModel = Model.TestCase


def test_vectors_are_given_in_batches(library):
    publish(library, "a.txt", news(1, 80))
    keys, ids, rows = library.vectors()
    assert len(keys) > 6
    got = library.vectors(after=keys[1], limit=3)
    assert got[0] == keys[2:5] and got[1] == ids[2:5] and np.array_equal(got[2], rows[2:5])
    assert library.vectors(after=keys[-1])[0] == []
    assert library.standing(keys[1]) == (2, len(keys) - 2, 0)
    library.caught_up(keys[1], [], chroma_seal="x")
    assert library.watermark == keys[1] and library.get("chroma_seal") == "x"
    assert float(rows[0] @ vector_of(library.passages(keys)[keys[0]].sentence_texts[0])) > 0
