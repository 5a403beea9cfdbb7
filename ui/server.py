"""Shows the page: a port, the checks that stand before each request, and the end at Ctrl-C."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from index.errors import ArticleQAError
from qa.assistant import Assistant
from ui.chat import Chat
from ui.owner import Owned
from ui.web import build, head, theme

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"

_PORTS = 100  # to try, from the one asked for
_WAITING = 64  # questions
_SESSIONS = 1_000

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'self'"
)  # Gradio needs what is unsafe; what matters is that nothing leads to another host
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


def start(assistant: Assistant, *, port: int = 7860, users: int = 8, open_browser: bool = False) -> gr.Blocks:
    """Show the page and return; its `local_url` is the address, its `close()` ends it.

    Args:
        assistant: The open library.
        port: Where to listen; the next free one if it is taken.
        users: Questions that are answered at the same time.
        open_browser: Whether to open the page in the browser.

    Raises:
        ArticleQAError: No port is free.
    """
    chat = Chat(assistant)
    page = build(assistant, chat)
    page.queue(max_size=_WAITING, default_concurrency_limit=users)
    candidates = range(port, min(port + _PORTS, 65536))
    for candidate in filter(_free, candidates):
        try:
            page.launch(
                server_name=HOST,
                server_port=candidate,
                inbrowser=open_browser,
                prevent_thread_lock=True,
                quiet=True,
                share=False,
                show_error=False,
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
                run_history=False,
                enable_monitoring=False,
                footer_links=[],
                max_threads=users + 32,
                state_session_capacity=_SESSIONS,
                app_kwargs={"middleware": _middleware(assistant.settings.keep)},
                theme=theme(),
                head=head(),
            )
            break
        except OSError:  # taken meanwhile
            continue
    else:
        raise ArticleQAError(f"No port from {port} to {candidates[-1]} is free; name another with --port.")
    threading.Thread(target=chat.warm, name="warm", daemon=True).start()
    return page


def serve(assistant: Assistant, *, port: int, users: int, open_browser: bool = False) -> None:
    """Show the page until Ctrl-C; its address is printed once it is up.

    Raises as `start` does.
    """
    page = start(assistant, port=port, users=users, open_browser=open_browser)
    try:
        sys.stdout.write(f"{page.local_url.rstrip('/')}\n")
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        page.close(verbose=False)


def _free(port: int) -> bool:
    """Say whether nobody listens on a port; Gradio's own check leaves its socket open."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name == "posix"))
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class _Policy:
    """ASGI middleware: the browser is told to talk to no other host, and other hosts' pages not to frame this one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the headers to its response."""

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _middleware(keep: bool) -> list[Any]:
    """Return what stands before the page; the check of the host name keeps pages of other sites out."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    return [hosts, Middleware(_Policy), *([Middleware(Owned)] if keep else [])]
