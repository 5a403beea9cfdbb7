"""Conversations, kept in a file of their own beside the library.

A conversation belongs to an owner: the hash of a secret that only the owner's browser has, or of a user's name. Whoever
else names it is told the same as of one that does not exist. A turn is one transaction, and is written when its answer
is complete; several processes and threads may write at once.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from index.database import Database
from index.errors import DamagedLibrary, NoLibrary, NotKept
from index.terms import TOKENIZER, one_line, words
from qa.types import Answer, Turn

FILE = "conversations.sqlite"

SHOWN = 200
"""The most turns of a conversation that are given back, the last ones; a page is slow to draw more."""

HIT, END = "\x02", "\x03"
"""What stands around a word that was searched for, in `Conversation.found`."""

_SCHEMA = 1
_TITLE = 80  # characters of a first question
_NAME = 120  # characters of a name given by a person
_TURN = 2_000_000  # characters of a turn in JSON
_WORDS = 20  # of a search
_UNREADABLE = "This answer was kept by another version of article-qa and cannot be read; ask again."

_TABLES = f"""
CREATE TABLE conversations (
    key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, title TEXT NOT NULL,
    made TEXT NOT NULL, changed TEXT NOT NULL  -- ISO 8601, UTC
);
CREATE INDEX conversations_owner ON conversations (owner, changed);
CREATE TABLE turns (
    key INTEGER PRIMARY KEY AUTOINCREMENT, conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    number INTEGER NOT NULL,
    turn TEXT NOT NULL,  -- JSON: question, and answer: the object of an Answer, or the text that tells what went wrong
    UNIQUE (conversation, number)
);
CREATE VIRTUAL TABLE said USING fts5 (question, answer, tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE titles USING fts5 (title, tokenize='{TOKENIZER}');
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A kept conversation, as a list shows it.

    Attributes:
        id: Names it in an address; cannot be guessed.
        title: The first question, cut at a word, or the name that its owner gave.
        made: When it began, ISO 8601 in UTC.
        changed: When its last question was answered, likewise.
        questions: How many it has.
        found: Where a search found its words, with `HIT` and `END` around them; "" without a search.
    """

    id: str
    title: str
    made: str
    changed: str
    questions: int
    found: str = ""


class Conversations:
    """The conversations of a library. Opened at the first use; threads may share it.

    Every method raises `NotKept` where the file cannot be used; a damaged one is set aside and a new one is begun.

    Attributes:
        path: The file.
        notices: What a person should know, in sentences: that a damaged file was set aside.
    """

    def __init__(self, folder: Path) -> None:
        """Name the library's folder; nothing is read or written yet."""
        self.path = folder / FILE
        self.notices: list[str] = []
        self._file: _File | None = None
        self._node: tuple[int, int] | None = None  # the file that is open
        self._guard = threading.Lock()

    def close(self) -> None:
        """Close the file; it opens again when it is needed."""
        with self._guard:
            self._shut()

    def add(self, owner: str, id: str, turn: Turn) -> tuple[str, int]:
        """Write a turn at the end of a conversation, or of a new one if the owner has none of that id.

        Returns:
            The conversation's id, and the turn's number in it, from 0.
        """
        written = json.dumps(asdict(turn))  # ASCII, so that any text can be written
        if len(written) > _TURN:
            raise NotKept(f"This answer is too long to be kept ({len(written):,} characters); download it instead.")
        question, said = _sound(turn.question), _sound("" if isinstance(turn.answer, str) else turn.answer.text)
        title = _title(question)
        now = datetime.now(UTC).isoformat()

        def do(file: _File) -> tuple[str, int]:
            with file.transaction() as connection:
                statement = "UPDATE conversations SET changed = ? WHERE id = ? AND owner = ? RETURNING key, id"
                row = connection.execute(statement, (now, id, owner)).fetchone()
                if not row:
                    statement = (
                        "INSERT INTO conversations (id, owner, title, made, changed) VALUES (?, ?, ?, ?, ?) "
                        "RETURNING key, id"
                    )
                    row = connection.execute(statement, (secrets.token_urlsafe(16), owner, title, now, now)).fetchone()
                    connection.execute("INSERT INTO titles (rowid, title) VALUES (?, ?)", (row["key"], title))
                statement = (
                    "INSERT INTO turns (conversation, number, turn) SELECT ?1, coalesce(max(number) + 1, 0), ?2 "
                    "FROM turns WHERE conversation = ?1 RETURNING key, number"
                )
                key, number = connection.execute(statement, (row["key"], written)).fetchone()
                connection.execute("INSERT INTO said (rowid, question, answer) VALUES (?, ?, ?)", (key, question, said))
            return row["id"], number

        return self._do(do)

    def turns(self, owner: str, id: str) -> list[Turn] | None:
        """Return the turns of a conversation, oldest first, the last `SHOWN`; None if the owner has no such one."""

        def do(file: _File) -> list[Turn] | None:
            with file.snapshot():
                found = file.row("SELECT key FROM conversations WHERE id = ? AND owner = ?", (id, owner))
                rows = found and file.rows(
                    "SELECT turn FROM turns WHERE conversation = ? ORDER BY number DESC LIMIT ?",
                    (found["key"], SHOWN),
                )
            return None if rows is None else [_turn(row["turn"]) for row in reversed(rows)]

        return self._do(do)

    def find(self, owner: str, search: str = "", *, limit: int = 50) -> list[Conversation]:
        """Return the owner's conversations, the last changed one first.

        Args:
            search: Beginnings of words that all stand in one turn, or in the title; nothing in it is syntax.
            limit: How many at most.
        """
        match = " ".join(f'"{word}"*' for word in words(_sound(search))[:_WORDS])
        if search.strip() and not match:
            return []
        hits = """
            JOIN (SELECT t.conversation AS key, max(t.key) AS hit FROM said CROSS JOIN turns t ON t.key = said.rowid
                  WHERE said MATCH ?1 GROUP BY t.conversation
                  UNION ALL SELECT rowid, NULL FROM titles WHERE titles MATCH ?1) found ON found.key = c.key"""

        def do(file: _File) -> list[Conversation]:
            with file.snapshot():
                rows = file.rows(
                    f"""SELECT c.*, (SELECT count(*) FROM turns WHERE conversation = c.key) AS questions,
                               {"max(found.hit)" if match else "NULL"} AS hit
                        FROM conversations c {hits if match else ""} WHERE c.owner = ?2
                        GROUP BY c.key ORDER BY c.changed DESC, c.key DESC LIMIT ?3""",  # noqa: S608
                    (match, owner, limit),
                )
                return [
                    Conversation(
                        row["id"],
                        row["title"],
                        row["made"],
                        row["changed"],
                        row["questions"],
                        _excerpt(file, row["hit"], match) if row["hit"] else "",
                    )
                    for row in rows
                ]

        return self._do(do)

    def rename(self, owner: str, id: str, title: str) -> bool:
        """Give a conversation a name, of at most 120 characters; say whether the owner has it.

        Raises:
            NotKept: The name is blank.
        """
        name = _sound(title)[:_NAME].strip()
        if not name:
            raise NotKept("A conversation needs a name; write a few words.")

        def do(file: _File) -> bool:
            with file.transaction() as connection:
                statement = "UPDATE conversations SET title = ? WHERE id = ? AND owner = ? RETURNING key"
                row = connection.execute(statement, (name, id, owner)).fetchone()
                if row:
                    connection.execute("UPDATE titles SET title = ? WHERE rowid = ?", (name, row["key"]))
            return row is not None

        return self._do(do)

    def delete(self, owner: str, id: str) -> bool:
        """Delete a conversation for good, its words in the file too; say whether the owner had it."""

        def do(file: _File) -> bool:
            with file.transaction() as connection:
                found = connection.execute("SELECT key FROM conversations WHERE id = ? AND owner = ?", (id, owner))
                row = found.fetchone()
                if not row:
                    return False
                connection.execute(
                    "DELETE FROM said WHERE rowid IN (SELECT key FROM turns WHERE conversation = ?)", (row["key"],)
                )
                connection.execute("DELETE FROM titles WHERE rowid = ?", (row["key"],))
                connection.execute("DELETE FROM conversations WHERE key = ?", (row["key"],))
                connection.execute("INSERT INTO said (said) VALUES ('optimize')")  # else the indexes keep its words
                connection.execute("INSERT INTO titles (titles) VALUES ('optimize')")
            file.row("PRAGMA wal_checkpoint(TRUNCATE)")  # else the log keeps them
            return True

        return self._do(do)

    def _do(self, what: Callable[[_File], T]) -> T:
        """Do something with the file, with a new one if it is damaged; one at a time, as a file is closed for all."""
        with self._guard:
            for last in (False, True):
                node = _node(self.path)
                try:
                    return what(self._opened())
                except DamagedLibrary as error:
                    if last or not error.__cause__:  # another program's, or of a later version: not ours to move
                        raise NotKept(f"Conversations are not kept: {error}") from error
                    self._set_aside(node, error.__cause__)
                except (NoLibrary, OSError, sqlite3.Error) as error:
                    why = error.__cause__ or error
                    raise NotKept(
                        f"Conversations are not kept, because {self.path} cannot be written ({_told(why)}); make room "
                        "or give the right to, or name another place with --library DIR or QA_LIBRARY."
                    ) from error
        raise AssertionError("unreachable")

    def _opened(self) -> _File:
        if self._file and self._node != _node(self.path):  # somebody deleted or replaced it
            self._shut()
        if not self._file:
            writable = os.access(self.path.parent, os.W_OK)
            if not writable and not self.path.is_file():
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.path))
            self._file = _File(self.path, _TABLES, _SCHEMA, create=writable)
            self._node = _node(self.path)
        return self._file

    def _shut(self) -> None:
        if self._file:
            self._file.close()
        self._file = None

    def _set_aside(self, damaged: tuple[int, int] | None, why: BaseException) -> None:
        self._shut()
        if _node(self.path) != damaged:  # another process was faster
            return
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        aside = self.path.with_name(f"conversations.damaged-{stamp}.sqlite")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        self.notices.append(
            f"{FILE} was damaged ({_told(why)}); it was set aside as {aside.name}, and a new one was begun."
        )


