"""What the library holds: articles, and the sentences and passages in them.

All offsets count Unicode code points in `Article.text`, half open: `text[start:end]`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    r"""One article: its canonical text and what is known about it.

    Attributes:
        id: The path inside the articles folder with `/` between its parts, followed by `#name` for
            one of several articles in a file; or a URL.
        title: Never empty.
        text: The canonical text. Line ends are `\n` and NUL became U+FFFD; nothing else differs
            from what the file says.
        source: Who published it, "" where unknown.
        url: Where it was published, "" where unknown.
        author: Who wrote it, "" where unknown.
        published: The date as ISO 8601 (`2019-12-29`), "" where unknown.
    """

    id: str
    title: str
    text: str
    source: str = ""
    url: str = ""
    author: str = ""
    published: str = ""

    @property
    def revision(self) -> str:
        """SHA-256 of the canonical text, in hex: the same text is the same revision anywhere."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """The sentence `article.text[start:end]`, the `number`-th of its article, counted from 0."""

    article_id: str
    revision: str
    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences, the unit that is encoded and retrieved.

    Attributes:
        key: The library's number for it; never given twice.
        number: Its place in the article, from 0.
        sentences: The sentences it is made of, in reading order.
    """

    key: int
    article_id: str
    revision: str
    number: int
    sentences: tuple[Sentence, ...]

    @property
    def start(self) -> int:
        """Where the first sentence starts."""
        return self.sentences[0].start

    @property
    def end(self) -> int:
        """Where the last sentence ends."""
        return self.sentences[-1].end


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and how well it fits; higher is better.

    Attributes:
        title: The title of its article.
        texts: The text of each of its sentences.
        score: Standardised and comparable within one search only.
        cosine: Cosine similarity of question and passage, -1 to 1.
        bm25: Okapi BM25 of the question's terms, 0 where no term is shared.
    """

    passage: Passage
    title: str
    texts: tuple[str, ...]
    score: float
    cosine: float
    bm25: float


FEATURES = ("cosine", "passage", "coverage", "gain")
"""What a sentence is ranked by: the cosine similarity of question and sentence, -1 to 1; its passage's score; the share
of the question's terms that the sentence or its article's title has, 0 to 1, each term weighted by its inverse document
frequency; how much more of the terms the sentence before it has, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of a found passage, ranked against the sentences of all found passages.

    Attributes:
        text: The sentence itself.
        score: How directly it seems to answer; comparable within one search only.
        features: The values of `FEATURES`.
        offered: How well it could hold the kind of answer that is asked for, 0 to 1 (`index.kinds`).
        hit: The passage it stands in.
        known: Whether the conversation has it already.
    """

    sentence: Sentence
    text: str
    score: float
    features: tuple[float, ...]
    offered: float
    hit: Hit
    known: bool = False

    @property
    def cosine(self) -> float:
        """Cosine similarity of question and sentence."""
        return self.features[0]

    @property
    def coverage(self) -> float:
        """Share of the question's terms that it has."""
        return self.features[2]
