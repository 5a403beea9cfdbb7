"""A folder to its library: what is there, and nothing else, however often it is interrupted."""

import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from library_fixtures import HashEncoder, NoEncoder, check_exact, news, vector_of, write

from index import sync as module
from index.errors import EncoderMismatch, NoLibrary, UnreadableFile
from index.library import Library
from index.parser import Parser
from index.sync import Changes, Step, article_files, sync
from index.vectors import VectorIndex


class Desk:
    """A folder, its library and what sync needs, short to use."""

    def __init__(self, place, vectors=True):
        self.folder = place / "articles"
        self.folder.mkdir(exist_ok=True)
        self.place = place / "library"
        self.encoder = HashEncoder()
        self.open(vectors)

    def open(self, vectors=True):
        self.library = Library(self.place)
        self.vectors = VectorIndex(self.library, owner=True)
        if vectors:
            self.vectors.open()

    def close(self):
        self.vectors.close()
        self.library.close()

    def sync(self, encoder=None, progress=None):
        return sync(self.folder, self.library, encoder or self.encoder, self.vectors, progress)

    def write(self, name, text):
        return write(self.folder, name, text)

    def texts(self):
        return {article.id: article.text for article in self.library.articles()}

    def complete(self):
        """Assert that everything is exact and that Chroma has all of it."""
        check_exact(self.library)
        assert self.vectors.engine == "chroma"
        assert self.vectors._store.collection.count() == self.library.counts()[2]
        assert not self.library.retired() and self.library.standing(self.library.watermark)[1] == 0
        stored = set(self.vectors._store.collection.get(include=[])["ids"])
        assert stored == set(self.library.vectors()[1])
        unsettled = [path for path, r in self.library.files().items() if not r.sha256 and not r.refused]
        assert not unsettled


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def lines(**articles):
    return "\n".join(json.dumps({"id": key, "title": key, "text": text}) for key, text in articles.items())


def test_add_update_delete(desk):
    desk.write("a.txt", news(1))
    desk.write("sub/b.md", news(2))
    report = desk.sync()
    assert report.added == ["a.txt", "sub/b.md"] and report.summary() == "2 added"
    assert report.encoded == desk.library.counts()[2] == 2 == desk.encoder.encoded
    desk.complete()
    desk.write("a.txt", news(3))
    (desk.folder / "sub/b.md").unlink()
    desk.write("c.html", f"<html><title>C</title><body><p>{news(4)}</p></body></html>")
    report = desk.sync()
    assert (report.added, report.updated, report.deleted) == (["c.html"], ["a.txt"], ["sub/b.md"])
    assert report.summary() == "1 added, 1 updated, 1 deleted"
    assert desk.texts()["a.txt"] == news(3)
    desk.complete()
    report = desk.sync(NoEncoder())
    assert report == Changes(unchanged=2)
    shutil.rmtree(desk.folder)
    desk.folder.mkdir()
    assert desk.sync(NoEncoder()).deleted == ["a.txt", "c.html"]
    assert desk.texts() == {} and desk.library.files() == {}
    desk.complete()


def test_a_renamed_file_is_not_encoded_again(desk):
    desk.write("a.txt", news(1, 40))
    desk.sync()
    vectors = desk.library.vectors()[2]
    (desk.folder / "a.txt").rename(desk.folder / "b.txt")
    report = desk.sync(NoEncoder())
    assert (report.added, report.deleted, report.encoded) == (["b.txt"], ["a.txt"], 0)
    assert (desk.library.vectors()[2] == vectors).all()
    (desk.folder / "later").mkdir()
    (desk.folder / "b.txt").rename(desk.folder / "later/b.txt")  # named after it in the order of the walk
    assert desk.sync(NoEncoder()).added == ["later/b.txt"]
    desk.complete()


def test_an_exact_copy_is_encoded_once(desk):
    for name in ("a.txt", "b.txt", "c.txt"):
        desk.write(name, news(1))
    assert desk.sync().encoded == 1
    desk.write("d.txt", news(1))
    assert desk.sync(NoEncoder()).added == ["d.txt"]
    assert len({family for _, family, _ in desk.library.signatures()}) == 1
    desk.complete()


