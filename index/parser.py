"""One worker process that turns files into articles, within limits of time and memory.

Files come from strangers, and parsers hang, crash and burst on some. The parent opens a file and
hands its bytes to the worker; the worker answers with articles or a refusal. It is started with the
first file, serves all, and is replaced after any failure, so that a bad file costs only itself.

The pipes carry frames: four bytes of length, the highest first, then so many bytes. A request is a
frame of JSON and one with the file's bytes; a reply is one frame of JSON.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
from dataclasses import astuple
from pathlib import Path
from typing import IO, Any, Self

from index.errors import ArticleQAError, UnreadableFile
from index.formats import FILE_BYTES, Reading, read, shown, too_large
from index.types import Article

_IMPORT_BYTES = 128 * 1024**2
"""Address space for all parser libraries; 61 MB were measured."""

_REPLY_BYTES = 128 * 1024**2
_START_SECONDS = 60.0
_WATCH_SECONDS = 0.2

_LENGTH = struct.Struct(">I")
_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_BOOT = """
import sys
root = sys.argv[1]
root in sys.path or sys.path.insert(0, root)
from index.parser import serve
serve(int(sys.argv[2]))
"""

_CRASHED = "crashes its reader; open it in its program and save it again, or remove it"
_CLOSED = "Reading was stopped; read again with a new parser."
_TOO_MUCH = "needs more memory to read than is allowed; split it into several files"


class Parser:
    """Reads files in a worker process; a context manager, safe to use from several threads.

    Args:
        timeout_s: Seconds that one file may take.
        memory_bytes: Address space that reading may take, beside that of the libraries. Not limited
            on Windows, and not enforced by macOS.

    >>> with Parser() as parser:                                              # doctest: +SKIP
    ...     parser.read(Path("articles/a.txt"), "a.txt").articles
    """

    def __init__(self, timeout_s: float = 30.0, memory_bytes: int = 1024**3) -> None:
        self.timeout_s = timeout_s
        self.memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker at once, also in the middle of a file; nothing is read after."""
        self._closed = True
        worker = self._worker
        if worker:
            worker.process.kill()  # a thread that waits for its reply hears of it, and lets go of the lock
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """The worker's process id, None where there is none now."""
        worker = self._worker
        return worker.process.pid if worker else None

    def read(self, path: Path, name: str) -> Reading:
        """Read the articles of a file.

        Args:
            path: Where it is; refused if it is a symbolic link.
            name: Its id, see `index.formats.read`.

        Raises:
            UnreadableFile: It cannot become an article. Beside the codes of `index.formats.read`:
                `bad_path` for what is no regular file, `timeout`, and `unreadable` also where the
                worker crashed or ran out of memory.
            ArticleQAError: The worker cannot be started, or the parser is closed.
        """
        return self.parse(contents(path, name), name)

    def parse(self, data: bytes, name: str) -> Reading:
        """Read the articles of a file that is in memory; raises as `read` does."""
        name = shown(name)
        if len(data) > FILE_BYTES:
            raise too_large(name)
        with self._lock:
            fresh = self._worker is None
            reading = self._attempt(data, name)
            # The files before may have worn the worker out: judge this one by a fresh one.
            if reading is None and not fresh:
                reading = self._attempt(data, name)
            if reading is None:
                raise UnreadableFile(name, "unreadable", _CRASHED)
            if isinstance(reading, UnreadableFile):
                raise reading
            return reading

    def _attempt(self, data: bytes, name: str) -> Reading | UnreadableFile | None:
        """Have a file read, None if the worker failed; it is replaced then."""
        if self._closed:
            raise ArticleQAError(_CLOSED)
        fresh = self._worker is None
        worker = self._worker = self._worker or self._start()
        request = json.dumps({"name": name, "timeout_s": self.timeout_s}).encode()
        try:
            if self._closed:  # while it started
                raise _WorkerFailed
            reply = worker.ask(request, data, seconds=self.timeout_s)
            reading = _reading(reply, name)
        except TimeoutError:
            self._stop()
            why = f"takes more than {self.timeout_s:g} s to read"
            return UnreadableFile(name, "timeout", f"{why}; split it or convert it to plain text")
        except (_WorkerFailed, KeyError, TypeError, ValueError):
            self._stop()
            if self._closed:
                raise ArticleQAError(_CLOSED) from None
            return None
        except BaseException:  # Ctrl-C: half a reply may be under way
            self._stop()
            raise
        if reply.get("failed"):
            self._stop()
            return reading if fresh else None
        return reading

    def _start(self) -> _Worker:
        worker: _Worker | None = None
        try:
            worker = _Worker([sys.executable, *self._command()])
            worker.ask(seconds=_START_SECONDS)
        except (_WorkerFailed, OSError):  # TimeoutError is one, and so is want of memory
            if worker:
                worker.stop()
            raise ArticleQAError(
                "The process that reads files does not start; reinstall article-qa. "
                f"'{sys.executable} -c \"import index.parser\"' may show what is missing."
            ) from None
        except BaseException:
            if worker:
                worker.stop()
            raise
        return worker

    def _command(self) -> list[str]:
        root = str(Path(__file__).resolve().parents[1])
        # -P and no -m: articles in the working directory cannot bring modules of their own.
        return ["-P", "-c", _BOOT, root, str(self.memory_bytes)]

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker:
            worker.stop()


class _WorkerFailed(Exception):
    """The worker is gone, or what it says is no reply."""


