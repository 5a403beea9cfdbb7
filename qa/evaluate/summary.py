"""The figures of a run, with two trivial baselines beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from qa.evaluate.questions import WINDOWS, Outcome, Place, Question
from qa.evaluate.scores import (
    COVERAGES,
    Bin,
    Caution,
    agreement,
    auroc,
    calibration,
    cautions,
    mean,
    risk_coverage,
)

NONE = "–"
"""What a table shows where there is no figure."""


@dataclass(frozen=True, slots=True)
class Short:
    """How well short answers agree with the acceptable ones, over some questions; see `qa.evaluate.scores.agreement`.

    Attributes:
        exact: Share of exact matches.
        f1: Mean F1 over tokens; with `exact` None where there are no questions.
    """

    questions: int
    exact: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """What can be told of anyone who answers; shares are 0 to 1, None where there is nothing to average over.

    Attributes:
        answered: Questions that were answered.
        top_citation: Share of answerable questions that are answered with a gold sentence first.
        right_among_answered: The same among the answerable ones that were answered.
        citation_precision: Share of cited sentences that are gold, mean over the answerable questions that were
            answered: who answers fewer is measured on fewer.
        citation_recall: Share of needed sentences that are cited, mean over the same.
        citation_f1: Harmonic mean of the two for each question, mean over the same.
        abstained: Share of questions that abstained, by kind (`answerable` and `unanswerable` always).
        squad: Short answers, `HasAns`, `NoAns` and `all`, as the official script of SQuAD 2.0 counts them but as
            shares. Answerable questions that list no `answers` are left out; None where that leaves none of them.
            An unanswerable question counts 1 if it abstained, else 0.
        risk: Share of questions that are answered wrongly if all are answered: unanswerable, or with a top sentence
            that is not gold.
    """

    answered: int
    top_citation: float | None
    right_among_answered: float | None
    citation_precision: float | None
    citation_recall: float | None
    citation_f1: float | None
    abstained: dict[str, float]
    squad: dict[str, Short] | None
    risk: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a run; shares are 0 to 1. Those not told here are as in `Scores`, with 0 where it has None.

    Attributes:
        recall: Share of needed sentences that stand in the first k passages, by k.
        gold_at: Share of answerable questions whose needed sentences all stand whole within the first N
            characters of the ranked evidence, before any abstention, by N.
        p50_ms: Median time of a question, milliseconds.
        auroc: Of the confidence, answerable against unanswerable questions; None where one of them is missing.
        auroc_by_kind: The same against the unanswerable questions of each kind.
        ece: Expected calibration error of the confidence that the articles answer.
        calibration: The ten bins it is computed from.
        risk_at: Share of wrong ones among the most confident questions, by the share of questions that is answered;
            wrong as in `Scores.risk`.
        aurc: Area under the risk-coverage curve.
        caution: What each setting of the threshold on confidence would do.
        baselines: `top passage` always answers, with all sentences of the first passage that was found, in reading
            order; `abstain` always abstains.
    """

    questions: int
    answerable: int
    unanswerable: int
    answered: int
    recall: dict[int, float]
    gold_at: dict[int, float]
    top_citation: float
    right_among_answered: float
    citation_precision: float
    citation_recall: float
    citation_f1: float
    abstained: dict[str, float] = field(default_factory=dict)
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    squad: dict[str, Short] | None = None
    auroc: float | None = None
    auroc_by_kind: dict[str, float | None] = field(default_factory=dict)
    ece: float | None = None
    calibration: list[Bin] = field(default_factory=list)
    risk_at: dict[float, float | None] = field(default_factory=dict)
    aurc: float | None = None
    caution: list[Caution] = field(default_factory=list)
    baselines: dict[str, Scores] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the figures as a JSON object."""
        return json.dumps(asdict(self), indent=2)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the figures as rows of a table, its head first: a name, this run, and each baseline."""
        others = list(self.baselines.values())
        columns: list[Figures | Scores] = [self, *others]

        def alone(name: str, value: str) -> tuple[str, ...]:
            return (name, value, *(NONE for _ in others))

        def each(name: str, attribute: str) -> tuple[str, ...]:
            return (name, *(_shown(getattr(column, attribute)) for column in columns))

        rows = [
            (f"{self.questions:,} questions, {self.answerable:,} answerable", "article-qa", *self.baselines),
            *(alone(f"passage recall@{k}", _shown(share)) for k, share in self.recall.items()),
            *(alone(f"gold@{n}", _shown(share)) for n, share in self.gold_at.items()),
            each("top citation right", "top_citation"),
            each("right among answered", "right_among_answered"),
            each("sentence precision", "citation_precision"),
            each("sentence recall", "citation_recall"),
            each("sentence F1", "citation_f1"),
        ]
        if self.squad:
            for part in self.squad:
                rows.append((f"exact match / F1, {part}", *(_pair(column.squad, part) for column in columns)))
        rows.append(("answered", *(f"{column.answered:,}" for column in columns)))
        rows += [
            (f"abstained, {kind}", *(_shown(column.abstained[kind]) for column in columns)) for kind in self.abstained
        ]
        rows += [
            alone("AUROC of confidence", _shown(self.auroc)),
            alone("calibration error (ECE)", _shown(self.ece)),
            *(alone(f"risk at coverage {c}", _shown(self.risk_at.get(c))) for c in COVERAGES[:-1]),
            ("risk at coverage 1.0", *map(_shown, (self.risk_at.get(1.0), *(other.risk for other in others)))),
            alone("area under risk-coverage", _shown(self.aurc)),
            alone("time p50 / p95, ms", f"{self.p50_ms:.0f} / {self.p95_ms:.0f}"),
        ]
        return rows

    def caution_rows(self) -> list[tuple[str, ...]]:
        """Return what each setting of `caution` would do as rows of a table, its head first."""
        return [
            ("caution", "answerable answered", "right among them", "unanswerable abstained"),
            *(
                (f"{row.caution:.1f}", _shown(row.answered), _shown(row.right), _shown(row.abstained))
                for row in self.caution
            ),
        ]


