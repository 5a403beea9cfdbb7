"""One system over texts and questions from standard input; what it found, as JSON, on standard output.

    python tests/bench/rivals.py article-qa|tutorial|txtai < work.json

For `tests/bench/compare.py`, which runs each in a process of its own, txtai in an environment that has nothing of this
project in it; so this file imports nothing outside the functions. `work.json` has `articles` (name -> text),
`questions`, and `model`, the folder of the encoder's weights.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Found = tuple[tuple[float, float], Callable[[str], list[str]]]
"""Seconds and processor seconds of the build, and a search: a question to texts, best first."""


def article_qa(work: dict[str, Any], place: Path) -> dict[str, Any]:
    import chromadb  # noqa: F401 - as in the tutorial, modules are in memory too

    from qa import Assistant

    with Assistant.of_texts(["Encoder and reader are in memory before the clock starts."]) as warm:
        warm.warm()
    folder = place / "articles"
    folder.mkdir()
    for name, text in work["articles"].items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    started = _now()
    with Assistant.open(folder, progress=False) as assistant:
        built = _since(started)
        times, cpu, found = _asked(lambda q: [e.text for e in assistant.results(q).evidence], work["questions"])
        answer_times, answer_cpu, answers = _asked(assistant.ask, work["questions"])
    firsts = [
        (a.citations[0].article_id.removesuffix(".txt"), a.citations[0].start, a.citations[0].end) if a.answered else ()
        for a in answers
    ]
    answered = {"answer_times_ms": answer_times, "answer_cpu_ms": answer_cpu, "answers": firsts}
    return {"build_s": built, "times_ms": times, "cpu_ms": cpu, "found": found, **answered}


def tutorial(work: dict[str, Any], place: Path) -> Found:
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    embeddings = HuggingFaceEmbeddings(model_name=work["model"])
    embeddings.embed_query("ready")
    Chroma("warm", embeddings, persist_directory=str(place / "warm")).add_texts(["ready"])
    started = _now()
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = splitter.split_documents([Document(text) for text in work["articles"].values()])
    store = Chroma("tutorial", embeddings, persist_directory=str(place / "tutorial"))
    store.add_documents(chunks)
    built = _since(started)
    return built, lambda question: [found.page_content for found in store.similarity_search(question, k=4)]


def txtai(work: dict[str, Any], place: Path) -> Found:
    from txtai import Embeddings

    given = {"path": work["model"], "hybrid": True, "content": True}
    Embeddings(**given).index(["ready"])
    embeddings = Embeddings(**given)
    paragraphs = [text for article in work["articles"].values() for text in article.split("\n\n")]
    started = _now()
    embeddings.index(paragraphs)
    embeddings.save(str(place / "txtai"))
    built = _since(started)
    return built, lambda question: [found["text"] for found in embeddings.search(question, 10)]


def _asked(ask: Callable[[str], Any], questions: Iterable[str]) -> tuple[list[float], float, list[Any]]:
    """Return milliseconds of each question, mean processor milliseconds, and what was found."""
    questions = list(questions)
    ask(questions[0])
    times, found = [], []
    before = time.process_time()
    for question in questions:
        started = time.perf_counter()
        found.append(ask(question))
        times.append((time.perf_counter() - started) * 1000)
    return times, (time.process_time() - before) * 1000 / len(questions), found


def _now() -> tuple[float, float]:
    """Return the clock, and the processor time of this process and of those it had."""
    import resource

    used = [sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(used)


def _since(started: tuple[float, float]) -> tuple[float, float]:
    now = _now()
    return now[0] - started[0], now[1] - started[1]


def _memory() -> float:
    import resource

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    work = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as place:
        if sys.argv[1] == "article-qa":
            result = article_qa(work, Path(place))
        else:
            built, search = {"tutorial": tutorial, "txtai": txtai}[sys.argv[1]](work, Path(place))
            times, cpu, found = _asked(search, work["questions"])
            result = {"build_s": built, "times_ms": times, "cpu_ms": cpu, "found": found}
    print(json.dumps({**result, "memory_mb": _memory()}))


if __name__ == "__main__":
    main()
