"""A file of questions, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.copies import signature
from index.errors import ArticleQAError, BadQuestion, UnknownSetting
from index.library import Draft, Library
from index.search import Results
from qa.assistant import Assistant
from qa.chain import clean
from qa.evaluate.scores import normal
from qa.types import Answer, Citation, Turn

WINDOWS = (300, 1_000, 2_000)
"""Characters of ranked evidence within which the gold sentence must stand whole."""

Place = tuple[str, str]
"""An article's id and a sentence of it, its white space folded."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what answers it.

    Attributes:
        gold: For each needed sentence, the (article id, quote) pairs that serve; empty where the articles do not say.
        answers: Short answers, any of which will do; may be empty.
    """

    id: str
    text: str
    kind: str = ""
    gold: tuple[frozenset[Place], ...] = ()
    history: tuple[Turn, ...] = ()
    answers: tuple[str, ...] = ()

    def holds(self, place: Place | None) -> bool:
        """Return whether a sentence is one of the gold ones."""
        return any(place in fact for fact in self.gold)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question.

    Attributes:
        found: For each needed sentence, the ranks (from 0) of the first passage and the first evidence sentence
            that serve, and the characters of evidence up to its end; None where it was not found.
        passage: The sentences of the first passage that was found, in reading order; empty where none was.
    """

    question: Question
    answer: Answer
    found: tuple[tuple[int | None, int | None, int | None], ...]
    passage: tuple[Place, ...] = ()

    @property
    def cited(self) -> tuple[Place, ...]:
        """The cited sentences, most direct first."""
        return tuple(_place(citation) for citation in self.answer.citations)

    @property
    def top(self) -> Place | None:
        """The first cited sentence or, when abstaining, the one that would have been; None if nothing was found."""
        ranked = self.answer.citations or self.answer.closest
        return _place(ranked[0]) if ranked else None

    @property
    def right(self) -> bool:
        """Whether the first citation is a gold sentence."""
        return bool(self.answer.citations) and self.question.holds(self.top)


def load(path: Path) -> list[Question]:
    """Read a file of questions.

    Raises:
        ArticleQAError: It cannot be read; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a line may hold U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise ArticleQAError(f"{path} cannot be read ({error}); name a .jsonl file of questions.") from error
    questions = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            questions.append(
                Question(
                    id=str(item.get("id", number)),
                    text=clean(item["question"]),
                    kind=str(item.get("kind") or ""),
                    gold=tuple(
                        frozenset((g["article"], squeeze(g["quote"])) for g in (need, *need.get("also", [])))
                        for need in item.get("gold", [])
                    ),
                    history=tuple(Turn(str(turn["question"]), str(turn["answer"])) for turn in item.get("history", [])),
                    answers=_answers(item.get("answers") or []),
                )
            )
        except (BadQuestion, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArticleQAError(
                f'{path}, line {number}: not a question ({error}); write it like {{"question": "...", "gold": []}}.'
            ) from error
    if not questions:
        raise ArticleQAError(f"{path} has no questions; write one JSON object a line.")
    return questions


def run(assistant: Assistant, questions: Iterable[Question]) -> list[Outcome]:
    """Ask every question and look where its gold sentences came.

    Raises:
        UnknownSetting: `closest` is 0, so that no one would see what an abstaining answer held to be best.
    """
    if not assistant.settings.closest:
        raise UnknownSetting("QA_CLOSEST is 0, which hides what is measured; set it to 1 or more to evaluate.")
    assistant.warm()
    outcomes = []
    for question in questions:
        answer = assistant.ask(question.text, question.history)
        results = assistant.results(question.text, question.history)
        first = results.hits[:1]
        outcomes.append(
            Outcome(
                question,
                answer,
                tuple(_places(results, fact) for fact in question.gold),
                tuple((hit.passage.article_id, squeeze(text)) for hit in first for text in hit.texts),
            )
        )
    return outcomes


def squeeze(text: str) -> str:
    """Return a text with each run of white space as one space, as quotes are compared."""
    return " ".join(text.split())


def _answers(listed: Any) -> tuple[str, ...]:
    if not isinstance(listed, list):
        raise TypeError("`answers` is no list")
    return tuple(squeeze(str(answer)) for answer in listed if normal(str(answer)))


def _places(results: Results, fact: frozenset[Place]) -> tuple[int | None, int | None, int | None]:
    rank = end = None
    serving = set()
    used = 0
    for number, item in enumerate(results.evidence):
        used += len(item.text) + (number > 0)
        if (item.sentence.article_id, squeeze(item.text)) in fact:
            serving.add(item.hit.passage.key)
            if rank is None:
                rank, end = number, used
    passage = next((n for n, hit in enumerate(results.hits) if hit.passage.key in serving), None)
    return passage, rank, end


def _place(citation: Citation) -> Place:
    return citation.article_id, squeeze(citation.quote)


@contextmanager
def taken_out(library: Library, article_id: str) -> Iterator[None]:
    """Take an article out of a library for a while, so that questions about it have no answer there."""
    article = library.article(article_id)
    encoded = library.encoded(article.revision) if article else None
    if article is None or encoded is None:
        raise ValueError(f"There is no article {article_id!r} in the library.")
    draft = Draft(article, *encoded, signature(article.text))
    library.remove(article_id)
    try:
        yield
    finally:
        library.publish(draft, file="")
