"""The store of record: one SQLite file with articles, sentences, passages, vectors and full text.

One article is one transaction, and its commit is the publication: readers see all of an article or
nothing of it, and an edited article replaces its predecessor in that transaction. Chroma
(`index.vectors`) is derived from this file and can be deleted at any time; how far it has come, and
whether it may be half written, is recorded here.

This is the only home of the library's SQL.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.database import Database
from index.encoder import Encoder, Matrix, Vector
from index.errors import EncoderMismatch
from index.packed import PRECISION, pack, unpack
from index.split import Span, is_heading
from index.terms import TOKENIZER, searchable
from index.types import Article, Entry, Passage, Sentence, Within

FILE = "library.sqlite"
_SCHEMA = 2  # a library of 1 has its vectors in float32, and keeps them so

_TABLES = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('precision', '{PRECISION}');
CREATE TABLE files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT NOT NULL,
    refused TEXT NOT NULL  -- "" when it was read, else what was found
    -- modified -1: look into it again, whatever its time; sha256 '': its articles may not be what it says
) WITHOUT ROWID;
CREATE TABLE articles (
    key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, revision TEXT NOT NULL, file TEXT NOT NULL,
    title TEXT NOT NULL, source TEXT NOT NULL, url TEXT NOT NULL, author TEXT NOT NULL, published TEXT NOT NULL,
    text TEXT NOT NULL,
    signature BLOB NOT NULL,  -- what near copies share, see index.copies
    family INTEGER  -- near copies have the same one: the key of the first of them, which has NULL
);
CREATE INDEX articles_revision ON articles (revision);
CREATE INDEX articles_file ON articles (file);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT, article INTEGER NOT NULL REFERENCES articles ON DELETE CASCADE,
    number INTEGER NOT NULL,
    vector BLOB NOT NULL,    -- one unit vector, see index.packed
    vectors BLOB NOT NULL,   -- one unit vector for each sentence
    UNIQUE (article, number)
);
CREATE TABLE sentences (
    article INTEGER NOT NULL REFERENCES articles ON DELETE CASCADE, number INTEGER NOT NULL,
    passage INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    heading INTEGER NOT NULL,  -- 1 for a line of its own that does not end like a sentence
    PRIMARY KEY (article, number)
) WITHOUT ROWID;
CREATE INDEX sentences_passage ON sentences (passage);
CREATE TABLE retired (  -- passages that are gone but may still stand in Chroma
    passage INTEGER PRIMARY KEY, id TEXT NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5 (title, text, content='', tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, 'row');
"""  # noqa: S608
_REMOVED = """
CREATE TABLE removed (  -- by hand: articles whose file still has them, to be left out while their text is this one
    id TEXT PRIMARY KEY, revision TEXT NOT NULL, file TEXT NOT NULL,
    title TEXT NOT NULL, source TEXT NOT NULL, url TEXT NOT NULL, published TEXT NOT NULL
) WITHOUT ROWID
"""  # younger than the schema, and no other part of it knows of it


@dataclass(frozen=True, slots=True)
class Draft:
    """An article that is ready to be published.

    Attributes:
        spans: Its sentences.
        runs: Its passages, as ranges of sentence numbers.
        vectors: Unit vectors of the passages, float32, shape (passages, dimension).
        sentence_vectors: For each passage, unit vectors of its sentences, shape (sentences, dimension).
        signature: What near copies share (`index.copies`).
    """

    article: Article
    spans: Sequence[Span]
    runs: Sequence[range]
    vectors: Matrix
    sentence_vectors: Sequence[Matrix]
    signature: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with what ranking needs: its text and its vectors.

    Attributes:
        family: Near-identical copies of an article have the same number.
        sentence_texts: The text of each of its sentences.
        headings: Whether each of them is a heading.
    """

    passage: Passage
    title: str
    family: int
    sentence_texts: tuple[str, ...]
    headings: tuple[bool, ...]
    vector: Matrix
    sentence_vectors: Matrix


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the library remembers of a file: size in bytes, modification time in nanoseconds."""

    size: int
    modified: int
    sha256: str
    refused: str