def test_new_metadata_is_not_encoded_again(desk):
    desk.write("a.md", f"---\ntitle: Storm\n---\n\n{news(1)}")
    desk.sync()
    text = desk.texts()["a.md"]
    desk.write("a.md", f"---\ntitle: Harvest\nauthor: Ann\ndate: 2020-02-01\n---\n\n{news(1)}")
    report = desk.sync(NoEncoder())
    assert (report.updated, report.encoded) == (["a.md"], 0)
    article = desk.library.article("a.md")
    assert (article.title, article.author, article.published, article.text) == ("Harvest", "Ann", "2020-02-01", text)
    assert desk.library.lexical(["harvest"], 5) and not desk.library.lexical(["storm"], 5)
    desk.complete()


def test_a_file_that_breaks_keeps_its_last_readable_version(desk):
    desk.write("a.txt", news(1))
    desk.write("b.jsonl", lines(x=news(2), y=news(3)))
    desk.sync()
    before = desk.texts()
    desk.write("a.txt", "")
    desk.write("b.jsonl", "{broken\n[1, 2\n")
    for _ in range(3):
        report = desk.sync(NoEncoder())
        assert (report.refused[0].path, report.refused[0].code) == ("a.txt", "empty")
        assert {e.path for e in report.refused} == {"a.txt", "b.jsonl"}
        assert not report.deleted and desk.texts() == before
    desk.write("a.txt", news(5))
    desk.write("b.jsonl", lines(y=news(3)))
    report = desk.sync()
    assert (report.updated, report.deleted, report.refused) == (["a.txt"], ["b.jsonl#x"], [])
    assert desk.texts() == {"a.txt": news(5), "b.jsonl#y": news(3)}
    desk.complete()


def test_several_articles_in_a_file(desk):
    desk.write("a.jsonl", lines(one=news(1), two=news(2), three=news(3)))
    report = desk.sync()
    assert sorted(report.added) == ["a.jsonl#one", "a.jsonl#three", "a.jsonl#two"]
    desk.write("a.jsonl", lines(two=news(2), three=news(4), four=news(5)))
    report = desk.sync()
    assert (report.added, report.updated, report.deleted, report.unchanged) == (
        ["a.jsonl#four"], ["a.jsonl#three"], ["a.jsonl#one"], 1)  # fmt: skip
    desk.write("a.jsonl", lines(two=news(2), three=news(4)) + "\n{broken")
    report = desk.sync(NoEncoder())
    assert not report.deleted and len(report.refused) == 1, "the broken line may be the one that is missing"
    assert len(desk.sync(NoEncoder()).refused) == 1
    (desk.folder / "a.jsonl").unlink()
    assert len(desk.sync(NoEncoder()).deleted) == 3
    desk.complete()


def test_what_is_no_article(desk):
    for name in ("README.md", "readme.txt", ".hidden.txt", ".folder/a.txt", "a.exe", "a", "sub/ReadMe.html"):
        desk.write(name, news(1))
    desk.write("real.txt", news(2))
    desk.write("CAPITAL.TXT", news(3))
    (desk.folder / "link.txt").symlink_to(desk.folder / "real.txt")
    (desk.folder / "linked").symlink_to(desk.folder, target_is_directory=True)
    (desk.folder / "folder.txt").mkdir()
    os.mkfifo(desk.folder / "pipe.txt")
    assert [path for path, _ in article_files(desk.folder)] == ["CAPITAL.TXT", "real.txt"]
    assert desk.sync().added == ["CAPITAL.TXT", "real.txt"]


def test_a_file_that_becomes_a_link_is_gone(desk):
    desk.write("a.txt", news(1))
    desk.sync()
    (desk.folder / "a.txt").rename(desk.folder / ".b.txt")
    (desk.folder / "a.txt").symlink_to(desk.folder / ".b.txt")
    assert desk.sync(NoEncoder()).deleted == ["a.txt"]