class _Worker:
    """A running worker process, and a thread that kills it when a request takes too long.

    Killing is the one limit that holds on every system; it also ends a wait for the pipes.
    """

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not _SECRET.search(name)},
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        self._late = False
        self._deadline = math.inf
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def ask(self, *frames: bytes, seconds: float) -> dict[str, Any]:
        """Send a request, none to hear that it has started, and return the reply.

        Raises:
            TimeoutError: It took longer than `seconds`.
            _WorkerFailed: There is no reply.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        with self._guard:
            if self._late:  # killed after its last reply
                raise _WorkerFailed
            self._deadline = time.monotonic() + seconds
        try:
            if frames:
                _send(self.process.stdin, *frames)
            reply = json.loads(_receive(self.process.stdout, _REPLY_BYTES) or b"")
        except (OSError, ValueError, RecursionError) as error:
            if self._late:
                raise TimeoutError from None
            raise _WorkerFailed from error
        finally:
            with self._guard:
                self._deadline = math.inf
        if not isinstance(reply, dict):
            raise _WorkerFailed
        return reply

    def stop(self) -> None:
        """Kill the process and wait until it is gone."""
        self._stopped.set()
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(OSError):  # it holds bytes that nobody will read
                    pipe.close()
        self.process.wait()

    def _watch(self) -> None:
        while not self._stopped.wait(_WATCH_SECONDS):
            with self._guard:
                self._late = time.monotonic() > self._deadline
            if self._late:
                self.process.kill()
                return


def contents(path: Path, name: str) -> bytes:
    """Return the bytes of a regular file of at most `FILE_BYTES`.

    What was opened is what is checked, so that nothing can be swapped in between.

    Raises:
        UnreadableFile: `bad_path` for a symbolic link, a folder, a pipe or a device; `too_large`;
            `unreadable` where it is gone or may not be read.
    """
    name = shown(name)
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, flag, 0)
    try:
        if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
            raise OSError(errno.ELOOP, "")
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFile(name, "bad_path", _IRREGULAR)
            if status.st_size > FILE_BYTES:
                raise too_large(name)
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(FILE_BYTES + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise UnreadableFile(name, *_unopened(error)) from error
    if len(data) > FILE_BYTES:
        raise too_large(name)
    return data


_IRREGULAR = "is no regular file; replace it by one"


def _unopened(error: OSError | ValueError) -> tuple[str, str]:
    """Say with a code and in words why a file cannot be opened or read."""
    code = getattr(error, "errno", None)
    if code in (errno.ELOOP, errno.EMLINK):
        return "bad_path", "is a symbolic link; replace it by the file itself"
    if code in (errno.ENXIO, errno.EISDIR, errno.ENODEV, errno.EOPNOTSUPP):
        return "bad_path", _IRREGULAR
    if code == errno.ENAMETOOLONG or isinstance(error, ValueError):
        return "bad_path", "has a name that cannot be opened; rename it"
    if isinstance(error, FileNotFoundError):
        return "unreadable", "is no longer there; put it back or go on without it"
    if isinstance(error, PermissionError):
        return "unreadable", "may not be read; change its permissions"
    return "unreadable", f"cannot be read ({error.strerror}); check the disk and try again"


def _send(pipe: IO[bytes], *frames: bytes) -> None:
    for frame in frames:
        pipe.write(_LENGTH.pack(len(frame)))
        pipe.write(frame)
    pipe.flush()


def _receive(pipe: IO[bytes], limit: int) -> bytes | None:
    """Return the next frame, None at the end of the pipe or if it is longer than `limit`."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    frame = pipe.read(length) if length <= limit else b""
    return frame if len(frame) == length else None


def _reading(reply: dict[str, Any], name: str) -> Reading | UnreadableFile:
    if "refusal" in reply:
        code, found = reply["refusal"]
        return UnreadableFile(name, str(code), str(found))
    return Reading(
        tuple(Article(*map(str, fields)) for fields in reply["articles"]),
        tuple(UnreadableFile(name, str(code), str(found)) for code, found in reply["refused"]),
        tuple(map(str, reply["notes"])),
    )


# From here on, the worker's side.


def serve(memory_bytes: int) -> None:
    """Read files for the parent until it closes the pipe or is gone."""
    requests, replies = _pipes()
    with contextlib.suppress(OSError, ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(memory_bytes)
    _send(replies, b"{}")
    while (head := _receive(requests, 2**20)) is not None:
        data = _receive(requests, FILE_BYTES)
        if data is None:
            break
        request = json.loads(head)
        _alarm(request["timeout_s"] + 2)
        try:
            reply = json.dumps(_answer(data, request["name"]), ensure_ascii=False).encode()
        except MemoryError:
            reply = json.dumps({"failed": "memory", "refusal": ["unreadable", _TOO_MUCH]}).encode()
        _alarm(0)
        _send(replies, reply)


def _alarm(seconds: float) -> None:
    """Have the system end this process then: the parent may be killed while a file hangs."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _answer(data: bytes, name: str) -> dict[str, Any]:
    try:
        reading = read(data, name)
    except UnreadableFile as error:
        return {"refusal": [error.code, error.found]}
    return {
        "articles": [astuple(article) for article in reading.articles],
        "refused": [[error.code, error.found] for error in reading.refused],
        "notes": reading.notes,
    }


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take the pipes away from the libraries: what they print goes nowhere."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return requests, replies


def _limit(memory_bytes: int) -> None:
    """Limit memory and open files, and write no core file; does nothing on Windows."""
    try:
        import resource
    except ImportError:
        return
    for what, most in (
        (resource.RLIMIT_AS, _address_space() + _IMPORT_BYTES + memory_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS refuses some
            resource.setrlimit(what, (most, most))


def _address_space() -> int:
    """Return the bytes of address space that this process has now, 0 where that is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