class Library:
    """A library file, open for reading, and for writing by its one owner.

    Threads may share it: each has a connection of its own.
    """

    def __init__(self, folder: Path | None, *, create: bool = True) -> None:
        """Open the library in a folder, or one in memory that vanishes with the object.

        Args:
            folder: Where `library.sqlite` lies; None for memory.
            create: Make folder and file if they are missing.

        Raises:
            NoLibrary: There is none, or none can be made there.
            DamagedLibrary: The file is not a library, is broken, or is of a later version.
        """
        self.folder = folder
        self.path = folder / FILE if folder else None
        self._database = Database(self.path, _TABLES, _SCHEMA, create=create)
        if create and not self._has_removed():
            with self._database.transaction() as connection:
                connection.execute(_REMOVED)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # ---------------------------------------------------------------- writing, by the owner

    def publish(self, draft: Draft, file: str, family: int | None = None) -> int:
        """Store an article, replacing the one with its id, in one transaction.

        Args:
            draft: The article, split and encoded.
            file: The file it came from, as `record_files` names it.
            family: The family of a near copy, None for an article of its own.

        Returns:
            The article's family.
        """
        article = draft.article
        with self._database.transaction() as connection:
            _unsettle(connection, file)
            _remove(connection, article.id)
            connection.execute("DELETE FROM removed WHERE id = ?", (article.id,))
            key = connection.execute(
                "INSERT INTO articles"
                " (id, revision, file, title, source, url, author, published, text, signature, family)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (article.id, article.revision, file, article.title, article.source, article.url, article.author,
                 article.published, article.text, draft.signature, family),
            ).lastrowid  # fmt: skip
            assert key is not None
            title = searchable(article.title)
            for number, run in enumerate(draft.runs):
                passage = connection.execute(
                    "INSERT INTO passages (article, number, vector, vectors) VALUES (?, ?, ?, ?)",
                    (
                        key,
                        number,
                        self._pack(draft.vectors[number : number + 1]),
                        self._pack(draft.sentence_vectors[number]),
                    ),
                ).lastrowid
                connection.executemany(
                    "INSERT INTO sentences VALUES (?, ?, ?, ?, ?, ?)",
                    [(key, n, passage, *draft.spans[n], is_heading(article.text, *draft.spans[n])) for n in run],
                )
                text = article.text[draft.spans[run[0]][0] : draft.spans[run[-1]][1]]
                connection.execute(
                    "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", (passage, title, searchable(text))
                )
            _bump(connection)
        return family or key

    def describe(self, article: Article, file: str) -> None:
        """Store new metadata of an article whose text is unchanged, in one transaction."""
        with self._database.transaction() as connection:
            _unsettle(connection, file)
            for key, _, text in _forget_words(connection, article.id):
                connection.execute(
                    "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
                    (key, searchable(article.title), searchable(text)),
                )
            connection.execute(
                "UPDATE articles SET title = ?, source = ?, url = ?, author = ?, published = ?, file = ? WHERE id = ?",
                (article.title, article.source, article.url, article.author, article.published, file, article.id),
            )
            _bump(connection)

    def remove(self, article_id: str) -> None:
        """Remove an article, in one transaction; nothing happens if there is none of that id."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT file FROM articles WHERE id = ?", (article_id,)).fetchone()
            if row:
                _unsettle(connection, row["file"])
                _remove(connection, article_id)
                _bump(connection)

    def set_aside(self, article_id: str) -> bool:
        """Remove an article by hand, in one transaction, and remember it with its text's hash.

        Returns:
            Whether there was one of that id.
        """
        with self._database.transaction() as connection:
            known = connection.execute(
                "INSERT OR REPLACE INTO removed SELECT id, revision, file, title, source, url, published"
                " FROM articles WHERE id = ?",
                (article_id,),
            ).rowcount
            if known > 0:
                _remove(connection, article_id)
                _bump(connection)
        return known > 0

    def take_back(self, file: str, article_id: str | None = None) -> None:
        """Forget that an article, or every one of a file, was removed by hand; the file is to be read again."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM removed WHERE file = ? AND id = coalesce(?, id)", (file, article_id))
            _unsettle(connection, file)

    def remove_file(self, path: str) -> list[str]:
        """Forget a file and remove its articles, in one transaction.

        Returns:
            The ids of the articles, sorted.
        """
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT id FROM articles WHERE file = ? ORDER BY id", (path,)).fetchall()
            for row in rows:
                _remove(connection, row["id"])
            connection.execute("DELETE FROM files WHERE path = ?", (path,))
            connection.execute("DELETE FROM removed WHERE file = ?", (path,))
            _bump(connection)
        return [row["id"] for row in rows]

    def record_files(self, records: Mapping[str, FileRecord]) -> None:
        """Remember files as they were read or refused, in one transaction."""
        if not records:
            return
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
                [(path, r.size, r.modified, r.sha256, r.refused) for path, r in records.items()],
            )

    def set(self, **values: str) -> None:
        """Store facts about the library itself, in one transaction."""
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def match_encoder(self, encoder: Encoder, *, claim: bool = False) -> None:
        """Refuse to compare vectors of different encoders.

        Args:
            encoder: The one that is configured.
            claim: Write into a library that has no vectors yet which encoder they will come from.

        Raises:
            EncoderMismatch: The library's vectors come from another encoder.
        """
        built = self.get("encoder")
        if built and built != encoder.fingerprint:
            raise EncoderMismatch(
                f"The library in {self.folder} was built with the encoder {built}, not with {encoder.fingerprint}; set "
                "QA_ENCODER back, delete library.sqlite* there and sync again, or name another place with --library "
                "DIR or QA_LIBRARY."
            )
        if claim and not built:
            self.set(encoder=encoder.fingerprint, dimension=str(encoder.dimension))

    def caught_up(self, watermark: int, retired: Iterable[int], **values: str) -> None:
        """Record, in one transaction, that Chroma holds passages up to a key and dropped the retired ones."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM retired WHERE passage = ?", [(key,) for key in retired])
            connection.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", {**values, "watermark": str(watermark)}.items()
            )

    def compact(self) -> None:
        """Merge the full text and give unused space back; safe to interrupt, for each is done whole or not at all.

        Raises:
            NoLibrary: The disk is full.
        """
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        self._database.vacuum()

    # ---------------------------------------------------------------- reading

    def get(self, name: str, default: str = "") -> str:
        """Return a fact about the library itself."""
        row = self._database.row("SELECT value FROM meta WHERE name = ?", (name,))
        return str(row["value"]) if row else default

    @cached_property
    def precision(self) -> str:
        """How vectors are stored, all of them alike: `int8`, or `float32` in a library of the first schema."""
        return self.get("precision", "float32")

    @property
    def version(self) -> int:
        """A number that grows with every article published, changed or removed."""
        return int(self.get("version", "0"))

    @property
    def watermark(self) -> int:
        """The key up to which Chroma holds the passages."""
        return int(self.get("watermark", "0"))

    def files(self) -> dict[str, FileRecord]:
        """Return every file that was read or refused, by path."""
        rows = self._database.rows("SELECT * FROM files")
        return {row["path"]: FileRecord(row["size"], row["modified"], row["sha256"], row["refused"]) for row in rows}

    def article(self, article_id: str) -> Article | None:
        """Return the article of that id, None if there is none."""
        row = self._database.row("SELECT * FROM articles WHERE id = ?", (article_id,))
        return _article(row) if row else None

    def articles(self) -> Iterator[Article]:
        """Yield all articles, in the order of their ids."""
        for article_id in self.article_ids():
            article = self.article(article_id)
            if article:  # removed meanwhile
                yield article

    def article_ids(self, file: str | None = None) -> list[str]:
        """Return the ids of the articles, of one file if it is named, sorted."""
        if file is None:
            rows = self._database.rows("SELECT id FROM articles ORDER BY id")
        else:
            rows = self._database.rows("SELECT id FROM articles WHERE file = ? ORDER BY id", (file,))
        return [row["id"] for row in rows]

    def articles_of_files(self) -> dict[str, int]:
        """Return how many articles each file gave."""
        return dict(map(tuple, self._database.rows("SELECT file, count(*) FROM articles GROUP BY file")))

    def removed(self) -> dict[str, tuple[str, str]]:
        """Return the articles that were removed by hand: id -> (revision, file)."""
        rows = self._database.rows("SELECT id, revision, file FROM removed") if self._has_removed() else []
        return {row["id"]: (row["revision"], row["file"]) for row in rows}

    def file(self, path: str) -> FileRecord | None:
        """Return what is remembered of a file, None if nothing is."""
        row = self._database.row("SELECT * FROM files WHERE path = ?", (path,))
        return FileRecord(row["size"], row["modified"], row["sha256"], row["refused"]) if row else None

    def file_with(self, sha256: str) -> str | None:
        """Return the path of a file with these bytes, None if there is none."""
        row = self._database.row("SELECT path FROM files WHERE sha256 = ? ORDER BY path LIMIT 1", (sha256,))
        return str(row["path"]) if row else None

    def entries(self) -> list[Entry]:
        """Return what the library holds, refused and left out, in the order of ids."""
        found: list[Entry] = []
        first: dict[int, tuple[int, str]] = {}  # of each family: the oldest article that is still there
        with self._database.snapshot():
            articles = self._database.rows(
                "SELECT key, coalesce(family, key) AS family, id, title, source, published, url,"
                " (SELECT count(*) FROM sentences WHERE article = articles.key) AS sentences FROM articles ORDER BY key"
            )
            refused = self._database.rows("SELECT refused FROM files WHERE refused <> ''")
            removed = self._database.rows("SELECT * FROM removed") if self._has_removed() else []
        for row in articles:
            key, copied = first.setdefault(row["family"], (row["key"], row["id"]))
            own = row["id"], row["title"], row["source"], row["published"], row["url"], row["sentences"]
            found.append(Entry(*own) if key == row["key"] else Entry(*own, "copy", copied))
        for row in refused:
            found += [Entry(path, path, "", "", "", 0, "refused", why) for path, _, why in json.loads(row["refused"])]
        for row in removed:
            found.append(Entry(row["id"], row["title"], row["source"], row["published"], row["url"], 0, "removed"))
        return sorted(found, key=lambda entry: entry.article_id)

    def keys(self, within: Within) -> NDArray[np.int64]:
        """Return the keys of the passages in the articles that a filter lets through, ascending."""
        wanted = (json.dumps(list(given)) if given else None for given in (within.sources, within.articles))
        rows = self._database.rows(
            "SELECT p.key FROM articles a JOIN passages p ON p.article = a.key"
            " WHERE (?1 IS NULL OR a.source COLLATE NOCASE IN (SELECT value FROM json_each(?1)))"
            " AND (?2 IS NULL OR a.id IN (SELECT value FROM json_each(?2)))"
            " AND (?3 = '' OR a.published >= ?3) AND (?4 = '' OR a.published <> '' AND a.published <= ?4)"
            " ORDER BY p.key",
            (*wanted, within.since, within.until),
        )
        return np.fromiter((row["key"] for row in rows), np.int64, len(rows))

    def sentences(self, article_id: str) -> list[Sentence]:
        """Return the sentences of an article, in order."""
        rows = self._database.rows(
            'SELECT a.revision, s.number, s.start, s."end" FROM articles a JOIN sentences s ON s.article = a.key'
            " WHERE a.id = ? ORDER BY s.number",
            (article_id,),
        )
        return [Sentence(article_id, row["revision"], row["number"], row["start"], row["end"]) for row in rows]

    def around(self, sentence: Sentence) -> Span:
        """Return the span from the sentence before to the one after; that of the sentence itself if it is gone."""
        first, last = self._one(
            'SELECT min(s.start), max(s."end") FROM articles a JOIN sentences s ON s.article = a.key'
            " WHERE a.id = ? AND a.revision = ? AND s.number BETWEEN ? AND ?",
            (sentence.article_id, sentence.revision, sentence.number - 1, sentence.number + 1),
        )
        return (sentence.start, sentence.end) if first is None else (first, last)

    def is_empty(self) -> bool:
        """Say whether there is no article."""
        return not self._one("SELECT EXISTS (SELECT 1 FROM articles)")[0]

    def passage_count(self) -> int:
        """Return how many passages there are."""
        return int(self._one("SELECT count(*) FROM passages")[0])

    def counts(self) -> tuple[int, int, int]:
        """Return how many articles, sentences and passages there are."""
        articles, sentences, passages = self._one(
            "SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM sentences), (SELECT count(*) FROM passages)"
        )
        return articles, sentences, passages

    def signatures(self) -> list[tuple[str, int, bytes]]:
        """Return (article id, family, signature) of every article, oldest first."""
        return list(
            map(tuple, self._database.rows("SELECT id, coalesce(family, key), signature FROM articles ORDER BY key"))
        )

    def encoded(self, revision: str) -> tuple[list[Span], list[range], Matrix, list[Matrix]] | None:
        """Return spans, runs and vectors of any article with this very text, None if there is none.

        A renamed file and an exact copy are not encoded again.
        """
        with self._database.snapshot():
            row = self._database.row("SELECT key FROM articles WHERE revision = ? LIMIT 1", (revision,))
            if row is None:
                return None
            spans: list[Span] = []
            runs: list[range] = []
            vectors, sentence_vectors = [], []
            rows = self._database.rows("SELECT * FROM passages WHERE article = ? ORDER BY number", (row["key"],))
            for passage in rows:
                own = self._database.rows(
                    'SELECT start, "end" FROM sentences WHERE passage = ? ORDER BY number', (passage["key"],)
                )
                runs.append(range(len(spans), len(spans) + len(own)))
                spans += [(sentence["start"], sentence["end"]) for sentence in own]
                vectors.append(self._unpack(passage["vector"], 1))
                sentence_vectors.append(self._unpack(passage["vectors"], len(own)))
        return (spans, runs, np.concatenate(vectors), sentence_vectors) if runs else None

    def lexical(self, words: Sequence[str], k: int, among: NDArray[np.int64] | None = None) -> dict[int, float]:
        """Return the k passages with the highest BM25, as key -> score, higher is better, all above 0.

        Args:
            among: Keys of passages; None for all. What a word weighs is that of the whole library in any case.
        """
        rows = self._database.rows(
            "SELECT rowid, -bm25(words) AS score FROM words WHERE words MATCH ?1"
            " AND (?2 IS NULL OR +rowid IN (SELECT value FROM json_each(?2))) ORDER BY rank LIMIT ?3",
            (_match(words), None if among is None else json.dumps(among.tolist()), k),
        )
        return {row["rowid"]: row["score"] for row in rows}

    def bm25(self, words: Sequence[str], keys: Sequence[int]) -> dict[int, float]:
        """Return the BM25 of given passages; one without a common word is left out."""
        rows = self._database.rows(
            # The plus keeps SQLite from asking the full text again for each key.
            "SELECT rowid, -bm25(words) AS score FROM words"
            " WHERE words MATCH ? AND +rowid IN (SELECT value FROM json_each(?))",
            (_match(words), json.dumps(list(keys))),
        )
        return {row["rowid"]: row["score"] for row in rows}

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """Return in how many passages (their titles included) each term stands; absent ones are left out."""
        rows = self._database.rows(
            "SELECT term, doc FROM vocabulary WHERE term IN (SELECT value FROM json_each(?))",
            (json.dumps(list(terms)),),
        )
        return {row["term"]: row["doc"] for row in rows}

    def passages(self, keys: Sequence[int]) -> dict[int, Found]:
        """Return the passages of these keys that exist, with text and vectors."""
        asked = (json.dumps(list(keys)),)
        passages: dict[int, list[sqlite3.Row]] = {}
        sentences: dict[int, list[sqlite3.Row]] = {}
        found: dict[int, Found] = {}
        with self._database.snapshot():
            for row in self._database.rows(
                "SELECT * FROM passages WHERE key IN (SELECT value FROM json_each(?)) ORDER BY article, number", asked
            ):
                passages.setdefault(row["article"], []).append(row)
            for row in self._database.rows(
                "SELECT * FROM sentences WHERE passage IN (SELECT value FROM json_each(?)) ORDER BY article, number",
                asked,
            ):
                sentences.setdefault(row["passage"], []).append(row)
            for key, own in passages.items():  # one article's text at a time: it may be long
                article = self._one("SELECT * FROM articles WHERE key = ?", (key,))
                found.update((row["key"], self._found(article, row, sentences[row["key"]])) for row in own)
        return found

    def vectors(self, after: int = 0, limit: int = -1) -> tuple[list[int], list[str], Matrix]:
        """Return keys, Chroma ids and unit vectors, shape (n, dimension), of passages beyond a key, in order."""
        rows = self._database.rows(
            "SELECT p.key, a.key AS article, a.revision, p.vector FROM passages p JOIN articles a ON a.key = p.article"
            " WHERE p.key > ? ORDER BY p.key LIMIT ?",
            (after, limit),
        )
        ids = [vector_id(row["article"], row["revision"], row["key"]) for row in rows]
        return [row["key"] for row in rows], ids, self._unpack(b"".join(row["vector"] for row in rows), len(rows))

    def rows_of(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], Matrix]:
        """Return the passages of these keys that exist, ascending, and their unit vectors, shape (n, dimension)."""
        rows = self._database.rows(
            "SELECT key, vector FROM passages WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key",
            (json.dumps(keys.tolist()),),
        )
        found = np.fromiter((row["key"] for row in rows), np.int64, len(rows))
        return found, self._unpack(b"".join(row["vector"] for row in rows), len(rows))

    def rows_after(self, after: int = 0) -> tuple[NDArray[np.int64], Matrix]:
        """Return keys and unit vectors, shape (n, dimension), of passages beyond a key, in order."""
        rows = self._database.rows("SELECT key, vector FROM passages WHERE key > ? ORDER BY key", (after,))
        keys = np.fromiter((row["key"] for row in rows), np.int64, len(rows))
        return keys, self._unpack(b"".join(row["vector"] for row in rows), len(rows))

    def vectors_of(self, keys: Sequence[int]) -> dict[int, Vector]:
        """Return the unit vectors of the passages of these keys that exist, in the order of article ids and places."""
        rows = self._database.rows(
            "SELECT p.key, p.vector FROM passages p JOIN articles a ON a.key = p.article"
            " WHERE p.key IN (SELECT value FROM json_each(?)) ORDER BY a.id, p.number",
            (json.dumps(list(keys)),),
        )
        return {row["key"]: self._unpack(row["vector"], 1)[0] for row in rows}

    def ids_of(self, keys: Sequence[int]) -> dict[str, int]:
        """Return the Chroma ids that passages of these keys must have, each with its key."""
        rows = self._database.rows(
            "SELECT p.key, a.key AS article, a.revision FROM passages p JOIN articles a ON a.key = p.article"
            " WHERE p.key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(keys)),),
        )
        return {vector_id(row["article"], row["revision"], row["key"]): row["key"] for row in rows}

    def standing(self, watermark: int) -> tuple[int, int, int]:
        """Return how many passages have a key up to the watermark, how many beyond it, and how many are retired."""
        total, beyond, retired = self._one(
            "SELECT (SELECT count(*) FROM passages), (SELECT count(*) FROM passages WHERE key > ? AND ?),"
            " (SELECT count(*) FROM retired)",
            (watermark, watermark > 0),
        )
        if not watermark:  # the rows are large, and to count them all by key would read them
            beyond = total
        return total - beyond, beyond, retired

    def retired(self) -> dict[int, str]:
        """Return the passages that are gone but may still stand in Chroma: key -> Chroma id."""
        return {row["passage"]: row["id"] for row in self._database.rows("SELECT * FROM retired")}

    def check(self) -> str:
        """Return what SQLite's own integrity check finds, "ok" when all is well."""
        return str(self._one("PRAGMA quick_check")[0])

    def _has_removed(self) -> bool:
        """Say whether the table is there, which an older version of article-qa did not make."""
        return bool(self._one("SELECT count(*) FROM sqlite_master WHERE name = 'removed'")[0])

    def _pack(self, rows: Matrix) -> bytes:
        return pack(rows, self.precision)

    def _unpack(self, blob: bytes, rows: int) -> Matrix:
        return unpack(blob, rows, self.precision)

    def _found(self, article: sqlite3.Row, passage: sqlite3.Row, sentences: Sequence[sqlite3.Row]) -> Found:
        about = article["id"], article["revision"]
        spans = [(sentence["start"], sentence["end"]) for sentence in sentences]
        return Found(
            passage=Passage(
                passage["key"],
                *about,
                passage["number"],
                tuple(Sentence(*about, s["number"], *span) for s, span in zip(sentences, spans, strict=True)),
            ),
            title=article["title"],
            family=article["family"] or article["key"],
            sentence_texts=tuple(article["text"][start:end] for start, end in spans),
            headings=tuple(bool(sentence["heading"]) for sentence in sentences),
            vector=self._unpack(passage["vector"], 1)[0],
            sentence_vectors=self._unpack(passage["vectors"], len(spans)),
        )

    def _one(self, query: str, parameters: Sequence[Any] = ()) -> sqlite3.Row:
        row = self._database.row(query, parameters)
        assert row is not None
        return row


