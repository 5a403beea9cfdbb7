"""The retrieval-augmented chain: named LangChain Runnables, one after the other.

    question -> retrieve -> read -> (write) -> cite

Each step takes the state, adds what it found, and notes its time; the last one returns the `Answer`. `write` is there
where a language model is set (`QA_MODEL`). The model is asked only what the reader would answer: below `caution` the
answer abstains and nothing is sent, so that no text of an article can talk a model into an answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from index.encoder import Encoder
from index.errors import BadQuestion, ProviderFailure
from index.library import Library
from index.search import Results, Search
from index.terms import one_line
from index.types import Evidence, Within
from qa.cite import Worded, cite, cite_claims
from qa.claims import Claim
from qa.differ import contested
from qa.followup import Standalone, find, points, stand_alone
from qa.reader.select import Reader, Selection
from qa.sure import sure
from qa.types import ABSTAIN, Answer, Citation, Turn, short
from qa.writer import Writer, numbered, offer

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

MAX_QUESTION = 2_000
"""Characters of a question."""

INSTEAD = "This answer is made of the articles' own sentences instead."
"""What a note says where the language model was to word the answer and did not."""

_SEVERAL = re.compile(  # what may take several searches
    r"\b(?:compar(?:e|ed|ing)|differ(?:s|ent|ence|ences)?|versus|vs|both|each|respectively|whereas|than)\b"
    r"|\bwho said what\b|\b(?:say|said|think|react\w*) .*\band\b|\?.*\w.*\?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class State:
    """What the steps hand on.

    Attributes:
        question: As it was asked, on one line.
        read_as: As it is read, with what the conversation supplies.
        within: The articles that are asked.
        worded: Whether the language model, if there is one, is asked.
        parts: The questions that a language model made of it, empty if it is asked as it is.
        until: When to stop waiting for the language model, on the monotonic clock.
        offered: The sentences that the language model was shown, number 1 first.
        claims: What it says, not yet checked; None if it was not asked, or failed.
        note: Why it failed.
    """

    question: str
    read_as: Standalone
    within: Within = field(default_factory=Within)
    results: Results | None = None
    selection: Selection | None = None
    worded: bool = True
    parts: tuple[Standalone, ...] = ()
    until: float = 0.0
    others: tuple[Results, ...] = ()
    offered: tuple[Evidence, ...] = ()
    claims: tuple[Claim, ...] | None = None
    note: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of the chain over one library.

    Attributes:
        caution: The probability below which the answer abstains.
        closest: Sentences to show when abstaining.
        writer: The language model, None for none.
        encoder: What says how near a claim is to its sentences; needed with a writer.
    """

    library: Library
    search: Search
    reader: Reader
    caution: float
    closest: int
    writer: Writer | None = None
    encoder: Encoder | None = None

    def question(self, asked: str | Mapping[str, Any]) -> State:
        """Take a question, or a dict with `question`, `history`, `worded` and `within`, and make it stand alone.

        What it leans on is looked for in all articles; only the answer must stand in those that are asked.

        Raises:
            BadQuestion: It is blank, has no word in it, or is too long.
            BadFilter: No article is within.
        """
        started = time.perf_counter()
        text, history = (asked, ()) if isinstance(asked, str) else (asked["question"], asked.get("history") or ())
        within = (None if isinstance(asked, str) else asked.get("within")) or Within()
        self.search.inside(within)
        text = clean(text)
        turns = tuple(history)
        worded = self.writer is not None and (isinstance(asked, str) or bool(asked.get("worded", True)))
        state = State(text, stand_alone(text, turns, self.search), within, worded=worded)
        return _timed(
            self._planned(state, turns, self.writer) if self.writer and worded else state, "question", started
        )

    def retrieve(self, state: State) -> State:
        """Search the library."""
        started = time.perf_counter()
        search = self.search.inside(state.within)
        first, *others = (find(asked, search) for asked in state.parts or (state.read_as,))
        return _timed(replace(state, results=first, others=tuple(others)), "retrieve", started)

    def read(self, state: State) -> State:
        """Select the sentences that answer."""
        started = time.perf_counter()
        assert state.results is not None
        if state.parts:
            found = zip(state.parts, (state.results, *state.others), strict=True)
            selection = _merged([self.reader.read(part.question, results) for part, results in found], self.caution)
        else:
            selection = contested(state.read_as.question, self.reader.read(state.read_as.question, state.results))
        return _timed(replace(state, selection=selection), "read", started)

    def write(self, state: State) -> State:
        """Let the language model word the answer, where there is one to be given."""
        said = self.writing(state)
        while True:
            try:
                next(said)
            except StopIteration as end:
                written: State = end.value
                return written

    def writing(self, state: State) -> Generator[str, None, State]:
        """Yield what the language model says as it comes, and return the state with its claims."""
        assert state.selection is not None
        if self.writer is None or not state.worded or state.note or state.selection.confidence < self.caution:
            return state
        started = time.perf_counter()
        offered = offer(state.selection.ranked)
        asked = " ".join(part.question for part in state.parts) or str(state.read_as)
        said = self.writer.write(asked, numbered(offered, self.library), state.until)
        try:
            while True:
                token = next(said)
                if "first_token" not in state.timings_ms:
                    state = _timed(state, "first_token", started)
                yield token
        except StopIteration as end:
            state = replace(state, offered=offered, claims=end.value)
        except ProviderFailure as failure:
            state = replace(state, note=f"{failure} {INSTEAD}")
        return _timed(state, "write", started)

    def cite(self, state: State) -> Answer:
        """Verify the selected sentences against the library, and answer or abstain."""
        started = time.perf_counter()
        assert state.results is not None and state.selection is not None
        selection = state.selection
        confident = selection.confidence >= self.caution
        worded = self._worded(state) if confident else None
        if worded and worded.text:
            citations, text = self._beside(worded, selection)
        else:
            citations = cite(selection.sentences, self.library, selection.shorts) if confident else ()
            text = _quoted(citations) or ABSTAIN
        by_model = bool(worded and worded.text)
        answer = Answer(
            question=state.question,
            standalone_question=standalone(state),
            status="answered" if citations else "abstained",
            text=text,
            short_answer=_short(citations),
            confidence=round(selection.confidence, 4),
            citations=citations,
            closest=() if citations else cite(selection.ranked[: self.closest], self.library),
            engine=state.results.engine,
            writer=self.writer.name if self.writer and by_model else "",
            dropped=worded.dropped if worded else 0,
            refused=worded.refused if worded else (),
            note=_note(state, worded, bool(citations)),
            sure=sure(selection.confidence) if citations and self.reader.measured and not by_model else "",
            differ=_differ(citations, selection),
            within=str(state.within),
        )
        return replace(answer, timings_ms=_timed(state, "cite", started).timings_ms)

    def _planned(self, state: State, history: Sequence[Turn], writer: Writer) -> State:
        """Let the language model make a question that leans, or asks several things, into some that stand alone."""
        state = replace(state, until=writer.until())
        leans = state.read_as.title or (history and points(state.question))
        if not leans and not _SEVERAL.search(state.question):
            return state
        try:
            parts = tuple(map(clean, writer.plan(state.question, history, state.until)))
        except ProviderFailure as failure:
            return replace(state, note=f"{failure} {INSTEAD}")
        except BadQuestion:  # what it made of the question is none
            return state
        if parts in ((), (state.question,)):
            return state
        return replace(state, parts=tuple(replace(state.read_as, question=part) for part in parts))

    def _worded(self, state: State) -> Worded | None:
        if state.claims is None:
            return None
        assert self.encoder is not None and state.selection is not None
        return cite_claims(state.claims, state.offered, self.library, self.encoder, state.selection.shorts)

    def _beside(self, worded: Worded, selection: Selection) -> tuple[tuple[Citation, ...], str]:
        """Put the sentences that differ beside what a language model says, where it cites not both."""
        places = {(c.article_id, c.start) for c in worded.citations}
        left = [
            item
            for item in selection.shorts
            if (item.evidence.sentence.article_id, item.evidence.sentence.start) not in places
        ]
        if not selection.rivals or not left:
            return worded.citations, worded.text
        count = len(worded.citations)
        more = cite([item.evidence for item in left], self.library, left)
        more = tuple(replace(c, number=count + n) for n, c in enumerate(more, 1))
        return (*worded.citations, *more), f"{worded.text} {_quoted(more)}".rstrip()


