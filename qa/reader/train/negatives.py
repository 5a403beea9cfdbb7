"""Passages that do not answer a question, and questions that a passage does not answer.

Mined: what the product's retriever and BM25 alone put first and does not hold the answer. Made: the question with a
name, a number or an opposite put in its place, or denied.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder
from index.search import Weights, standardised
from index.split import passages
from index.terms import query_words, terms
from qa.reader.train.corpus import Corpus, Paragraph

PIECES = 128  # word pieces of a passage, as in index.outline
DEPTH = 8  # passages kept for a question

Run = tuple[int, int, int]
"""Paragraph, first sentence, sentence behind the last."""


def mine(corpus: Corpus, encoder: Encoder, said: Any = print) -> list[list[Run]]:
    """Return for each question the best passages of its file in which no annotator's answer stands."""
    found: list[list[Run]] = [[] for _ in corpus.questions]
    for source in dict.fromkeys(p.source for p in corpus.paragraphs):
        runs = [
            (at, run[0], run[-1] + 1)
            for at, p in enumerate(corpus.paragraphs)
            if p.source == source
            for run in passages([len(ids) for ids in p.ids], PIECES)
        ]
        texts = [text_of(corpus.paragraphs[at], first, behind) for at, first, behind in runs]
        asked = [n for n, q in enumerate(corpus.questions) if corpus.paragraphs[q.paragraph].source == source]
        vectors = _encoded(encoder, texts)
        bm25 = _BM25(
            [terms(f"{corpus.paragraphs[at].title} {text}") for (at, _, _), text in zip(runs, texts, strict=True)]
        )
        lower = [text.lower() for text in texts]
        for begin in range(0, len(asked), 512):
            block = asked[begin : begin + 512]
            cosines = _encoded(encoder, [corpus.questions[n].text for n in block]) @ vectors.T
            for number, cosine in zip(block, cosines, strict=True):
                found[number] = _best(corpus, number, runs, lower, cosine, bm25)
        said(f"mined {source}: {len(asked)} questions, {len(runs)} passages")
    return found


def _best(
    corpus: Corpus, number: int, runs: Sequence[Run], lower: Sequence[str], cosine: NDArray[Any], bm25: _BM25
) -> list[Run]:
    question = corpus.questions[number]
    text = corpus.paragraphs[question.paragraph].text
    answers = {text[start:end].lower() for start, end in question.answers}
    lexical = bm25.score(list(query_words(question.text)))
    fused = standardised(cosine) + Weights().passage_bm25 * standardised(lexical)
    kept: list[Run] = []
    order = [*np.argsort(-fused)[:14], *np.argsort(-lexical)[:4]]
    for i in order:
        if not answers and runs[i][0] == question.paragraph:
            continue  # written for that paragraph, which is given whole anyway
        if runs[i] not in kept and not any(answer in lower[i] for answer in answers):
            kept.append(runs[i])
    return kept[:DEPTH]


