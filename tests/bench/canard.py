"""CANARD files as libraries: follow-up questions with their conversation and the sentences that answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.split import sentences
from index.types import Article
from qa.types import ABSTAIN, Answer, Citation, Turn
from tests.bench.squad import Place

_UNKNOWN = "I don't know."


@dataclass(frozen=True)
class Asked:
    dialogue: str
    text: str
    rewrite: str  # by a human, so that it stands alone
    history: tuple[Turn, ...]
    gold: frozenset[Place]  # any of them answers; empty where the answer is not known
    repeated: bool  # the answer is one that was given before


def load(path: Path) -> tuple[list[Article], list[list[Asked]]]:
    """Return one article for each dialogue, made of its answers, and the questions of each dialogue, in order.

    An article's title is that of the Wikipedia article and the heading of the section; each answer is a paragraph of
    it, closed with a full stop where it is cut out of its sentence. An answer is cited as the assistant would have.
    """
    entries: dict[str, list[dict]] = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        entries.setdefault(entry["QuAC_dialog_id"], []).append(entry)
    articles, dialogues = [], []
    for name, own in entries.items():
        own.sort(key=lambda entry: entry["Question_no"])
        title, heading, *said = own[-1]["History"]
        answers = [_closed(answer) for answer in said[1::2]]  # that to the last question is not in the file
        text = "\n\n".join(dict.fromkeys(answer for answer in answers if answer))
        article = Article(name, f"{title}: {heading}", text)
        articles.append(article)
        dialogues.append(list(_asked(article, own, answers)))
    return articles, dialogues


def _asked(article: Article, entries: list[dict], answers: list[str]) -> Iterator[Asked]:
    spans = sentences(article.text)
    turns: list[Turn] = []
    given: set[str] = set()
    for entry, answer in zip(entries, [*answers, ""], strict=True):
        start = article.text.find(answer)
        own = [(a, b) for a, b in spans if a < start + len(answer) and start < b] if answer else []
        gold = frozenset((article.id, a, b) for a, b in own)
        question = entry["Question"].strip()
        yield Asked(article.id, question, entry["Rewrite"].strip(), tuple(turns), gold, answer in given)
        given.add(answer)
        turns.append(Turn(question, _answer(article, question, own)))


def _answer(article: Article, question: str, spans: list[tuple[int, int]]) -> Answer:
    citations = tuple(
        Citation(n, article.text[a:b], article.id, article.revision, article.title, "", "", "", a, b)
        for n, (a, b) in enumerate(spans, 1)
    )
    text = " ".join(f"{c.quote} [{c.number}]" for c in citations)
    return Answer(question, question, "answered" if spans else "abstained", text or ABSTAIN, citations=citations)


def _closed(answer: str) -> str:
    """Return an answer that ends like a sentence, "" for one that was not known."""
    text = " ".join(answer.split())
    if text == _UNKNOWN or not any(c.isalnum() for c in text):
        return ""
    return text if re.search(r"[.!?][\"')\]]*$", text) else text.rstrip(" ,;:-") + "."
