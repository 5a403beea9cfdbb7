"""Measure how often an answer is right, by the probability that it shows: what `qa.sure` puts into words.

    python -m tests.bench.sure DATA [--part held,report] [--sample N]

`held`: the questions that the reader was calibrated on (DATA/train); the bands were chosen on these. `report`: eight
articles that nothing was trained, fitted or chosen on (DATA/dev/squad2_part_b.json). Both are asked of libraries with
their article there, and the answerable ones again with it taken out. An answer is right if its first sentence is gold;
one to a question that the articles do not answer is wrong.
"""

from __future__ import annotations

import argparse
import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np

from qa import Assistant
from qa.evaluate import taken_out
from qa.reader import reader
from qa.reader.train.corpus import load as corpus_of
from qa.reader.train.libraries import SOURCES, _ask
from tests.bench.squad import load

Row = tuple[str, float, bool]
"""Kind of question, confidence, whether the first sentence is gold."""


def held(folder: Path) -> list[Row]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path("qa/reader/weights/tokenizer.json")))
    corpus = corpus_of(folder, tokenizer)
    reads = reader(3)
    rows = []
    for source in SOURCES:
        for asked in _ask(corpus, source, print):
            found = reads.read(asked.text, asked.results)
            rows.append((asked.kind, found.confidence, bool(found.ranked) and asked.right(found.ranked[0])))
    return rows


def report(path: Path, sample: int) -> list[Row]:
    articles, questions = load(path)
    random.Random(1).shuffle(questions)
    questions = questions[:sample]
    rows = []
    with Assistant.of_texts(articles) as assistant:

        def ask(question, kind):
            found = assistant._reader.read(question.text, assistant._search(question.text))
            first = found.ranked[0].sentence
            rows.append((kind, found.confidence, (first.article_id, first.start, first.end) in question.gold))

        for question in questions:
            ask(question, "answerable" if question.gold else "adversarial")
        for article in articles:
            with taken_out(assistant._library, article.id):
                for question in questions:
                    if question.article == article.id and question.gold:
                        ask(question, "absent")
    return rows


def table(name: str, rows: list[Row], edges) -> None:
    print(f"{name}: {len(rows)} questions")
    print("  from   to   answers  right  answerable: answers  right  adversarial answers  absent answers")
    kinds, sure, right = (np.array(column) for column in zip(*rows, strict=True))
    for low, high in pairwise(edges):
        within = (sure >= low) & (sure < high)
        there = within & (kinds == "answerable")
        counts = [(within & (kinds == kind)).sum() for kind in ("adversarial", "absent")]
        right_there = (right & there).sum() / max(there.sum(), 1)
        print(
            f"  {low:4.2f} {min(high, 1):4.2f} {within.sum():8d} {(right & there).sum() / max(within.sum(), 1):7.3f}"
            f" {there.sum():19d} {right_there:7.3f} {counts[0]:19d} {counts[1]:15d}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", default="held,report")
    parser.add_argument("--sample", type=int, default=900)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    kept = {}
    for part in given.part.split(","):
        if part == "held":
            rows = held(given.data / "train")
        else:
            rows = report(given.data / "dev" / "squad2_part_b.json", given.sample)
        table(part, rows, [*np.arange(0, 1, 0.1), 1.001])
        kept[part] = [(kind, float(sure), bool(right)) for kind, sure, right in rows]
        if given.out:
            given.out.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
