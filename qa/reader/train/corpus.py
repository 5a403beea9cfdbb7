"""SQuAD files to paragraphs in word pieces and questions about them, with a part held out for choosing."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.split import Span, sentences

HELD_OUT = {
    "squad2_part_a": 2,
    "squadshifts_new_wiki": 4,
    "qed": 130,
    "squadshifts_amazon_reviews": 12,
    "squadshifts_reddit": 0,
    "covid_qa": 0,
}
"""How many of a file's articles are kept for choosing and calibrating and never trained on; they are drawn by seed."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text that questions are asked about.

    Attributes:
        source: The file's name.
        article: Its number in the file.
        title: "" where the file has none.
        spans: Its sentences.
        ids: The word pieces of each sentence.
        offsets: Where each word piece stands in the text.
    """

    source: str
    article: int
    title: str
    title_ids: tuple[int, ...]
    text: str
    spans: tuple[Span, ...]
    ids: tuple[tuple[int, ...], ...]
    offsets: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with every annotator's answer.

    Attributes:
        paragraph: The number of the paragraph it was asked about.
        answers: Spans of the paragraph's text; none where it cannot be answered.
    """

    text: str
    ids: tuple[int, ...]
    paragraph: int
    answers: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Paragraphs, and the numbers of the questions that are trained on and held out."""

    paragraphs: list[Paragraph]
    questions: list[Question]
    train: list[int]
    held: list[int]
    tokenizer: Any

    def encode(self, question: str) -> tuple[int, ...]:
        """Return a question's word pieces, at most 64."""
        return tuple(self.tokenizer.encode(question, add_special_tokens=False).ids[:64])

    def gold(self, number: int) -> frozenset[int]:
        """Return the sentences in which the answer stands that most annotators gave."""
        question = self.questions[number]
        return overlapping(self.paragraphs[question.paragraph], most_given(question.answers))


def most_given(answers: Sequence[Span]) -> Span | None:
    """Return the answer that most annotators gave, the first of them on a tie."""
    return max(answers, key=answers.count) if answers else None


def overlapping(paragraph: Paragraph, span: Span | None) -> frozenset[int]:
    """Return the numbers of the sentences that a span touches."""
    if span is None:
        return frozenset()
    return frozenset(n for n, (start, end) in enumerate(paragraph.spans) if start < span[1] and span[0] < end)


def load(folder: Path, tokenizer: Any, seed: int = 1) -> Corpus:
    """Read the training files of a folder.

    Raises:
        FileNotFoundError: One is missing.
    """
    corpus = Corpus([], [], [], [], tokenizer)
    paragraphs, questions = corpus.paragraphs, corpus.questions
    for source, count in HELD_OUT.items():
        entries = json.loads((folder / f"{source}.json").read_text(encoding="utf-8"))["data"]
        kept = set(random.Random(seed).sample(range(len(entries)), min(count, len(entries) - 1)))
        for number, entry in enumerate(entries):
            title = str(entry.get("title") or "").replace("_", " ") if source in _TITLED else ""
            for item in entry["paragraphs"]:
                at = len(paragraphs)
                paragraphs.append(_paragraph(source, number, title, item["context"], tokenizer))
                for qa in item["qas"]:
                    text = " ".join(qa["question"].split())
                    answers = () if qa.get("is_impossible") else tuple(_answers(item["context"], qa["answers"]))
                    if not text or not (answers or qa.get("is_impossible")):
                        continue
                    (corpus.held if number in kept else corpus.train).append(len(questions))
                    questions.append(Question(text, corpus.encode(text), at, answers))
    return corpus


_TITLED = ("squad2_part_a", "squadshifts_new_wiki", "qed")


def _answers(text: str, given: Sequence[dict[str, Any]]) -> list[Span]:
    spans = [(int(a["answer_start"]), int(a["answer_start"]) + len(a["text"])) for a in given]
    return [(start, end) for start, end in spans if start < end <= len(text)]


def _paragraph(source: str, number: int, title: str, text: str, tokenizer: Any) -> Paragraph:
    spans = tuple(sentences(text))
    pieces = tokenizer.encode_batch([text[start:end] for start, end in spans], add_special_tokens=False)
    return Paragraph(
        source,
        number,
        title,
        tuple(tokenizer.encode(title, add_special_tokens=False).ids[:24]),
        text,
        spans,
        tuple(tuple(piece.ids) for piece in pieces),
        tuple(
            tuple((start + a, start + b) for a, b in piece.offsets)
            for (start, _), piece in zip(spans, pieces, strict=True)
        ),
    )
