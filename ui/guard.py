"""What stands before the page: who may ask from where, and what a browser is told it may do with the answer.

Gradio's own check of origins (6.31) lets every site read the page of a host that is not this machine, its cookie goes
along with requests from other sites, and with a login some routes stay open: those that cancel a question, end a
session, or hand the cookie to a script. So a request passes here first, and what is not known to be ours is refused.
"""

from __future__ import annotations

import base64
import contextvars
import hashlib
import ipaddress
import json
import re
import socket
from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ui.login import Logins

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

client: contextvars.ContextVar[str] = contextvars.ContextVar("client", default="")
"""The address that the request being answered came from."""

_LARGEST = 4_000_000  # bytes of a request that is no upload: a question with its history fits many times
_UPLOADS = "/gradio_api/upload"
_NEVER = re.compile(r"/gradio_api/(token|deep_link|proxy=|vibe|dev/|stream/|runs)|/monitoring|/svelte/")
_OPEN = re.compile(r"/?|/login/?|/healthz|/(assets|static)/.*|(/gradio_api)?/theme\.css|/favicon\.ico|/manifest\.json")
_STARTUP = "/gradio_api/startup-events"  # Gradio asks itself, once

# Tried in Chromium on Gradio 6.31: without 'unsafe-eval' the page stays empty (it compiles its event handlers);
# without 'unsafe-inline' styles, also with those in the page named by their hashes, Svelte's are refused. Scripts in
# the page are named by their hashes, so that none that gets into it later runs.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; form-action 'none'; "
    "frame-src 'none'; worker-src 'none'; frame-ancestors 'none'; base-uri 'self'"
)
_HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


class Guard:
    """ASGI middleware.

    A request is refused if it names another host (DNS rebinding), comes from another site's page, is larger than any
    question, or has no login where one is needed.

    Args:
        app: What it stands before: Gradio's application, whose sessions it looks up.
        hosts: The names that the page is reached by, besides those of this machine to itself.
        anywhere: Whether every IP address is such a name, as for a page that listens on all of them.
        logins: Who may log in, None where nobody has to.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] = (), *, anywhere: bool = False, logins: Logins | None = None
    ) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._anywhere = anywhere
        self._logins = logins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if nothing speaks against it; add the headers to its response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page has no other
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = _path(scope)
        send = _policed(send, login=path.startswith(("/login", "/logout")), secure=scope["scheme"] == "https")
        refusal = self._refusal(scope, path, headers)
        if refusal:
            await _refuse(send, *refusal)
            return
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"x-gradio-server"]}
        if self._logins and not self._logins.session(scope["app"], headers.get("cookie", "")):
            if not (_OPEN.fullmatch(path) or path == _STARTUP):
                await _refuse(send, 401, "Log in first; a program hands its name and password to gradio_client.")
                return
            scope["query_string"] = b""  # it could ask for more than the form to log in
        client.set((scope.get("client") or ("",))[0])
        await self._app(scope, receive if path.startswith(_UPLOADS) else _limited(receive), send)

    def _refusal(self, scope: Scope, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return what speaks against a request, as a status and a sentence."""
        given = [value.decode("latin-1") for name, value in scope["headers"] if name in (b"host", b"x-forwarded-host")]
        if not given or not all(self._ours(_host(host.strip())) for hosts in given for host in hosts.split(",")):
            return 400, "The page is not reached by this name; its owner adds it to QA_ALLOWED_HOSTS."
        changes = scope["method"] not in ("GET", "HEAD") or path.startswith("/logout")
        if self._foreign(headers, changes):
            return 403, "A page of another site may not ask here."
        if _NEVER.match(path):
            return 404, "There is nothing here."
        size = headers.get("content-length", "0")
        if not path.startswith(_UPLOADS) and (not size.isdecimal() or int(size) > _LARGEST):
            return 413, f"A request has at most {_LARGEST:,} bytes; ask with less of the history."
        return None

    def _ours(self, host: str) -> bool:
        if host in self._hosts:
            return True
        try:
            return self._anywhere and bool(ipaddress.ip_address(host))
        except ValueError:
            return False

    def _foreign(self, headers: dict[str, str], changes: bool) -> bool:
        """Say whether a request comes from a page of another site; browsers tell it, programs say nothing.

        Fetch Metadata (W3C, 2021) first, which a proxy leaves as it is; it is only sent over TLS or to this machine.
        """
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site in ("same-origin", "none"):
            return False
        if origin is not None:
            there = origin.partition("://")[2].lower()
            here = [headers.get("host", ""), headers.get("x-forwarded-host", "").partition(",")[0].strip()]
            return not there or there not in {*here, *(self._hosts - LOOPBACK)}  # on a port of its own, it is another
        link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        return site is not None and (changes or not link)


def exposed(host: str) -> bool:
    """Say whether an address to listen on can be reached from other machines.

    Raises:
        OSError: There is no such address.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return not all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)


def _path(scope: Scope) -> str:
    """Return the path as the application routes it: a proxy may or may not have taken its prefix off."""
    path, prefix = str(scope["path"]), str(scope.get("root_path", ""))
    inside = prefix and (path == prefix or path.startswith(f"{prefix}/"))
    return path[len(prefix) :] if inside else path


def _host(given: str) -> str:
    """Return the host of `host:port`, without brackets, "" if it is none."""
    try:
        return urlsplit(f"//{given}").hostname or ""
    except ValueError:
        return ""


def _limited(receive: Receive) -> Receive:
    """Cut off a request that sends more than it may, whatever length it gave."""
    had = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal had
        message = await receive()
        had += len(message.get("body", b""))
        return message if had <= _LARGEST else {"type": "http.disconnect"}

    return counted


def _policed(send: Send, *, login: bool, secure: bool) -> Send:
    """Add the headers to a response; a page is held back until the hashes of its scripts are known."""
    start: MutableMapping[str, Any] = {}
    page = bytearray()

    async def sent(message: MutableMapping[str, Any]) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            headers = [
                (name, _lax(value, secure) if login and name == b"set-cookie" else value)
                for name, value in message["headers"]
            ]
            headers += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            start = {**message, "headers": headers}
            if dict(message["headers"]).get(b"content-type", b"").startswith(b"text/html"):
                return
            start["headers"].append((b"content-security-policy", _POLICY.format(scripts="").encode()))
            await send(start)
            start = {}
        elif start and message["type"] == "http.response.body":
            page.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            start["headers"].append((b"content-security-policy", _POLICY.format(scripts=_hashes(page)).encode()))
            await send(start)
            await send({"type": "http.response.body", "body": bytes(page)})
        else:
            await send(message)

    return sent


def _hashes(page: bytes | bytearray) -> str:
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page))
    return "".join(f" 'sha256-{digest}'" for digest in digests)


def _lax(cookie: bytes, secure: bool) -> bytes:
    """Keep a login's cookie from going along with requests of other sites, and from a line that is not encrypted."""
    kept = [part.strip() for part in cookie.decode("latin-1").split(";")]
    kept = [part for part in kept if not part.lower().startswith("samesite=")]
    if secure and "secure" not in map(str.lower, kept):
        kept.append("Secure")
    return "; ".join([*kept, "SameSite=Lax"]).encode("latin-1")


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
