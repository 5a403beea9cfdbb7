"""Shows the page: a port, the checks that stand before each request, and the end at Ctrl-C."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from index.errors import ArticleQAError
from index.formats import FILE_BYTES
from qa.assistant import Assistant
from ui.api import health
from ui.chat import Chat
from ui.guard import Guard, exposed
from ui.login import Logins
from ui.owner import Owned
from ui.web import build, head, theme

if TYPE_CHECKING:
    import gradio as gr
    from starlette.requests import Request
    from starlette.responses import Response

HOST = "127.0.0.1"

_PORTS = 100  # to try, from the one asked for
_WAITING = 64  # questions
_SESSIONS = 1_000
_LOGIN = "A name and password of this page. After a few wrong ones, the next try takes longer."


def start(
    assistant: Assistant,
    *,
    port: int = 7860,
    users: int = 8,
    host: str = HOST,
    logins: Path | None = None,
    allowed_hosts: str = "",
    root_path: str = "",
) -> gr.Blocks:
    """Show the page and return; its `local_url` is the address, its `close()` ends it.

    Args:
        assistant: The open library.
        port: Where to listen; the next free one if it is taken.
        users: Questions that are answered at the same time.
        host: The address to listen on.
        logins: The file of those who may log in, None for anybody; only this machine is served without one.
        allowed_hosts: Names that the page is reached by besides, separated by commas.
        root_path: What a proxy puts before the page's paths, such as `/articles`.

    Raises:
        ArticleQAError: No port is free, the address is not one, other machines could reach it without a login, or
            the file of logins cannot be used.
    """
    host = host.strip("[]")
    known, prefix = check(host, logins), _prefix(root_path)
    names = [host, *_names(allowed_hosts)]
    anywhere = host in ("0.0.0.0", "::")  # noqa: S104
    guard = {"hosts": [*names, socket.gethostname()] if anywhere else names, "anywhere": anywhere, "logins": known}
    chat = Chat(assistant)
    page = build(assistant, chat)
    page.queue(max_size=_WAITING, default_concurrency_limit=users, api_open=False)
    candidates = range(port, min(port + _PORTS, 65536))
    for candidate in candidates:
        if not _free(host, candidate):
            continue
        try:
            with _unproxied(host):
                page.launch(
                    server_name=f"[{host}]" if ":" in host else host,
                    server_port=candidate,
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
                    max_file_size=FILE_BYTES,
                    state_session_capacity=_SESSIONS,
                    auth=known.check if known else None,
                    auth_message=_LOGIN,
                    root_path=prefix,
                    app_kwargs={
                        "middleware": _middleware(guard, assistant.settings.keep),
                        "routes": _routes(assistant, chat),
                        "openapi_url": None,
                    },
                    theme=theme(),
                    head=head(),
                )
            break
        except OSError:  # taken meanwhile
            continue
    else:
        raise ArticleQAError(f"No port from {port} to {candidates[-1]} is free; name another with --port.")
    # No daemon: a process that ends while a model is at work in another thread is aborted.
    threading.Thread(target=chat.warm, name="warm").start()
    return page


def check(host: str, logins: Path | None) -> Logins | None:
    """Return who may log in, before anything is opened; None for anybody.

    Raises as `start` does.
    """
    known = Logins(logins) if logins else None
    if _exposed(host.strip("[]")) and not known:
        raise ArticleQAError(
            f"{host} can be reached from other machines, and nobody would have to log in; make a login with "
            "`article-qa login NAME --logins FILE` and start again with --logins FILE."
        )
    return known


def serve(assistant: Assistant, **how: Any) -> None:
    """Show the page until Ctrl-C; its address is printed once it is up.

    Takes what `start` takes, and raises as it does.
    """
    page = start(assistant, **how)
    try:
        sys.stdout.write(f"{page.local_url.rstrip('/')}\n")
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        page.close(verbose=False)


def _exposed(host: str) -> bool:
    try:
        _bind(host, 0)
        return exposed(host)
    except (OSError, UnicodeError, ValueError) as error:
        raise ArticleQAError(f"{host!r} is no address of this machine; take another with --host.") from error


def _names(given: str) -> list[str]:
    """Return host names that are separated by commas; what stands around them in an address is left out."""
    parts = (urlsplit(f"//{part.strip().rpartition('://')[2]}").hostname for part in given.split(","))
    return [part for part in parts if part]


def _prefix(given: str) -> str:
    prefix = f"/{given.strip('/')}" if given.strip("/") else ""
    if not re.fullmatch(r"(/[\w.~-]+)*", prefix, re.ASCII):
        raise ArticleQAError(f"{given!r} is no path; name what the proxy puts in front, such as /articles.")
    return prefix


@contextmanager
def _unproxied(host: str) -> Iterator[None]:
    """Let Gradio find the page it has just started, where the way to the internet is a proxy."""
    before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
    known = next(filter(None, before.values()), "")
    os.environ.update(dict.fromkeys(before, ",".join(filter(None, [known, host, "localhost"]))))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _free(host: str, port: int) -> bool:
    """Say whether nobody listens on a port; Gradio's own check leaves its socket open."""
    try:
        _bind(host, port)
    except OSError:
        return False
    return True


def _bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name == "posix"))
        probe.bind(address)


def _middleware(guard: dict[str, Any], keep: bool) -> list[Any]:
    from starlette.middleware import Middleware

    return [Middleware(Guard, **guard), *([Middleware(Owned)] if keep else [])]


def _routes(assistant: Assistant, chat: Chat) -> list[Any]:
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    state = health(assistant, chat)

    def healthz(_: Request) -> Response:
        found = state()
        return JSONResponse(found, 200 if found["status"] == "ok" else 503, headers={"cache-control": "no-store"})

    return [Route("/healthz", healthz)]
