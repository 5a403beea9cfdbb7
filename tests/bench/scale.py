"""How the product bears a growing haystack: building, disk, memory, opening, questions, recall, quality.

    python -m tests.bench.scale DATA [--sizes 1000,10000,100000] [--real 2000] [--sample 200] [--keep FOLDER]

DATA is a folder with `train/` and `dev/squad2_part_b.json`. The needles are six of that file's eight articles; the hay
is made by `tests/bench/corpus.py`, which says what of it is real: needles and the first `--real` passages are encoded,
the others have generated vectors. Questions on the two articles that are left out are to be abstained from.

Each size is measured in a process of its own, which opens the library as `article-qa chat` does. `store` is SQLite
with full text, an article a transaction; `index` is Chroma. `cpu` is processor time, which a busy machine does not
change much. `recall@10` compares Chroma with exact search over the same vectors, on the questions' own vectors. All
sizes together take about ten minutes on 2 cores, most of it for the largest.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from index.copies import Families
from index.encoder import encoder
from index.library import Draft, Library
from index.outline import encode, outline
from index.vectors import VectorIndex
from index.vectors.exact import ExactIndex
from qa import Assistant
from qa.evaluate import squeeze
from tests.bench.compare import gold_at
from tests.bench.corpus import made, names_of, real
from tests.bench.squad import Question, load

HELD_OUT = 2
"""Articles of the needles' file that stay out of the haystack."""


def build(place: Path, needles: list[Draft], hay: list[Draft], size: int) -> dict[str, Any]:
    """Publish needles and hay of so many passages, build Chroma, and say what it took."""
    library = Library(place)
    library.match_encoder(encoder(), claim=True)
    families = Families([])
    articles = passages = 0
    stored = cpu = 0.0
    names = names_of([draft.article for draft in needles])
    for draft in itertools.chain(needles, hay, made(hay, names)):
        started, before = time.perf_counter(), time.process_time()
        family = library.publish(draft, draft.article.id, families.find(draft.signature, draft.article.id))
        families.add(draft.article.id, family, draft.signature)
        stored += time.perf_counter() - started
        cpu += time.process_time() - before
        articles += 1
        passages += len(draft.runs)
        if passages >= size:
            break
    started, before = time.perf_counter(), time.process_time()
    index = VectorIndex(library, owner=True)
    index.open()
    indexed, index_cpu = time.perf_counter() - started, time.process_time() - before
    index.close()
    library.close()
    chroma = sum(file.stat().st_size for file in place.glob("chroma-*/**/*") if file.is_file())
    return {
        "passages": passages,
        "articles": articles,
        "store s": stored,
        "of it cpu s": cpu,
        "index s": indexed,
        "of this cpu s": index_cpu,
        "library MB": (place / "library.sqlite").stat().st_size / 1e6,
        "chroma MB": chroma / 1e6,
    }


