"""The worker process: reused, limited, replaced, and gone with its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import ArticleQAError, UnreadableFile
from index.formats import FILE_BYTES, Reading
from index.parser import Parser, contents

ROOT = str(Path(__file__).resolve().parents[1])

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")

# A worker whose reader does what the text of a file tells it.
PUPPET = """
import ctypes, os, sys, time
root = sys.argv[1]
root in sys.path or sys.path.insert(0, root)
from index import formats, parser

def read(data, name):
    text = data.decode()
    if text == "hang":
        time.sleep(600)
    elif text == "stop":
        import signal
        os.kill(os.getpid(), signal.SIGSTOP)
    elif text == "crash":
        ctypes.string_at(0)
    elif text == "exit":
        os._exit(3)
    elif text == "burst":
        return bytearray(10**12)
    elif text == "fill":
        return "x" * 3 * 10**8
    elif text == "wear out" and COUNT:
        raise MemoryError
    elif text == "noise":
        print("noise")
        os.system("echo noise")
        os.write(1, b"noise")
        assert sys.stdin.read() == ""
    elif text == "garbage":
        os.write(REPLIES, b"garbage garbage garbage")
    COUNT.append(text)
    return formats.read(b"Done: " + data, name)

COUNT = []
dup = os.dup
def remembered(number):
    global REPLIES
    REPLIES = dup(number)
    return REPLIES
os.dup = remembered
parser.read = read
parser.serve(int(sys.argv[2]))
"""


class Puppet(Parser):
    def _command(self) -> list[str]:
        return ["-P", "-c", PUPPET, ROOT, str(self.memory_bytes)]


@pytest.fixture
def puppet() -> Iterator[Puppet]:
    with Puppet(timeout_s=0.6, memory_bytes=64 * 1024**2) as parser:
        yield parser


def refusal(parser: Parser, data: bytes, name: str = "a.txt") -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        parser.parse(data, name)
    return caught.value


def gone(pid: int, within: float = 5.0) -> bool:
    """Say whether a process ends, or is only a body that its new parent has not fetched."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