def test_a_name_that_is_not_utf8(desk):
    with open(os.fsencode(desk.folder) + b"/caf\xe9.txt", "wb") as file:
        file.write(news(1).encode())
    assert desk.sync().added == ["caf\\udce9.txt"]
    os.utime(os.fsencode(desk.folder) + b"/caf\xe9.txt", (1, 1))
    assert desk.sync(NoEncoder()).unchanged == 1 == desk.sync(NoEncoder()).unchanged


@pytest.mark.parametrize("missing", [True, False])
def test_no_folder(desk, missing):
    desk.write("a.txt", news(1))
    desk.sync()
    shutil.rmtree(desk.folder)
    if not missing:
        desk.folder.write_text("x")
    with pytest.raises(NoLibrary, match="does not exist" if missing else "is a file"):
        desk.sync()
    assert desk.texts() == {"a.txt": news(1)}, "a folder that is gone empties no library"


def test_a_file_that_just_changed_is_read_again(desk):
    """Within the clock's grain a second change would go unseen."""
    path = desk.folder / "a.txt"
    path.write_text(news(1))
    desk.sync()
    stat = path.stat()
    path.write_text(news(2)[: len(news(1))].ljust(len(news(1)), "."))
    os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert desk.sync().updated == ["a.txt"]


def test_an_unchanged_file_is_not_read(desk, monkeypatch):
    desk.write("a.txt", news(1))
    desk.sync()
    monkeypatch.setattr(module, "contents", lambda *_: pytest.fail("read"))
    assert desk.sync(NoEncoder()).unchanged == 1


def test_touched_but_equal_is_read_and_not_parsed(desk, monkeypatch):
    desk.write("a.txt", news(1))
    desk.sync()
    os.utime(desk.folder / "a.txt", (10**9, 10**9))
    with monkeypatch.context() as patch:
        patch.setattr(Parser, "parse", lambda *_: pytest.fail("parsed"))
        assert desk.sync(NoEncoder()).unchanged == 1
        patch.setattr(module, "contents", lambda *_: pytest.fail("read"))
        assert desk.sync(NoEncoder()).unchanged == 1


def test_a_file_that_could_not_be_opened_is_tried_again(desk, monkeypatch):
    """Permissions may change while its time does not."""
    desk.write("a.txt", news(1))
    with monkeypatch.context() as patch:
        patch.setattr(
            module, "contents", lambda path, name: (_ for _ in ()).throw(module.UnreadableFile(name, "x", "y"))
        )
        assert len(desk.sync().refused) == 1
    assert desk.sync().added == ["a.txt"]


def test_too_many_sentences(desk, monkeypatch):
    monkeypatch.setattr("index.split.MAX_SENTENCES", 50)
    desk.write("a.txt", news(1, 60))
    desk.write("b.txt", news(2))
    for _ in range(2):
        report = desk.sync()
        assert [(e.path, e.code) for e in report.refused] == [("a.txt", "too_large")]
    assert list(desk.texts()) == ["b.txt"]


def test_encoders_are_not_mixed(desk):
    desk.write("a.txt", news(1))
    desk.sync()
    other = HashEncoder()
    other.fingerprint = "other@2"
    desk.write("b.txt", news(2))
    with pytest.raises(EncoderMismatch):
        desk.sync(other)
    desk.sync()
    desk.complete()


def test_near_copies_are_one_family(desk):
    pairs = [json.loads(x) for x in (Path(__file__).parent / "gold/copies.jsonl").read_text("utf-8").splitlines()]
    for pair in pairs:
        desk.write(f"{pair['id']}-a.txt", pair["a"])
        desk.write(f"{pair['id']}-b.txt", pair["b"])
    desk.sync()
    families = {article_id: family for article_id, family, _ in desk.library.signatures()}
    for pair in pairs:
        same = families[f"{pair['id']}-a.txt"] == families[f"{pair['id']}-b.txt"]
        assert same == (pair["kind"] == "copy"), pair["id"]
    assert len(set(families.values())) == 20 + 2 * 20
    first = pairs[0]["id"]
    desk.write(f"{first}-a.txt", pairs[0]["a"] + "\n\nThis story was updated.")  # the first of a family is edited
    desk.sync()
    families = {article_id: family for article_id, family, _ in desk.library.signatures()}
    assert families[f"{first}-a.txt"] == families[f"{first}-b.txt"]


