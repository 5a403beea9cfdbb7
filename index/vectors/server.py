"""A Chroma server, as `chroma run` starts one: its address, what it is sent, and how long it is waited for.

Chroma's own client waits for ever, also while it is being made. So the object under it is used, with limits on its
connections, and every call runs in a thread that is left behind when its time is up: a server that accepts and never
answers, or that sends a byte a second, holds nobody up.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from index.errors import UnknownSetting
from index.vectors.store import ChromaError, T, Unreachable

if TYPE_CHECKING:
    from pydantic import SecretStr

PATIENCE = 2.0
"""Seconds that a question waits for the server, and that it may take to say that it is there."""

_LIMIT = 20.0  # seconds for any other call, its repetitions included; a thousand vectors take a quarter of one
_RETRIES = 4  # times that a call is made again, a question's once
_PAUSE = 0.1  # seconds before the first of them, doubled each time, give or take half


class Server:
    """One Chroma server, connected to at first use. Safe to use from several threads.

    Attributes:
        url: Where it is; holds nothing secret.
    """

    def __init__(self, url: str, token: SecretStr | None = None) -> None:
        """Take note of where a server is; nothing is sent.

        Args:
            url: `http://HOST:PORT`, or with `https` and a path.
            token: Sent as `Authorization: Bearer`.

        Raises:
            UnknownSetting: The address or the token is none; the message does not repeat what may be secret.
        """
        self.url = _address(url)
        self._token = token if token and token.get_secret_value() else None
        if self._token and not all("!" <= character <= "~" for character in self._token.get_secret_value()):
            raise UnknownSetting("QA_CHROMA_TOKEN has a space or a character that a header cannot carry; check it.")
        self._making = threading.Lock()
        self._api: Any = None
        self._pending: set[Future[Any]] = set()
        self._over = False  # whether nobody wants an answer any more

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

    @property
    def api(self) -> Any:
        """Chroma's `ServerAPI`, to be used inside `call`; the first time takes the second that its import takes."""
        with self._making:
            if self._api is None:
                self._api = self._connected()
            return self._api

    def call(self, ask: Callable[[], T], *, question: bool = False, retries: int | None = None) -> T:
        """Return what a call returns, made again if it failed in passing.

        Args:
            ask: Must do no harm if it is made twice, or if it goes on after it was given up.
            question: Whether a person waits: at most `PATIENCE` seconds, and once more at most.
            retries: The most times that it is made again, None for the usual.

        Raises:
            Unreachable: There is no answer, not from a Chroma server, or not for this token.
            ChromaError: The server answers that it cannot.
        """
        limit = PATIENCE if question else _LIMIT
        most = retries if retries is not None else 1 if question else _RETRIES
        until = time.monotonic() + limit
        for attempt in range(most + 1):
            try:
                return self._within(ask, max(0.0, until - time.monotonic()), limit)
            except Unreachable as error:
                pause = _PAUSE * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
                if not error.passing or attempt == most or time.monotonic() + pause >= until:
                    raise
                time.sleep(pause)
        raise AssertionError

    def check(self) -> float:
        """Have the server say that it is there, and that it takes the token; return the seconds of one answer.

        Raises:
            Unreachable: It does not.
        """
        api = self.api
        self.call(api.heartbeat, question=True)
        started = time.monotonic()
        self.call(api.count_collections, question=True)
        return time.monotonic() - started

    def abort(self) -> None:
        """End all calls that are under way, and those to come until `close`; their threads end by themselves."""
        self._over = True
        for future in list(self._pending):
            with contextlib.suppress(InvalidStateError):
                future.set_exception(_let_go())

    def close(self) -> None:
        """Close the connections; the next call opens others."""
        with self._making:
            api, self._api, self._over = self._api, None, False
        if api is not None:
            with contextlib.suppress(Exception):
                api._session.close()

    def _within(self, ask: Callable[[], T], seconds: float, limit: float) -> T:
        future: Future[T] = Future()

        def run() -> None:
            try:
                with self._translated():
                    found = ask()
            except BaseException as error:
                with contextlib.suppress(InvalidStateError):
                    future.set_exception(error)
            else:
                with contextlib.suppress(InvalidStateError):
                    future.set_result(found)

        self._pending.add(future)
        try:
            if self._over:
                raise _let_go()
            threading.Thread(target=run, name="chroma", daemon=True).start()
            return future.result(seconds)
        except TimeoutError:
            raise Unreachable(f"did not answer within {limit:g} seconds", "see whether it is well") from None
        finally:
            self._pending.discard(future)

    def _connected(self) -> Any:
        import httpx
        from chromadb.api.fastapi import FastAPI
        from chromadb.config import Settings, System

        parts = urlsplit(self.url)
        settings = Settings(
            _env_file=None,  # a .env in the current folder is none of ours, nor are Chroma's own variables
            anonymized_telemetry=False,
            allow_reset=False,
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=self.url,
            chroma_server_http_port=parts.port or (443 if parts.scheme == "https" else 80),
            chroma_server_ssl_enabled=parts.scheme == "https",
            chroma_server_headers=None,
            chroma_client_auth_provider=None,
            chroma_client_auth_credentials=None,
            chroma_otel_collection_endpoint="",
        )
        api = System(settings).instance(FastAPI)
        session = api._session  # there is no setting for its limits
        session.timeout = httpx.Timeout(_LIMIT, connect=PATIENCE)
        session.event_hooks = {"response": [self._judge]}
        if self._token:
            session.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return api

    def _judge(self, response: Any) -> None:
        """Stop at an answer that is a gateway's rather than Chroma's."""
        status = response.status_code
        if status in (401, 403, 407):
            what = "refused the token" if self._token else "asks for a token"
            raise Unreachable(f"{what} ({status})", "check QA_CHROMA_TOKEN" if self._token else "set QA_CHROMA_TOKEN")
        if status in (408, 425, 429, 502, 503, 504):
            raise Unreachable(f"is not available ({status})", "see whether it is well", passing=True)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn whatever Chroma's client throws into `ChromaError`, without the words of the server."""
        import httpx
        from chromadb.errors import ChromaError as Refusal

        try:
            yield
        except ChromaError:
            raise
        except Refusal as error:
            raise ChromaError(f"the server answers {type(error).__name__}") from error
        except httpx.TimeoutException as error:
            raise Unreachable("does not answer", "see whether it is well") from error
        except (httpx.TransportError, OSError) as error:
            raise Unreachable(
                "cannot be reached", "start it with `chroma run`, or check QA_CHROMA_URL", passing=True
            ) from error
        except Exception as error:
            raise Unreachable("does not answer as a Chroma server does", "check QA_CHROMA_URL") from error


def server(url: str, token: SecretStr | None = None) -> Server | None:
    """Return the server of these settings, None where none is set.

    Raises:
        UnknownSetting: A setting cannot be used.
    """
    if url:
        return Server(url, token)
    if token and token.get_secret_value():
        raise UnknownSetting("QA_CHROMA_TOKEN is set, but no server; set QA_CHROMA_URL, or unset it.")
    return None


def _let_go() -> Unreachable:
    return Unreachable("was let go", "open the library again")


def _address(url: str) -> str:
    name = "as in http://127.0.0.1:8000"
    if "@" in url:
        raise UnknownSetting(
            f"QA_CHROMA_URL has a name or a password in it; leave them out, {name}, and set QA_CHROMA_TOKEN."
        )
    if "?" in url or "#" in url:
        raise UnknownSetting(f"QA_CHROMA_URL is more than an address; leave out what follows `?` or `#`, {name}.")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        sound = sound and url.isprintable() and not set(url) & set(' \\"<>^`{|}')
    except ValueError:
        sound = False
    if not sound:
        raise UnknownSetting(f"QA_CHROMA_URL cannot be {url!r}; name a server {name}.")
    return url.rstrip("/")
