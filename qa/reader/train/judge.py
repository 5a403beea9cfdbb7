"""How well a network reads the held-out questions with the paragraphs they were asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from qa.evaluate.scores import agreement
from qa.reader.model import Model, Text
from qa.reader.train.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Judgement:
    """Shares, 0 to 1.

    Attributes:
        exact: Exact match on answerable questions, as SQuAD counts it.
        f1: Their F1.
        auroc: Of telling them from the questions that were written to be unanswerable, where there are any.
    """

    exact: float
    f1: float
    auroc: float


def judge(corpus: Corpus, model: Model, name: str, said: Callable[[str], None]) -> Judgement:
    """Read every held-out question with its paragraph."""
    hits, scores, there = [], [], []
    for number in corpus.held:
        question = corpus.questions[number]
        paragraph = corpus.paragraphs[question.paragraph]
        texts = tuple(paragraph.text[start:end] for start, end in paragraph.spans)
        [found] = model.read(question.text, [Text(paragraph.title, texts)])
        best = max(range(len(texts)), key=lambda n: found.spans[n][0])
        _, start, end = found.spans[best]
        if question.answers:
            answers = sorted({paragraph.text[a:b] for a, b in question.answers})
            hits.append(agreement(answers, texts[best][start:end]))
        if paragraph.source == "squad2_part_a":
            scores.append((found.answerable, found.spans[best][0], found.answerable + 0.5 * found.spans[best][0]))
            there.append(bool(question.answers))
    exact, f1 = np.mean(hits, axis=0)
    areas = [float(roc_auc_score(there, column)) for column in zip(*scores, strict=True)]
    said(
        f"{name}: gold paragraph, {len(hits)} held-out answerable questions: EM {exact:.3f} F1 {f1:.3f}; AUROC against "
        f"{there.count(False)} adversarial ones by answerable {areas[0]:.3f}, span {areas[1]:.3f}, both {areas[2]:.3f}"
    )
    return Judgement(float(exact), float(f1), areas[2])
