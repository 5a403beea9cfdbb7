"""Chroma in this process, with its files in the library's folder.

Chroma writes in place, so a kill while it writes can break it (measured: about one default store in ten),
and a damaged one can answer wrongly in silence or end the process that opens it. Therefore its files
are sealed: after each write that was checked, the library keeps their sizes and their hash, and before
the next write it forgets them. Files that are not under their seal are never opened; Chroma is built anew
in a fresh folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from index.library import Library
from index.vectors.store import HNSW, ChromaError, Store, T

log = logging.getLogger(__name__)

_COLLECTION = "passages"
# By default up to 1,000 vectors stay in a log, which is built in anew at every opening, 1 ms each; here each batch is
# written out as it comes.
_HNSW = {**HNSW, "sync_threshold": 2}


class Embedded(Store):
    """A collection in a folder of its own beside the library, `chroma-` and its generation."""

    shared = False

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self._client: Any = None

    @property
    def path(self) -> Path:
        """The current generation's folder."""
        return self._folder / f"chroma-{int(self._library.get('chroma', '0')):06d}"

    def open(self, seal: str) -> bool:
        """Open the files if they are under this seal; any others are left unopened."""
        self.sweep()
        if not _sealed(self.path, seal):
            if '"sizes"' in seal:
                log.warning("The vector index was changed by something else; it is built anew from the library.")
            return False
        self.connect(self.path)
        return True

    def connect(self, path: Path) -> None:
        """Open the files in a folder, or make them."""
        with _translated():
            self._client = _client(path)
            collection = self._client.get_or_create_collection(
                _COLLECTION, embedding_function=None, configuration={"hnsw": _HNSW}
            )
            if collection.configuration["hnsw"]["space"] != "cosine":
                raise ChromaError("its distance is not cosine")
            self.collection = collection

    def renew(self) -> dict[str, str]:
        """Return the next number."""
        return {"chroma": str(int(self._library.get("chroma", "0")) + 1)}

    def create(self) -> None:
        """Make it in a fresh folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.connect(self.path)

    def seal(self, kept: str = "") -> str:
        """Return what tells whether the files are those that were checked; opening them wrote to them, too."""
        return _seal(self.path)

    def sweep(self) -> None:
        """Delete the folders of earlier generations."""
        sweep(self._folder, self.path)

    def ready(self) -> None:
        """Do nothing: files are there."""

    def abort(self) -> None:
        """Do nothing: a call into Chroma ends when it ends."""

    def close(self) -> None:
        """Let go of the files."""
        client, self._client, self.collection = self._client, None, None
        if client is not None:
            with contextlib.suppress(ChromaError), _translated():
                client.close()

    def call(self, ask: Callable[[Any], T], *, question: bool = False) -> T:
        """Return what the collection answers; there is no limit on time, nobody else can hold it up."""
        with _translated():
            return ask(self.collection)

    def examine(self, seal: str, beyond: int, empty: bool) -> tuple[str, bool]:
        """Say how the files stand, without opening them."""
        if not self.path.is_dir():
            return "not built yet; the chat and sync build it, until then search is exact", empty or not seal
        if not seal:
            return "was left half written", False
        if not _sealed(self.path, seal):
            return f"{self.path} is damaged", False
        return f"sound, {beyond:,} passages behind" if beyond else "sound and complete", True

    @property
    def _folder(self) -> Path:
        assert self._library.folder is not None
        return self._library.folder


def sweep(folder: Path, current: Path | None = None) -> None:
    """Delete the folders of all generations but the current one."""
    for old in folder.glob("chroma-*"):
        if old != current:
            shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn whatever Chroma throws into `ChromaError`; its Rust panics are not even `Exception`s."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, ChromaError):
        raise
    except BaseException as error:
        raise ChromaError(f"{type(error).__name__}: {str(error)[:200]}") from error


def _client(path: Path) -> Any:
    import chromadb

    # `_env_file=None`: a .env in the current folder is none of ours.
    settings = chromadb.Settings(_env_file=None, anonymized_telemetry=False, allow_reset=False)
    return chromadb.PersistentClient(path=str(path), settings=settings)


def _seal(path: Path) -> str:
    """Return what tells whether Chroma's files are those that were checked: its version, their sizes, their hash."""
    with _translated():
        sizes = _sizes(path)
        return json.dumps({"chromadb": metadata.version("chromadb"), "sizes": sizes, "sha256": _hash(path, sizes)})


def _sealed(path: Path, seal: str) -> bool:
    """Say whether Chroma's files are those that were sealed."""
    if not seal or not path.is_dir():
        return False
    try:
        sizes = _sizes(path)
        kept = json.loads(seal)
        # Sizes first: a torn record makes a file grow to terabytes, which nobody wants to read.
        return bool(
            kept["chromadb"] == metadata.version("chromadb")
            and kept["sizes"] == sizes
            and kept["sha256"] == _hash(path, sizes)
        )
    except (OSError, ValueError, KeyError):
        return False


def _sizes(path: Path) -> dict[str, int]:
    return {
        file.relative_to(path).as_posix(): file.stat().st_size for file in sorted(path.rglob("*")) if file.is_file()
    }


def _hash(path: Path, names: dict[str, int]) -> str:
    digest = hashlib.sha256()
    for name in names:
        with (path / name).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
