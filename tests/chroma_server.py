"""A real `chroma run` on a free port, which can be killed, stopped and started; and a gate that checks tokens."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMAND = Path(sys.executable).parent / "chroma"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class ChromaServer:
    """The server; `url` for its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [COMMAND, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/api/v2/heartbeat")
                assert connection.getresponse().status == 200
                return
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
        raise AssertionError("chroma run does not answer")

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Have it accept connections and never answer."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


class Gate:
    """What people put in front of a server: whoever has not the token gets no further.

    Attributes:
        token: The right one.
        status: What everybody gets, 0 for the server's own answer.
        trickle: Whether it sends a byte now and then, and no answer.
        raw: What everybody gets with 200, None for the server's own answer.
        seen: The tokens that came.
        paths: What was asked for.
    """

    def __init__(self, server: ChromaServer) -> None:
        self.server = server
        self.token = "s3cret-token"
        self.status = 0
        self.trickle = False
        self.raw: bytes | None = None
        self.seen: list[str] = []
        self.paths: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"gate": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/behind/a/gate"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    gate: Gate
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _pass(self) -> None:
        gate = self.gate
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = self.headers.get("Authorization", "")
        gate.seen.append(given)
        gate.paths.append(self.path)
        if gate.trickle:
            self._trickle()
        elif gate.status:
            self._send(gate.status, f"You sent {given}".encode())  # as a careless gate does
        elif given != f"Bearer {gate.token}":
            self._send(401, f"{given} is wrong".encode())
        elif gate.raw is not None:
            self._send(200, gate.raw)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", gate.server.port, timeout=30)
            try:
                headers = {"Content-Type": "application/json"}
                connection.request(self.command, self.path.removeprefix("/behind/a/gate"), body, headers)
                answer = connection.getresponse()
                self._send(answer.status, answer.read())
            except OSError:
                self._send(502, b"")
            finally:
                connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self) -> None:
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            pass
        self.close_connection = True
