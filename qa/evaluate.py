"""Questions with gold sentences to figures: retrieval, citation, abstention and speed.

A file of questions has one JSON object a line:

    {"id": "s001", "question": "...", "gold": [{"article": "a.md", "quote": "The whole sentence.", "also": [...]}]}

`gold` lists the sentences that are needed, empty where the articles do not say; `also` lists other sentences
that serve as well. `kind` groups questions; `history` is a list of {"question", "answer"}.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from index.errors import ArticleQAError, BadQuestion
from index.search import Results
from qa.assistant import Assistant
from qa.chain import clean
from qa.types import Answer, Citation, Turn

WINDOWS = (300, 1_000, 2_000)
"""Characters of ranked evidence within which the gold sentence must stand whole."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what answers it.

    Attributes:
        gold: For each needed sentence, the (article id, quote) pairs that serve.
    """

    id: str
    text: str
    kind: str = ""
    gold: tuple[frozenset[tuple[str, str]], ...] = ()
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question.

    Attributes:
        found: For each needed sentence, the ranks (from 0) of the first passage and the first evidence sentence
            that serve, and the characters of evidence up to its end; None where it was not found.
    """

    question: Question
    answer: Answer
    found: tuple[tuple[int | None, int | None, int | None], ...]

    @property
    def right(self) -> bool:
        """Whether the first citation is a gold sentence."""
        return bool(self.answer.citations) and any(
            _key(self.answer.citations[0]) in fact for fact in self.question.gold
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a run; shares are 0 to 1.

    Attributes:
        recall: Share of needed sentences that stand in the first k passages, by k.
        gold_at: Share of answerable questions whose needed sentences all stand whole within the first N
            characters of the ranked evidence, before any abstention, by N.
        top_citation: Share of answerable questions that are answered with a gold sentence first.
        right_among_answered: The same among the answerable ones that were answered.
        citation_precision: Share of citations that are gold, mean over answered answerable questions.
        citation_recall: Share of needed sentences that are cited, mean over the same.
        citation_f1: Harmonic mean of the two for each question, mean over the same.
        abstained: Share of questions that abstained, by kind (`answerable` and `unanswerable` always).
        p50_ms: Median time of a question, milliseconds.
    """

    questions: int
    answerable: int
    unanswerable: int
    answered: int
    recall: dict[int, float]
    gold_at: dict[int, float]
    top_citation: float
    right_among_answered: float
    citation_precision: float
    citation_recall: float
    citation_f1: float
    abstained: dict[str, float] = field(default_factory=dict)
    p50_ms: float = 0.0
    p95_ms: float = 0.0

    def to_json(self) -> str:
        """Return the figures as a JSON object."""
        return json.dumps(asdict(self), indent=2)

    def rows(self) -> list[tuple[str, str]]:
        """Return the figures as lines of a table."""
        return [
            ("questions", f"{self.questions} ({self.answerable} answerable, {self.unanswerable} not)"),
            *((f"passage recall@{k}", f"{share:.3f}") for k, share in self.recall.items()),
            *((f"gold@{n}", f"{share:.3f}") for n, share in self.gold_at.items()),
            ("top citation right", f"{self.top_citation:.3f} of the answerable"),
            ("right among answered", f"{self.right_among_answered:.3f}"),
            (
                "citation precision / recall / F1",
                f"{self.citation_precision:.3f} / {self.citation_recall:.3f} / {self.citation_f1:.3f}",
            ),
            ("answered", f"{self.answered} of {self.questions}"),
            *((f"abstained, {kind}", f"{share:.3f}") for kind, share in self.abstained.items()),
            ("time p50 / p95", f"{self.p50_ms:.0f} / {self.p95_ms:.0f} ms"),
        ]


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
    """Ask every question and look where its gold sentences came."""
    assistant.warm()
    outcomes = []
    for question in questions:
        answer = assistant.ask(question.text, question.history)
        about = answer.standalone_question.removesuffix(answer.question).removesuffix(": ")
        results = assistant.results(question.text, about)
        outcomes.append(Outcome(question, answer, tuple(_places(results, fact) for fact in question.gold)))
    return outcomes


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Sum up the outcomes of a run."""
    answerable = [o for o in outcomes if o.question.gold]
    unanswerable = [o for o in outcomes if not o.question.gold]
    answered = [o for o in answerable if o.answer.answered]
    needed = [place for o in answerable for place in o.found]
    scores = [_citation_scores(o) for o in answered]
    kinds: dict[str, list[Outcome]] = {"answerable": answerable, "unanswerable": unanswerable}
    for outcome in outcomes:
        if outcome.question.kind not in ("", "answerable", "unanswerable"):
            kinds.setdefault(outcome.question.kind, []).append(outcome)
    times = [sum(o.answer.timings_ms.values()) for o in outcomes]
    return Figures(
        questions=len(outcomes),
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        answered=sum(o.answer.answered for o in outcomes),
        recall={k: _share(p is not None and p < k for p, _, _ in needed) for k in (1, 5, 10)},
        gold_at={
            n: _share(all(end is not None and end <= n for _, _, end in o.found) for o in answerable) for n in WINDOWS
        },
        top_citation=_share(o.right for o in answerable),
        right_among_answered=_share(o.right for o in answered),
        citation_precision=_mean(p for p, _, _ in scores),
        citation_recall=_mean(r for _, r, _ in scores),
        citation_f1=_mean(f for _, _, f in scores),
        abstained={kind: _share(not o.answer.answered for o in group) for kind, group in kinds.items() if group},
        p50_ms=round(float(np.percentile(times, 50)), 1) if times else 0.0,
        p95_ms=round(float(np.percentile(times, 95)), 1) if times else 0.0,
    )


def squeeze(text: str) -> str:
    """Return a text with each run of white space as one space, as quotes are compared."""
    return " ".join(text.split())


def _places(results: Results, fact: frozenset[tuple[str, str]]) -> tuple[int | None, int | None, int | None]:
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


def _citation_scores(outcome: Outcome) -> tuple[float, float, float]:
    cited = [_key(citation) for citation in outcome.answer.citations]
    gold = outcome.question.gold
    precision = _mean(any(key in fact for fact in gold) for key in cited)
    recall = _mean(any(key in fact for key in cited) for fact in gold)
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _key(citation: Citation) -> tuple[str, str]:
    return citation.article_id, squeeze(citation.quote)


def _mean(values: Iterable[float]) -> float:
    listed = [float(value) for value in values]
    return round(sum(listed) / len(listed), 4) if listed else 0.0


def _share(values: Iterable[bool]) -> float:
    return _mean(values)
