"""What changes a library by hand: files and pages that are added, articles that are removed and brought back.

Everything else stays as it is: one changed article costs one article.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from index import added
from index.encoder import Encoder
from index.errors import ArticleQAError, NotAdded, UnreadableFile
from index.formats import FILE_BYTES, too_large
from index.library import Library
from index.parser import Parser
from index.sync import Changes, take_in
from index.vectors import VectorIndex
from qa.types import Added, Outcome

if TYPE_CHECKING:
    from index.fetch import Fetched


class Shelf:
    """The articles folder and its library, for one hand at a time; its owner's alone.

    Attributes:
        guard: Held by whoever writes the library; questions go on meanwhile.
    """

    def __init__(self, folder: Path, library: Library, encoder: Encoder, vectors: VectorIndex) -> None:
        self.guard = threading.RLock()
        self._folder = folder
        self._library = library
        self._encoder = encoder
        self._vectors = vectors
        self._parser = Parser()

    def close(self) -> None:
        """End the process that reads files."""
        self._parser.close()

    def add(self, name: str, data: bytes) -> Added:
        """Save a file under a safe name and take it in.

        Raises:
            UnreadableFile: It cannot become an article; nothing of it is kept.
            NotAdded: The folder takes no files.
        """
        with self.guard:
            return self._add(added.safe_name(name), data)

    def add_page(self, page: Fetched) -> Added:
        """Save a fetched page and take it in, in place of what was fetched from its address before.

        Raises as `add` does.
        """
        with self.guard:
            origin = added.Origin(page.url, date.today().isoformat())
            known = added.origins(self._folder).items()
            before = next((path for path, held in known if held.url == page.url and path.endswith(page.suffix)), None)
            if before and not (self._folder / before).is_file():
                before = None
            return self._add(added.page_name(page), added.page_data(page), origin, before)

    def remove(self, article_id: str) -> None:
        """Leave an article out until its text changes; its file stays.

        Raises:
            ArticleQAError: There is none of that id.
        """
        with self.guard:
            if not self._library.set_aside(article_id):
                raise ArticleQAError(f"There is no article {article_id!r} in the library; it may be removed already.")

    def restore(self, article_id: str) -> None:
        """Bring an article back that was removed.

        Raises:
            ArticleQAError: None of that id was removed, or its file is gone.
            UnreadableFile: Its file cannot be read any more.
        """
        with self.guard:
            _, file = self._library.removed().get(article_id, ("", ""))
            if not file or not (self._folder / file).is_file():
                raise ArticleQAError(f"There is no removed article {article_id!r} to bring back; sync the folder.")
            self._library.take_back(file, article_id)
            report = self._take_in(file)
            if report.refused and not self._library.article(article_id):
                raise report.refused[0]

    def _add(self, name: str, data: bytes, origin: added.Origin | None = None, over: str | None = None) -> Added:
        if len(data) > FILE_BYTES:
            raise too_large(name)
        there = self._library.file_with(hashlib.sha256(data).hexdigest())
        if there and (self._folder / there).is_file() and (origin is None or there == over):
            if any(file == there for _, file in self._library.removed().values()):
                self._library.take_back(there)
                self._take_in(there)
                return self._done(there, "restored")
            if self._library.article_ids(there):
                return self._done(there, "there")
        old = (self._folder / over).read_bytes() if over else b""
        path = added.save(self._folder, name, data, over=over)

        def undo() -> None:
            if over:
                added.save(self._folder, name, old, over=over)
                self._library.take_back(path)
            else:
                added.discard(self._folder, path)
                self._library.remove_file(path)

        try:
            if origin:
                added.remember(self._folder, path, origin)
            self._library.take_back(path)
            report = self._take_in(path)
            if report.refused and not (report.added or report.updated or report.unchanged):
                refused = report.refused[0]
                raise UnreadableFile(name, refused.code, refused.found)
        except BaseException:
            undo()
            raise
        return self._done(path, "updated" if over else "added", report)

    def _take_in(self, file: str) -> Changes:
        try:
            return take_in(self._folder, [file], self._library, self._encoder, self._vectors, self._parser)
        except OSError as error:
            raise NotAdded(f"{file} cannot be read ({error.strerror}); check its permissions, and sync.") from error

    def _done(self, file: str, state: Outcome, report: Changes | None = None) -> Added:
        report = report or Changes()
        refused = tuple(str(error) for error in report.refused)
        return Added(file, tuple(self._library.article_ids(file)), state, refused, tuple(report.notes))
