"""What was found, read and weighed: the sentences that answer, the few words asked for, and one probability.

A sentence's score adds what the search knows (`index.search`) and what the model read; the probability is a logistic
regression on the best of both. The numbers are fitted by `qa.reader.train` on held-out questions, asked of real
libraries with their article there and taken out, and lie beside the weights, because they belong to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from index.kinds import fits, is_a_name, kind, names_a_person, widened
from index.rerank import Reranker
from index.search import KINDS, Results
from index.terms import words
from index.types import FEATURES, Evidence, Hit, Sentence
from qa.reader.model import Model, Reading, Text

READ = 6
"""Passages that are read. On the held-out questions of the training six put the right sentence first as often as eight
do, and take three quarters of the time; two that follow each other read as one are slower and no better."""

KNOWN = 1.0
"""What a sentence that was given earlier in the conversation loses of its score (`python -m tests.bench.followup`)."""

SENTENCE = (*FEATURES, "kind", "evidence", "span", "answerable")
"""What a read sentence is ranked by: what the search knows (`index.types.FEATURES`, and the weight of the kind of
answer that it offers); the log odds that it is evidence; the score of its best short answer; the log odds that what was
read with it answers."""

SIGNS = ("evidence", "span", "answerable", "most answerable", "cosine", "passage cosine", "coverage")
"""What the probability rests on: of the first sentence, what was read; the best passage's log odds; over the best five
sentences that were found, how near the nearest and its passage come and the largest share of the question's terms."""

COMPANY = ("evidence", "below", "next", "open")
"""What another sentence is chosen by: its evidence; how far its score lies below the first one's; whether it stands
next to it; whether the question asks why, how, or what in general."""

TOGETHER = 0.5
"""How likely a sentence must be part of the answer to be shown with the first one."""

RIVAL = (1.5, 7.0, 3.0, 3.5)
"""What a sentence of another article must reach to stand beside the first one: the log odds that it is evidence, the
score of its short answer, the log odds that what was read with it answers; and how far below the first it may be."""

UNNAMED = 0.1
"""The most likely it can be that the articles give a person's name that was asked for in so many words, where what
answers best is no name. Set by hand: the held-out questions have two of this kind."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How readings become scores and probabilities; each a linear model.

    Attributes:
        sentence: Weights of `SENTENCE`.
        signs: Weights of `SIGNS`, the bias last.
        company: Weights of `COMPANY`, the bias last.
    """

    sentence: tuple[float, ...]
    signs: tuple[float, ...]
    company: tuple[float, ...]

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Calibration:
        """Return what a manifest holds."""
        return cls(*(tuple(map(float, kept[name])) for name in ("sentence", "signs", "company")))


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The few words asked for, inside a sentence.

    Attributes:
        start: In the article, as the sentence's own offsets are.
        end: One past its last character.
    """

    text: str
    evidence: Evidence
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader found.

    Attributes:
        sentences: The sentences that answer, in reading order, of the article with the most direct one first;
            empty if there are none at all.
        confidence: Probability, 0 to 1, that the articles answer the question.
        ranked: All evidence, best first.
        short: The few words asked for, in the first sentence; None where there are none of the kind asked for.
        rivals: Those of sentences of other articles that answer as well, best first; from `qa.differ` on, only the one
            that cannot be true where `short` is.
    """

    sentences: tuple[Evidence, ...]
    confidence: float
    ranked: tuple[Evidence, ...] = ()
    short: ShortAnswer | None = None
    rivals: tuple[ShortAnswer, ...] = ()

    @property
    def shorts(self) -> tuple[ShortAnswer, ...]:
        """The short answers to be marked."""
        return (self.short, *self.rivals) if self.short else ()


