"""A Chroma collection of passage vectors, wherever Chroma runs: what both places share, and what each must say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from index.encoder import Matrix

T = TypeVar("T")

# Recall of the defaults falls to .95 on vectors of high intrinsic dimension; with these it stays at 1.00.
HNSW = {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 200}


class ChromaError(Exception):
    """Chroma does not hold what the library says it does; never shown, always mended."""


class Unreachable(ChromaError):
    """A Chroma server cannot be asked just now; what it holds may be as good as ever.

    Attributes:
        found: What happened, as `The Chroma server at X ...` goes on; nothing of what it said.
        mend: What to do next.
        passing: Whether the same call may succeed in a moment.
    """

    def __init__(self, found: str, mend: str, *, passing: bool = False) -> None:
        super().__init__(found)
        self.found = found
        self.mend = mend
        self.passing = passing


class Store(ABC):
    """One generation of the collection at a time.

    A generation is sealed once it was checked: the library keeps the seal, and forgets it before the next write. What
    is not under its seal is not believed.

    Attributes:
        collection: Chroma's own object while it is open, else None.
        shared: Whether questions may be asked at the same time, and while it is written.
    """

    shared: ClassVar[bool]

    def __init__(self) -> None:
        self.collection: Any = None

    @abstractmethod
    def open(self, seal: str) -> bool:
        """Open the current generation; False if it is not under this seal and a new one must be built.

        Raises:
            ChromaError: It cannot be opened.
        """

    @abstractmethod
    def renew(self) -> dict[str, str]:
        """Return the facts for the library that name the next generation."""

    @abstractmethod
    def create(self) -> None:
        """Make the current generation, empty, and open it."""

    @abstractmethod
    def seal(self, kept: str = "") -> str:
        """Return the seal of the collection as it is now.

        Args:
            kept: The one that it was opened under and not written since, if any.
        """

    @abstractmethod
    def sweep(self) -> None:
        """Delete what is left of earlier generations."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    @abstractmethod
    def ready(self) -> None:
        """Find out whether it can be written, before what it holds is put in doubt.

        Raises:
            ChromaError: It cannot.
        """

    @abstractmethod
    def abort(self) -> None:
        """End calls that are under way, where that can be done: somebody wants to `close`."""

    @abstractmethod
    def examine(self, seal: str, beyond: int, empty: bool) -> tuple[str, bool]:
        """Say how it stands, and whether that is as it should be; changes nothing.

        Args:
            beyond: Passages that it does not hold yet.
            empty: Whether the library has no passages at all.
        """

    @abstractmethod
    def call(self, ask: Callable[[Any], T], *, question: bool = False) -> T:
        """Return what the collection answers.

        Args:
            question: Whether a person waits.

        Raises:
            ChromaError: For whatever goes wrong.
        """

    def count(self) -> int:
        """Return how many vectors it holds."""
        return int(self.call(lambda collection: collection.count()))

    def upsert(self, ids: Sequence[str], rows: Matrix) -> None:
        """Write unit vectors, shape (n, dimension), under these ids."""
        self.call(lambda collection: collection.upsert(ids=list(ids), embeddings=rows))

    def delete(self, ids: Sequence[str]) -> None:
        """Delete what stands under these ids; those that do not are passed over."""
        self.call(lambda collection: collection.delete(ids=list(ids)))

    def query(self, row: Matrix, k: int, *, question: bool = False) -> dict[str, float]:
        """Return the k nearest to a unit vector, as id -> cosine similarity, -1 to 1, nearest first.

        Chroma's distance becomes similarity here and nowhere else.
        """
        found = self.call(
            lambda collection: collection.query(query_embeddings=[row], n_results=k, include=["distances"]),
            question=question,
        )
        try:
            pairs = zip(found["ids"][0], found["distances"][0], strict=True)
            return {str(name): 1.0 - float(distance) for name, distance in pairs}
        except (LookupError, TypeError, ValueError) as error:
            raise ChromaError(f"what it found cannot be read ({type(error).__name__})") from error