class TestReading:
    def test_one_process_for_all_files(self, tmp_path: Path) -> None:
        with Parser() as parser:
            assert parser.pid is None
            pids: set[int | None] = set()
            for number in range(20):
                path = tmp_path / f"{number}.txt"
                path.write_text(f"Text number {number}.\r\nÜber \U0001f600.")
                reading = parser.read(path, f"in/{number}.txt")
                assert isinstance(reading, Reading)
                (found,) = reading.articles
                assert (found.id, found.text) == (
                    f"in/{number}.txt",
                    f"Text number {number}.\nÜber \U0001f600.",
                )
                pids.add(parser.pid)
            assert len(pids) == 1 and None not in pids
        (pid,) = pids
        assert pid is not None and gone(pid) and parser.pid is None

    def test_refusals_and_notes_come_through(self) -> None:
        with Parser() as parser:
            error = refusal(parser, b"\x89PNG\r\n\x1a\n", "a.txt")
            assert (error.path, error.code) == ("a.txt", "bad_type")
            reading = parser.parse(b'{"text": "One."}\n{', "a.jsonl")
            assert [line.found[:6] for line in reading.refused] == ["line 2"]
            assert parser.parse("naïve".encode("cp1252"), "a.txt").notes == ("read as cp1252",)
            assert parser.parse(b"Text.", "caf\udce9.txt").articles[0].id == r"caf\udce9.txt"

    def test_closed_parser_reads_nothing(self) -> None:
        with Parser() as parser:
            parser.parse(b"Text.", "a.txt")
            parser.close()
            with pytest.raises(ArticleQAError, match="Reading was stopped"):
                parser.parse(b"Text.", "a.txt")
            assert parser.pid is None

    def test_threads(self) -> None:
        with Parser() as parser:
            wrong: list[object] = []

            def read_some(thread: int) -> None:
                for number in range(25):
                    text = f"{thread} {number}. " + "x" * 50_000
                    if parser.parse(text.encode(), "a.txt").articles[0].text != text:
                        wrong.append((thread, number))

            threads = [threading.Thread(target=read_some, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert wrong == []

    def test_from_another_folder_with_modules_that_are_traps(self, tmp_path: Path) -> None:
        for name in ("json", "index", "yaml", "formats"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit('trap')")
        code = (
            f"import sys; sys.path.insert(0, {ROOT!r}); from index.parser import Parser\n"
            "with Parser() as p: reading = p.parse(b'---\\ntitle: T\\n---\\nText.', 'a.md')\n"
            "print(reading.articles[0].title)"
        )
        command = [sys.executable, "-P", "-c", code]
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        run = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)
        assert (run.stdout, run.stderr) == ("T\n", "")

    def test_keys_stay_with_the_parent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOME_API_KEY", "canary")
        with Parser() as parser:
            parser.parse(b"Text.", "a.txt")
            environment = Path(f"/proc/{parser.pid}/environ")
            if not environment.exists():
                pytest.skip("needs /proc")
            assert b"canary" not in environment.read_bytes()


class TestFailures:
    def assert_next_is_read(self, parser: Parser) -> None:
        assert parser.parse(b"next", "b.txt").articles[0].text == "Done: next"

    def test_hang(self, puppet: Puppet) -> None:
        self.assert_next_is_read(puppet)
        before = puppet.pid
        start = time.monotonic()
        error = refusal(puppet, b"hang")
        assert (error.code, error.path) == ("timeout", "a.txt")
        assert 0.6 <= time.monotonic() - start < 3
        assert before is not None and gone(before)
        self.assert_next_is_read(puppet)

    @posix
    def test_stopped_worker_and_a_file_that_fills_the_pipe(self, puppet: Puppet) -> None:
        self.assert_next_is_read(puppet)
        assert puppet.pid is not None
        os.kill(puppet.pid, signal.SIGSTOP)
        assert refusal(puppet, b"x" * 10**6).code == "timeout"
        self.assert_next_is_read(puppet)

    def test_closed_in_the_middle_of_a_file(self) -> None:
        puppet = Puppet()
        self.assert_next_is_read(puppet)
        failures: list[ArticleQAError] = []

        def read() -> None:
            for _ in range(3):  # those that wait for the lock are not read either
                with pytest.raises(ArticleQAError) as caught:
                    puppet.parse(b"hang", "a.txt")
                failures.append(caught.value)

        thread = threading.Thread(target=read)
        thread.start()
        time.sleep(0.3)
        start = time.monotonic()
        puppet.close()
        thread.join()
        assert time.monotonic() - start < 3 and puppet.pid is None
        assert [type(error) for error in failures] == [ArticleQAError] * 3

    @pytest.mark.parametrize("how", [b"crash", b"exit", b"garbage"])
    def test_crash(self, puppet: Puppet, how: bytes) -> None:
        self.assert_next_is_read(puppet)
        assert refusal(puppet, how).code == "unreadable"
        assert puppet.pid is None
        self.assert_next_is_read(puppet)

    @posix
    @pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not enforce the limit")
    @pytest.mark.parametrize("how", [b"burst", b"fill"])
    def test_memory(self, puppet: Puppet, how: bytes) -> None:
        error = refusal(puppet, how)
        assert (error.code, "memory" in error.found) == ("unreadable", True)
        assert puppet.pid is None
        self.assert_next_is_read(puppet)

    def test_worn_out_worker_is_not_the_files_fault(self, puppet: Puppet) -> None:
        self.assert_next_is_read(puppet)
        before = puppet.pid
        assert puppet.parse(b"wear out", "a.txt").articles[0].text == "Done: wear out"
        assert puppet.pid not in (None, before)

    def test_worker_killed_between_files(self, puppet: Puppet) -> None:
        self.assert_next_is_read(puppet)
        assert puppet.pid is not None
        os.kill(puppet.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self.assert_next_is_read(puppet)

    def test_prints_of_libraries(self, puppet: Puppet) -> None:
        assert puppet.parse(b"noise", "a.txt").articles[0].text == "Done: noise"
        self.assert_next_is_read(puppet)

    def test_worker_that_does_not_start(self) -> None:
        class Broken(Parser):
            def _command(self) -> list[str]:
                return ["-c", "raise SystemExit(1)"]

        with Broken() as parser, pytest.raises(ArticleQAError, match="does not start; reinstall"):
            parser.parse(b"Text.", "a.txt")

    def test_a_machine_that_starts_no_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(12, "Cannot allocate memory")

        monkeypatch.setattr(subprocess, "Popen", full)
        with Parser() as parser, pytest.raises(ArticleQAError, match="does not start"):
            parser.parse(b"Text.", "a.txt")

    def test_interrupt_leaves_no_half_reply(self, puppet: Puppet, monkeypatch: pytest.MonkeyPatch) -> None:
        self.assert_next_is_read(puppet)
        before = puppet.pid
        assert puppet._worker is not None

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(puppet._worker, "ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            puppet.parse(b"Text.", "a.txt")
        assert before is not None and gone(before)
        self.assert_next_is_read(puppet)


@posix
class TestProcess:
    def test_limits(self) -> None:
        with Parser(memory_bytes=2**28) as parser:
            parser.parse(b"Text.", "a.txt")
            limits = Path(f"/proc/{parser.pid}/limits")
            if not limits.exists():
                pytest.skip("needs /proc")
            lines = {line[:26].strip(): line[26:].split() for line in limits.read_text().splitlines()}
            assert 2**28 < int(lines["Max address space"][0]) < 2**30
            assert lines["Max open files"][0] == "64"
            assert lines["Max core file size"][0] == "0"
            assert parser.pid is not None and os.getsid(parser.pid) == parser.pid

    def test_interrupt_does_not_reach_it(self) -> None:
        with Parser() as parser:
            parser.parse(b"Text.", "a.txt")
            before = parser.pid
            assert before is not None
            os.kill(before, signal.SIGINT)
            parser.parse(b"Text.", "a.txt")
            assert parser.pid == before

    @pytest.mark.parametrize("busy", [False, True])
    def test_dies_with_its_parent(self, busy: bool) -> None:
        code = f"""
import sys, threading
sys.path[:0] = [{ROOT!r}, {str(Path(__file__).parent)!r}]
from test_parser import Puppet
parser = Puppet(timeout_s=1.0)
parser.parse(b"Text.", "a.txt")
print(parser.pid, flush=True)
parser.timeout_s = 1.0
if {busy}:
    parser.parse(b"hang", "a.txt")
sys.stdin.read()
"""
        parent = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if busy:
            time.sleep(0.3)
        parent.kill()
        parent.communicate()
        assert gone(pid, within=8)


class TestContents:
    def refusal(self, path: Path, name: str = "a.txt") -> str:
        start = time.monotonic()
        with pytest.raises(UnreadableFile) as caught:
            contents(path, name)
        assert time.monotonic() - start < 1
        return caught.value.code

    def test_regular_files(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"\r\n\x1a\0")
        assert contents(path, "a.txt") == b"\r\n\x1a\0"
        os.link(path, tmp_path / "hard.txt")
        assert contents(tmp_path / "hard.txt", "hard.txt") == b"\r\n\x1a\0"

    def test_size(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        with path.open("wb") as file:
            file.truncate(FILE_BYTES + 1)
        assert self.refusal(path) == "too_large"
        with path.open("wb") as file:
            file.truncate(10**12)  # sparse: reading it would take minutes
        assert self.refusal(path) == "too_large"

    def test_folder_and_what_is_gone(self, tmp_path: Path) -> None:
        assert self.refusal(tmp_path) in ("bad_path", "unreadable")  # Windows cannot open a folder
        assert self.refusal(tmp_path / "gone.txt") == "unreadable"
        assert self.refusal(tmp_path / ("x" * 300 + ".txt")) in ("bad_path", "unreadable")
        assert self.refusal(tmp_path / "a\0b.txt") == "bad_path"

    @posix
    def test_links(self, tmp_path: Path) -> None:
        for target in ("/etc/passwd", str(tmp_path), "link.txt", "/nowhere/at/all"):
            link = tmp_path / "link.txt"
            link.symlink_to(target)
            assert self.refusal(link) == "bad_path"
            link.unlink()

    @posix
    def test_pipes_sockets_and_devices(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe.txt"
        os.mkfifo(pipe)
        assert self.refusal(pipe) == "bad_path"
        assert self.refusal(Path("/dev/zero")) == "bad_path"
        path = tmp_path / "s"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            assert self.refusal(path) == "bad_path"
        if Path("/proc/self/mem").exists():
            assert self.refusal(Path("/proc/self/mem")) == "unreadable"

    @posix
    @pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read anything")
    def test_permissions(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("Text.")
        path.chmod(0)
        assert self.refusal(path) == "unreadable"

    def test_permission_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def denied(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", denied)
        assert self.refusal(tmp_path / "a.txt") == "unreadable"

    def test_refusal_names_no_place_of_this_machine(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile) as caught:
            contents(tmp_path / "gone.txt", "caf\udce9.txt")
        assert str(tmp_path) not in str(caught.value)
        json.dumps(str(caught.value)).encode("utf-8")
        assert caught.value.path == r"caf\udce9.txt"
