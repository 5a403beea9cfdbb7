"""What a person gets: an answer, its citations, and the turns of a conversation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

Status = Literal["answered", "abstained"]

ABSTAIN = "The articles do not say."
"""The whole text of an answer that abstains."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence with an address: `article.text[start:end] == quote`, exactly.

    Attributes:
        number: The `[1]` in the answer's text, from 1.
        quote: The sentence, verbatim.
        revision: SHA-256 of the article's canonical text, which the offsets count in.
        title: The article's title; source, url and published are "" where unknown.
        published: Date as ISO 8601.
        start: First character of the quote, in code points of the article's text.
        end: One past its last character.
        answer_start: Where the short answer starts in the article, None where there is none.
        answer_end: Where it ends.
        score: How directly the sentence fits, higher is better, comparable within one answer only.
        support: How the quote carries the claim: `verbatim`, because the claim is the quote; `supported`, because all
            that was checked of it stands there (`qa.support`); `supported together`, with the claim's other quotes;
            or what does not stand there, in words.
        claim: What a language model says on its strength, "" where the claim is the quote.
    """

    number: int
    quote: str
    article_id: str
    revision: str
    title: str
    source: str
    url: str
    published: str
    start: int
    end: int
    answer_start: int | None = None
    answer_end: int | None = None
    score: float = 0.0
    support: str = "verbatim"
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: As it was asked, on one line.
        standalone_question: As it was read: the same, or with what the conversation supplies.
        status: `answered`: every claim has a citation. `abstained`: there is no citation.
        text: Plain text, with `[1]` behind each claim; says so when abstaining.
        short_answer: The few words asked for, "" where there are none.
        confidence: Probability, 0 to 1, that the articles answer the question; set when abstaining too.
        citations: In the order of their numbers: in reading order, of the article with the most direct one first.
        closest: When abstaining, the sentences that came nearest; they do not answer.
        engine: What searched: `chroma`, or `exact` where Chroma was not to be had.
        timings_ms: What each step took, in milliseconds; with a language model also its `first_token`.
        writer: The language model that worded the text, "" where the text is the quotes.
        dropped: How many claims of a language model were left out, because their sentences do not say them.
        refused: The sentences that those named, each with what does not stand there in `support`; no evidence.
        note: What a person should know about a language model: that it failed, or that the answer is not its own.
    """

    question: str
    standalone_question: str
    status: Status
    text: str
    short_answer: str = ""
    confidence: float = 0.0
    citations: tuple[Citation, ...] = ()
    closest: tuple[Citation, ...] = ()
    engine: str = "exact"
    timings_ms: dict[str, float] = field(default_factory=dict)
    writer: str = ""
    dropped: int = 0
    refused: tuple[Citation, ...] = ()
    note: str = ""

    @property
    def answered(self) -> bool:
        """Whether the articles answer the question."""
        return self.status == "answered"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to tell beside the text, in sentences: who worded it, what was left out, what went wrong."""
        told = (
            [f"Worded by {self.writer}; each claim was checked against the sentences it cites."] if self.writer else []
        )
        if self.writer and self.dropped:
            one = self.dropped == 1
            told.append(
                f"{self.dropped} {'claim was' if one else 'claims were'} left out, because "
                f"{'its sentences do not say it' if one else 'their sentences do not say them'}."
            )
        return (*told, self.note) if self.note else tuple(told)

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the answer as one flat JSON object with the fields of this class."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a conversation and what was answered."""

    question: str
    answer: str | Answer


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an answer that is being made.

    Attributes:
        kind: `question`: `text` is the question as it is read. `sources`: `citations` are the sentences that the answer
            will be made of. `token`: `text` is more of what a language model says, **not yet checked**; there is none
            without a model. `answer`: `answer` is the answer, checked; it replaces all tokens.
    """

    kind: Literal["question", "sources", "token", "answer"]
    text: str = ""
    citations: tuple[Citation, ...] = ()
    answer: Answer | None = None
