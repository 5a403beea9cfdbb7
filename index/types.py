"""What the library holds: articles, and the sentences and passages in them.

All offsets count Unicode code points in `Article.text`, half open: `text[start:end]`.
"""

from __future__ import annotations

import calendar
import datetime
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from index.errors import BadFilter


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


_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Within:
    """The articles that a question is asked of; all of them where nothing is said. Each part narrows it further.

    Attributes:
        sources: Who published them, any of these, as the articles name it; "" for articles that name nobody.
        since: The first day, as ISO 8601; `2019` and `2019-12` mean their first day. An article without a date is in
            no filter that has one.
        until: The last day likewise; `2019` and `2019-12` mean their last day.
        articles: Ids, any of these.

    Raises:
        BadFilter: A day that is none, or a last day before the first.

    >>> Within(until="2020-02").until
    '2020-02-29'
    """

    sources: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    articles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("sources", "articles"):
            given = getattr(self, name)
            object.__setattr__(self, name, tuple(dict.fromkeys([given] if isinstance(given, str) else given)))
        object.__setattr__(self, "since", _day(self.since, last=False))
        object.__setattr__(self, "until", _day(self.until, last=True))
        if self.since and self.until and self.since > self.until:
            raise BadFilter(f"No day is since {self.since} and until {self.until}; change one of them.")

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.sources or self.since or self.until or self.articles)

    def __str__(self) -> str:
        """Say it in a line.

        >>> str(Within(("The Paper", ""), since="2019"))
        'from The Paper or no named source, since 2019-01-01'
        """
        said = []
        if self.articles:
            said.append(
                "in " + (" or ".join(self.articles) if len(self.articles) < 4 else f"{len(self.articles)} articles")
            )
        if self.sources:
            said.append("from " + " or ".join(source or "no named source" for source in self.sources))
        said += [f"{word} {day}" for word, day in (("since", self.since), ("until", self.until)) if day]
        return ", ".join(said)


def _day(text: str, *, last: bool) -> str:
    """Return a day, a month or a year as the ISO date of its first or last day, "" for none."""
    text = text.strip()
    found = _DAY.fullmatch(text)
    if not found:
        if text:
            raise BadFilter(f"{text[:40]!r} is no date; write it like 2019, 2019-12 or 2019-12-29.")
        return ""
    year, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        if day or not last:
            return datetime.date(year, month or 1, day or 1).isoformat()
        month = month or 12
        return datetime.date(year, month, calendar.monthrange(year, month)[1]).isoformat()
    except ValueError:
        raise BadFilter(f"There is no {text} in the calendar; write a date like 2019-12-29.") from None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the library's table.

    Attributes:
        article_id: The article's id; for a file that was refused, its path.
        state: `ok`; `copy` of an earlier article, which is cited once; `refused`: the file gave no article, or has a
            newer text than the one that is kept; `removed`: left out until its text changes.
        note: Of which article it is a copy, or why it was refused.
    """

    article_id: str
    title: str
    source: str
    published: str
    url: str
    sentences: int
    state: Literal["ok", "copy", "refused", "removed"] = "ok"
    note: str = ""


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
