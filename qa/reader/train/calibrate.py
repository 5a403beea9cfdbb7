"""Fit, on held-out questions asked of real libraries, how readings become scores, sentences and probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from qa.reader.model import Model, Reading
from qa.reader.select import (
    COMPANY,
    READ,
    SENTENCE,
    SIGNS,
    Calibration,
    Read,
    beside,
    open_ended,
    ranked,
    signs,
    text_of,
    to_read,
)
from qa.reader.train.libraries import Asked

START = Calibration((8.3, 0.5, 5.6, 1.2, 1.0, 1.0, 0.3, 0.2), (0.0,) * (len(SIGNS) + 1), (0.0,) * (len(COMPANY) + 1))


@dataclass(frozen=True, slots=True)
class Seen:
    """A held-out question with what was read of it."""

    asked: Asked
    readings: list[Reading]

    def rows(self, calibration: Calibration) -> list[Read]:
        """Return its sentences, scored and best first."""
        results = self.asked.results
        return ranked(self.asked.text, results, to_read(results, READ), self.readings, calibration)


def read_all(asked: Sequence[Asked], model: Model) -> list[Seen]:
    """Read what was found for every question."""
    return [Seen(a, model.read(a.text, [text_of(hit) for hit in to_read(a.results, READ)])) for a in asked]


def calibrate(seen: Sequence[Seen], said: Callable[[str], None]) -> Calibration:
    """Return the calibration that fits best; says how well."""
    several = [s for s in seen if s.asked.kind == "several"]
    seen = [s for s in seen if s.asked.kind != "several"]
    answerable = [s for s in seen if s.asked.kind == "answerable"]
    fitted = replace(START, sentence=fit_sentence(answerable, said))
    rows = {id(s): s.rows(fitted) for s in seen}
    table = np.array([_signs(s, rows[id(s)]) for s in seen])
    there = np.array([s.asked.kind == "answerable" for s in seen])
    model = LogisticRegression(C=1.0, max_iter=2000).fit(table, there)
    fitted = replace(fitted, signs=(*map(float, model.coef_[0]), float(model.intercept_[0])))
    said(f"signs {dict(zip(SIGNS, np.round(model.coef_[0], 3).tolist(), strict=True))}")
    chance = model.predict_proba(table)[:, 1]
    right = np.array([bool(rows[id(s)]) and s.asked.right(rows[id(s)][0].evidence) for s in seen])
    for source in (*dict.fromkeys(s.asked.source for s in seen), ""):
        own = np.array([source in ("", s.asked.source) for s in seen])
        found = [f"{source or 'all'}: top sentence right {right[own & there].mean():.3f}"]
        before = [s.asked.right(s.asked.results.evidence[0]) for s in answerable if source in ("", s.asked.source)]
        found.append(f"(search alone {np.mean(before):.3f})")
        for kind in ("adversarial", "absent"):
            other = own & np.array([s.asked.kind == kind for s in seen])
            if other.any():
                both = (own & there) | other
                low = np.quantile(chance[own & there], 0.1)
                found.append(
                    f"{kind}: AUROC {roc_auc_score(there[both], chance[both]):.3f}, abstained at 90 % answered "
                    f"{(chance[other] < low).mean():.3f}"
                )
        said(" ".join(found))
    together = [(s, rows[id(s)]) for s in answerable] + [(s, s.rows(fitted)) for s in several]
    return replace(fitted, company=fit_company(together, said))


def _signs(seen: Seen, rows: Sequence[Read]) -> tuple[float, ...]:
    if not rows:
        return (*[-10.0] * 4, *[0.0] * (len(SIGNS) - 4))
    return signs(rows[0], max(row.read[2] for row in rows), seen.asked.results.evidence)


def fit_sentence(seen: Sequence[Seen], said: Callable[[str], None]) -> tuple[float, ...]:
    """Fit the weights of `SENTENCE`: a listwise softmax over the sentences that were read, L2 1e-3."""
    tables, golds = [], []
    for s in seen:
        rows = s.rows(START)
        gold = [s.asked.right(row.evidence) for row in rows]
        if any(gold):
            tables.append(torch.tensor([row.values for row in rows]))
            golds.append(torch.tensor(gold))
    spread = torch.cat(tables).std(dim=0) + 1e-6
    weights = torch.zeros(len(SENTENCE), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=60)

    def loss() -> Any:
        optimizer.zero_grad()
        scores = [(table / spread) @ weights for table in tables]
        likely = [torch.logsumexp(s[g], 0) - torch.logsumexp(s, 0) for s, g in zip(scores, golds, strict=True)]
        value = -torch.stack(likely).mean() + 1e-3 * (weights**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    fitted = tuple(float(w) for w in weights.detach() / spread)
    said(f"sentence {dict(zip(SENTENCE, np.round(fitted, 3).tolist(), strict=True))} from {len(tables)} questions")
    return fitted


def fit_company(seen: Sequence[tuple[Seen, list[Read]]], said: Callable[[str], None]) -> tuple[float, ...]:
    """Fit the weights of `COMPANY`: which of the next nine sentences are gold where the first one is."""
    values, gold = [], []
    for s, rows in seen:
        if rows and s.asked.right(rows[0].evidence):
            wide = open_ended(s.asked.text)
            for row in rows[1:10]:
                values.append(beside(wide, rows[0], row))
                gold.append(s.asked.right(row.evidence))
    if len(set(gold)) < 2:
        said("company: too few held-out questions have several gold sentences; only the first one is chosen")
        return (*(0.0 for _ in COMPANY), -10.0)
    model = LogisticRegression(C=1.0, max_iter=2000).fit(np.array(values), np.array(gold))
    said(
        f"company {dict(zip(COMPANY, np.round(model.coef_[0], 3).tolist(), strict=True))}: {sum(gold)} of {len(gold)} "
        f"belong, chosen {(model.predict(np.array(values))).sum()}"
    )
    return (*map(float, model.coef_[0]), float(model.intercept_[0]))
