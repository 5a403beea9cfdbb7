"""What a conversation carries into a question: the person, the place or the things meant, and the frame asked in.

Rules over the last turns, each of which is left alone where it cannot be told: nothing is guessed.

    he, she             the person that "who" asked for, or that a question asked about, last
    they, there         what was counted, and where, in the last question: "How many U.S. troops remain in Iraq?"
    "And in Syria?"     the last question, with its place taken out and this one put in
    "Why?", "How many?" the last question, asked with this word
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.terms import STOP, one_line, words
from qa.types import ABSTAIN, Answer, Turn

TURNS = 10
"""The last turns of a conversation that are looked at; what stands further back is not meant any more."""

LONG = 2_000
"""Characters of an earlier question, or of an answer in words, that are looked at."""

_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|may|might|should|must)"
_SMALL = r"(?:of|de|van|von|al|bin|the)"
_CAPITAL = r"(?:(?:al-)?[A-Z][\w’'-]*\w|[A-Z]\.)"
_CAPITALS = rf"(?:[A-Z][\w’'-]*[a-z]|[A-Z]{{2,}}|[A-Z]\.)(?: (?:{_SMALL} )*{_CAPITAL})*"
_PLACE = re.compile(rf"\b(?:in|at|near|on|from|outside) (?:the )?{_CAPITALS}")
_NAME = re.compile(rf"(?:\b[Tt]he )?\b{_CAPITALS}")
_COUNTED = re.compile(
    rf"^how many (?P<what>.+?) (?:{_AUXILIARY}|remain\w*|live\w*|work\w*|serve\w*|stay\w*)\b", re.IGNORECASE
)
_OPENING = re.compile(r"^(?:(?:and|but|so|or|then)\b[\s,]*)+", re.IGNORECASE)
_NEW_PLACE = re.compile(rf"^(?:(?i:what|how) about )?(?P<what>{_PLACE.pattern})\W*$")
_NEW_NAME = re.compile(rf"^(?:(?i:what|how) about )?(?P<what>(?:the )?{_CAPITALS})\W*$")
_BARE = re.compile(r"^(?P<ask>why(?: not)?|when|where|how|how many|how much|how long|how often)\W*$", re.IGNORECASE)
_FRAME = re.compile(
    rf"^(?:(?P<ask>why|when|where|how|how long|how often|who|what) )?(?P<rest>{_AUXILIARY} .*)$", re.IGNORECASE
)
_HE = re.compile(r"\b(?:he|she|him)\b|\b(?P<owner>his|her)\b", re.IGNORECASE)
_OWNER = re.compile(r"[’']s?$")
_WHO = re.compile(r"(?i:who|(?:what|which) (?:person|man|woman|president|minister|leader))\b(?! (?i:do|does|did)\b)")
_WHAT_IS = re.compile(r"what (?:is|are|was|were)\b", re.IGNORECASE)
_SUBJECT = re.compile(rf"\b(?i:{_AUXILIARY}) (?P<who>{_CAPITALS})")
_FULL = re.compile(
    r"\b[A-Z][a-z][\w’'-]*(?: (?:[A-Z]\.|al|bin|de|der|van|von))*"
    r" (?:al-)?[A-Z][a-z][\w’'-]*(?: [A-Z][a-z][\w’'-]*)?"
)
# Words of names that are no person's: two words with capitals are often the name of something else.
_NO_PERSON = STOP | frozenset(
    "agency air album army association band bank base bay board bureau canal center central city club college "
    "committee company congress corps council county court day department east federal first force forces "
    "front global great group guard hezbollah house international islamic island league liberation middle "
    "militia ministry mountain national new north organization parliament party peninsula pentagon people red "
    "republic reserve resistance river royal sea second senate south space state states street supreme "
    "telescope tour tower united university vault war west world january february march april june july august "
    "september october november december monday tuesday wednesday thursday friday saturday sunday might must "
    "shall".split()
)


@dataclass(frozen=True, slots=True)
class Focus:
    """What the last turns were about.

    Attributes:
        question: The last question, as it was read.
        person: The last person asked about, or asked for and named.
        counted: The things that the last question counted, "U.S. troops".
        place: Where it asked, "in Iraq".
    """

    question: str = ""
    person: str = ""
    counted: str = ""
    place: str = ""


def carried(question: str, history: Sequence[Turn]) -> str:
    """Return a question with what it leaves to the conversation put in, where that can be told.

    >>> turns = [Turn("How many U.S. troops remain in Iraq?", "About 5,000 U.S. troops remain in Iraq.")]
    >>> carried("And in Syria?", turns), carried("Why are they there?", turns)
    ('How many U.S. troops remain in Syria?', 'Why are U.S. troops in Iraq?')
    """
    return _put_in(question, focus(history))


def focus(history: Sequence[Turn]) -> Focus:
    """Return what the last turns were about."""
    found = Focus()
    for turn in history[-TURNS:]:
        question = _put_in(one_line(turn.question)[:LONG], found)
        counted, places = _COUNTED.search(question), list(_PLACE.finditer(question))
        found = Focus(
            question,
            _person(question, turn) or found.person,
            counted["what"] if counted else "",
            places[-1].group() if places else "",
        )
    return found


def _put_in(question: str, known: Focus) -> str:
    return _persons(_things(_framed(question, known), known), known)


def _framed(question: str, known: Focus) -> str:
    """Return a question without a verb as the last one, asked with its words."""
    said = _OPENING.sub("", question)
    last = known.question.rstrip(" ?.!")
    if not last:
        return question
    if place := _NEW_PLACE.match(said):
        return f"{last.replace(known.place, place['what'])}?" if known.place else f"{last} {place['what']}?"
    if other := _NEW_NAME.match(said):
        names = [m for m in _NAME.finditer(last) if m.start()]
        if len(names) == 1:
            return f"{last[: names[0].start()]}{other['what']}{last[names[0].end() :]}?"
    if (bare := _BARE.match(said)) and (frame := _FRAME.match(last)):
        ask = bare["ask"].lower()
        if (frame["ask"] or "").lower() in ("who", "what") and ask not in ("how many", "how much"):
            return question
        return f"{ask.capitalize()} {frame['rest'][:1].lower()}{frame['rest'][1:]}?"
    return question


def _things(question: str, known: Focus) -> str:
    """Return a question with what was counted for "they", and then the place for "there", too."""
    told = re.sub(r"\b(?:they|them)\b", lambda _: known.counted, question, count=1) if known.counted else question
    if told != question and known.place:
        return re.sub(r"\bthere\b(?=\W*$)", lambda _: known.place, told)
    return told


def _persons(question: str, known: Focus) -> str:
    """Return a question with the person's name for its first pronoun, unless it names someone itself."""
    match = _HE.search(question)
    if not match or not known.person or _NAME.search(question[: match.start()].partition(" ")[2]):
        return question
    owner = match["owner"] and not re.match(r"\W*$", question[match.end() :])
    name = f"{known.person}’s" if owner else known.person
    return f"{question[: match.start()]}{name}{question[match.end() :]}"


