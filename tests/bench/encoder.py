"""The compiled encoder against the same weights in float32, and its vectors as they are kept against those it gives.

    python -m tests.bench.encoder DATA [--sample N]

DATA is a folder with `train/squad2_part_a.json`, on which no results are reported. Of each paragraph the first window
is read, one at a time on one core; questions are searched among all paragraphs by their vectors alone.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np

from index import compiled
from index.encoder import Network
from index.loaded import Loaded
from index.packed import pack, unpack


def read(network: Network, texts: list[str]) -> tuple[np.ndarray, float]:
    """Return the vectors of the first windows and the CPU seconds they took."""
    before, behind = network.marks
    room = network.window - len(before) - len(behind)
    rows = [[*before, *found.ids[:room], *behind] for found in network.pieces(texts)]
    vectors = np.zeros((len(rows), network.dimension), np.float32)
    started = _cpu()
    for number, row in enumerate(rows):
        for _, vector, _ in network.read([row]):
            vectors[number] = vector / np.linalg.norm(vector)
    return vectors, _cpu() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, default=1_200)
    given = parser.parse_args()
    paragraphs: list[str] = []
    asked: list[tuple[str, int]] = []
    for entry in json.loads((given.data / "train" / "squad2_part_a.json").read_text("utf-8"))["data"]:
        for paragraph in entry["paragraphs"]:
            asked += [(qa["question"], len(paragraphs)) for qa in paragraph["qas"] if not qa.get("is_impossible")]
            paragraphs.append(paragraph["context"])
    asked = random.Random(0).sample(asked, min(given.sample, len(asked)))
    questions, gold = [text for text, _ in asked], np.array([place for _, place in asked])
    kinds: dict[str, Callable[[], Network]] = {
        "float32, PyTorch": lambda: Loaded(str(compiled._packaged())),
        "int8, onnxruntime": lambda: compiled.Compiled(compiled.made()),
    }
    exact = None
    print(f"{len(paragraphs)} paragraphs, {len(questions)} questions")
    for name, made in kinds.items():
        network = made()
        passages, spent = read(network, paragraphs)
        vectors, each = read(network, questions)
        scores = vectors @ passages.T
        rank = (scores > scores[np.arange(len(gold)), gold][:, None]).sum(axis=1)
        exact = passages if exact is None else exact
        print(
            f"{name:18} {len(paragraphs) / spent:6.1f} paragraphs and {len(questions) / each:6.1f} questions a CPU s, "
            f"recall@1/5/10 {np.mean(rank < 1):.3f} {np.mean(rank < 5):.3f} {np.mean(rank < 10):.3f}, "
            f"cosine to float32 {(passages * exact).sum(axis=1).min():.3f} at least, "
            f"{(passages * exact).sum(axis=1).mean():.3f} on average",
            flush=True,
        )
    kept = vectors @ unpack(pack(passages), len(passages)).T
    nearest, found = (np.argsort(-table, axis=1)[:, :10] for table in (scores, kept))
    shared = np.mean([len(np.intersect1d(*pair)) / 10 for pair in zip(nearest, found, strict=True)])
    same = np.mean(nearest[:, 0] == found[:, 0])
    print(f"kept in a byte a number: {shared:.4f} of the ten nearest are the same, and {same:.4f} of the nearest")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
