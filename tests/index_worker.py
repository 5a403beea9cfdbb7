"""A process that syncs a folder, says aloud what is committed, and is there to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from library_fixtures import HashEncoder

from index import sync as module
from index.library import Library
from index.owner import Owner
from index.sync import sync
from index.vectors import VectorIndex


def main(folder: str, place: str) -> None:
    """Sync a folder; print a line for each article that is published or removed, then `done`."""
    module._AHEAD, module._CHROMA_EVERY = 8, 10  # Chroma is written often, so that the kills meet it
    Owner(Path(place))
    library = Library(Path(place))
    publish, remove_file = library.publish, library.remove_file

    def published(draft, file, family=None):
        found = publish(draft, file, family)
        print("+", draft.article.id, draft.article.revision, flush=True)
        return found

    def removed(file):
        found = remove_file(file)
        print("-", file, flush=True)
        return found

    library.publish, library.remove_file = published, removed  # type: ignore[method-assign]
    vectors = VectorIndex(library, owner=True)
    vectors.open()
    print("open", vectors.engine, flush=True)
    sync(Path(folder), library, HashEncoder(), vectors, lambda step: print(step.stage, flush=True))
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