def test_progress(desk):
    for n in range(5):
        desk.write(f"{n}.txt", news(n))
    steps = []
    desk.sync(progress=steps.append)
    assert [step for step in steps if step.stage == "Adding"] == [
        *(Step("Adding", n, 5, f"{n}.txt") for n in range(5)),
        Step("Adding", 5, 5),
    ]
    assert steps[-1] == Step("Indexing", 5, 5)
    steps.clear()
    desk.sync(progress=steps.append)
    assert steps == []


def test_chroma_takes_part_while_much_is_added(desk, monkeypatch):
    monkeypatch.setattr(module, "_CHROMA_EVERY", 30)
    for n in range(60):
        desk.write(f"{n:02}.txt", news(n, 40))
    steps = []
    desk.sync(progress=steps.append)
    assert sum(step.stage == "Indexing" for step in steps) > 2
    desk.complete()


def test_chroma_deleted_is_rebuilt_without_encoding(desk):
    for n in range(5):
        desk.write(f"{n}.txt", news(n))
    desk.sync()
    desk.close()
    for path in desk.place.glob("chroma-*"):
        shutil.rmtree(path)
    desk.open()
    desk.complete()
    assert desk.sync(NoEncoder()).unchanged == 5
    hits, engine = desk.vectors.search(vector_of(news(3)), 1)
    assert engine == "chroma" and max(hits.values()) == pytest.approx(1, abs=1e-4)


# ---------------------------------------------------------------- interrupted


def state(library):
    """Return what a library says, without its numbers."""
    families = {}
    for article_id, family, _ in library.signatures():
        families.setdefault(family, []).append(article_id)
    return (
        {a.id: (a, [(s.start, s.end) for s in library.sentences(a.id)]) for a in library.articles()},
        library.files(),
        sorted(sorted(family) for family in families.values()),
    )


def first_folder(folder):
    for n in range(8):
        write(folder, f"{n}.txt", news(n, 40))
    write(folder, "many.jsonl", lines(x=news(20, 40), y=news(21, 40), z=news(22, 40)))
    write(folder, "gone.txt", news(30))


def second_folder(folder):
    write(folder, "1.txt", news(41, 40))  # edited
    (folder / "2.txt").rename(folder / "9.txt")  # renamed
    (folder / "gone.txt").unlink()
    write(folder, "many.jsonl", lines(x=news(20, 40), z=news(42, 40), w=news(43, 40)))
    write(folder, "new.md", f"---\ntitle: New\n---\n\n{news(44, 40)}")
    write(folder, "broken.txt", "")
    write(folder, "6.txt", "")


def test_interrupted_anywhere_and_repeated_is_the_same(tmp_path):
    """KeyboardInterrupt at every point where progress is told, and between any two transactions."""
    model = Desk(tmp_path)
    first_folder(model.folder)
    model.sync()
    second_folder(model.folder)
    kept = tmp_path / "kept"
    model.close()
    shutil.copytree(tmp_path / "library", kept)
    model.open()
    model.sync()
    expected = state(model.library)
    model.close()

    for kind in ("progress", "transaction"):
        for at in range(200):
            shutil.rmtree(tmp_path / "library")
            shutil.copytree(kept, tmp_path / "library")
            desk = Desk(tmp_path)
            left = [at]

            def tick(*_, left=left):
                left[0] -= 1
                if left[0] == -1:
                    raise KeyboardInterrupt

            try:
                if kind == "progress":
                    desk.sync(progress=tick)
                else:
                    real = desk.library._database.transaction
                    desk.library._database.transaction = lambda tick=tick, real=real: tick() or real()
                    desk.sync()
                break
            except KeyboardInterrupt:
                desk.library._database.__dict__.pop("transaction", None)
            check_exact(desk.library)
            if at % 2:  # in a new process, or in the same one
                desk.close()
                desk.open()
            desk.sync()
            assert state(desk.library) == expected, (kind, at)
            desk.complete()
            desk.close()
        desk.close()
        assert at > 5, kind


