"""The library's vectors, searched through Chroma where it is sound and exactly where it is not."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from index.encoder import Vector
from index.errors import ArticleQAError
from index.library import Library
from index.vectors.embedded import Embedded
from index.vectors.exact import PLACES, ExactIndex
from index.vectors.served import Served
from index.vectors.server import Server
from index.vectors.store import ChromaError, Store, Unreachable

log = logging.getLogger(__name__)

_BATCH = 1_000  # vectors of one upsert; Chroma refuses more than 5,461
_SAMPLE = 5  # stored vectors that must find themselves
_RETIRED = 1_000  # passages to be dropped from Chroma from which exact search is the cheaper one
_WIDE = 0.5  # share of the passages from which a filter is asked of Chroma: it knows none, and is asked for more
_MORE = 4  # times as many as are needed
_TURN = 0.1  # seconds that a question waits while Chroma is written; then it searches exactly
_QUEUE = 2.0  # the same for other questions to be answered, which takes milliseconds each
_AGAIN = 3.0  # seconds from a server's failure to the next look at it
_MUCH_LATER = 30.0  # the same where the server is there and the collection cannot be built

Count = Callable[[int, int], None]
"""Called with (passages done, passages to do)."""


class VectorIndex:
    """Vectors of one library. Safe to use from several threads.

    Only the process that owns the library may pass `owner=True`. Any other one searches exactly, or through the
    collection that the owner keeps on a server, and never writes.
    """

    def __init__(self, library: Library, *, owner: bool, server: Server | None = None) -> None:
        """Take note of where the vectors are to be; nothing is opened.

        Args:
            server: The Chroma server that is to hold them, None for files beside the library.
        """
        self._library = library
        self._exact = ExactIndex(library)
        self._owner = owner and library.folder is not None
        self._server = server
        self._store: Store | None = None
        if library.folder is not None and server:
            self._store = Served(library, server)
        elif self._owner:
            self._store = Embedded(library)
        self._guard = threading.RLock()
        self._seal = ""  # under which the collection is open
        self._closed = True
        self._looking = threading.Lock()  # whether somebody sees if a server is back
        self._next_look = 0.0  # on the monotonic clock
        self.notice = ""
        """What a person should know, a sentence: that the server is away, say."""

    @property
    def engine(self) -> str:
        """What answers now: `chroma` or `exact`."""
        return "chroma" if self._store and self._store.collection is not None else "exact"

    def open(self, progress: Count | None = None) -> None:
        """Open Chroma if it is as it was left, else rebuild it; then bring it up to date.

        Who does not own the library only opens what is on a server. One that is away is looked for again when
        questions are asked.

        Args:
            progress: Building anew takes about 1 ms a passage.
        """
        if not self._store:
            return
        with self._guard:
            self._closed = False
            self._open(self._store, progress)

    def close(self) -> None:
        """Let go of Chroma; search goes on exactly."""
        if self._store:
            self._closed = True
            self._store.abort()
            with self._guard:
                self._store.close()

    def catch_up(self, progress: Count | None = None) -> None:
        """Bring Chroma to the library's state: add the new passages, drop the retired ones. Owners only.

        A failure of Chroma leaves exact search behind, never an error: the next `open` mends it, or the server's
        coming back.
        """
        if not self._store or not self._owner or self._closed:
            return
        with self._guard:
            if self._store.collection is not None:
                self._catch_up(self._store, progress)
            elif self._store.shared and time.monotonic() >= self._next_look:
                self._open(self._store, progress)

    def rebuild(self, progress: Count | None = None) -> None:
        """Build Chroma anew from the vectors in the library. Owners only."""
        if not self._store or not self._owner:
            return
        with self._guard:
            self._closed = False
            self._rebuild(self._store, progress)

    def examine(self) -> tuple[str, bool]:
        """Say how Chroma stands, and whether that is as it should be; changes nothing. Owners only."""
        assert self._store
        indexed, beyond, _ = self._library.standing(self._library.watermark)
        return self._store.examine(self._library.get("chroma_seal"), beyond, not indexed + beyond)

    def search(self, vector: Vector, k: int, among: NDArray[np.int64] | None = None) -> tuple[dict[int, float], str]:
        """Return the k passages nearest to a unit vector, and what found them.

        Args:
            among: Keys of passages, ascending; None for all. Few of them are searched exactly.

        Returns:
            Key -> cosine similarity (-1 to 1, higher is better), and `chroma` or `exact`.

        Raises:
            ValueError: The vector is not finite.
        """
        if not np.isfinite(vector).all() or not vector.any():
            raise ValueError("a question's vector must be finite and not zero")
        if among is not None and len(among) < _WIDE * self._library.passage_count():
            return self._exact.among(vector, k, among), "exact"
        found = self._ask_chroma(vector, k if among is None else _MORE * k)
        if found is None:
            return self._exactly(vector, k, among), "exact"
        hits, watermark = found
        if among is None:
            hits.update(self._exact.search(vector, k, after=watermark))
        else:
            hits = {key: hits[key] for key in np.intersect1d(list(hits), among).tolist()}
            if len(hits) < k:
                return self._exactly(vector, k, among), "exact"
            hits.update(self._exact.among(vector, k, among[among > watermark]))
        best = sorted(hits, key=lambda key: (-round(hits[key], PLACES), key))[:k]
        return {key: hits[key] for key in best}, "chroma"

    def _exactly(self, vector: Vector, k: int, among: NDArray[np.int64] | None) -> dict[int, float]:
        return self._exact.search(vector, k) if among is None else self._exact.among(vector, k, among)

    def _ask_chroma(self, vector: Vector, k: int) -> tuple[dict[int, float], int] | None:
        """Return what Chroma finds among the passages up to the watermark, and the watermark."""
        store = self._store
        if not store or self._closed:
            return None
        if store.shared and store.collection is None:
            self._look(store)
        with self._turn(store) as mine:
            collection = store.collection
            if not mine or collection is None:
                return None
            watermark = self._library.watermark
            _, _, retired = self._library.standing(watermark)
            # The watermark was read first: it is that of this seal or of an earlier one.
            if retired > _RETIRED or (store.shared and not self._under_seal(store)):
                return None
            try:
                # Retired passages still stand in Chroma and are dropped below, so ask for more.
                similarity = store.query(vector, k + retired, question=True)
                keys = [int(name.rpartition(":")[2]) for name in similarity]
            except (ChromaError, ValueError) as error:
                # Where another thread is at it, that one finds out for itself.
                if self._guard.acquire(blocking=False):
                    try:
                        if store.collection is collection:
                            self._failed(store, error)
                    finally:
                        self._guard.release()
                return None
        valid = self._library.ids_of(keys)
        return {valid[name]: found for name, found in similarity.items() if name in valid}, watermark

    @contextlib.contextmanager
    def _turn(self, store: Store) -> Iterator[bool]:
        """Have Chroma's files to oneself, or at once what can be shared; whether that came to be."""
        written = not self._library.get("chroma_seal")
        mine = store.shared or self._guard.acquire(timeout=_TURN if written else _QUEUE)
        try:
            yield mine
        finally:
            if mine and not store.shared:
                self._guard.release()

    def _under_seal(self, store: Store) -> bool:
        """Say whether the collection is as the library has it, which it is not while its owner writes."""
        seal = self._library.get("chroma_seal")
        if seal and seal != self._seal and not self._owner:
            self._look(store)
            seal = self._library.get("chroma_seal")
        return bool(seal) and seal == self._seal

    def _look(self, store: Store) -> None:
        """See in the background, every few seconds at most, whether the server is back; wait for that a little."""
        if time.monotonic() < self._next_look or not self._looking.acquire(blocking=False):
            return

        def look() -> None:
            try:
                with self._guard:
                    as_it_was = store.collection is not None and self._library.get("chroma_seal") == self._seal
                    if not self._closed and not as_it_was:
                        self._open(store, None)
            except ArticleQAError as error:  # the library was closed or cannot be written: for others to tell
                log.info("The Chroma server was not looked for: %s", error)
            finally:
                self._looking.release()

        thread = threading.Thread(target=look, name="chroma", daemon=True)
        thread.start()
        thread.join(_TURN)

    def _open(self, store: Store, progress: Count | None) -> None:
        store.close()
        kept = seal = self._library.get("chroma_seal")
        try:
            sound = store.open(kept)
            if sound and self._owner:
                self._check(store, self._library.watermark)
                seal = store.seal(kept)
        except ChromaError as error:
            if isinstance(error, Unreachable) or not self._owner:
                self._failed(store, error)
                return
            log.warning("The vector index is damaged (%s); it is built anew from the library.", error)
            sound = False
        if not self._owner:
            self._next_look = time.monotonic() + (0.0 if sound else _AGAIN)
            self._sealed(seal)
            return
        if not sound:
            self._rebuild(store, progress)
            return
        if seal != kept:
            self._library.set(chroma_seal=seal)
        self._sealed(seal)
        self._catch_up(store, progress)

    def _rebuild(self, store: Store, progress: Count | None) -> None:
        store.close()
        if store.shared and not self._library.passage_count():
            return  # a name is taken once there is something to keep under it
        # One transaction names the new place, says that it holds nothing, and breaks the seal.
        self._library.caught_up(0, self._library.retired(), chroma_seal="", **store.renew())
        try:
            store.create()
        except ChromaError as error:
            self._failed(store, error, _MUCH_LATER)
        else:
            self._catch_up(store, progress)
        if store.collection is not None or not store.shared:
            store.sweep()

    def _catch_up(self, store: Store, progress: Count | None) -> None:
        watermark = self._library.watermark
        _, beyond, retired = self._library.standing(watermark)
        if not beyond and not retired and self._library.get("chroma_seal"):
            return
        try:
            store.ready()
            self._library.set(chroma_seal="")
            gone = self._drop(store)
            done = 0
            while rows := self._add(store, watermark):
                watermark, added = rows
                done += added
                if progress:
                    progress(done, beyond)
            self._check(store, watermark)
            seal = store.seal()
        except ChromaError as error:
            self._failed(store, error, _MUCH_LATER)
            return
        self._library.caught_up(watermark, gone, chroma_seal=seal)
        self._sealed(seal)

    def _sealed(self, seal: str) -> None:
        self._seal = seal
        if self.notice:
            log.info("The Chroma server is back.")
        self.notice = ""

    def _failed(self, store: Store, error: Exception, later: float = _AGAIN) -> None:
        """Go on exactly. Files are built anew when they are next opened; a server is asked again."""
        store.close()
        if not self._server:
            self._library.set(chroma_seal="")
            log.warning("The vector index failed (%s); searching exactly until it is built anew.", error)
            return
        if self._closed:
            return
        away = isinstance(error, Unreachable)
        self._next_look = time.monotonic() + (_AGAIN if away else later)
        found, mend = (error.found, f": {error.mend}") if isinstance(error, Unreachable) else (f"failed ({error})", "")
        notice = f"The Chroma server at {self._server.url} {found}; search is exact until it is back{mend}."
        if not self.notice:
            log.warning(notice)
        self.notice = notice

    def _drop(self, store: Store) -> dict[int, str]:
        """Delete the retired passages from Chroma and return them."""
        retired = self._library.retired()
        stale = list(retired.values())
        for at in range(0, len(stale), _BATCH):
            store.delete(stale[at : at + _BATCH])
        return retired

    def _add(self, store: Store, watermark: int) -> tuple[int, int] | None:
        """Write the next passages beyond a key; return the last one's key and their number, None at the end."""
        keys, ids, rows = self._library.vectors(watermark, _BATCH)
        if not keys:
            return None
        store.upsert(ids, rows)
        return keys[-1], len(keys)

    def _check(self, store: Store, watermark: int) -> None:
        """Compare Chroma with the library: the count, and a few stored vectors that find themselves.

        The queries also make Chroma take in what it has only logged, which is the flush that counts.
        """
        count = store.count()
        expected, _, retired = self._library.standing(watermark)
        if not expected <= count <= expected + retired:
            raise ChromaError(f"{count} vectors where {expected} should be")
        for after in sorted({int(step) for step in np.linspace(0, max(0, watermark - 1), _SAMPLE)}):
            keys, ids, rows = self._library.vectors(after, 1)
            if not keys or keys[0] > watermark:
                continue
            found = store.query(rows[0], min(count, 10))
            # An exact copy may come first, so nearness counts, not the name.
            if not found or max(found.values()) < 1 - 1e-3:
                raise ChromaError(f"passage {ids[0]} does not find itself")