def _person(question: str, turn: Turn) -> str:
    """Return the person that a turn leaves in mind, "" if it cannot be told."""
    said = " ".join(said_in(turn))
    if _WHO.match(question) and not _HE.search(one_line(turn.question)):
        if isinstance(turn.answer, Answer) and (people := _people(turn.answer.short_answer)):
            return people[0]
        asked = set(words(question))
        people = [name for name in _people(said) if not asked.intersection(words(name))]
        if len(people) == 1:
            return people[0]
    if not _WHAT_IS.match(question) and (subject := _SUBJECT.search(question)):
        name = _OWNER.sub("", subject["who"])
        if name == subject["who"] and (_people(name) == [name] or name in {p.split()[-1] for p in _people(said)}):
            return name
    return ""


def said_in(turn: Turn) -> tuple[str, ...]:
    """Return the sentences of an answer, on one line each; those of an answer in words as one."""
    if isinstance(turn.answer, Answer):
        return tuple(one_line(citation.quote) for citation in turn.answer.citations)
    words_said = one_line(turn.answer or "")[:LONG]
    return () if words_said.startswith(ABSTAIN) or not words(words_said) else (words_said,)


def _people(text: str) -> list[str]:
    """Return the full names in a text that may be persons', each once, in order."""
    names = dict.fromkeys(_OWNER.sub("", match.group()) for match in _FULL.finditer(text))
    return [name for name in names if not _NO_PERSON.intersection(words(name))]
