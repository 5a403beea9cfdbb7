"""The collection on a Chroma server, which other libraries and other people may use too.

Files cannot be sealed there. Instead a collection's name is bound to one library and its encoder, and the seal is a
random token that the library keeps and the collection's metadata has, new after each write that was checked. One that
is gone, has another token, as after a restored backup, or does not hold what it should, is left alone and built anew
under another name. A copied library has the name of its model; whichever writes second finds the other's token and
takes a name of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from index.library import Library
from index.vectors.embedded import sweep
from index.vectors.server import Server
from index.vectors.store import HNSW, ChromaError, Store, T, Unreachable

_PREFIX = "article-qa"


class Served(Store):
    """A collection on a server, `article-qa-`, the library's random id, the encoder's hash and the generation."""

    shared = True

    def __init__(self, library: Library, server: Server) -> None:
        super().__init__()
        self._library = library
        self._server = server
        self._foreign = False  # whether the name is somebody else's, too

    @property
    def name(self) -> str:
        """The current generation's name."""
        encoder = hashlib.sha256(self._library.get("encoder").encode()).hexdigest()[:8]
        return f"{self._stem}-{encoder}-{int(self._library.get('chroma', '0')):06d}"

    def open(self, seal: str) -> bool:
        """Open the collection that a seal names; False if the seal names none on a server."""
        self.ready()
        api = self._server.api
        kept = json.loads(seal) if '"collection"' in seal else {}
        if not kept:
            return False
        model = self._server.call(lambda: api.get_collection(kept["collection"]))
        if str(model.id) != kept["id"] or (model.metadata or {}).get("seal") != kept["token"]:
            self._foreign = True
            raise ChromaError("something else wrote to it")
        self._hold(model)
        return True

    def renew(self) -> dict[str, str]:
        """Return the next number, and a new id if there is none or another library has it too."""
        facts = {"chroma": str(int(self._library.get("chroma", "0")) + 1)}
        if self._foreign or not self._library.get("chroma_library"):
            facts["chroma_library"] = secrets.token_hex(8)
        self._foreign = False
        return facts

    def create(self) -> None:
        """Make it, under a name that is not taken."""
        try:
            model = self._create()
        except Unreachable:
            raise
        except ChromaError:
            self._library.set(chroma_library=secrets.token_hex(8))
            model = self._create()
        self._hold(model)

    def seal(self, kept: str = "") -> str:
        """Write a new token into the collection and return what names both."""
        if kept:
            return kept
        token = secrets.token_hex(8)
        self.call(lambda collection: collection.modify(metadata={"seal": token}))
        return json.dumps({"collection": self.collection.name, "id": str(self.collection.id), "token": token})

    def sweep(self) -> None:
        """Delete the library's own earlier collections, and the files of an embedded Chroma."""
        if self._library.folder is not None:
            sweep(self._library.folder)
        api, current = self._server.api, self.collection.name
        with contextlib.suppress(ChromaError):
            for old in self._server.call(api.list_collections):
                if old.name.startswith(f"{self._stem}-") and old.name != current:
                    self._server.call(partial(api.delete_collection, old.name))

    def ready(self) -> None:
        """Have the server say, within the time of a question, that it is there."""
        self._server.call(self._server.api.heartbeat, question=True)

    def close(self) -> None:
        """Close the connections."""
        self.collection = None
        self._server.close()

    def abort(self) -> None:
        """End the calls that are under way."""
        self._server.abort()

    def call(self, ask: Callable[[Any], T], *, question: bool = False) -> T:
        """Return what the collection answers, within the server's limits."""
        collection = self.collection
        if collection is None:
            raise Unreachable("was let go", "open the library again")
        return self._server.call(lambda: ask(collection), question=question)

    def examine(self, seal: str, beyond: int, empty: bool) -> tuple[str, bool]:
        """Say how the collection stands."""
        try:
            if not self.open(seal):
                return f"not built on {self._server.url} yet; search is exact", empty
            count = self.count()
        except Unreachable as error:
            return f"not looked at: {self._server.url} {error.found}", True
        except ChromaError as error:
            return f"the collection on {self._server.url} is not as it was left ({error})", False
        finally:
            self.close()
        held = f"{count:,} vectors on {self._server.url}"
        return f"{held}, {beyond:,} passages behind" if beyond else f"{held}, complete", True

    @property
    def _stem(self) -> str:
        return f"{_PREFIX}-{self._library.get('chroma_library')}"

    def _create(self) -> Any:
        api, name = self._server.api, self.name
        # Not made again: if the first one was made and only its answer lost, the name is taken by us.
        return self._server.call(
            lambda: api.create_collection(name, configuration={"hnsw": HNSW}, metadata={"seal": "none"}), retries=0
        )

    def _hold(self, model: Any) -> None:
        from chromadb.api.models.Collection import Collection
        from chromadb.types import Collection as Model

        if model.configuration_json.get("hnsw", {}).get("space") != "cosine":
            raise ChromaError("its distance is not cosine")
        # Without the server's configuration and schema: they could name code to be loaded here (CVE-2026-45829).
        known = Model(model.id, model.name, {}, None, None, model.dimension, model.tenant, model.database)
        self.collection = Collection(client=self._server.api, model=known, embedding_function=None)