@dataclass(frozen=True, slots=True)
class Read:
    """A sentence with what was read of it."""

    evidence: Evidence
    values: tuple[float, ...]  # of SENTENCE
    span: tuple[float, int, int]

    @property
    def read(self) -> tuple[float, ...]:
        """What the model says: evidence, span, answerable."""
        return self.values[-3:]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what a search found.

    Attributes:
        most: The most sentences to select.
        reranker: What puts the passages in order before the best are read.
        passages: How many are read.
        measured: Whether `qa.sure` knows how often it is right.
    """

    model: Model
    calibration: Calibration
    most: int = 3
    reranker: Reranker | None = None
    passages: int = READ
    measured: bool = False

    def read(self, question: str, results: Results) -> Selection:
        """Select the sentences that answer and say how likely it is that they do.

        Raises:
            ReaderUnavailable: The model cannot be loaded.
        """
        if not results.evidence:
            return Selection((), 0.0)
        hits = to_read(results, len(results.hits) if self.reranker else self.passages)
        if self.reranker:
            hits = self.reranker.hits(question, hits)[: self.passages]
        readings = self.model.read(question, [text_of(hit) for hit in hits])
        rows = ranked(question, results, hits, readings, self.calibration)
        if not rows:
            return Selection((), 0.0, results.evidence)
        best = max(row.read[2] for row in rows)
        confidence = probability(signs(rows[0], best, results.evidence), self.calibration.signs)
        short = short_answer(question, rows[0])
        if short is None and names_a_person(question):
            confidence = min(confidence, UNNAMED)
        chosen = company(question, rows, self.calibration, self.most)
        known = {row.evidence.sentence for row in rows}
        behind = tuple(item for item in results.evidence if item.sentence not in known)
        return Selection(
            tuple(row.evidence for row in chosen),
            confidence,
            (*(row.evidence for row in rows), *behind),
            short,
            rivals(question, rows) if short else (),
        )


def to_read(results: Results, count: int) -> list[Hit]:
    """Return the passages to read: those of the best sentences, which hold the answer more often than the best do."""
    return list({item.hit.passage.key: item.hit for item in results.evidence}.values())[:count]


def text_of(hit: Hit) -> Text:
    """Return what the model reads of a passage."""
    return Text(hit.title, hit.texts)


def ranked(
    question: str,
    results: Results,
    hits: Sequence[Hit],
    readings: Sequence[Reading],
    calibration: Calibration,
) -> list[Read]:
    """Return the sentences that were read, scored anew, best first."""
    places: dict[Sentence, tuple[int, Reading]] = {}
    for hit, reading in zip(hits, readings, strict=True):
        places |= {sentence: (n, reading) for n, sentence in enumerate(hit.passage.sentences)}
    weight_of_kind = KINDS.get(kind(question), 0.0)
    rows = []
    for item in results.evidence:
        if item.sentence not in places:
            continue
        place, reading = places[item.sentence]
        said = reading.evidence[place], reading.spans[place][0], reading.answerable
        values = (*item.features, weight_of_kind * item.offered, *said)
        score = sum(weight * value for weight, value in zip(calibration.sentence, values, strict=True))
        score -= KNOWN * item.known
        rows.append(Read(replace(item, score=score), values, reading.spans[place]))
    return sorted(rows, key=lambda row: -row.evidence.score)  # stable: equal ones stay as they were found


def signs(first: Read, best: float, evidence: Sequence[Evidence]) -> tuple[float, ...]:
    """Return the values of `SIGNS`."""
    near = evidence[:5]
    return (
        *first.read,
        best,
        max(item.cosine for item in near),
        max(item.hit.cosine for item in near),
        max(item.coverage for item in near),
    )


def probability(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the logistic function of a weighted sum; the bias stands last in the weights.

    >>> probability([1.0], [2.0, -2.0])
    0.5
    """
    total = weights[-1] + sum(weight * value for weight, value in zip(weights[:-1], values, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-500.0, min(500.0, total))))


def company(question: str, rows: Sequence[Read], calibration: Calibration, most: int) -> list[Read]:
    """Return the first sentence with the others that belong to the answer, in reading order within each article."""
    wide = open_ended(question)
    others = (row for row in rows[1:20] if belongs(wide, rows[0], row, calibration) >= TOGETHER)
    chosen = [rows[0], *others][:most]
    articles = list(dict.fromkeys(row.evidence.sentence.article_id for row in chosen))
    return sorted(
        chosen, key=lambda row: (articles.index(row.evidence.sentence.article_id), row.evidence.sentence.number)
    )


def rivals(question: str, rows: Sequence[Read]) -> tuple[ShortAnswer, ...]:
    """Return the short answers of other articles than the first sentence's that are read as answering, best first."""
    first = rows[0].evidence
    found = (
        short_answer(question, row)
        for row in rows[1:]
        if row.evidence.sentence.article_id != first.sentence.article_id
        and first.score - row.evidence.score <= RIVAL[-1]
        and all(value >= least for value, least in zip(row.read, RIVAL, strict=False))
    )
    return tuple(short for short in found if short)


def open_ended(question: str) -> bool:
    """Say whether a question asks why, how, or what in general, and not for a few words.

    >>> open_ended("Why did they leave?"), open_ended("When did they leave?")
    (True, False)
    """
    return kind(question) in ("reason", "way", "other")


def belongs(wide: bool, first: Read, other: Read, calibration: Calibration) -> float:
    """Return the probability that a sentence is part of the answer, given the first one."""
    return probability(beside(wide, first, other), calibration.company)


def beside(wide: bool, first: Read, other: Read) -> tuple[float, ...]:
    """Return the values of `COMPANY`."""
    one, two = first.evidence.sentence, other.evidence.sentence
    return (
        other.read[0],
        first.evidence.score - other.evidence.score,
        float(one.article_id == two.article_id and abs(one.number - two.number) == 1),
        float(wide),
    )


def short_answer(question: str, first: Read) -> ShortAnswer | None:
    """Return the best span of the first sentence if it is of the kind asked for."""
    _, start, end = first.span
    text = first.evidence.text
    wanted, asked = kind(question), set(words(question))
    start, end = widened(wanted, text, start, end)
    if start >= end or not fits(wanted, text[start:end], asked):
        return None
    if names_a_person(question) and not is_a_name(text[start:end], asked):
        return None
    at = first.evidence.sentence.start
    return ShortAnswer(text[start:end], first.evidence, at + start, at + end)