class _File(Database):
    """The file: what is deleted from it is overwritten."""

    application = 0x61727174  # "arqt"

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.execute("PRAGMA secure_delete = ON")
        return connection


def _turn(written: str) -> Turn:
    held: dict[str, Any] = json.loads(written)
    question, answer = held["question"], held["answer"]
    try:
        return Turn(question, answer if isinstance(answer, str) else Answer.from_json(answer))
    except ValueError:
        return Turn(question, _UNREADABLE)


def _excerpt(file: _File, turn: int, match: str) -> str:
    """Return where the words stand in a turn that has them."""
    query = "SELECT snippet(said, -1, ?, ?, '…', 16) FROM said WHERE said MATCH ? AND rowid = ?"
    row = file.row(query, (HIT, END, match, turn))
    return one_line(row[0]) if row else ""


def _title(question: str) -> str:
    """Return a first question, cut at a word.

    >>> _title("When did it open? " * 9)
    'When did it open? When did it open? When did it open? When did it open? When…'
    """
    if len(question) <= _TITLE:
        return question
    cut = question[:_TITLE].rpartition(" ")[0] or question[: _TITLE - 1]
    return f"{cut}…"


def _sound(text: str) -> str:
    """Return a text as SQLite can hold it, on one line and without the marks of a search."""
    return one_line(text).translate({ord(HIT): None, ord(END): None})


def _told(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


def _node(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
