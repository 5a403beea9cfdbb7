"""SQuAD files as libraries of articles: questions with the sentences that answer them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from index.split import sentences
from index.types import Article

Place = tuple[str, int, int]
"""Article id, start, end of a sentence."""


@dataclass(frozen=True)
class Question:
    text: str
    article: str
    gold: frozenset[Place]  # any of them answers; empty for a question without an answer
    answers: tuple[str, ...]


def load(path: Path) -> tuple[list[Article], list[Question]]:
    """Return one article for each title, its paragraphs joined by blank lines, and all questions."""
    articles, questions = [], []
    for entry in json.loads(path.read_text(encoding="utf-8"))["data"]:
        name = entry["title"]
        text = "\n\n".join(paragraph["context"] for paragraph in entry["paragraphs"])
        articles.append(Article(name, name.replace("_", " "), text))
        spans = sentences(text)
        at = 0
        for paragraph in entry["paragraphs"]:
            for qa in paragraph["qas"]:
                gold = set()
                for answer in [] if qa.get("is_impossible") else qa["answers"]:
                    start = at + answer["answer_start"]
                    end = start + len(answer["text"])
                    gold |= {(name, a, b) for a, b in spans if a < end and start < b}
                texts = tuple(sorted({answer["text"] for answer in qa["answers"]})) if gold else ()
                questions.append(Question(qa["question"].strip(), name, frozenset(gold), texts))
            at += len(paragraph["context"]) + 2
    return articles, questions
