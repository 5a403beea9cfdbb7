"""A question that leans on the conversation becomes one that stands alone.

Measured on CANARD: the title of the article under discussion in front of the question finds more than a
human's rewrite does, and more than earlier questions or answers in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from index.terms import STOP, words
from qa.types import ABSTAIN, Answer, Turn

_LEANS = re.compile(
    r"^(?:and|but|so|or|also|then|what about|how about|why not|anything else|what else|who else|where else)\b"
    r"|\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|there|this|that|these|those|one|ones|the same)\b",
    re.IGNORECASE,
)
# Words that point at nothing: "is it true", "is there water", "these days", "no one", "the book that won"
_EMPTY_IT = re.compile(
    r"\b(?:is|was|does) it (?:true|possible|known|likely|take)\b|\bhow long does it\b|\b(?:is|are|was|were) there \w"
    r"|\b(?:these|those) days\b|\b(?:the|a|which|this|no|every) one\b|\b\w{3,} that \w",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z]\w+")


def leans(question: str) -> bool:
    """Say whether a question needs the conversation to be understood.

    >>> leans("And in Syria?"), leans("Why are they there?"), leans("How many?")
    (True, True, True)
    >>> leans("How many U.S. troops remain in Iraq?")
    False
    """
    content = [word for word in words(question) if word not in STOP]
    if len(content) <= 1 and not _NAME.search(question):
        return True
    return bool(_LEANS.search(_EMPTY_IT.sub(" ", question)))


def subject(question: str, history: Sequence[Turn], title_of: Callable[[str], str]) -> str:
    """Return the title of the article under discussion if the question leans on it, "" if it stands alone.

    Args:
        history: The conversation, oldest first.
        title_of: Gives the title of the article that a text was taken from, "" if there is none.
    """
    if not history or not leans(question):
        return ""
    for turn in reversed(history):
        if isinstance(turn.answer, Answer):
            title = turn.answer.citations[0].title if turn.answer.citations else ""
        else:
            said = str(turn.answer or "")
            title = title_of(said) if words(said) and not said.startswith(ABSTAIN) else ""
        if title:
            return title
    return ""
