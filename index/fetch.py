"""One guarded fetcher: the address of a page to its bytes, from public addresses only.

The address is parsed once. Its name is resolved once, every answer must be public, and the connection goes to the very
address that was checked, so that a name that changes its mind in between gains nothing; the certificate is still that
of the name. Each redirect is checked in the same way. Time and size are limited as a whole, before and after
decompression. No cookie, no password and no proxy of the environment takes part.

This is the only home of httpcore.
"""

from __future__ import annotations

import contextlib
import http
import ipaddress
import re
import socket
import threading
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpcore

from index.errors import NotFetched
from index.formats.found import URL_CHARACTERS, one_line

if TYPE_CHECKING:
    import ssl

_TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/plain": ".txt",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_VAGUE = ("", "application/octet-stream", "binary/octet-stream", "text/plain")  # the name may say more
_NAMED = {".html": ".html", ".htm": ".html", ".md": ".md", ".markdown": ".md", ".txt": ".txt", ".pdf": ".pdf"}
_NAMED[".docx"] = ".docx"

_MOVED = (301, 302, 303, 307, 308)
_HOPS = 5
_CONNECTING = 8.0  # seconds for one address of several
_BLOCK = 64 * 1024
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
_ASKED = (
    ("User-Agent", "article-qa"),
    ("Accept", "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf,*/*;q=0.1"),
    ("Accept-Encoding", "gzip, identity"),
    ("Connection", "close"),
)

