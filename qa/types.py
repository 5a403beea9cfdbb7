"""What a person gets: an answer, its citations, and the turns of a conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Status = Literal["answered", "abstained"]
Outcome = Literal["added", "updated", "there", "restored"]

ABSTAIN = "The articles do not say."
"""The whole text of an answer that abstains."""

_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")


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
        author: Who wrote the article, "" where unknown.
        before: The sentence before and what stands between, `article.text[start - len(before) : start]`.
        after: The sentence after likewise, `article.text[end : end + len(after)]`.
        anchor: Eight hex digits for the paragraphs around (`qa.cite.anchor`), to tell later whether the quote moved.
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
    author: str = ""
    before: str = ""
    after: str = ""
    anchor: str = ""


def short(citation: Citation) -> str:
    """Return the short answer in a citation's quote, on one line, "" where there is none."""
    if citation.answer_start is None or citation.answer_end is None:
        return ""
    start, end = citation.answer_start - citation.start, citation.answer_end - citation.start
    return " ".join(citation.quote[start:end].split())


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
        engine: What searched: `chroma`, or `exact` where Chroma was not to be had, or few articles were asked.
        timings_ms: What each step took, in milliseconds; with a language model also its `first_token`.
        writer: The language model that worded the text, "" where the text is the quotes.
        dropped: How many claims of a language model were left out, because their sentences do not say them.
        refused: The sentences that those named, each with what does not stand there in `support`; no evidence.
        note: What a person should know about a language model: that it failed, or that the answer is not its own.
        sure: How sure the answer is, in words that were measured (`qa.sure`); "" when abstaining, and where nothing was
            measured: for a text of a language model, and for other readers than the shipped one.
        differ: The numbers of two citations whose articles give different numbers, dates or names; else empty.
        within: The articles that were asked, in words, where a filter held: the others may say more.
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
    sure: str = ""
    differ: tuple[int, ...] = ()
    within: str = ""

    @property
    def newest(self) -> frozenset[int]:
        """The numbers of the citations with the latest date, where there are two dates at least; else empty.

        Where it cannot be told which is later (2019, and a day of 2019), it is empty, too.
        """
        dated = {c.number: _DATE.match(c.published) for c in self.citations}
        days = {number: found[0] for number, found in dated.items() if found}
        last = max(days.values(), default="")
        if len(set(days.values())) < 2 or any(day != last and last.startswith(day) for day in days.values()):
            return frozenset()
        return frozenset(number for number, day in days.items() if day == last)

    @property
    def answered(self) -> bool:
        """Whether the articles answer the question."""
        return self.status == "answered"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to tell beside the text, in sentences: that articles differ, who worded it, what is missing."""
        told = [f"Only articles {self.within} were asked."] if self.within else []
        if self.differ:
            shorts = [f"[{c.number}] has “{short(c)}”" for c in self.citations if c.number in self.differ]
            told.append(f"These articles differ: {', '.join(shorts)}.")
        if self.writer:
            told.append(f"Worded by {self.writer}; each claim was checked against the sentences it cites.")
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

    @classmethod
    def from_json(cls, written: str | Mapping[str, Any]) -> Answer:
        """Return an answer that `to_json` wrote, in this version or another: fields may be missing, or unknown.

        Args:
            written: The JSON, or the object it holds.

        Raises:
            ValueError: It is no answer.
        """
        answer = _reading().validate_python(json.loads(written) if isinstance(written, str) else written)
        if answer.status not in get_args(Status):
            raise ValueError(f"an answer cannot be {answer.status!r}")
        return answer

    def to_markdown(self) -> str:
        """Return the answer as Markdown with a footnote for each citation."""
        return Report((self,)).to_markdown()

    def to_html(self) -> str:
        """Return the answer as a page in one file: the quotes in their sentences, highlighted."""
        return Report((self,)).to_html()

    def to_docx(self, path: str | PathLike[str]) -> None:
        """Write the answer as a Word document with footnotes, as `Report.save` does."""
        Report((self,)).to_docx(path)

    def to_annotations(self) -> str:
        """Return the citations as W3C Web Annotations, in JSON."""
        return Report((self,)).to_annotations()

    def to_csl(self) -> str:
        """Return the articles cited as CSL-JSON, for reference managers."""
        return Report((self,)).to_csl()

    def _repr_html_(self) -> str:
        return Report((self,))._repr_html_()


@cache
def _reading() -> TypeAdapter[Answer]:
    from pydantic import TypeAdapter

    return TypeAdapter(Answer)


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


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a file or a page that was to be added.

    Attributes:
        file: Where it lies, as a path in the articles folder.
        articles: The ids of the articles in it that the library has now.
        state: `added`; `updated`: a page that was fetched before is replaced; `there`: a file with these bytes was
            there already; `restored`: it was, and its articles had been removed.
        refused: The lines of a `.jsonl` file that are no articles, each with its reason.
        notes: What a person should know about how it was read.
    """

    file: str
    articles: tuple[str, ...]
    state: Outcome
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Answers in order, under a title: a conversation, chosen answers, or what a file of questions gave.

    Attributes:
        title: What stands on top; "" for the question of a single answer, else `Answers from the articles`.
        made: The day it was made, as ISO 8601.
    """

    answers: Sequence[Answer]
    title: str = ""
    made: str = field(default_factory=lambda: date.today().isoformat())

    @property
    def heading(self) -> str:
        """What stands on top."""
        return self.title or (self.answers[0].question if len(self.answers) == 1 else "Answers from the articles")

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return title, date and answers as one JSON object; each answer has the fields of `Answer`."""
        whole = {"title": self.heading, "made": self.made, "answers": [asdict(answer) for answer in self.answers]}
        return json.dumps(whole, ensure_ascii=False, indent=indent)

    def to_markdown(self) -> str:
        """Return the answers as Markdown with footnotes: quote, title, source, date, link and address."""
        from qa.report.markdown import markdown

        return markdown(self)

    def to_html(self) -> str:
        """Return the answers as a page in one file that needs no network and no script."""
        from qa.report.html import page

        return page(self)

    def to_docx(self, path: str | PathLike[str]) -> None:
        """Write the answers as a Word document with footnotes, as `save` does, whatever the file's suffix."""
        from qa.report.save import write
        from qa.report.word import document

        write(path, document(self))

    def to_annotations(self) -> str:
        """Return the citations as an annotation page in JSON (W3C Web Annotation Data Model, 2017)."""
        from qa.report.data import web_annotations

        return web_annotations(self)

    def to_csl(self) -> str:
        """Return the articles cited, each once, as CSL-JSON 1.0."""
        from qa.report.data import csl

        return csl(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the report in the form that the file's suffix names, whole or not at all; a file there is replaced.

        Suffixes: `.md`, `.html`, `.docx`, `.json`, `.jsonld` (annotations), `.csl.json`.

        Raises:
            BadReport: The suffix is another one, or the file cannot be written.
        """
        from qa.report.save import save

        save(self, path)

    def _repr_html_(self) -> str:
        from qa.report.html import fragment

        return fragment(self)
