"""One SQLite file, opened with care: whole transactions, a connection for each thread, errors in plain words.

A file that is not ours, or is damaged, is left as it was found.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from index.errors import DamagedLibrary, NoLibrary

_WAIT = 30.0  # seconds for another connection's transaction to end

_ELSEWHERE = "name another place with --library DIR or QA_LIBRARY."


class Database:
    """An SQLite database in a file, or in memory until it is closed; threads may share it."""

    application = 0x61727161  # "arqa" in the file's header, which tells it from other databases

    def __init__(self, path: Path | None, tables: str, version: int, *, create: bool) -> None:
        """Open a database and make its tables if it is new.

        Args:
            path: The file; None for memory.
            tables: The statements that make a new one, each ended by `;` and a line end.
            version: Of the tables; a file with a later one is refused.
            create: Make the file and its folder if they are missing.

        Raises:
            NoLibrary: There is none, or none can be made there.
            DamagedLibrary: The file is something else, is broken, or is of a later version.
        """
        self.path = path
        # Threads share a database in memory by its name, for as long as one connection holds it open.
        self._uri = path.absolute().as_uri() if path else f"file:{secrets.token_hex(8)}"
        self._mode = "?mode=rw" if path else "?mode=memory&cache=shared"
        self._threads = threading.local()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._guard = threading.Lock()
        self._closed = False
        if path and not create and not path.is_file():
            raise NoLibrary(f"There is no library in {path.parent}; make one with `article-qa sync`.")
        try:
            if path and create:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if not path.exists():
                    path.touch(mode=0o600)
        except OSError as error:
            raise NoLibrary(f"A library cannot be kept in {error.filename} ({error.strerror}); {_ELSEWHERE}") from error
        try:
            with self._translated():
                self._prepare(tables, version, create)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            for _, connection in self._opened:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            self._opened.clear()
            self._threads = threading.local()
            self._closed = True

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""
        with self._translated():
            return self._connection.execute(query, parameters).fetchall()

    def row(self, query: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """Return the first row that a query finds, None if it finds nothing."""
        with self._translated():
            found: sqlite3.Row | None = self._connection.execute(query, parameters).fetchone()
            return found

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have this thread's queries inside see one state of the database, whatever is written meanwhile."""
        with self._transaction("BEGIN"):
            yield

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all that is written inside, or nothing of it.

        Raises:
            NoLibrary: The file cannot be written: the disk is full, say.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def vacuum(self) -> None:
        """Give unused pages back to the disk, wholly or not at all; takes twice the file's size on it meanwhile."""
        with self._translated():
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._translated():
            connection = self._connection
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell
                        connection.execute("ROLLBACK")

    def _prepare(self, tables: str, version: int, create: bool) -> None:
        connection = self._connection
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != self.application:
            if application or found or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise DamagedLibrary(f"{self.path} is another program's database; {_ELSEWHERE}")
            if not create:
                raise NoLibrary(f"{self.path} is empty; fill it with `article-qa sync`.")
            # A passage takes some 2 kB, of which the usual page of 4 would hold one and waste the rest.
            connection.execute("PRAGMA page_size = 8192")
            self._write_ahead(connection)
            with self.transaction():
                for statement in tables.strip().split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {self.application}")
                connection.execute(f"PRAGMA user_version = {version}")
        elif found > version:
            raise DamagedLibrary(
                f"{self.path} was written by a later version of article-qa (schema {found}, this one knows {version}); "
                f"get the later version of article-qa, or {_ELSEWHERE}"
            )
        elif create:
            self._write_ahead(connection)

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")

    @property
    def _connection(self) -> sqlite3.Connection:
        threads = self._threads
        connection: sqlite3.Connection | None = getattr(threads, "connection", None)
        if connection is None:
            if self._closed:
                raise NoLibrary("The library is closed; open it again.")
            connection = self._connect()
            threads.connection = connection
            with self._guard:
                # A pool makes and ends threads for ever: close what they left.
                for thread, left in [pair for pair in self._opened if not pair[0].is_alive()]:
                    left.close()
                    self._opened.remove((thread, left))
                self._opened.append((threading.current_thread(), connection))
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri + self._mode, uri=True, isolation_level=None, timeout=_WAIT, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as error:
            connection.close()
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or not self._unwritable():
                raise
            # Nobody can write there, so the file can be read without the files that guard against writers.
            self._mode = "?mode=ro&immutable=1"
            return self._connect()
        return connection

    def _unwritable(self) -> bool:
        """Say whether the file stands whole in a folder where it cannot be opened as usual."""
        if self.path is None or "immutable" in self._mode or not self.path.is_file():
            return False
        log = self.path.with_name(self.path.name + "-wal")
        return not log.exists() or not log.stat().st_size

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:  # a mistake of ours, to be seen as one
                raise
            raise NoLibrary(
                f"The library {self.path} cannot be used ({error}); see whether the disk is full, or {_ELSEWHERE}"
            ) from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
            raise DamagedLibrary(
                f"{self.path} is not a readable library ({error}); it was left as it is. Move it away and run "
                "`article-qa sync` to build a new one from the articles."
            ) from error
