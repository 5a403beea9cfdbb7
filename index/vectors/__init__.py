"""Passage vectors in Chroma: a rebuildable index beside the library, and exact search without it.

    index     what is searched how, and how Chroma is brought to the library's state and kept there
    store     a collection, wherever Chroma runs
    embedded  in this process, its files sealed
    served    on a Chroma server, under a name and a token
    server    the server: address, token, limits on time
    exact     NumPy over the library's own vectors

Chroma is derived: it may be deleted, damaged or away at any time, and is built anew from the vectors in the library,
without encoding. Until then, and for passages that Chroma has not seen, search is exact.

This is the only home of chromadb.
"""

from index.vectors.index import VectorIndex
from index.vectors.server import Server, server
from index.vectors.store import Unreachable

__all__ = ["Server", "Unreachable", "VectorIndex", "server"]
