"""A question to ranked evidence: full text and vectors, fused, over passages and then their sentences.

Both sides give their best passages; every candidate is scored on both; scores are standardised over the
candidates and added, which finds more than reciprocal rank fusion. The sentences of the best passages are then
ranked by a linear model over what is cheap to know: how near they are, what they share with the question, what
stands around them, and whether they offer the kind of answer that is asked for.

All weights come from `python -m tests.bench.tune DATA`: those of passages from squad2_part_a as a library of eight
articles, those of sentences from these and the 1,355 Natural Questions paragraphs of QED as another library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.copies import same_sentence
from index.encoder import Encoder
from index.errors import BadFilter
from index.kinds import kind, offers
from index.library import Found, Library
from index.terms import query_words, terms, words
from index.types import Evidence, Hit, Sentence, Within
from index.vectors import VectorIndex

_SMALL = 200  # passages; in a smaller library no term is too common to ask for
_FILTERS = 8  # whose passages are remembered
_COMMON = 0.2  # share of passages from which a term says nothing

KINDS: Mapping[str, float] = {
    "count": 3.1,
    "money": 4.1,
    "span": 2.4,
    "date": 2.2,
    "person": 2.2,
    "place": 1.2,
    "name": 0.9,
    "reason": 0.7,
    "way": 0.2,
}
"""What it weighs that a sentence offers the kind of answer that is asked for."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How the parts of a score are added.

    Attributes:
        candidates: Passages that each side contributes.
        read: Passages, of the best, that are returned and whose sentences are ranked.
        passage_bm25: Weight of a passage's BM25 beside its cosine, both standardised.
        sentence: Weights of `index.types.FEATURES`.
        kinds: Weights of the kinds of answer.
    """

    candidates: int = 100
    read: int = 20
    passage_bm25: float = 0.8
    sentence: tuple[float, ...] = (8.3, 0.5, 5.6, 1.2)
    kinds: Mapping[str, float] = field(default_factory=lambda: KINDS)


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found, best first.

    Attributes:
        engine: `chroma` or `exact`.
    """

    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    engine: str


class Search:
    """Search over one library."""

    def __init__(
        self, library: Library, encoder: Encoder, vectors: VectorIndex, weights: Weights | None = None
    ) -> None:
        self._library = library
        self._encoder = encoder
        self._vectors = vectors
        self._weights = weights or Weights()
        self._matched = False
        self._within = Within()
        self._inside: dict[Within, tuple[int, NDArray[np.int64]]] = {}

    def inside(self, within: Within | None) -> Search:
        """Return a search of the articles that a filter lets through.

        Raises:
            BadFilter: It lets none through.
        """
        if not within:
            return self
        search = copy(self)
        search._within = within
        if not len(self._keys(within)):
            raise BadFilter(f"There is no article {within}; choose another filter, or none.")
        return search

    def _keys(self, within: Within) -> NDArray[np.int64]:
        """Return the passages that a filter lets through: the same array while neither it nor the library changes."""
        version = self._library.version
        known = self._inside.get(within)
        if known is None or known[0] != version:
            if len(self._inside) >= _FILTERS:
                self._inside.clear()
            known = self._inside[within] = (version, self._library.keys(within))
        return known[1]

    def __call__(self, question: str, about: str = "") -> Results:
        """Return passages and sentences that may answer a question.

        Sentences of near-identical copies that say the same stand there once. The order depends on nothing but the
        question and the articles: ties are broken by article id and place.

        Args:
            about: What the conversation is about, such as an article's title.

        Raises:
            EncoderMismatch: The library's vectors come from another encoder.
        """
        weights = self._weights
        if not self._matched:
            self._library.match_encoder(self._encoder)
            self._matched = True
        whole = f"{about}: {question}" if about else question
        vector = self._encoder.query(whole)
        among = self._keys(self._within) if self._within else None
        near, engine = self._vectors.search(vector, weights.candidates, among)
        wanted = query_words(whole)
        total = self._library.passage_count()
        frequencies = self._library.frequencies(list(wanted))
        asked = _telling(wanted, frequencies, total)
        lexical = self._library.lexical(asked, weights.candidates, among) if asked else {}
        # From the library's own vectors, so that Chroma and exact search give the same to the last digit.
        vectors = self._library.vectors_of(list({**near, **lexical}))
        cosines = {key: float(other @ vector) for key, other in vectors.items()}
        if not cosines:
            return Results((), (), engine)
        if asked:
            lexical |= self._library.bm25(asked, [key for key in cosines if key not in lexical])
        found, hits = self._passages(cosines, lexical)
        if about:  # a sentence should answer the question, and be about what it is about
            vector = vector + self._encoder.query(question)
            vector /= np.linalg.norm(vector)
        idf = {term: _idf(frequencies.get(term, 0), total) for term in wanted}
        evidence = self._sentences(question, hits, found, vector, idf)
        return Results(tuple(hits), tuple(_once(evidence, found)), engine)

    def _passages(
        self, cosines: Mapping[int, float], lexical: Mapping[int, float]
    ) -> tuple[Mapping[int, Found], list[Hit]]:
        """Score all candidates, given in the order of article ids and places, and fetch the best."""
        keys = list(cosines)
        cosine = np.array([cosines[key] for key in keys])
        bm25 = np.array([lexical.get(key, 0.0) for key in keys])
        score = standardised(cosine) + self._weights.passage_bm25 * standardised(bm25)
        best = np.argsort(-score, kind="stable")[: self._weights.read]
        found = self._library.passages([keys[i] for i in best])
        hits = []
        for i in best:
            if one := found.get(keys[i]):  # it may have been removed meanwhile
                numbers = float(score[i]), float(cosine[i]), float(bm25[i])
                hits.append(Hit(one.passage, one.title, one.sentence_texts, *numbers))
        return found, hits

    def _sentences(
        self,
        question: str,
        hits: Sequence[Hit],
        found: Mapping[int, Found],
        vector: NDArray[Any],
        idf: Mapping[str, float],
    ) -> list[Evidence]:
        rows = [row for hit in hits for row in _rows(hit, found[hit.passage.key], vector, idf)]
        around = {(row.sentence.article_id, row.sentence.number): row for row in rows}
        wanted, asked = kind(question), set(words(question))
        evidence = []
        # A heading names what is told below it and tells nothing itself, unless there is nothing else.
        for row in [row for row in rows if not row.heading] or rows:
            article_id, number = row.sentence.article_id, row.sentence.number
            before = around.get((article_id, number - 1))
            values = (
                row.cosine,
                row.hit.score,
                row.coverage,
                max(0.0, before.coverage - row.coverage) if before else 0.0,
            )
            score = sum(weight * value for weight, value in zip(self._weights.sentence, values, strict=True))
            offered = offers(wanted, row.text, asked)
            score += self._weights.kinds.get(wanted, 0.0) * offered
            evidence.append(Evidence(row.sentence, row.text, score, values, offered, row.hit))
        return sorted(evidence, key=lambda e: (-e.score, e.sentence.article_id, e.sentence.number))


