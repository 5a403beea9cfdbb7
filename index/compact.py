"""A library in less space: the full text merged, unused pages given back, a patchy Chroma built anew."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from index.errors import NoLibrary
from index.library import Library
from index.vectors import VectorIndex

_PATCHY = 1.25  # times what Chroma takes for so many passages when it is new
_VECTOR_BYTES = 800  # of Chroma for a passage, beside its vector; 750 were measured
_EMPTY_BYTES = 500_000  # of Chroma without a passage


class Sizes(NamedTuple):
    """Bytes on disk."""

    library: int
    chroma: int

    def __str__(self) -> str:
        """Say them in megabytes."""
        return f"library {self.library / 1e6:,.1f} MB, Chroma {self.chroma / 1e6:,.1f} MB"


def sizes(folder: Path) -> Sizes:
    """Return what the library in a folder takes."""

    def of(pattern: str) -> int:
        return sum(file.stat().st_size for file in folder.glob(pattern) if file.is_file())

    return Sizes(of("library.sqlite*"), of("chroma-*/**/*"))


def compact(
    library: Library, vectors: VectorIndex, progress: Callable[[int, int], None] | None = None
) -> tuple[Sizes, Sizes]:
    """Give space back; safe to interrupt at any moment. Owners only.

    Chroma is built anew, without encoding, where much of it is of passages that are gone.

    Returns:
        What the library took before, and what it takes now.

    Raises:
        NoLibrary: The disk has not enough room for it.
    """
    folder = library.folder
    assert folder is not None
    before = sizes(folder)
    needed = 2 * before.library + before.chroma
    for place in {
        str(folder),
        tempfile.gettempdir(),
    }:  # SQLite writes the new file to the one and copies it to the other
        free = shutil.disk_usage(place).free
        if free < needed:
            raise NoLibrary(
                f"Compacting needs {needed / 1e6:,.0f} MB free for a while, and {place} has {free / 1e6:,.0f} MB; make "
                "room there and try again. Nothing was changed."
            )
    library.compact()
    vectors.catch_up()
    passages = library.passage_count()
    new = _EMPTY_BYTES + passages * (_VECTOR_BYTES + 4 * int(library.get("dimension", "0")))
    if sizes(folder).chroma > _PATCHY * new:
        vectors.rebuild(progress)
    return before, sizes(folder)
