"""A question that leans on the conversation becomes one that stands alone; one that changes the subject does not.

Whether it leans is a logistic regression on eight signs that can be named (`SIGNS`), fitted by `python -m
tests.bench.followup FILE --fit`; a question without a verb or a content word of its own leans in any case. One that
leans is searched with the title of the article under discussion in front, and where that is not sure, without it, too.
The sentences just given are left out, and those given earlier go back.

Recall@1 and @5 of sentences, by `python -m tests.bench.followup FILE` on the CANARD dialogues that nothing was chosen
on: the bare question .122 / .443, a human's rewrite .189 / .866, ours .539 / .878. Leaving out what was given does much
of that: with all of it in, ours is .242 / .791, and a human's rewrite treated alike reaches .537 / .931. After a change
of subject, .000 / .006 are lost; of the first questions that a human had made, or left, self-contained, none was
changed.

Tried on the dialogues for tuning, and dropped because nothing was gained: a bonus for the passages of the article under
discussion (its title in front does it already), "the" before a word of the conversation and an opening "And" as signs,
and how far the best other passage stands out. What `qa.carry` puts in changes nothing there, up to .004, since most of
these articles are about the person meant; it is there for articles that are not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from index.copies import same_sentence
from index.search import Results, Search
from index.terms import STOP, one_line, terms, words
from qa.carry import LONG, TURNS, carried, said_in
from qa.types import Answer, Turn

SIGNS = ("person", "thing", "this", "more", "new name", "new words", "lead", "missing")
"""What tells whether a question leans: whether "he" or "she", "it" or "they", "this" or "there" points outside the
question; whether it asks for another ("else", "other"); whether it has a name that neither the conversation nor the
article under discussion has; how many of its content words the conversation does not have; by how much the article's
best passage beats those of all others when the bare question is searched, in standard deviations, -6 to 6; whether no
passage of it was found at all."""

WEIGHTS = (1.12, 2.69, 2.83, 2.22, -3.82, -0.70, 0.61, -0.41, 3.35)
"""Weights of `SIGNS`, the bias last."""

LEANS = 0.4
"""The probability from which a question is read as leaning."""

SURE = 0.95
"""The probability below which it is searched as it stands, too, and what both find is merged."""

KNOWN = 2.0
"""What a sentence given earlier in the conversation loses of its score; one just given is left out."""

_SAID = 3  # turns whose words count as the conversation's
_LEAD = 6.0
_LIKE = 0.4  # cosine from which an answer that is not verbatim counts as taken from a passage
_POINTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:he|him|his|himself|she|her|hers|herself)\b",
        r"\b(?:it|its|itself|they|them|their|theirs|themselves)\b",
        r"\b(?:this|these|those|there|the same)\b|\bthat(?=\s*(?:[?.!,]|$))"
        r"|\b(?:at|of|about|to|in|for|from|after|before|during|like|with|by|on|was|is|did|does|do|how|when) that\b"
        r"|\bthat (?:year|month|week|day|night|time|season|point|moment|one|place|way|case)\b",
    )
)
# Words that point at nothing: "is it true", "is there water", "these days".
_EMPTY = re.compile(
    r"\b(?:is|was|does|do|did|are|were|be|been|has|have|will|would|can|could|may|might|where) there\b"
    r"|\bthere (?:is|are|was|were|be|been|has|have)\b|\b(?:is|was|does) it (?:true|possible|known|likely|take)\b"
    r"|\bhow long does it\b|\b(?:these|those) days\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:else|others?|another|more|again|instead|similar|further|next|rest|later|afterwards?|too|as well|also"
    r"|any ?more|still)\b",
    re.IGNORECASE,
)
# "And in Syria?", "What about its cost?": no verb of its own.
_FRAGMENT = re.compile(
    r"^(?:(?:and|but|so|or|then)\b[\s,]*)*(?:(?:what|how) about\b|why not\b"
    r"|(?:in|on|at|from|to|for|with|by|since|until|of|during|after|before)\b"
    r"(?!.*\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|may|might|should|must)\b))",
    re.IGNORECASE,
)
_LIGHT = STOP | set("many much long old far often big else".split())
_NAME = re.compile(r"\b[A-Z]\w+")
_NO_NAME = STOP | set("whose whom tell give name list describe explain besides another many much".split())


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question as it is read.

    Attributes:
        question: As it was asked, with what it leaves to the conversation put in where that can be told.
        title: The title of the article under discussion, "" if the question stands alone.
        sure: Whether it leans for certain; if not, it may mean any article.
        just_given: The sentences of the last answer, on one line each: no answer to a question that leans.
        given: Those of the answers before.
    """

    question: str
    title: str = ""
    sure: bool = True
    just_given: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.title}: {self.question}" if self.title else self.question