class _BM25:
    """Okapi BM25 over lists of terms, k1 1.2, b 0.75, as FTS5 scores."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        from scipy.sparse import csc_matrix

        self._column: dict[str, int] = {}
        rows, columns, values = [], [], []
        mean = sum(map(len, documents)) / max(1, len(documents))
        for row, document in enumerate(documents):
            counts: dict[str, int] = {}
            for term in document:
                counts[term] = counts.get(term, 0) + 1
            norm = 1.2 * (0.25 + 0.75 * len(document) / mean)
            for term, count in counts.items():
                rows.append(row)
                columns.append(self._column.setdefault(term, len(self._column)))
                values.append(count * 2.2 / (count + norm))
        self._matrix = csc_matrix((values, (rows, columns)), shape=(len(documents), len(self._column)))
        having = np.diff(self._matrix.indptr)
        self._idf = np.log1p((len(documents) - having + 0.5) / (having + 0.5))

    def score(self, wanted: Sequence[str]) -> NDArray[Any]:
        total = np.zeros(self._matrix.shape[0])
        for term in wanted:
            if (column := self._column.get(term)) is not None:
                part = slice(self._matrix.indptr[column], self._matrix.indptr[column + 1])
                total[self._matrix.indices[part]] += self._idf[column] * self._matrix.data[part]
        return total


def _encoded(encoder: Encoder, texts: Sequence[str]) -> NDArray[Any]:
    import torch

    with torch.autocast("cpu", torch.bfloat16):  # three times as fast; good enough to mine with
        vectors, _ = encoder.passages(texts, [[]] * len(texts))
    return vectors


def text_of(paragraph: Paragraph, first: int, behind: int) -> str:
    """Return the text of a run of sentences."""
    return paragraph.text[paragraph.spans[first][0] : paragraph.spans[behind - 1][1]]


_OPPOSITES = """
first/last before/after north/south east/west northern/southern eastern/western most/least more/less more/fewer
highest/lowest largest/smallest biggest/smallest oldest/youngest oldest/newest earliest/latest best/worst start/end
began/ended begin/end started/stopped increase/decrease increased/decreased rise/fall rose/fell win/lose won/lost
allow/forbid allowed/forbidden accept/reject accepted/rejected support/oppose supported/opposed buy/sell bought/sold
open/close opened/closed arrive/leave arrived/left enter/leave join/leave joined/left born/buried gain/lose gained/lost
create/destroy created/destroyed build/destroy built/demolished found/abandoned appointed/dismissed attack/defend
attacked/defended north/west south/east high/low large/small long/short old/new early/late male/female men/women
husband/wife father/mother son/daughter brother/sister king/queen positive/negative public/private same/different
major/minor
upper/lower inside/outside above/below strong/weak rich/poor full/empty legal/illegal possible/impossible easy/difficult
good/bad like/dislike liked/disliked love/hate loved/hated cause/prevent caused/prevented agree/disagree agreed/refused
include/exclude included/excluded present/absent domestic/foreign majority/minority maximum/minimum
advantage/disadvantage
success/failure helped/hindered expand/shrink expanded/shrank rural/urban summer/winter morning/evening modern/ancient
teacher/student buyer/seller employer/employee friend/enemy victory/defeat peace/war always/never
""".split()
OPPOSITE: dict[str, list[str]] = {}
for _pair in _OPPOSITES:
    _one, _other = _pair.split("/")
    OPPOSITE.setdefault(_one, []).append(_other)
    OPPOSITE.setdefault(_other, []).append(_one)

_NUMBER = re.compile(r"\b\d[\d,]*(?:\.\d+)?\b")
_NAME = re.compile(r"\b(?:[A-Z][\w’'.-]*)(?:\s+(?:of|the|and|de|von)?\s*[A-Z][\w’'.-]*)*")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|did|does|do|has|have|had|can|could|will|would|should|must)\b(?! not|n't)", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z]+")


def denied(question: str, text: str, gold: str, elsewhere: str, chance: random.Random) -> str | None:
    """Return a question that looks like this one and that its passage does not answer, None if none was made.

    Args:
        text: The passage.
        gold: Its sentence that answers.
        elsewhere: Another passage on the same subject, to take names from.
    """
    makers = [_another_number, _another_name, _another_name, _opposite, _opposite, _negated]
    chance.shuffle(makers)
    for maker in makers:
        made = maker(question, text, gold, elsewhere, chance)
        if made and made != question:
            return made
    return None


def _another_number(question: str, text: str, gold: str, elsewhere: str, chance: random.Random) -> str | None:
    numbers = list(_NUMBER.finditer(question))
    if not numbers:
        return None
    found = chance.choice(numbers)
    digits = found.group()
    others = [n for n in _NUMBER.findall(text + " " + elsewhere) if len(n) == len(digits) and n not in gold]
    if others and chance.random() < 0.5:
        other = chance.choice(others)
    elif digits.isdigit() and len(digits) < 10:
        other = str(max(1, int(digits) + chance.choice((-30, -10, -5, -3, -2, -1, 1, 2, 3, 5, 10, 30))))
    else:
        return None
    return None if other in gold else question[: found.start()] + other + question[found.end() :]


def _another_name(question: str, text: str, gold: str, elsewhere: str, chance: random.Random) -> str | None:
    names = [m for m in _NAME.finditer(question) if m.start() > 0]
    if not names:
        return None
    found = chance.choice(names)
    place = text if chance.random() < 0.5 else elsewhere
    others = [m.group().rstrip(".,'’") for m in _NAME.finditer(place) if m.start() > 0 and m.group() not in gold]
    others = [
        o for o in others if len(o) > 3 and o.lower() not in question.lower() and not o.lower().startswith(_PLAIN)
    ]
    if not others:
        return None
    return question[: found.start()] + chance.choice(others) + question[found.end() :]


_PLAIN = (
    "the ",
    "a ",
    "in ",
    "this",
    "these",
    "that ",
    "it ",
    "he ",
    "she ",
    "they",
    "after",
    "before",
    "when",
    "while",
)


def _opposite(question: str, text: str, gold: str, elsewhere: str, chance: random.Random) -> str | None:
    words = [m for m in _WORD.finditer(question) if m.group() in OPPOSITE]
    if not words:
        return None
    found = chance.choice(words)
    return question[: found.start()] + chance.choice(OPPOSITE[found.group()]) + question[found.end() :]


def _negated(question: str, text: str, gold: str, elsewhere: str, chance: random.Random) -> str | None:
    found = _AUXILIARY.search(question)
    if not found or chance.random() < 0.5:
        return None
    word = found.group()
    if chance.random() < 0.25:
        rest = question[found.end() :].split(" ")
        return question[: found.end()] + " ".join([*rest[:2], "never", *rest[2:]]) if len(rest) > 3 else None
    short = {"can": "can't", "will": "won't", "Can": "Can't", "Will": "Won't"}.get(word, word + "n't")
    return question[: found.start()] + short + question[found.end() :]
