"""What the commands cost, each in a process of its own: syncing, asking, opening the page.

    python -m tests.bench.command DATA [--articles 1000] [--files 10000] [--times 7]

DATA is a folder with the files that `tests/bench/corpus.py` names. An article is seven of their paragraphs, drawn by
seed; the many files of `--files` are a sentence each. `ask` and the page are started `--times` times; the median is
told, and the slowest. Memory is a process's highest. About five minutes on 2 cores, with the encoder compiled before.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.bench.corpus import paragraphs

PROGRAM = Path(sys.executable).with_name("article-qa")
QUESTION = "Who was elected to the council?"


def write(data: Path, folder: Path, articles: int) -> int:
    """Write so many articles, and return their characters on average."""
    every = [part for text in paragraphs(data) for part in text.split("\n\n") if len(part) > 100]
    draw = random.Random(1)
    folder.mkdir()
    size = 0
    for number in range(articles):
        text = f"Report {number}\n\n" + "\n\n".join(draw.sample(every, 7))
        (folder / f"{number:05}.txt").write_text(text, encoding="utf-8")
        size += len(text)
    return size // articles


def timed(*arguments: object) -> tuple[float, float, str]:
    """Run a command to its end; returns seconds, MB at most, and its last line."""
    started = time.perf_counter()
    child = subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    said = child.stdout.read().decode().strip().splitlines()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode in (0, 3), arguments
    return time.perf_counter() - started, used.ru_maxrss / 1024, said[-1] if said else ""


def page(folder: Path) -> tuple[float, float]:
    """Start the chat; returns the seconds until its page is there, and until its models are warm."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    started = time.perf_counter()
    child = subprocess.Popen(
        [PROGRAM, "chat", folder, "--port", str(port)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        up = _until(f"http://127.0.0.1:{port}/", lambda body: True) - started
        warm = _until(f"http://127.0.0.1:{port}/healthz", lambda body: bool(json.loads(body)["warm"])) - started
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()
    return up, warm


def _until(url: str, good: Callable[[bytes], bool]) -> float:
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                if good(response.read()):
                    return time.perf_counter()
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.02)


def _told(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s, at most {max(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "articles"
        size = write(given.data, folder, given.articles)
        seconds, memory, last = timed("sync", folder)
        print(f"sync of {given.articles} new articles of {size} characters: {seconds:.1f} s, {memory:.0f} MB; {last}")
        library = folder / ".article-qa"
        chroma = sum(file.stat().st_size for file in library.glob("chroma-*/**/*") if file.is_file())
        print(
            f"on disk: library {(library / 'library.sqlite').stat().st_size / 1e6:.0f} MB, Chroma {chroma / 1e6:.0f} MB"
        )
        asked = [timed("ask", QUESTION, "--articles", folder) for _ in range(given.times)]
        print(f"ask: {_told([seconds for seconds, *_ in asked])}, {max(memory for _, memory, _ in asked):.0f} MB")
        opened = [page(folder) for _ in range(given.times)]
        print(f"chat: page {_told([up for up, _ in opened])}; warm {_told([warm for _, warm in opened])}")
        many = Path(temporary) / "many"
        many.mkdir()
        for number in range(given.files):
            (many / f"{number:05}.txt").write_text(f"Bridge {number} of the river was opened in {number % 900 + 1100}.")
        old = time.time() - 3600  # a file that changed a moment ago is looked into again
        for file in many.iterdir():
            os.utime(file, (old, old))
        timed("sync", many)
        seconds, memory, last = timed("sync", many)
        print(f"sync of {given.files} unchanged files: {seconds:.2f} s in all, {memory:.0f} MB; {last}")
        (many / "00007.txt").write_text("Bridge 7 was closed in 2020.")
        seconds, memory, last = timed("sync", many)
        print(f"one of them changed: {seconds:.2f} s in all; {last}")


if __name__ == "__main__":
    main()