def ask(place: Path, data: Path, sample: int) -> dict[str, Any]:
    """Open a library in this process and ask; returns figures by name."""
    articles, questions = load(data / "dev" / "squad2_part_b.json")
    texts = {article.id: article.text for article in articles[HELD_OUT:]}
    inside = _some([q for q in questions if q.gold and q.article in texts], sample)
    outside = _some([q for q in questions if q.gold and q.article not in texts], sample // 2)
    encoder().query("ready")
    started = time.perf_counter()
    with Assistant.open(place, place, update=False, progress=False) as assistant:
        opened = time.perf_counter() - started
        assistant.warm()
        for question in inside[:5]:
            assistant.ask(question.text)
        times, cpu, right, answered = [], time.process_time(), [], []
        for question in inside:
            began = time.perf_counter()
            answer = assistant.ask(question.text)
            times.append((time.perf_counter() - began) * 1000)
            answered.append(answer.answered)
            if answer.answered:
                first = answer.citations[0]
                right.append((first.article_id, first.start, first.end) in question.gold)
        cpu = (time.process_time() - cpu) * 1000 / len(inside)
        engine = answer.engine
        searching = []
        golds = []
        for question in inside:
            began = time.perf_counter()
            found = [evidence.text for evidence in assistant.results(question.text).evidence]
            searching.append((time.perf_counter() - began) * 1000)
            golds.append(gold_at(found, [squeeze(texts[name][a:b]) for name, a, b in question.gold]))
        abstained = [not assistant.ask(question.text).answered for question in outside]
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            at_once = list(pool.map(lambda question: assistant.ask(question.text), inside[:40]))
        at_once_s = time.perf_counter() - began
        resident = _resident()
        recall = _recall(assistant._library, assistant._vectors, inside)
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "open s": opened,
        "question p50 ms": float(p50),
        "p95 ms": float(p95),
        "cpu ms": cpu,
        "of it search p50 ms": float(np.median(searching)),
        "eight at once, answers a s": len(at_once) / at_once_s,
        "memory MB": resident,
        "recall@10": recall,
        "gold@300": float(np.mean(golds, axis=0)[0]),
        "gold@1000": float(np.mean(golds, axis=0)[1]),
        "answered": float(np.mean(answered)),
        "right first": float(np.mean(right)),
        "abstained, left out": float(np.mean(abstained)),
        "engine": engine,
    }


def _some(questions: list[Question], count: int) -> list[Question]:
    random.Random(1).shuffle(questions)
    return questions[:count]


def _recall(library: Library, vectors: VectorIndex, questions: list[Question]) -> float:
    exact = ExactIndex(library)
    shares = []
    for question in questions:
        vector = encoder().query(question.text)
        truth = exact.search(vector, 10)
        found, _ = vectors.search(vector, 100)
        # A passage as near as the tenth is as good: equal ones are many among recombined sentences.
        least = min(truth.values()) - 1e-6
        shares.append(min(10, sum(score >= least for score in list(found.values())[:10])) / 10)
    return float(np.mean(shares))


def _resident() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _table(rows: list[dict[str, Any]]) -> None:
    print("| |" + "|".join(f" {row['passages']:,} passages " for row in rows) + "|\n|---|" + "---|" * len(rows))
    for name in rows[0]:
        if name != "passages":
            values = (row[name] for row in rows)
            cells = (v if isinstance(v, str) else f"{v:,}" if isinstance(v, int) else f"{v:.3g}" for v in values)
            print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--real", type=int, default=2000, help="passages of hay that are encoded")
    parser.add_argument("--sample", type=int, default=200, help="questions")
    parser.add_argument("--keep", type=Path, help="where libraries are kept, and found again")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        print(json.dumps(ask(given.ask, given.data, given.sample)))
        return
    sizes = [int(size) for size in given.sizes.split(",")]
    articles, _ = load(given.data / "dev" / "squad2_part_b.json")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        rows: list[dict[str, Any]] = []
        needles: list[Draft] = []
        hay: list[Draft] = []
        for size in sizes:
            place = folder / str(size)
            figures = place / "figures.json"
            if not figures.is_file():
                if not hay:
                    encoder().query("ready")
                    started = time.perf_counter()
                    needles = encode([outline(article, encoder()) for article in articles[HELD_OUT:]], encoder())
                    hay = real(given.data, encoder(), min(given.real, max(sizes)))
                    count = sum(len(draft.runs) for draft in needles + hay)
                    print(f"{count:,} passages encoded in {time.perf_counter() - started:.0f} s", flush=True)
                built = build(place, needles, hay, size)
                figures.write_text(json.dumps(built), encoding="utf-8")
            command = [sys.executable, "-m", "tests.bench.scale", str(given.data), "--sample", str(given.sample)]
            done = subprocess.run([*command, "--ask", str(place)], check=True, capture_output=True, text=True)
            rows.append({**json.loads(figures.read_text(encoding="utf-8")), **json.loads(done.stdout.splitlines()[-1])})
            print(rows[-1], flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    _table(rows)


if __name__ == "__main__":
    main()