# What `ipaddress` calls global and is not a site's: the relays of 6to4, and Azure's own services.
_RESERVED = [ipaddress.ip_network(network) for network in ("192.88.99.0/24", "168.63.129.16/32", "fec0::/10")]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it came.

    Attributes:
        data: Its bytes, decompressed.
        url: Its address after all redirects, without a fragment.
        suffix: The ending that a file of its kind has, such as `.html`.
        charset: The encoding that the server names, "" for none.
    """

    data: bytes
    url: str
    suffix: str
    charset: str


def is_public(address: str) -> bool:
    """Say whether an IP address may be a site's on the Internet, and not one of this network or machine.

    >>> is_public("93.184.216.34"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped or ip in _NAT64:
            return is_public(str(ip.ipv4_mapped or ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.sixtofour or ip.teredo or ip.is_site_local:
            return False
    known = (ip.is_multicast, ip.is_reserved, ip.is_unspecified, ip.is_loopback, ip.is_link_local)
    return ip.is_global and not any(known) and not any(ip in network for network in _RESERVED)


def resolved(host: str, port: int) -> list[str]:
    """Return the IP addresses of a name, as the system resolves it.

    Raises:
        OSError: There are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches pages within limits.

    Attributes:
        seconds: For all of it, redirects too.
        size: Bytes of a page, decompressed.
        ports: That may be asked.
        allowed: Says whether an IP address may be connected to.
        resolve: Name and port to IP addresses.
        trust: The certificates that are believed; None for those that come with certifi and the system's.
    """

    seconds: float = 20.0
    size: int = 10 * 1024 * 1024
    ports: frozenset[int] = frozenset((80, 443, 8080, 8443))
    allowed: Callable[[str], bool] = is_public
    resolve: Callable[[str, int], Sequence[str]] = resolved
    trust: ssl.SSLContext | None = None

    def __call__(self, url: str) -> Fetched:
        """Fetch a page.

        Raises:
            NotFetched: `blocked_url` for an address that may not be asked, `timeout`, `too_large`, `bad_type` for what
                is no article, `fetch_failed` for all else.
        """
        return _Fetch(self, one_line(url, 200)).run(url)


class _Fetch:
    """One page being fetched, to its end or to its time's."""

    def __init__(self, rules: Fetcher, shown: str) -> None:
        self._rules = rules
        self._shown = shown
        self._until = time.monotonic() + rules.seconds

    def run(self, url: str) -> Fetched:
        """Follow the address to the page."""
        secure = False
        for _ in range(_HOPS + 1):
            target = self._parsed(url)
            if secure and target.scheme != "https":
                raise self._error("fetch_failed", "leads from https to http; open it in a browser and save the page")
            secure = target.scheme == "https"
            found = self._ask(target)
            if isinstance(found, Fetched):
                return found
            try:
                url = urljoin(str(target), found)
            except ValueError as error:
                why = f"leads on to what is no address ({one_line(found, 60)})"
                raise self._error("fetch_failed", f"{why}; open it in a browser and save the page") from error
        raise self._error("fetch_failed", f"leads on more than {_HOPS} times; open it in a browser and save the page")

    def _ask(self, target: _Target) -> Fetched | str:
        """Ask one address: the page, or where it moved."""
        addresses = self._addresses(target)
        backend = _Pinned(addresses, self._until)
        try:
            with (
                contextlib.closing(backend),
                httpcore.ConnectionPool(
                    ssl_context=self._rules.trust, network_backend=backend, http2=False, retries=0
                ) as pool,
                pool.stream("GET", target.url(), headers=[("Host", target.authority), *_ASKED],
                            extensions={"timeout": dict.fromkeys(("read", "write"), self._left())}) as response,
            ):  # fmt: skip
                return self._taken(response, target)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, zlib.error, OSError) as error:
            unreached = isinstance(error, httpcore.ConnectTimeout)
            if time.monotonic() >= self._until or (isinstance(error, httpcore.TimeoutException) and not unreached):
                raise self._late() from error
            if unreached:
                why = "does not answer"
            elif "CERTIFICATE" in str(error).upper():
                why = f"has no certificate for {target.host} that can be trusted"
            else:
                why = f"does not answer as a web page should ({one_line(str(error), 100) or type(error).__name__})"
            raise self._error("fetch_failed", f"{why}; open it in a browser and save the page") from error

    def _taken(self, response: httpcore.Response, target: _Target) -> Fetched | str:
        headers = {name.lower(): _text(value) for name, value in response.headers}
        if response.status in _MOVED and headers.get(b"location"):
            return headers[b"location"]
        if response.status != 200:
            phrase = http.HTTPStatus(response.status).phrase if response.status in set(http.HTTPStatus) else ""
            why = f"the server says {response.status} {phrase}".rstrip()
            raise self._error("fetch_failed", f"{why}; open it in a browser and save the page")
        kind, _, rest = headers.get(b"content-type", "").partition(";")
        suffix = self._suffix(kind.strip().lower(), target)
        charset = re.search(r"charset\s*=\s*\"?([\w.:-]{1,40})", rest, re.IGNORECASE)
        data = b"".join(self._decoded(response, headers.get(b"content-encoding", "").strip().lower()))
        self._left()  # else a body that was cut would look like a whole one
        return Fetched(data, str(target), suffix, charset[1] if charset else "")

    def _suffix(self, kind: str, target: _Target) -> str:
        named = _NAMED.get(PurePosixPath(unquote(target.path)).suffix.lower(), "")
        if named and kind in _VAGUE:
            return named
        if kind in _TYPES:
            return _TYPES[kind]
        what = f"is of the kind {one_line(kind, 60)}" if kind else "does not say of what kind it is"
        raise self._error("bad_type", f"{what}, not an article; name a web page, a text, a PDF or a Word file")

    def _decoded(self, response: httpcore.Response, encoding: str) -> Iterator[bytes]:
        """Yield the body in blocks, decompressed, never more of it than is allowed."""
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            why = f"is compressed in a way that was not asked for ({one_line(encoding, 30)})"
            raise self._error("fetch_failed", f"{why}; open it in a browser and save the page")
        inflate = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
        came = size = 0
        for block in response.iter_stream():
            came += len(block)
            while block:
                data = inflate.decompress(block, _BLOCK) if inflate else block
                block = inflate.unconsumed_tail if inflate else b""
                size += len(data)
                self._within(max(size, came))
                yield data
        if inflate and not inflate.eof:
            raise self._error("fetch_failed", "breaks off; try again, or open it in a browser and save the page")

    def _within(self, size: int) -> None:
        if size > self._rules.size:
            why = f"is larger than {self._rules.size / 2**20:g} MB"
            raise self._error("too_large", f"{why}; save the article as a file and add that")
        self._left()

    def _addresses(self, target: _Target) -> list[str]:
        """Resolve the name, once, and refuse it if any of its addresses is not public."""
        found: list[Any] = []
        asked = partial(_asked, self._rules.resolve, target.host, target.port, found)
        thread = threading.Thread(target=asked, daemon=True)  # the system's resolver knows no time limit
        thread.start()
        thread.join(self._left())
        if not found:
            raise self._late()
        if isinstance(found[0], Exception) or not found[0]:
            raise self._error("fetch_failed", f"no site is known as {target.host}; check the address, and the network")
        for address in found[0]:
            if not self._rules.allowed(address):
                where = "" if address == target.host else f" ({address})"
                why = f"{target.host}{where} is not a public address"
                raise self._error("blocked_url", f"{why}; save the page in a browser and add the file")
        return list(found[0])

    def _parsed(self, url: str) -> _Target:
        try:
            return _target(url, self._rules.ports)
        except ValueError as error:
            raise self._error("blocked_url", str(error)) from error

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> NotFetched:
        why = f"takes longer than {self._rules.seconds:g} s"
        return self._error("timeout", f"{why}; try again, or open it in a browser and save the page")

    def _error(self, code: str, found: str) -> NotFetched:
        return NotFetched(self._shown, code, found)


def _text(header: bytes) -> str:
    """Return a header as browsers read it."""
    try:
        return header.decode("utf-8")
    except UnicodeDecodeError:
        return header.decode("latin-1")


@dataclass(frozen=True, slots=True)
class _Target:
    """A web address in its parts, all of them plain ASCII."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The host, and the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def url(self) -> Any:
        """Return it for httpcore, which is not to parse anything again."""
        return httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=self.path)


def _target(url: str, ports: frozenset[int]) -> _Target:
    """Take an address apart.

    Raises:
        ValueError: It may not be asked; the text says why and what to do.
    """
    url = url.strip()
    if len(url) > URL_CHARACTERS:
        raise ValueError(f"the address is longer than {URL_CHARACTERS:,} characters; name a shorter one")
    if "\\" in url or any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in url):
        raise ValueError("the address has characters that no address has; copy it again")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        host = host if ":" in host else host.encode("idna").decode("ascii").lower()
    except ValueError:
        raise ValueError("this is no web address; copy it again, it begins with https://") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("only addresses that begin with http:// or https:// are fetched; name such a one")
    if "@" in parts.netloc:
        raise ValueError("the address has a user name in it; name it without")
    if ":" in host:
        with contextlib.suppress(ValueError):
            host = str(ipaddress.IPv6Address(host))
    elif not _HOST.fullmatch(host):
        raise ValueError("the address names no host; copy it again, it begins with https://")
    port = {"http": 80, "https": 443}[parts.scheme] if port is None else port
    if port not in ports:
        raise ValueError(f"port {port} is none that articles are fetched from; save the page in a browser")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
    return _Target(parts.scheme, host, port, path + query)


def _asked(resolve: Callable[[str, int], Sequence[str]], host: str, port: int, found: list[Any]) -> None:
    try:
        found.append(resolve(host, port))
    except (OSError, UnicodeError) as error:
        found.append(error)


class _Pinned(httpcore.NetworkBackend):
    """Connects httpcore to checked addresses alone, and ends the connection when its time is up."""

    def __init__(self, addresses: Sequence[str], until: float) -> None:
        self._addresses = addresses
        self._until = until
        self._plain = httpcore.SyncBackend()
        self._watched: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *given: Any, **named: Any) -> Any:
        """Connect to the first of the addresses that answers, whatever the name means by now."""
        error: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            left = max(0.01, min(self._until - time.monotonic(), _CONNECTING))
            try:
                stream = self._plain.connect_tcp(address, port, left, *given, **named)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
                continue
            # Encryption takes the socket over, so a second handle on it is kept.
            self._watched = stream.get_extra_info("socket").dup()
            self._timer = threading.Timer(max(0.0, self._until - time.monotonic()), self._end)
            self._timer.daemon = True
            self._timer.start()
            return stream
        raise error

    def _end(self) -> None:
        """Cut the connection, whatever it is in: a handshake, or a body that comes a byte a second."""
        if self._watched:
            with contextlib.suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop watching."""
        if self._timer:
            self._timer.cancel()
        if self._watched:
            self._watched.close()