def test_put_back_after_an_interrupted_sync(desk):
    """The file is as the library last recorded it, its article is not: it must be read again."""
    path = desk.write("a.txt", news(1))
    desk.sync()
    old = path.stat()
    desk.write("a.txt", news(2))
    desk.library.record_files = lambda records: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        desk.sync()
    assert desk.texts() == {"a.txt": news(2)}
    del desk.library.record_files
    path.write_text(news(1))
    os.utime(path, ns=(old.st_mtime_ns, old.st_mtime_ns))
    desk.sync()
    assert desk.texts() == {"a.txt": news(1)}
    desk.complete()


def test_deleted_after_an_interrupted_sync(desk):
    """Its article was published, its file never recorded: it must go all the same."""
    desk.write("a.txt", news(1))
    desk.library.record_files = lambda records: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        desk.sync()
    del desk.library.record_files
    (desk.folder / "a.txt").unlink()
    assert desk.sync().deleted == ["a.txt"]
    assert desk.texts() == {}
    desk.complete()


# ---------------------------------------------------------------- a model


class FolderModel(RuleBasedStateMachine):
    """Anything that can be done to a folder, against a dict of its texts."""

    names = st.sampled_from(["a.txt", "b.txt", "sub/a.txt", "z.jsonl", "c.md"])
    numbers = st.integers(0, 8)

    @initialize()
    def start(self):
        self.place = Path(tempfile.mkdtemp())
        self.desk = Desk(self.place)
        self.model = {}  # file -> {article id: text}, as it was last readable
        self.files = {}

    @rule(name=names, number=numbers, length=st.sampled_from([1, 3, 40]))
    def write(self, name, number, length):
        if name.endswith(".jsonl"):
            texts = {f"{name}#{n}": news(n, length) for n in range(number, number + 2)}
            self.desk.write(name, lines(**{str(n): news(n, length) for n in range(number, number + 2)}))
        else:
            texts = {name: news(number, length)}
            self.desk.write(name, news(number, length))
        self.files[name] = texts

    @rule(name=names)
    def break_it(self, name):
        self.desk.write(name, "{" if name.endswith(".jsonl") else "")
        self.files[name] = None

    @rule(old=names, new=names)
    def rename(self, old, new):
        if old in self.files and Path(old).suffix == Path(new).suffix and old != new and self.files[old] is not None:
            (self.desk.folder / new).parent.mkdir(exist_ok=True)
            (self.desk.folder / old).rename(self.desk.folder / new)
            (text,) = self.files.pop(old).values()
            self.files[new] = {new: text}

    @rule(name=names)
    def delete(self, name):
        if name in self.files:
            (self.desk.folder / name).unlink()
            del self.files[name]

    @rule(at=st.integers(0, 12))
    def interrupted(self, at):
        left = [at]

        def tick(step):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        before = {name: dict(texts) for name, texts in self.model.items()}
        try:
            self.desk.sync(progress=tick)
        except KeyboardInterrupt:
            check_exact(self.desk.library)
            held = self.desk.texts()
            possible = {}
            for texts in (*before.values(), *(texts or {} for texts in self.files.values())):
                for article_id, text in texts.items():
                    possible.setdefault(article_id, set()).add(text)
            assert all(text in possible[article_id] for article_id, text in held.items())
            self.settle(held)
        else:
            self.synced()

    def settle(self, held):
        """After an interruption the library holds part of the old and part of the new: take note of it."""
        self.model = {}
        for article_id, text in held.items():
            self.model.setdefault(article_id.partition("#")[0], {})[article_id] = text

    @rule()
    def sync(self):
        self.desk.sync()
        self.synced()
        assert not self.desk.sync(NoEncoder()).encoded

    def synced(self):
        self.model = {
            name: texts if texts is not None else self.model.get(name, {}) for name, texts in self.files.items()
        }
        assert self.desk.texts() == {i: text for texts in self.model.values() for i, text in texts.items()}
        self.desk.complete()

    @rule()
    def restart(self):
        self.desk.close()
        self.desk.open()

    def teardown(self):
        if hasattr(self, "desk"):
            self.sync()
            self.desk.close()
            shutil.rmtree(self.place)


