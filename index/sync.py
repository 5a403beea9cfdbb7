"""A folder to the library: add, update, delete, with progress, safe to interrupt and to repeat.

A file counts as unchanged while its size and modification time are; then nothing of it is read. An
article whose text is known, under whatever name, is not encoded again. Files that cannot be read are
reported, one line each, and do not hold up the others.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from index import copies
from index.added import origins, told
from index.copies import Families
from index.encoder import Encoder
from index.errors import NoLibrary, UnreadableFile
from index.formats import SUFFIXES, Reading, shown
from index.library import Draft, FileRecord, Library
from index.outline import Outline, encode, outline
from index.parser import Parser, contents
from index.split import TooManySentences
from index.types import Article
from index.vectors import VectorIndex

_AHEAD = 64  # passages that are collected before they are encoded together
_FILES_AHEAD = 8  # files that are read while those before them are encoded
_CHROMA_EVERY = 2_000  # passages that are published before Chroma takes them in
_DEPTH = 32  # folders inside folders
_RACY = 2_000_000_000  # nanoseconds; a file changed this shortly before it was read may change unseen


class Step(NamedTuple):
    """Progress: what is being done, how far it is, and on what."""

    stage: str
    done: int
    total: int
    name: str = ""


Progress = Callable[[Step], None]


@dataclass(slots=True)
class Changes:
    """What a sync did: article ids, and the files that were refused."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unchanged: int = 0
    refused: list[UnreadableFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know about how a file was read."""
    encoded: int = 0
    """Passages that went through the encoder."""
    left_out: int = 0
    """Articles that the folder has and the library not, because they were removed by hand."""

    @property
    def refused_files(self) -> int:
        """The files that were refused, or had a line in them that was."""
        return len({error.path for error in self.refused})

    def summary(self) -> str:
        """Say it in one line.

        >>> Changes(added=["a.txt"], unchanged=3).summary()
        '1 added, 3 unchanged'
        """
        counts = [
            (len(self.added), "added"),
            (len(self.updated), "updated"),
            (len(self.deleted), "deleted"),
            (self.unchanged, "unchanged"),
            (len(self.refused), "refused"),
            (self.left_out, "left out as removed by hand"),
        ]
        return ", ".join(f"{count:,} {what}" for count, what in counts if count) or "no articles"


def sync(
    folder: Path, library: Library, encoder: Encoder, vectors: VectorIndex, progress: Progress | None = None
) -> Changes:
    """Make the library hold what the folder holds.

    Interrupted at any moment, what was published stays and the next sync goes on from there.

    Raises:
        NoLibrary: The folder is missing or is not a folder.
    """
    return _Sync(folder, library, encoder, vectors, progress or (lambda step: None)).run()


def take_in(
    folder: Path, files: Sequence[str], library: Library, encoder: Encoder, vectors: VectorIndex, parser: Parser
) -> Changes:
    """Bring a few files of a folder into the library, each as its path in it, and look at no other.

    What they say is found from the moment they are in; Chroma takes it in with the next sync, or when it is much.
    """
    return _Sync(folder, library, encoder, vectors, lambda step: None).take_in(files, parser)


def article_files(folder: Path, unlisted: list[UnreadableFile] | None = None) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files of a folder that are articles by name, as (path with `/`, stat), sorted.

    Hidden files and folders, symbolic links, `README*` and unknown suffixes are not articles.

    Args:
        folder: Where they are.
        unlisted: Takes the folders inside that cannot be listed; without it, one is an error.

    Raises:
        NoLibrary: The folder is missing, is not a folder, or cannot be listed.
    """
    if not os.path.isdir(folder):
        what = "is a file" if os.path.exists(folder) else "does not exist"
        raise NoLibrary(f"{folder} {what}; name a folder with articles in it.")
    try:
        yield from _walk(folder, "", _DEPTH, unlisted)
    except OSError as error:
        raise NoLibrary(f"{error.filename} cannot be listed ({error.strerror}); check its permissions.") from error


def _walk(
    folder: str | Path, prefix: str, depth: int, unlisted: list[UnreadableFile] | None
) -> Iterator[tuple[str, os.stat_result]]:
    with contextlib.ExitStack() as stack:
        try:
            entries = stack.enter_context(os.scandir(folder))
        except OSError as error:
            if not prefix or unlisted is None:
                raise
            if not isinstance(error, FileNotFoundError):  # else it went away meanwhile
                found = f"cannot be listed ({error.strerror}); check its permissions"
                unlisted.append(UnreadableFile(shown(prefix[:-1]), "unreadable", found))
            return
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth:
                    yield from _walk(entry.path, f"{prefix}{entry.name}/", depth - 1, unlisted)
            elif entry.is_file(follow_symlinks=False):
                suffix = os.path.splitext(entry.name)[1].lower()
                if suffix in SUFFIXES and not entry.name.upper().startswith("README"):
                    with contextlib.suppress(FileNotFoundError):  # it went away meanwhile
                        yield prefix + entry.name, entry.stat(follow_symlinks=False)


class _Read(NamedTuple):
    """What to remember of a file, and what it says: articles, a refusal, or just what the library knows of it."""

    record: FileRecord
    found: Reading | UnreadableFile | FileRecord


def _read(parser: Parser, where: Path, name: str, stat: os.stat_result, known: FileRecord | None) -> _Read:
    # A file that changed a moment ago may change again within the clock's grain: look again next time.
    settled = time.time_ns() - stat.st_mtime_ns > _RACY
    record = FileRecord(stat.st_size, stat.st_mtime_ns if settled else -1, "", "")
    try:
        data = contents(where, name)
        record = replace(record, sha256=hashlib.sha256(data).hexdigest())
        return _Read(record, known if known and known.sha256 == record.sha256 else parser.parse(data, name))
    except UnreadableFile as error:
        if not record.sha256:  # it could not even be opened, which may change while its time does not
            record = replace(record, modified=-1)
        elif error.code == "timeout":  # of a busy machine, maybe: who touches it has it read again
            record = replace(record, sha256="")
        return _Read(record, error)


@dataclass(slots=True)
class _Waiting:
    """An article whose passages are to be encoded."""

    outline: Outline
    file: str
    known: bool  # the library has an older one of that id


class _Sync:
    def __init__(
        self, folder: Path, library: Library, encoder: Encoder, vectors: VectorIndex, progress: Progress
    ) -> None:
        self.folder = folder
        self.library = library
        self.encoder = encoder
        self.vectors = vectors
        self.progress = progress
        self.report = Changes()
        self.waiting: list[_Waiting] = []
        self.removed = library.removed()
        self.origins = origins(folder)
        self.records: dict[str, FileRecord] = {}  # of files whose articles are published or waiting
        self.since_chroma = 0

    @cached_property
    def families(self) -> Families:
        return Families(self.library.signatures())  # of all articles, so not before one is new

    def run(self) -> Changes:
        unlisted: list[UnreadableFile] = []
        files = [(shown(path), path, stat) for path, stat in article_files(self.folder, unlisted)]
        self.report.refused += unlisted
        known = self.library.files()
        held = self.library.articles_of_files()
        new = []
        for name, path, stat in files:
            record = known.get(name)
            if record and (record.size, record.modified) == (stat.st_size, stat.st_mtime_ns):
                self._as_before(record, held.get(name, 0))
            else:
                new.append((name, path, stat))
        # The parser closes first: who stops a sync does not wait for a file that takes long.
        with ThreadPoolExecutor(1, thread_name_prefix="reading") as aside, Parser() as parser:
            ahead: deque[Future[_Read]] = deque()
            for number, (name, *_) in enumerate(new):
                for later, path, stat in new[number + len(ahead) : number + _FILES_AHEAD]:
                    ahead.append(aside.submit(_read, parser, self.folder / path, later, stat, known.get(later)))
                self.progress(Step("Adding", number, len(new), name))
                self._file(name, ahead.popleft().result())
            self._publish()
        if new:
            self.progress(Step("Adding", len(new), len(new)))
        # Deletions come last, so that a renamed file finds its vectors under its old name.
        unseen = tuple(f"{error.path}/" for error in unlisted)  # who knows what is in there: it stays as it was
        for name in sorted((known.keys() | held.keys()) - {name for name, _, _ in files}):
            if not name.startswith(unseen):
                self.report.deleted += self.library.remove_file(name)
        self.report.left_out = len(self.library.removed())
        self._index()
        return self.report

    def take_in(self, files: Sequence[str], parser: Parser) -> Changes:
        for path in files:
            where = self.folder / path
            self._file(path, _read(parser, where, path, os.lstat(where), self.library.file(path)))
        self._publish()
        _, beyond, retired = self.library.standing(self.library.watermark)
        if beyond + retired >= _CHROMA_EVERY:
            self._index()
        return self.report

    def _as_before(self, record: FileRecord, articles: int) -> None:
        self.report.unchanged += articles
        if record.refused:
            self.report.refused += [UnreadableFile(*refusal) for refusal in json.loads(record.refused)]

    def _file(self, name: str, read: _Read) -> None:
        record, reading = read
        before = self.library.article_ids(name)
        if isinstance(reading, FileRecord):
            self.records[name] = replace(record, refused=reading.refused)
            self._as_before(reading, len(before))
            return
        if isinstance(reading, UnreadableFile):
            # What it said before stays: a file that broke loses nothing.
            self.records[name] = replace(record, refused=_refusals([reading]))
            self.report.refused.append(reading)
            return
        refused = list(reading.refused)
        for article in reading.articles:
            try:
                self._article(told(article, name, self.origins), name)
            except TooManySentences as error:
                refused.append(UnreadableFile(article.id, "too_large", str(error)))
        if not reading.refused:  # else a line that broke may be the article that is missing
            told_of = {article.id for article in reading.articles}
            for article_id in sorted(set(before) - told_of):
                self._delete(article_id)
            for article_id in [i for i, (_, file) in self.removed.items() if file == name and i not in told_of]:
                self.library.take_back(name, article_id)
        self.report.refused += refused
        self.report.notes += [f"{name}: {note}" for note in reading.notes]
        self.records[name] = replace(record, refused=_refusals(refused))

    def _article(self, article: Article, file: str) -> None:
        if self.removed.get(article.id, ("",))[0] == article.revision:
            return
        known = self.library.article(article.id)
        if known and known.revision == article.revision:
            if known == article:
                self.report.unchanged += 1
            else:
                self.library.describe(article, file)
                self.report.updated.append(article.id)
            return
        if any(item.outline.article.revision == article.revision for item in self.waiting):
            self._publish()
        encoded = self.library.encoded(article.revision)
        if encoded:
            self._store(Draft(article, *encoded, copies.signature(article.text)), file, known is not None)
            return
        self.waiting.append(_Waiting(outline(article, self.encoder), file, known is not None))
        if sum(len(item.outline.runs) for item in self.waiting) >= _AHEAD:
            self._publish()

    def _publish(self) -> None:
        """Encode what waits, in one go, and publish it an article at a time; then remember its files."""
        if self.waiting:
            self._encode()
        self.library.record_files(self.records)
        self.records.clear()
        if self.since_chroma >= _CHROMA_EVERY:
            self._index()

    def _encode(self) -> None:
        self.library.match_encoder(self.encoder, claim=True)
        drafts = encode([item.outline for item in self.waiting], self.encoder)
        for item, draft in zip(self.waiting, drafts, strict=True):
            self.report.encoded += len(draft.runs)
            self._store(draft, item.file, item.known)
        self.waiting.clear()

    def _index(self) -> None:
        self.vectors.catch_up(lambda done, total: self.progress(Step("Indexing", done, total)))
        self.since_chroma = 0

    def _store(self, draft: Draft, file: str, known: bool) -> None:
        family = self.library.publish(draft, file, self.families.find(draft.signature, draft.article.id))
        self.families.add(draft.article.id, family, draft.signature)
        (self.report.updated if known else self.report.added).append(draft.article.id)
        self.since_chroma += len(draft.runs)

    def _delete(self, article_id: str) -> None:
        self.library.remove(article_id)
        self.families.drop(article_id)
        self.report.deleted.append(article_id)


def _refusals(errors: Sequence[UnreadableFile]) -> str:
    return json.dumps([(error.path, error.code, error.found) for error in errors]) if errors else ""