def build(steps: Steps) -> Runnable[Any, Answer]:
    """Compose the chain; `invoke`, `batch`, `stream` and `ainvoke` take what `Steps.question` takes."""
    from langchain_core.runnables import RunnableLambda

    named: list[tuple[str, Callable[[Any], Any]]] = [
        ("question", steps.question),
        ("retrieve", steps.retrieve),
        ("read", steps.read),
        ("cite", steps.cite),
    ]
    if steps.writer:
        named.insert(3, ("write", steps.write))
    sequence: Runnable[Any, Answer] = _untraced()(*(RunnableLambda(step, name=name) for name, step in named))
    return sequence


def standalone(state: State) -> str:
    """Return the question as it was read: each of its parts, or with what the conversation supplies."""
    return " / ".join(part.question for part in state.parts) or str(state.read_as)


def _untraced() -> Any:
    """Return a sequence that a LangSmith variable of the environment does not make upload anything.

    Whoever wants it traced hands in a tracer: `chain.invoke(question, {"callbacks": [tracer]})`.
    """
    from langchain_core.runnables import RunnableSequence
    from langsmith import tracing_context

    class Untraced(RunnableSequence[Any, Answer]):
        def invoke(self, *args: Any, **given: Any) -> Answer:
            with tracing_context(enabled=False):
                return super().invoke(*args, **given)

        async def ainvoke(self, *args: Any, **given: Any) -> Answer:
            with tracing_context(enabled=False):
                return await super().ainvoke(*args, **given)

        def batch(self, *args: Any, **given: Any) -> list[Answer]:
            with tracing_context(enabled=False):
                return super().batch(*args, **given)

        async def abatch(self, *args: Any, **given: Any) -> list[Answer]:
            with tracing_context(enabled=False):
                return await super().abatch(*args, **given)

        def stream(self, *args: Any, **given: Any) -> Iterator[Answer]:
            found = super().stream(*args, **given)
            while True:
                with tracing_context(enabled=False):
                    answer = next(found, None)
                if answer is None:
                    return
                yield answer

        async def astream(self, *args: Any, **given: Any) -> AsyncIterator[Answer]:
            found = super().astream(*args, **given)
            while True:
                with tracing_context(enabled=False):
                    answer = await anext(found, None)
                if answer is None:
                    return
                yield answer

    return Untraced


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