@dataclass(frozen=True, slots=True)
class _Reply:
    """What somebody makes of a question: `top` is what would be answered, `cited` and `said` what is."""

    question: Question
    top: Place | None = None
    cited: tuple[Place, ...] = ()
    said: str = ""

    @property
    def would_be_right(self) -> bool:
        return self.question.holds(self.top)


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Sum up the outcomes of a run."""
    answerable = [o for o in outcomes if o.question.gold]
    unanswerable = [o for o in outcomes if not o.question.gold]
    needed = [place for o in answerable for place in o.found]
    times = [sum(o.answer.timings_ms.values()) for o in outcomes]
    ours = _scores([_Reply(o.question, o.top, o.cited, o.answer.short_answer) for o in outcomes])
    sure = [o.answer.confidence for o in outcomes]
    there = [bool(o.question.gold) for o in outcomes]
    right = [o.question.holds(o.top) for o in outcomes]
    ece, bins = calibration(sure, there)
    risk_at, aurc = risk_coverage(sure, [not good for good in right])
    return Figures(
        questions=len(outcomes),
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        answered=ours.answered,
        recall={k: mean(p is not None and p < k for p, _, _ in needed) or 0.0 for k in (1, 5, 10)},
        gold_at={
            n: mean(all(end is not None and end <= n for _, _, end in o.found) for o in answerable) or 0.0
            for n in WINDOWS
        },
        top_citation=ours.top_citation or 0.0,
        right_among_answered=ours.right_among_answered or 0.0,
        citation_precision=ours.citation_precision or 0.0,
        citation_recall=ours.citation_recall or 0.0,
        citation_f1=ours.citation_f1 or 0.0,
        abstained=ours.abstained,
        p50_ms=round(float(np.percentile(times, 50)), 1) if times else 0.0,
        p95_ms=round(float(np.percentile(times, 95)), 1) if times else 0.0,
        squad=ours.squad,
        auroc=auroc(*(_confidences(group) for group in (answerable, unanswerable))),
        auroc_by_kind={
            kind: auroc(_confidences(answerable), _confidences([o for o in unanswerable if o.question.kind == kind]))
            for kind in dict.fromkeys(o.question.kind for o in unanswerable if o.question.kind)
        },
        ece=ece,
        calibration=bins,
        risk_at=risk_at,
        aurc=aurc,
        caution=cautions([o.answer.confidence if o.top else -1.0 for o in outcomes], there, right),
        baselines={
            "top passage": _scores([_whole(o) for o in outcomes]),
            "abstain": _scores([_Reply(o.question) for o in outcomes]),
        },
    )


def _whole(outcome: Outcome) -> _Reply:
    passage = outcome.passage
    return _Reply(outcome.question, passage[0] if passage else None, passage, " ".join(text for _, text in passage))


def _scores(replies: Sequence[_Reply]) -> Scores:
    answerable = [r for r in replies if r.question.gold]
    answered = [r for r in answerable if r.cited]
    kinds: dict[str, list[_Reply]] = {
        "answerable": answerable,
        "unanswerable": [r for r in replies if not r.question.gold],
    }
    for reply in replies:
        if reply.question.kind not in ("", "answerable", "unanswerable"):
            kinds.setdefault(reply.question.kind, []).append(reply)
    cited = [_citation_scores(r) for r in answered]
    return Scores(
        answered=sum(bool(r.cited) for r in replies),
        top_citation=mean(bool(r.cited) and r.would_be_right for r in answerable),
        right_among_answered=mean(r.would_be_right for r in answered),
        citation_precision=mean(p for p, _, _ in cited),
        citation_recall=mean(r for _, r, _ in cited),
        citation_f1=mean(f for _, _, f in cited),
        abstained={kind: mean(not r.cited for r in group) or 0.0 for kind, group in kinds.items() if group},
        squad=_squad(replies),
        risk=mean(not r.would_be_right for r in replies) if any(r.top for r in replies) else None,
    )


def _squad(replies: Sequence[_Reply]) -> dict[str, Short] | None:
    with_answer = [
        agreement(r.question.answers, r.said if r.cited else "")
        for r in replies
        if r.question.gold and r.question.answers
    ]
    # An answer that has no short one is still an answer, so the citations tell, not the empty string.
    without = [(float(not r.cited),) * 2 for r in replies if not r.question.gold]
    if not with_answer:
        return None
    parts = {"HasAns": with_answer, "NoAns": without, "all": with_answer + without}
    return {
        name: Short(len(part), mean(exact for exact, _ in part), mean(f1 for _, f1 in part))
        for name, part in parts.items()
    }


def _citation_scores(reply: _Reply) -> tuple[float, float, float]:
    gold = reply.question.gold
    precision = sum(reply.question.holds(place) for place in reply.cited) / len(reply.cited)
    recall = sum(any(place in fact for place in reply.cited) for fact in gold) / len(gold)
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _confidences(outcomes: Sequence[Outcome]) -> list[float]:
    return [o.answer.confidence for o in outcomes]


def _shown(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _pair(squad: Mapping[str, Short] | None, part: str) -> str:
    found = squad[part] if squad else None
    return NONE if found is None or found.exact is None else f"{found.exact:.3f} / {found.f1:.3f}"
