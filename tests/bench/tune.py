"""Tune retrieval and the ranking of sentences on sets that results are not reported on.

    python -m tests.bench.tune DATA [--weights] [--sample N]

DATA is a folder with `train/squad2_part_a.json` (SQuAD 2.0 dev, eight of its articles) and `train/qed.json` (1,355
Natural Questions paragraphs); each is a library of its own. With `--weights` the retrieval weights are tried one after
the other on the former. Without, the ranking of sentences is fitted on both, by the likelihood of the first gold
sentence among all candidates.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from index.kinds import kind
from index.search import KINDS, Results, Search, Weights
from index.types import FEATURES
from qa import Assistant
from qa.reader.train.libraries import Remembering
from tests.bench.squad import Question, load

GRID = [{"passage_bm25": 0.5}, {"passage_bm25": 1.1}, {"candidates": 50}, {"read": 10}]


def place(evidence):
    return evidence.sentence.article_id, evidence.sentence.start, evidence.sentence.end


def ranks(results: Results, question: Question) -> tuple[bool, ...]:
    passage = next(
        (
            n
            for n, hit in enumerate(results.hits)
            if any((s.article_id, s.start, s.end) in question.gold for s in hit.passage.sentences)
        ),
        999,
    )
    sentence, end = 999, 10**9
    used = 0
    for n, evidence in enumerate(results.evidence):
        used += len(evidence.text) + (n > 0)
        if place(evidence) in question.gold:
            sentence, end = n, used
            break
    return passage < 1, passage < 5, passage < 10, sentence < 1, sentence < 5, end <= 300, end <= 1000, end <= 2000


def try_weights(search_with, questions: list[Question]) -> None:
    base = Weights()
    print("P@1   P@5   P@10  S@1   S@5   g300  g1000 g2000")
    for change in [{}, *GRID]:
        search = search_with(replace(base, **change))
        started = time.perf_counter()
        table = np.mean([ranks(search(q.text), q) for q in questions], axis=0)
        spent = (time.perf_counter() - started) / len(questions) * 1000
        print(" ".join(f"{value:.3f}" for value in table), f"{spent:5.1f} ms", change or "as it is", flush=True)


def fit_ranking(searched: list[tuple[Question, Results]]) -> None:
    """Fit the weights of `index.types.FEATURES` and of the kinds of answer: a listwise softmax, L2 3e-3."""
    names = [*FEATURES, *KINDS]
    tables, golds = [], []
    for q, results in searched:
        gold = [place(e) in q.gold for e in results.evidence]
        if any(gold):
            wanted = kind(q.text)
            rows = [[*e.features, *(e.offered * (wanted == k) for k in KINDS)] for e in results.evidence]
            tables.append(torch.tensor(rows))
            golds.append(torch.tensor(gold))
    spread = torch.cat(tables).std(dim=0) + 1e-6
    weights = torch.zeros(len(names), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=60)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = [(table / spread) @ weights for table in tables]
        likelihood = sum(torch.logsumexp(s[g], 0) - torch.logsumexp(s, 0) for s, g in zip(scores, golds, strict=True))
        value = -likelihood / len(tables) + 3e-3 * (weights**2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    fitted = (weights.detach() / spread).tolist()
    print("ranking", {name: round(weight, 2) for name, weight in zip(names, fitted, strict=True)})
    top = np.mean([int(g[torch.argmax(t @ torch.tensor(fitted))]) for t, g in zip(tables, golds, strict=True)])
    print(
        f"top sentence right {top:.3f} of {len(tables)} questions with a gold sentence among the candidates", flush=True
    )


def search_all(path: Path, sample: int) -> list[tuple[Question, Results]]:
    """Search the library of a file for each of its answerable questions."""
    articles, questions = load(path)
    asked = [q for q in questions if q.gold]
    random.Random(1).shuffle(asked)
    asked = asked[:sample]
    with Assistant.of_texts(articles) as assistant:
        remembering = Remembering(assistant._encoder, [q.text for q in asked])
        search = Search(assistant._library, remembering, assistant._vectors)
        print(path.name, assistant.counts(), len(asked), "questions", flush=True)
        return [(q, search(q.text)) for q in asked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", action="store_true")
    parser.add_argument("--sample", type=int, default=10**9)
    given = parser.parse_args()
    squad, qed = given.data / "train" / "squad2_part_a.json", given.data / "train" / "qed.json"
    if given.weights:
        articles, questions = load(squad)
        answerable = [q for q in questions if q.gold][: given.sample]
        with Assistant.of_texts(articles) as assistant:
            remembering = Remembering(assistant._encoder, [q.text for q in answerable])
            try_weights(lambda w: Search(assistant._library, remembering, assistant._vectors, w), answerable)
        return
    searched = []
    for path in (squad, qed):
        searched += (own := search_all(path, given.sample))
        fit_ranking(own)
    print("both together")
    fit_ranking(searched)


if __name__ == "__main__":
    main()
