"""An article to what the library publishes: split into sentences, packed into passages, encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index import copies
from index.encoder import Encoder
from index.library import Draft
from index.split import Span, passages, sentences
from index.types import Article

PASSAGE = 128
"""Word pieces of a passage. On squad2_part_a (`tests/bench/tune.py`) 128 puts the right sentence first more often than
180 or 254, all of which the encoder could take."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An article that is not encoded yet.

    Attributes:
        spans: Its sentences; empty for a text without any.
        runs: Its passages, as ranges of sentence numbers.
    """

    article: Article
    spans: list[Span]
    runs: list[range]


def outline(article: Article, encoder: Encoder) -> Outline:
    """Split an article into sentences and passages.

    Raises:
        TooManySentences: It has more than the library takes.
    """
    spans = sentences(article.text)
    lengths = encoder.lengths([article.text[start:end] for start, end in spans])
    return Outline(article, spans, passages(lengths, min(PASSAGE, encoder.limit)))


def encode(outlines: Sequence[Outline], encoder: Encoder) -> list[Draft]:
    """Encode the passages of several articles in one go, which fills the encoder's batches."""
    texts: list[str] = []
    parts: list[list[Span]] = []
    for item in outlines:
        for run in item.runs:
            start, end = item.spans[run[0]][0], item.spans[run[-1]][1]
            texts.append(item.article.text[start:end])
            parts.append([(item.spans[n][0] - start, item.spans[n][1] - start) for n in run])
    vectors, sentence_vectors = encoder.passages(texts, parts)
    drafts = []
    at = 0
    for item in outlines:
        own = slice(at, at + len(item.runs))
        at = own.stop
        signature = copies.signature(item.article.text)
        drafts.append(Draft(item.article, item.spans, item.runs, vectors[own], sentence_vectors[own], signature))
    return drafts
