"""Passage vectors in Chroma: a rebuildable index beside the library, and exact search without it.

Chroma writes in place, so a kill while it writes can break it (measured: about one default store in ten),
and a damaged one can answer wrongly in silence or end the process that opens it. Therefore its files
are sealed: after each write that was checked, the library keeps their sizes and their hash, and before
the next write it forgets them. Files that are not under their seal are never opened; Chroma is built anew
in a fresh folder from the vectors in the library, without encoding. Until then, and for passages that
Chroma has not seen, search is exact.

This is the only home of chromadb.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.encoder import Matrix, Vector
from index.library import Library

log = logging.getLogger(__name__)

_COLLECTION = "passages"
_BATCH = 1_000  # vectors of one upsert; Chroma refuses more than 5,461
_SAMPLE = 5  # stored vectors that must find themselves
_RETIRED = 1_000  # passages to be dropped from Chroma from which exact search is the cheaper one
_TURN = 0.1  # seconds that a question waits for others; while Chroma is written it searches exactly
_PLACES = 6  # decimals of a similarity that count: equal vectors differ in the seventh, by their place in the matrix
# Recall of the defaults falls to .95 on vectors of high intrinsic dimension; with these it stays at 1.00.
_HNSW = {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 200}


class ChromaError(Exception):
    """Chroma's files do not hold what the library says they do; never shown, always mended."""