@dataclass(frozen=True, slots=True)
class Discussion:
    """What the conversation is about.

    Attributes:
        title: Of the article that was cited last.
        article_id: Its id; there may be no such article any more.
        given: The sentences of the last answer, on one line each; an answer in words is one.
        said: The last questions and answers.
    """

    title: str
    article_id: str
    given: tuple[str, ...]
    said: str


def stand_alone(question: str, history: Sequence[Turn], search: Search) -> Standalone:
    """Return a question as it is to be read after the turns before it, oldest first."""
    talk = discussion(history, search)
    if talk is None or _asked_before(question, history):
        return Standalone(question)
    if talk.title and question.startswith(f"{talk.title}: "):  # as another was read, and put to it again
        return Standalone(question.removeprefix(f"{talk.title}: "), talk.title)
    probability = leaning(question, talk, search)
    if probability < LEANS:
        return Standalone(question)
    earlier = tuple(sentence for turn in history[-TURNS:] for sentence in said_in(turn))
    return Standalone(carried(question, history), talk.title, probability >= SURE, talk.given, earlier)


def find(asked: Standalone, search: Search) -> Results:
    """Search for a question as it is read: with the title in front of it, and without if that is not sure."""
    if not asked.title:
        return search(asked.question)
    found = search(asked.question, asked.title)
    if not asked.sure:
        found = merged(found, search(asked.question))
    return without(found, asked)


def without(found: Results, asked: Standalone) -> Results:
    """Return what was found without the sentences just given, those given earlier further back."""
    kept = (item for item in found.evidence if not _among(item.text, asked.just_given))
    lowered = [
        replace(item, score=item.score - KNOWN, known=True) if _among(item.text, asked.given) else item for item in kept
    ]
    return replace(found, evidence=tuple(sorted(lowered, key=lambda item: -item.score)))


def merged(one: Results, other: Results) -> Results:
    """Return what two searches found, each passage and sentence with the mean of its scores.

    One that a search did not find has there the lowest score that it gave.
    """
    hits = _means([(hit.passage.key, hit) for hit in one.hits], [(hit.passage.key, hit) for hit in other.hits])
    evidence = _means([(e.sentence, e) for e in one.evidence], [(e.sentence, e) for e in other.evidence])
    return Results(tuple(hits), tuple(evidence), one.engine)


def _means(one: Sequence[tuple[Any, Any]], other: Sequence[tuple[Any, Any]]) -> list[Any]:
    first, second = dict(one), dict(other)
    lows = [min((item.score for item in found.values()), default=0.0) for found in (first, second)]
    means = []
    for key, item in {**second, **first}.items():
        scores = [found[key].score if key in found else low for found, low in zip((first, second), lows, strict=True)]
        means.append(replace(item, score=sum(scores) / 2))
    return sorted(means, key=lambda item: -item.score)


