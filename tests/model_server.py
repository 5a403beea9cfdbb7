"""A local server that speaks what OpenAI's and Ollama's clients speak, and fails as it is told to.

It has no model: it says what it was given to say, once each, the last again and again. What it was asked stands in
`asked`.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = str | Callable[[str], str]


@dataclass
class Say:
    """A reply in pieces.

    Attributes:
        text: What it says, or what makes that of the prompt.
        cut: After how many pieces the connection is closed, None for never.
        stall: After how many pieces it falls silent.
        end: Why it ended, in OpenAI's words; Ollama's are the same.
        pause: Seconds between pieces.
        tool: The name of a tool that is called instead.
        refusal: Whether it is a refusal, which OpenAI has a field for.
        raw: Bytes in the middle of the stream.
    """

    text: Reply = ""
    cut: int | None = None
    stall: int | None = None
    end: str = "stop"
    pause: float = 0.0
    tool: str = ""
    refusal: bool = False
    raw: bytes = b""


@dataclass
class Fail:
    """A reply that is none."""

    status: int = 500
    body: bytes = b'{"error": {"message": "sk-secret-key is wrong", "type": "x"}}'
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"


@dataclass
class Hang:
    """No reply, for some seconds; or one byte now and then."""

    seconds: float = 5.0
    trickle: bool = False


class ModelServer:
    """The server; `url` for its address, `replies` for what it is to do."""

    def __init__(self) -> None:
        self.replies: list[Say | Fail | Hang] = [Say("ready")]
        self.asked: list[dict] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def will(self, *replies: Say | Fail | Hang) -> None:
        """Say what it does with the next calls, and forget what it was asked."""
        self.replies = list(replies)
        for seen in (self.asked, self.paths, self.headers):
            seen.clear()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def prompts(self) -> list[str]:
        """What the person's part of each call said."""
        return [call["messages"][-1]["content"] for call in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ModelServer

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.script.paths.append(self.path)
        self.send_error(404)

    def do_POST(self):
        script = self.script
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.paths.append(self.path)
        script.asked.append(asked)
        script.headers.append(dict(self.headers))
        reply = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
        self.close_connection = True
        with contextlib.suppress(OSError):  # nobody waits any more
            {Hang: self._hang, Fail: self._fail, Say: self._say}[type(reply)](reply, asked)

    def _hang(self, reply, asked):
        if reply.trickle:
            self._start("text/event-stream")
        until = time.monotonic() + reply.seconds
        while time.monotonic() < until:
            time.sleep(0.05)
            if reply.trickle:
                self._chunk(b":")

    def _fail(self, reply, asked):
        self.send_response(reply.status)
        fixed = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body))}
        for name, value in {**fixed, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _say(self, reply, asked):
        text = reply.text(asked["messages"][-1]["content"]) if callable(reply.text) else reply.text
        if "response_format" in asked or "format" in asked:
            text = as_json(text)
        line, end = (ollama_line, ollama_end) if self.path.startswith("/api/") else (openai_line, openai_end)
        self._start("application/x-ndjson" if line is ollama_line else "text/event-stream")
        if line is openai_line:
            self._chunk(openai_start())
        pieces = [text[at : at + 7] for at in range(0, len(text), 7)] if len(text) < 50_000 else [text]
        for n, piece in enumerate(pieces or [""]):
            if n == reply.cut:
                self.connection.close()
                return
            if n == reply.stall:
                time.sleep(5)
                return
            if n == 1 and reply.raw:
                self._chunk(reply.raw)
            self._chunk(line(piece, reply))
            time.sleep(reply.pause)
        if reply.end:
            self._chunk(end(reply))
        self._chunk(b"")

    def _start(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


def as_json(text: str) -> str:
    """Return lines of claims as the schema wants them; what is JSON already, as it is."""
    if text.lstrip().startswith("{") or not text.strip():
        return text
    rows = []
    for line in text.splitlines():
        said, _, numbers = line.rpartition(" [")
        given = [int(number) for number in numbers.rstrip("]").split(",")] if said else []
        rows.append({"claim": said or line, "sentences": given})
    rows = [] if text.strip() == "NONE" else rows
    return json.dumps({"claims": rows, "questions": text.splitlines()}, ensure_ascii=False)


def _openai(delta, finish):
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def openai_line(piece, reply):
    delta = {"content": piece}
    if reply.tool:
        call = {"index": 0, "id": "t1", "type": "function", "function": {"name": reply.tool, "arguments": "{}"}}
        delta = {"tool_calls": [call]}
    if reply.refusal:
        delta = {"refusal": piece}
    return f"data: {json.dumps(_openai(delta, None))}\n\n".encode()


def openai_start():
    return f"data: {json.dumps(_openai({'role': 'assistant', 'content': '', 'refusal': None}, None))}\n\n".encode()


def openai_end(reply):
    finish = "tool_calls" if reply.tool else reply.end
    return f"data: {json.dumps(_openai({}, finish))}\n\ndata: [DONE]\n\n".encode()


def ollama_line(piece, reply):
    message = {"role": "assistant", "content": piece}
    if reply.tool:
        message = {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": reply.tool, "arguments": {}}}],
        }
    line = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": False}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def ollama_end(reply):
    line = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": ""},
            "done": True, "done_reason": reply.end}  # fmt: skip
    return json.dumps(line).encode() + b"\n"