class ExactIndex:
    """Exact cosine search with NumPy over the library's own vectors, kept in memory between questions."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._guard = threading.Lock()
        self._version = -1
        self._floor = 0
        self._keys = np.zeros(0, np.int64)
        self._rows: Matrix = np.zeros((0, 0), np.float32)

    def search(self, vector: Vector, k: int, after: int = 0) -> dict[int, float]:
        """Return the k passages nearest to a unit vector among those with a key above `after`.

        Returns:
            Key -> cosine similarity, -1 to 1, higher is better.
        """
        keys, rows = self._load(after)
        if not len(keys):
            return {}
        scores = rows @ vector
        best = np.argsort(-np.round(scores, _PLACES), kind="stable")[:k]
        return {int(keys[i]): float(scores[i]) for i in best}

    def _load(self, after: int) -> tuple[NDArray[np.int64], Matrix]:
        with self._guard:
            version = self._library.version
            if version != self._version or after < self._floor:
                keys, _, rows = self._library.vectors(after)
                self._keys, self._rows = np.asarray(keys, np.int64), rows
                self._version, self._floor = version, after
            start = int(np.searchsorted(self._keys, after, side="right"))
            return self._keys[start:], self._rows[start:]


class VectorIndex:
    """The library's vectors, searched through Chroma where it is sound and exactly where it is not.

    Only the process that owns the library may pass `owner=True`; any other one searches exactly.
    """

    def __init__(self, library: Library, *, owner: bool) -> None:
        self._library = library
        self._exact = ExactIndex(library)
        self._owner = owner and library.folder is not None
        self._guard = threading.RLock()
        self._client: Any = None
        self._collection: Any = None

    @property
    def engine(self) -> str:
        """What answers now: `chroma` or `exact`."""
        return "chroma" if self._collection is not None else "exact"

    def open(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Open Chroma if it is as it was left, else rebuild it; then bring it up to date. Owners only.

        Args:
            progress: Called with (passages done, passages to do); building anew takes about 2 ms a passage.
        """
        if not self._owner:
            return
        with self._guard:
            self.close()
            self._sweep()
            path = self._path()
            seal = self._library.get("chroma_seal")
            if not _sealed(path, seal):
                if seal:
                    log.warning("The vector index was changed by something else; it is built anew from the library.")
                self.rebuild(progress)
                return
            try:
                self._connect(path)
                self._check(self._library.watermark)
                self._library.set(chroma_seal=_seal(path))  # opening it wrote to it
            except ChromaError as error:
                log.warning("The vector index is damaged (%s); it is built anew from the library.", error)
                self.rebuild(progress)
                return
            self.catch_up(progress)

    def close(self) -> None:
        """Let go of Chroma; search goes on exactly."""
        with self._guard:
            client, self._client, self._collection = self._client, None, None
            if client is not None:
                with contextlib.suppress(ChromaError), _translated():
                    client.close()

    def catch_up(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Bring Chroma to the library's state: add the new passages, drop the retired ones. Owners only.

        A failure of Chroma leaves exact search behind, never an error: the next `open` mends it.

        Args:
            progress: Called with (passages done, passages to do).
        """
        with self._guard:
            if self._collection is None:
                return
            watermark = self._library.watermark
            _, beyond, retired = self._library.standing(watermark)
            if not beyond and not retired and self._library.get("chroma_seal"):
                return
            self._library.set(chroma_seal="")
            try:
                gone = self._drop()
                done = 0
                while rows := self._add(watermark):
                    watermark, added = rows
                    done += added
                    if progress:
                        progress(done, beyond)
                self._check(watermark)
                self._library.caught_up(watermark, gone, chroma_seal=_seal(self._path()))
            except ChromaError as error:
                log.warning("The vector index failed (%s); searching exactly until it is built anew.", error)
                self.close()

    def rebuild(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Build Chroma anew, in a fresh folder, from the vectors in the library. Owners only."""
        with self._guard:
            self.close()
            generation = int(self._library.get("chroma", "0")) + 1
            # One transaction names the new folder, says that it holds nothing, and breaks the seal.
            self._library.caught_up(0, self._library.retired(), chroma=str(generation), chroma_seal="")
            path = self._path()
            shutil.rmtree(path, ignore_errors=True)
            try:
                self._connect(path)
                self.catch_up(progress)
            except ChromaError as error:
                log.warning("The vector index could not be built (%s); searching exactly.", error)
                self.close()
            self._sweep()

    def examine(self) -> tuple[str, bool]:
        """Say how Chroma stands, and whether that is as it should be; changes nothing. Owners only."""
        path, seal = self._path(), self._library.get("chroma_seal")
        indexed, beyond, _ = self._library.standing(self._library.watermark)
        if not path.is_dir():
            return "not built yet; search is exact", not indexed + beyond
        if not seal:
            return "was left half written", False
        if not _sealed(path, seal):
            return f"{path} is damaged", False
        return f"sound, {beyond:,} passages behind" if beyond else "sound and complete", True

    def search(self, vector: Vector, k: int) -> tuple[dict[int, float], str]:
        """Return the k passages nearest to a unit vector, and what found them.

        Returns:
            Key -> cosine similarity (-1 to 1, higher is better; Chroma's distance becomes similarity
            here and nowhere else), and `chroma` or `exact`.

        Raises:
            ValueError: The vector is not finite.
        """
        if not np.isfinite(vector).all() or not vector.any():
            raise ValueError("a question's vector must be finite and not zero")
        found = self._ask_chroma(vector, k)
        if found is None:
            return self._exact.search(vector, k), "exact"
        hits, watermark = found
        hits.update(self._exact.search(vector, k, after=watermark))
        best = sorted(hits, key=lambda key: (-round(hits[key], _PLACES), key))[:k]
        return {key: hits[key] for key in best}, "chroma"

    def _ask_chroma(self, vector: Vector, k: int) -> tuple[dict[int, float], int] | None:
        """Return what Chroma finds among the passages up to the watermark, and the watermark."""
        if self._collection is None or not self._guard.acquire(timeout=_TURN):
            return None
        try:
            watermark = self._library.watermark
            _, _, retired = self._library.standing(watermark)
            if self._collection is None or retired > _RETIRED:
                return None
            # Retired passages still stand in Chroma and are dropped below, so ask for more.
            with _translated():
                found = self._collection.query(query_embeddings=[vector], n_results=k + retired, include=["distances"])
                similarity = {
                    name: 1.0 - float(distance)
                    for name, distance in zip(found["ids"][0], found["distances"][0], strict=True)
                }
                keys = [int(name.rpartition(":")[2]) for name in similarity]
        except ChromaError as error:
            log.warning("The vector index failed (%s); searching exactly until it is built anew.", error)
            self._library.set(chroma_seal="")
            self.close()
            return None
        finally:
            self._guard.release()
        valid = self._library.ids_of(keys)
        return {valid[name]: found for name, found in similarity.items() if name in valid}, watermark

    def _path(self) -> Path:
        assert self._library.folder is not None
        return self._library.folder / f"chroma-{int(self._library.get('chroma', '0')):06d}"

    def _connect(self, path: Path) -> None:
        with _translated():
            self._client = _client(path)
            collection = self._client.get_or_create_collection(
                _COLLECTION, embedding_function=None, configuration={"hnsw": _HNSW}
            )
            if collection.configuration["hnsw"]["space"] != "cosine":
                raise ChromaError("its distance is not cosine")
            self._collection = collection

    def _drop(self) -> dict[int, str]:
        """Delete the retired passages from Chroma and return them."""
        retired = self._library.retired()
        stale = list(retired.values())
        for at in range(0, len(stale), _BATCH):
            with _translated():
                self._collection.delete(ids=stale[at : at + _BATCH])
        return retired

    def _add(self, watermark: int) -> tuple[int, int] | None:
        """Write the next passages beyond a key; return the last one's key and their number, None at the end."""
        keys, ids, rows = self._library.vectors(watermark, _BATCH)
        if not keys:
            return None
        with _translated():
            self._collection.upsert(ids=ids, embeddings=rows)
        return keys[-1], len(keys)

    def _check(self, watermark: int) -> None:
        """Compare Chroma with the library: the count, and a few stored vectors that find themselves.

        The queries also make Chroma take in what it has only logged, which is the flush that counts.
        """
        with _translated():
            count = self._collection.count()
        expected, _, retired = self._library.standing(watermark)
        if not expected <= count <= expected + retired:
            raise ChromaError(f"{count} vectors where {expected} should be")
        for after in sorted({int(step) for step in np.linspace(0, max(0, watermark - 1), _SAMPLE)}):
            keys, ids, rows = self._library.vectors(after, 1)
            if not keys or keys[0] > watermark:
                continue
            with _translated():
                found = self._collection.query(
                    query_embeddings=[rows[0]], n_results=min(count, 10), include=["distances"]
                )
                # An exact copy may come first, so nearness counts, not the name.
                if not found["distances"][0] or found["distances"][0][0] > 1e-3:
                    raise ChromaError(f"passage {ids[0]} does not find itself")

    def _sweep(self) -> None:
        """Delete what is left of earlier generations."""
        assert self._library.folder is not None
        current = self._path()
        for old in self._library.folder.glob("chroma-*"):
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