@dataclass(frozen=True, slots=True)
class _Row:
    """A sentence of a found passage, before it is ranked."""

    sentence: Sentence
    text: str
    cosine: float
    coverage: float
    heading: bool
    hit: Hit


def _rows(hit: Hit, found: Found, vector: NDArray[Any], idf: Mapping[str, float]) -> Iterator[_Row]:
    whole = sum(idf.values()) or 1.0
    title = set(terms(found.title))
    cosines = found.sentence_vectors @ vector
    for sentence, text, heading, cosine in zip(
        hit.passage.sentences, found.sentence_texts, found.headings, cosines, strict=True
    ):
        known = title.union(terms(text))
        coverage = sum(weight for term, weight in idf.items() if term in known) / whole
        yield _Row(sentence, text, float(cosine), coverage, heading, hit)


def standardised(values: NDArray[Any]) -> NDArray[Any]:
    """Return values with mean 0 and standard deviation 1; all 0 where they do not differ.

    >>> standardised(np.array([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    >>> standardised(np.array([2.0, 2.0])).tolist()
    [0.0, 0.0]
    """
    spread = values.std() if len(values) else 0.0
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)


def _telling(wanted: Mapping[str, str], frequencies: Mapping[str, int], total: int) -> list[str]:
    """Return the words to ask the full text for: the known ones, without the very common in a large library."""
    known = [term for term in wanted if frequencies.get(term)]
    rare = [term for term in known if total < _SMALL or frequencies[term] <= _COMMON * total]
    return [wanted[term] for term in rare or known]


def _idf(frequency: int, total: int) -> float:
    return math.log(1.0 + (total - frequency + 0.5) / (frequency + 0.5))


def _once(evidence: Sequence[Evidence], found: Mapping[int, Found]) -> list[Evidence]:
    """Keep the best of the sentences that copies of an article share."""
    kept: list[Evidence] = []
    families: dict[int, list[Evidence]] = {}
    for item in evidence:
        rivals = families.setdefault(found[item.hit.passage.key].family, [])
        if any(
            rival.sentence.article_id != item.sentence.article_id and same_sentence(rival.text, item.text)
            for rival in rivals
        ):
            continue
        rivals.append(item)
        kept.append(item)
    return kept