def _unsettle(connection: sqlite3.Connection, file: str) -> None:
    """Have a file looked into again, should the sync that changes its articles not come to its end."""
    connection.execute("UPDATE files SET sha256 = '', modified = -1 WHERE path = ?", (file,))


def _forget_words(connection: sqlite3.Connection, article_id: str) -> list[tuple[int, str, str]]:
    """Take an article's passages out of the full text; return their keys, their Chroma ids and their texts."""
    article = connection.execute(
        "SELECT key, revision, title, text FROM articles WHERE id = ?", (article_id,)
    ).fetchone()
    if article is None:
        return []
    bounds = connection.execute(
        'SELECT passage, min(start) AS start, max("end") AS "end" FROM sentences WHERE article = ? GROUP BY passage',
        (article["key"],),
    ).fetchall()
    passages = [
        (
            row["passage"],
            vector_id(article["key"], article["revision"], row["passage"]),
            article["text"][row["start"] : row["end"]],
        )
        for row in bounds
    ]
    title = searchable(article["title"])
    # A contentless FTS5 table forgets a row only when told exactly what it was.
    connection.executemany(
        "INSERT INTO words (words, rowid, title, text) VALUES ('delete', ?, ?, ?)",
        [(key, title, searchable(text)) for key, _, text in passages],
    )
    return passages


def _remove(connection: sqlite3.Connection, article_id: str) -> None:
    gone = _forget_words(connection, article_id)
    connection.executemany("INSERT INTO retired VALUES (?, ?)", [(key, name) for key, name, _ in gone])
    connection.execute("DELETE FROM articles WHERE id = ?", (article_id,))


def _bump(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO meta VALUES ('version', '1') ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )


def vector_id(article: int, revision: str, passage: int) -> str:
    """Return the id of a passage in Chroma: it names article, revision and passage.

    >>> vector_id(3, "ab12" * 16, 41)
    '3:ab12ab12ab12:41'
    """
    return f"{article}:{revision[:12]}:{passage}"


def _article(row: sqlite3.Row) -> Article:
    return Article(row["id"], row["title"], row["text"], row["source"], row["url"], row["author"], row["published"])


def _match(words: Sequence[str]) -> str:
    """Quote words for FTS5, so that none of them is read as an operator; it stems them itself."""
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