def discussion(history: Sequence[Turn], search: Search) -> Discussion | None:
    """Return what the last turns are about, None if none of them was answered from an article."""
    last = history[-TURNS:]
    said = " ".join(" ".join((one_line(turn.question)[:LONG], *said_in(turn))) for turn in last[-_SAID:])
    for turn in reversed(last):
        if isinstance(turn.answer, Answer) and turn.answer.citations:
            first = turn.answer.citations[0]
            return Discussion(first.title, first.article_id, said_in(turn), said)
        if not isinstance(turn.answer, Answer) and (place := _source(turn, search)):
            return Discussion(*place, said_in(turn), said)
    return None


def _among(text: str, sentences: Sequence[str]) -> bool:
    """Say whether a sentence, or a copy of it, is among those that were given."""
    text = one_line(text)
    return any(text in sentence or same_sentence(text, sentence) for sentence in sentences)


def _source(turn: Turn, search: Search) -> tuple[str, str] | None:
    """Return title and id of the article that an answer in words was taken from, None if there is none like it."""
    said = said_in(turn)
    if not said:
        return None
    evidence = search(f"{one_line(turn.question)} {said[0]}"[:LONG]).evidence
    verbatim = [item for item in evidence if one_line(item.text) in said[0]]
    for item in verbatim or [item for item in evidence[:1] if item.hit.cosine >= _LIKE]:
        return item.hit.title, item.sentence.article_id
    return None


def _asked_before(question: str, history: Sequence[Turn]) -> bool:
    """Say whether an earlier question had all its words and it points nowhere: it is to be answered as it was then."""
    if points(question):
        return False
    asked = set(words(question))
    return any(asked.issubset(words(one_line(turn.question)[:LONG])) for turn in history[-TURNS:])


def leaning(question: str, talk: Discussion, search: Search) -> float:
    """Return the probability, 0 to 1, that a question leans on the conversation."""
    if is_fragment(question):
        return 1.0
    values = signs(question, talk, search(question))
    total = WEIGHTS[-1] + sum(weight * value for weight, value in zip(WEIGHTS[:-1], values, strict=True))
    return 1.0 / (1.0 + math.exp(-total))


def points(question: str) -> bool:
    """Say whether a question has no subject of its own, or a word that may point at what was said before.

    >>> points("How long is it?"), points("How long is the bridge?")
    (True, False)
    """
    return is_fragment(question) or any(pattern.search(_EMPTY.sub(" ", question)) for pattern in _POINTS)


def is_fragment(question: str) -> bool:
    """Say whether a question has no verb or no content word of its own, so that it cannot stand alone.

    >>> [is_fragment(q) for q in ("And in Syria?", "How many?", "Why?", "What about its cost?")]
    [True, True, True, True]
    >>> is_fragment("Who commands the Quds Force?")
    False
    """
    return all(word in _LIGHT for word in words(question)) or bool(_FRAGMENT.search(question))


def signs(question: str, talk: Discussion, results: Results) -> tuple[float, ...]:
    """Return the values of `SIGNS`.

    Args:
        results: What the bare question finds.
    """
    own = [hit for hit in results.hits if hit.passage.article_id == talk.article_id]
    others = [hit for hit in results.hits if hit.passage.article_id != talk.article_id]
    lead = (own or others)[0 if own else -1].score - others[0].score if others else 0.0
    said = set(terms(f"{talk.title} {talk.said}"))
    known = said.union(*(terms(text) for hit in own for text in hit.texts))
    plain = _EMPTY.sub(" ", question)
    names = [match for match in _NAME.finditer(plain) if match.group().lower() not in _NO_NAME]
    content = set(terms(" ".join(word for word in words(question) if word not in STOP)))
    return (
        *(float(_points(pattern, plain, names)) for pattern in _POINTS),
        float(bool(_MORE.search(question))),
        float(any(known.isdisjoint(terms(name.group())) for name in names)),
        float(len(content - said)),
        max(-_LEAD, min(_LEAD, lead)),
        float(not own),
    )


def _points(pattern: re.Pattern[str], question: str, names: Sequence[re.Match[str]]) -> bool:
    """Say whether a word points outside the question: no name stands before the first one in it."""
    found = pattern.search(question)
    return found is not None and not any(name.start() < found.start() for name in names)
