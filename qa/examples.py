"""Example questions, drawn from the articles present: no language model, and none that is not answered.

A few shapes of sentences turn into questions that are worded in another way than the sentence is. Each
question is then asked, and kept only if the sentence it came from is the first citation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from index.errors import ArticleQAError
from index.split import sentences
from qa.assistant import Assistant

_ARTICLES = 30
_CHARACTERS = 4_000  # of each article
_ASKED = 12  # questions that are tried
_SENTENCE = 400  # characters of a sentence that may suggest a question
_LENGTH = 90  # characters of a question

_WORD = r"[A-Z][\w.’'-]*"
_NAME = rf"(?:{_WORD} (?:(?:{_WORD}|of|de|van|von|al|bin) )*)?{_WORD}"
_PERSON = rf"[A-Z][\w’'-]+(?: [A-Z]\.)?(?: (?:{_WORD}|de|van|von|al|bin))* [A-Z][\w’'-]+"
_THING = rf"(?:[Tt]he )?(?:{_NAME})"
_ABOUT = r"(?:(?i:about|some|roughly|nearly|almost|more than|at least|around) )?"
_AMOUNT = (
    r"(?i:\d[\d,.]*\d|\d|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?: (?:million|billion|thousand))?"
)
_DATE = (
    r"(?:on|in) (?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, )?"
    r"(?:\d{1,2} )?(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*\.? )?(?:\d{1,2}, )?\d{4}\b"
)
_OFFICE = (
    r"president|premier|minister|secretary|spokes(?:man|woman|person)|leader|head|chief|chair\w*|director|administrator|"
    r"commander|general|governor|mayor|professor|scientist|historian|founder|author|manager|coach|runner|player|singer|"
    r"actor|actress|writer|judge|lawyer|senator|ambassador|king|queen|astronaut|engineer|doctor|physicist|biochemist"
)
_BASE = {
    "began": "begin",
    "closed": "close",
    "died": "die",
    "ended": "end",
    "landed": "land",
    "opened": "open",
    "started": "start",
}
_NO_SUBJECT = re.compile(
    r"(?:The )?(?:He|She|It|They|We|I|You|This|That|These|Those|There|Here|What|Who|When|Where|Why|How|If|As|At|In|On|"
    r"By|But|And|Or|So|Yet|For|From|After|Before|Since|Its|His|Her|Their|Our|One|Other|Another|First|Last|Most|Many|Some|"
    r"January|February|March|April|May|June|July|August|September|October|November|December|\w+day)\b(?! \w* [A-Z])"
)


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    ask: Callable[[re.Match[str]], str]


_SHAPES = (
    _Shape(
        re.compile(
            rf"^{_ABOUT}{_AMOUNT} (?P<what>(?:[\w.’'-]+ ){{0,3}}?[a-z]+s) (?P<did>remain|live|work|serve|died|remained)"
            r" (?P<where>(?:in|at|on|near) (?:the )?[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*)",
        ),
        lambda m: f"How many {m['what']} {m['did']} {m['where']}?",
    ),
    _Shape(
        re.compile(
            rf"(?:^|[,;] )(?P<who>{_PERSON}), (?:the|an?|[A-Z][\w’'-]+[’']s?) (?:[\w.’'-]+ ){{0,4}}?(?:{_OFFICE})\b"
        ),
        lambda m: f"Who is {m['who']}?",
    ),
    _Shape(
        re.compile(rf"\b(?:{_OFFICE}), (?P<who>{_PERSON}),"),
        lambda m: f"Who is {m['who']}?",
    ),
    _Shape(
        re.compile(rf"^(?P<what>{_THING}) (?P<did>{'|'.join(_BASE)}) (?:[\w’' ]{{0,30}} )?{_DATE}"),
        lambda m: f"When did {_inside(m['what'])} {_BASE[m['did']]}?",
    ),
    _Shape(
        re.compile(
            rf"^(?P<what>{_THING}) (?P<was>was|were) (?P<did>[a-z]+ed|built|found|shot|sunk|won|made|set up) {_DATE}"
        ),
        lambda m: f"When {m['was']} {_inside(m['what'])} {m['did']}?",
    ),
    _Shape(
        re.compile(rf"^(?P<what>{_THING}) cost {_ABOUT}[$€£]\d"),
        lambda m: f"How much did {_inside(m['what'])} cost?",
    ),
    _Shape(
        re.compile(rf"^(?P<what>The {_NAME}) (?P<is>is|was) (?:the|an?) (?!(?:{_OFFICE})\b)[a-z]"),
        lambda m: f"What {m['is']} {_inside(m['what'])}?",
    ),
    _Shape(
        re.compile(
            rf"^(?P<what>{_THING}) (?P<is>is|was) (?:the|an?) [\w’' -]{{3,60}}? (?:made of|made by|based in|built by) "
        ),
        lambda m: f"What {m['is']} {_inside(m['what'])}?",
    ),
)


class _Draft(NamedTuple):
    question: str
    article_id: str
    start: int
    end: int


def examples(assistant: Assistant, count: int = 4) -> list[str]:
    """Return up to `count` questions that the articles answer, from as many articles as possible; maybe none."""
    found: list[str] = []
    asked = 0
    used: Counter[str] = Counter()  # of each article, and of each first word: half of the examples at most
    rounds = zip_longest(*(list(_drafts(assistant, article_id)) for article_id in assistant.articles()[:_ARTICLES]))
    for draft in (draft for drafts in rounds for draft in drafts if draft):
        if len(found) == count or asked == _ASKED:
            break
        alike = (draft.article_id, draft.question.split()[0])
        if draft.question in found or any(used[key] * 2 >= max(count, 2) for key in alike):
            continue
        asked += 1
        if _answered(assistant, draft):
            found.append(draft.question)
            used.update(alike)
    return found


def _drafts(assistant: Assistant, article_id: str) -> Iterator[_Draft]:
    """Yield the questions that the beginning of an article suggests, those of the rarer shapes first."""
    try:
        text = assistant.article(article_id).text[:_CHARACTERS]
    except ArticleQAError:  # removed meanwhile
        return
    spans = sentences(text)[:-1] if len(text) == _CHARACTERS else sentences(text)
    for shape in _SHAPES:
        for start, end in spans:
            match = shape.pattern.search(text[start:end]) if end - start < _SENTENCE else None
            if match is None or _NO_SUBJECT.match(match[0].lstrip(",; ")):
                continue
            question = shape.ask(match)
            if len(question) <= _LENGTH and "\n" not in question:
                yield _Draft(question, article_id, start, end)


def _answered(assistant: Assistant, draft: _Draft) -> bool:
    """Say whether the sentence that a question came from is the first one of its answer."""
    try:
        answer = assistant.ask(draft.question, worded=False)
    except ArticleQAError:
        return False
    first = answer.citations[0] if answer.citations else None
    return first is not None and (first.article_id, first.start, first.end) == (
        draft.article_id,
        draft.start,
        draft.end,
    )


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence.

    >>> _inside("The Quds Force")
    'the Quds Force'
    """
    return f"the {name[4:]}" if name.startswith("The ") else name