FolderModel.TestCase.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
TestFolder = FolderModel.TestCase


def test_what_is_unchanged_costs_no_statement(desk):
    """Nothing is asked of the library for a file that is as it was; ten thousand of them take a second or less."""
    seen = []
    desk.library._database._connection.set_trace_callback(seen.append)
    for files in (30, 60):
        for n in range(files):
            if not (desk.folder / f"{n}.txt").exists():
                desk.write(f"{n}.txt", news(n, 2))
        desk.sync()
        seen.clear()
        report = desk.sync(NoEncoder())
        assert (report.unchanged, report.encoded) == (files, 0)
        assert len(seen) < 20, seen
    assert not any("signature" in statement for statement in seen), "what only a new article needs is read"


def test_a_changed_article_costs_one_article(desk):
    for n in range(40):
        desk.write(f"{n}.txt", news(n, 2))
    desk.sync()
    desk.write("7.txt", news(1007, 2))
    seen = []
    desk.library._database._connection.set_trace_callback(seen.append)
    report = desk.sync()
    assert (report.updated, report.unchanged, report.encoded) == (["7.txt"], 39, 1)
    assert sum(statement.startswith("INSERT INTO articles") for statement in seen) == 1
    desk.complete()


def test_files_are_read_while_those_before_them_are_encoded(desk, monkeypatch):
    """Not all of them, or a large folder would fill the memory."""
    for n in range(12):
        desk.write(f"{n:02}.txt", news(n, 600))  # as many passages as are encoded together, and more
    read, reading = [], module._read
    monkeypatch.setattr(module, "_read", lambda *given: (read.append(given[2]), reading(*given))[1])

    class Slow(HashEncoder):
        def passages(self, texts, spans):
            deadline = time.monotonic() + 20
            while len(read) < min(12, self.batches + 8) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.05)
            ahead.append(len(read) - self.batches)
            self.batches += 1
            return super().passages(texts, spans)

    ahead = []
    encoder = Slow()
    encoder.batches = 0
    assert len(desk.sync(encoder).added) == 12
    assert ahead[:4] == [8] * 4
    desk.complete()


def test_a_file_that_took_too_long_is_read_again_when_it_is_touched(desk, monkeypatch):
    path = desk.write("a.txt", news(1))
    parse = Parser.parse

    def late(self, data, name):
        raise UnreadableFile(name, "timeout", "takes more than 30 s to read")

    monkeypatch.setattr(Parser, "parse", late)
    assert [error.code for error in desk.sync().refused] == ["timeout"]
    monkeypatch.setattr(Parser, "parse", lambda *_: pytest.fail("each sync would wait for it"))
    assert [error.code for error in desk.sync().refused] == ["timeout"]
    monkeypatch.setattr(Parser, "parse", parse)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    assert desk.sync().added == ["a.txt"]


def test_a_folder_inside_that_cannot_be_listed_holds_up_nothing_and_loses_nothing(desk, monkeypatch):
    desk.write("a.txt", news(1))
    desk.write("inside/b.txt", news(2))
    desk.sync()
    desk.write("c.txt", news(3))
    scandir = os.scandir

    def forbidden(path):
        if str(path).endswith("inside"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    report = desk.sync()
    assert (report.added, report.deleted) == (["c.txt"], [])
    assert str(report.refused[0]) == "inside: cannot be listed (Permission denied); check its permissions"
    assert sorted(desk.texts()) == ["a.txt", "c.txt", "inside/b.txt"]
    monkeypatch.setattr(os, "scandir", scandir)
    shutil.rmtree(desk.folder / "inside")
    assert desk.sync().deleted == ["inside/b.txt"]