def _merged(selections: Sequence[Selection], caution: float) -> Selection:
    """Return what several questions found as if it were one: of each in turn, what it is sure enough of."""
    best = max(selections, key=lambda selection: selection.confidence)
    sure = [selection for selection in selections if selection.confidence >= caution] or [best]
    sentences = dict.fromkeys(item for selection in sure for item in selection.sentences)
    turns = zip_longest(*(selection.ranked for selection in selections))
    ranked = {item.sentence: item for turn in turns for item in reversed(turn) if item is not None}
    return Selection(tuple(sentences), best.confidence, tuple(ranked.values()), best.short)


def _note(state: State, worded: Worded | None, answered: bool) -> str:
    """Say what became of the language model's part, where that is not the answer."""
    if state.note or worded is None or worded.text:
        return state.note if answered else state.note.replace(f" {INSTEAD}", "")
    if not worded.dropped:
        return f"The language model found no answer in the sentences it was shown. {INSTEAD}"
    claims = "Its one claim does" if worded.dropped == 1 else f"None of its {worded.dropped} claims does"
    no = " not" if worded.dropped == 1 else ""
    return f"{claims}{no} stand in the sentences that the language model named. {INSTEAD}"


def _short(citations: Sequence[Citation]) -> str:
    """Return the short answer, sliced out of the quote that holds it."""
    return next(filter(None, map(short, citations)), "")


def _quoted(citations: Sequence[Citation]) -> str:
    return " ".join(f"{' '.join(c.quote.split())} [{c.number}]" for c in citations)


def _differ(citations: Sequence[Citation], selection: Selection) -> tuple[int, ...]:
    """Return the numbers of the citations that differ, if both still stand."""
    if not selection.rivals:
        return ()
    places = {(item.evidence.sentence.article_id, item.start) for item in selection.shorts}
    numbers = tuple(c.number for c in citations if (c.article_id, c.answer_start) in places)
    return numbers if len(numbers) == len(places) else ()


def _timed(state: State, step: str, started: float) -> State:
    spent = round((time.perf_counter() - started) * 1000, 2)
    return replace(state, timings_ms={**state.timings_ms, step: spent})
