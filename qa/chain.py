"""The retrieval-augmented chain: named LangChain Runnables, one after the other.

    question -> retrieve -> read -> cite

Each step takes the state, adds what it found, and notes its time; the last one returns the `Answer`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from index.errors import BadQuestion
from index.library import Library
from index.search import Results, Search
from index.terms import one_line
from qa.cite import cite
from qa.followup import Standalone, find, stand_alone
from qa.reader.select import Reader, Selection
from qa.types import ABSTAIN, Answer, Citation

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

MAX_QUESTION = 2_000
"""Characters of a question."""


@dataclass(frozen=True, slots=True)
class State:
    """What the steps hand on.

    Attributes:
        question: As it was asked, on one line.
        read_as: As it is read, with what the conversation supplies.
    """

    question: str
    read_as: Standalone
    results: Results | None = None
    selection: Selection | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of the chain over one library.

    Attributes:
        caution: The probability below which the answer abstains.
        closest: Sentences to show when abstaining.
    """

    library: Library
    search: Search
    reader: Reader
    caution: float
    closest: int

    def question(self, asked: str | Mapping[str, Any]) -> State:
        """Take a question, or `{"question": ..., "history": [Turn, ...]}`, and make it stand alone.

        Raises:
            BadQuestion: It is blank, has no word in it, or is too long.
        """
        started = time.perf_counter()
        text, history = (asked, ()) if isinstance(asked, str) else (asked["question"], asked.get("history") or ())
        text = clean(text)
        return _timed(State(text, stand_alone(text, tuple(history), self.search)), "question", started)

    def retrieve(self, state: State) -> State:
        """Search the library."""
        started = time.perf_counter()
        return _timed(replace(state, results=find(state.read_as, self.search)), "retrieve", started)

    def read(self, state: State) -> State:
        """Select the sentences that answer."""
        started = time.perf_counter()
        assert state.results is not None
        return _timed(
            replace(state, selection=self.reader.read(state.read_as.question, state.results)), "read", started
        )

    def cite(self, state: State) -> Answer:
        """Verify the selected sentences against the library, and answer or abstain."""
        started = time.perf_counter()
        assert state.results is not None and state.selection is not None
        selection = state.selection
        confident = selection.confidence >= self.caution
        citations = cite(selection.sentences, self.library, selection.short) if confident else ()
        answer = Answer(
            question=state.question,
            standalone_question=str(state.read_as),
            status="answered" if citations else "abstained",
            text=" ".join(f"{' '.join(c.quote.split())} [{c.number}]" for c in citations) or ABSTAIN,
            short_answer=_short(citations),
            confidence=round(selection.confidence, 4),
            citations=citations,
            closest=() if citations else cite(selection.ranked[: self.closest], self.library),
            engine=state.results.engine,
        )
        return replace(answer, timings_ms=_timed(state, "cite", started).timings_ms)


def build(steps: Steps) -> Runnable[Any, Answer]:
    """Compose the chain; `invoke`, `batch`, `stream` and `ainvoke` take what `Steps.question` takes."""
    from langchain_core.runnables import RunnableLambda

    named: Sequence[tuple[str, Callable[[Any], Any]]] = (
        ("question", steps.question),
        ("retrieve", steps.retrieve),
        ("read", steps.read),
        ("cite", steps.cite),
    )
    first, second, third, last = (RunnableLambda(step, name=name) for name, step in named)
    return first | second | third | last


def clean(question: str) -> str:
    """Return a question on one line, without what no text may hold.

    Raises:
        BadQuestion: It is blank, has no letter or digit, or is too long.
    """
    text = one_line(question)
    if not text:
        raise BadQuestion("The question is empty; type what you want to know.")
    if len(text) > MAX_QUESTION:
        raise BadQuestion(
            f"The question has {len(text):,} characters, more than {MAX_QUESTION:,}; shorten it, or save long text as "
            "an article and ask about it."
        )
    if not any(character.isalnum() for character in text):
        raise BadQuestion(f"{text[:20]!r} has no word in it; type what you want to know.")
    return text


def _short(citations: Sequence[Citation]) -> str:
    """Return the short answer, sliced out of the quote that holds it."""
    for c in citations:
        if c.answer_start is not None and c.answer_end is not None:
            return " ".join(c.quote[c.answer_start - c.start : c.answer_end - c.start].split())
    return ""


def _timed(state: State, step: str, started: float) -> State:
    spent = round((time.perf_counter() - started) * 1000, 2)
    return replace(state, timings_ms={**state.timings_ms, step: spent})
