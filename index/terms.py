"""Text to search terms, exactly as the library's full-text index sees them.

What a word is, is said here: SQLite's FTS5 takes younger emoji and unassigned characters for letters, so it is
given the words alone. Its own tokenizer does the stemming here too, in a private table in memory, a word at a
time and remembered; so a sentence scored here and a passage scored by FTS5 never disagree on a term.
"""

from __future__ import annotations

import re
import sqlite3
import threading

TOKENIZER = "porter unicode61 remove_diacritics 2"

# A word goes on after an accent that is a character of its own.
_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")
_REMEMBERED = 200_000  # words, about 30 MB

# Words that carry a question's grammar and not its subject.
STOP = frozenset(
    "a about all also am an and any are as at be because been being but by can could did do does doing for from "
    "had has have having he her here hers him his how i if in into is it its itself just me more most my no nor "
    "not now of off on once only or other our out over own say said says she should so some such than that the "
    "their them then there these they this those through to too under until up very was we were what when where "
    "which while who whom whose why will with would you your tell please according article articles".split()
)

_lock = threading.Lock()
_stems: dict[str, tuple[str, ...]] = {}
_connection: sqlite3.Connection | None = None


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, in order: runs of letters and digits.

    >>> words("About 5,000 U.S. troops")
    ['about', '5', '000', 'u', 's', 'troops']
    """
    return _WORD.findall(text.lower())


def searchable(text: str) -> str:
    """Return the words of a text as the full-text index is to be given them.

    >>> searchable("Fire\U0001f972! U.S. troops")
    'Fire U S troops'
    """
    return " ".join(_WORD.findall(text))


def one_line(text: object) -> str:
    r"""Return a text on one line, without what no text may hold.

    >>> one_line(" How\nmany\0 troops? ")
    'How many troops?'
    """
    return " ".join(str(text).encode("utf-8", "replace").decode().replace("\0", " ").split())


def terms(text: str) -> list[str]:
    """Return the terms of a text, in order, repeated as often as they stand there.

    >>> terms("The troops remained in Iraq")
    ['the', 'troop', 'remain', 'in', 'iraq']
    """
    found = _WORD.findall(text)
    stems = _learn(set(found))
    return [term for word in found for term in stems[word]]


def query_words(question: str) -> dict[str, str]:
    """Return the distinct terms of a question that say what it is about, as term -> word, in order.

    Words of grammar are left out, unless there are no others.

    >>> query_words("How many U.S. troops are in Iraq?")
    {'mani': 'many', 'u': 'U', 's': 'S', 'troop': 'troops', 'iraq': 'Iraq'}
    >>> list(query_words("Who is he?"))
    ['who', 'is', 'he']
    """
    found: list[str] = _WORD.findall(question)
    content = [word for word in found if word.lower() not in STOP] or found
    stems = _learn(set(content))
    kept: dict[str, str] = {}
    for word in content:
        for term in stems[word]:
            kept.setdefault(term, word)
    return kept


def _learn(needed: set[str]) -> dict[str, tuple[str, ...]]:
    """Return a table in which all of these words have their terms."""
    global _connection, _stems
    stems = _stems
    if needed <= stems.keys():
        return stems
    with _lock:
        if len(_stems) > _REMEMBERED:
            _stems = {}  # a new one: others may still read the old one
        stems = _stems
        if _connection is None:
            _connection = sqlite3.connect(":memory:", check_same_thread=False)
            _connection.executescript(
                f"CREATE VIRTUAL TABLE learn USING fts5(word, tokenize='{TOKENIZER}');"
                "CREATE VIRTUAL TABLE stem USING fts5vocab(learn, 'instance');"
            )
        batch = list(needed - stems.keys())
        _connection.executemany("INSERT INTO learn(rowid, word) VALUES (?, ?)", enumerate(batch, 1))
        found: dict[int, list[str]] = {}
        for term, row in _connection.execute("SELECT term, doc FROM stem ORDER BY doc, offset"):
            found.setdefault(row, []).append(term)
        _connection.execute("DELETE FROM learn")
        _connection.commit()
        for row, word in enumerate(batch, 1):
            stems[word] = tuple(found.get(row, ()))
    return stems
