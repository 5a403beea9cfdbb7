"""Tune retrieval, the ranking of sentences and the abstention rule on sets that results are not reported on.

    python -m tests.bench.tune DATA [--weights] [--sample N]

DATA is a folder with `train/squad2_part_a.json` (SQuAD 2.0 dev, eight of its articles) and `train/qed.json` (1,355
Natural Questions paragraphs); each is a library of its own. With `--weights` the retrieval weights are tried one after
the other on the former. Without, the ranking of sentences is fitted on both, by the likelihood of the first gold
sentence among all candidates, and then the abstention rule: each answerable question once with its article in the
library and once with that article taken out.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from index.kinds import kind
from index.library import Draft
from index.search import KINDS, Results, Search, Weights
from index.types import FEATURES
from qa import Assistant
from qa.reader import features, probability
from tests.bench.squad import Question, load

GRID = [{"passage_bm25": 0.5}, {"passage_bm25": 1.1}, {"candidates": 50}, {"read": 10}]


class Remembering:
    """The encoder, with the questions' vectors kept."""

    def __init__(self, encoder, questions):
        self.fingerprint = encoder.fingerprint
        vectors, _ = encoder.passages(questions, [[]] * len(questions))
        self.known = dict(zip(questions, vectors, strict=True))

    def query(self, question):
        return self.known[question]


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


def fit_abstention(searched: list[tuple[Question, Results]], without: list[tuple[Question, Results]]) -> None:
    there = [features(results.evidence) for _, results in searched]
    gone = [features(results.evidence) for _, results in without]
    right = np.array([place(results.evidence[0]) in q.gold for q, results in searched])
    x, y = np.array(there + gone), np.array([1] * len(there) + [0] * len(gone))
    model = LogisticRegression(C=1e6).fit(x, y)
    p = model.predict_proba(x)[:, 1]
    print("bias", round(float(model.intercept_[0]), 2), "weights", [round(float(w), 2) for w in model.coef_[0]])
    print(
        "AUROC",
        round(roc_auc_score(y, p), 4),
        "each alone",
        [round(roc_auc_score(y, x[:, i]), 4) for i in range(x.shape[1])],
    )
    now = np.array([probability(results.evidence) for _, results in (*searched, *without)])
    for name, shares in (("as fitted here", p), ("with the numbers in qa.reader", now)):
        print(name)
        thresholds(shares[: len(there)], shares[len(there) :], right)
    print("margin  sentences  precision  gold found")
    for margin in (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0):
        chosen = [
            [place(e) in q.gold for e in results.evidence[:3] if e.score >= results.evidence[0].score - margin]
            for q, results in searched
        ]
        print(
            f"{margin:6.2f} {np.mean([len(c) for c in chosen]):10.2f} {np.mean([np.mean(c) for c in chosen]):10.3f}"
            f" {np.mean([any(c) for c in chosen]):11.3f}",
            flush=True,
        )


def thresholds(positive: np.ndarray, negative: np.ndarray, right: np.ndarray) -> None:
    print("threshold answered right-among-answered absent-abstained")
    for threshold in (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9):
        kept = positive >= threshold
        print(f"{threshold:9.2f} {kept.mean():8.3f} {right[kept].mean():19.3f} {(negative < threshold).mean():16.3f}")


def with_and_without(path: Path, sample: int) -> tuple[list[tuple[Question, Results]], list[tuple[Question, Results]]]:
    """Search for each answerable question of a file, once in the whole library and once without its article."""
    articles, questions = load(path)
    asked = [q for q in questions if q.gold]
    random.Random(1).shuffle(asked)
    asked = asked[:sample]
    with Assistant.of_texts(articles) as assistant:
        library = assistant._library
        search = Search(library, Remembering(assistant._encoder, [q.text for q in asked]), assistant._vectors)
        print(path.name, assistant.counts(), len(asked), "questions", flush=True)
        searched = [(q, search(q.text)) for q in asked]
        signatures = {article_id: signature for article_id, _, signature in library.signatures()}
        without = []
        for article_id in sorted({q.article for q in asked}):
            article = library.article(article_id)
            draft = Draft(article, *library.encoded(article.revision), signatures[article_id])
            library.remove(article_id)
            without += [(q, search(q.text)) for q in asked if q.article == article_id]
            library.publish(draft, file="")
    return searched, without


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
    searched, without = [], []
    for path in (squad, qed):
        there, gone = with_and_without(path, given.sample)
        searched += there
        without += gone
        fit_ranking(there)
        fit_abstention(there, gone)
    print("both together")
    fit_ranking(searched)
    fit_abstention(searched, without)


if __name__ == "__main__":
    main()
