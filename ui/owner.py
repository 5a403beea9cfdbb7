"""Whose browser it is: a secret in a cookie, of which the server keeps only the hash.

The cookie is `SameSite=Lax`. With `Strict`, a browser that follows a link to a conversation from another page or a mail
would come without it, look new, and be given another secret in the place of the one that opens its conversations. What
`Lax` lets through, a person going to the page, changes nothing; calls that do come without the cookie from elsewhere.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "article-qa-owner"

_SECRET = re.compile(r"[\w-]{43}", re.ASCII)
_DAYS = 400  # browsers keep none for longer; it begins anew at each visit
_OWNER = "article_qa.owner"


class Owned:
    """ASGI middleware: notes on each request whose browser sent it, and gives a new browser its secret."""

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        """Wrap an application.

        Args:
            app: The application.
            root_path: Where the page stands behind a proxy, a path or a whole address; "" for that of the request.
        """
        self._app = app
        self._root = urlsplit(root_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a person's visit to the page renews the cookie."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        secret = _secret(headers.get(b"cookie", ""))
        visit = scope["method"] == "GET" and headers.get(b"sec-fetch-dest", _dest(headers)) == "document"
        if visit and not secret:
            secret = secrets.token_urlsafe(32)
        scope[_OWNER] = _hash("browser", secret) if secret else ""

        async def with_cookie(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", self._cookie(secret, scope).encode())]
            await send(message)

        await self._app(scope, receive, with_cookie if visit else send)

    def _cookie(self, secret: str, scope: Scope) -> str:
        path = (self._root.path or scope.get("root_path", "")).rstrip("/") or "/"
        safe = "; Secure" if "https" in (self._root.scheme, scope["scheme"]) else ""
        return f"{COOKIE}={secret}; Path={path}; Max-Age={_DAYS * 86400}; HttpOnly; SameSite=Lax{safe}"


def owner(request: Any) -> str:
    """Return whose conversations a request (Gradio's) may open: its user's, else its browser's; "" for nobody's."""
    if request.username:
        return _hash("user", request.username)
    return str(request.request.scope.get(_OWNER, ""))


def _hash(kind: str, secret: str) -> str:
    return hashlib.sha256(f"{kind}:{secret}".encode()).hexdigest()


def _secret(header: str) -> str:
    try:
        held = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return held.value if held and _SECRET.fullmatch(held.value) else ""


def _dest(headers: dict[bytes, str]) -> str:
    """Return what an older browser, which does not say it, wants: a document, if it asks for HTML first."""
    return "document" if headers.get(b"accept", "").startswith("text/html") else ""
