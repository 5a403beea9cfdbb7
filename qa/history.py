"""A file of earlier turns: what `--history` reads.

    [{"question": "When was Hubble launched?", "answer": "It went up on April 24, 1990."}, ...]

oldest first. In the place of a turn stands, if one likes, what `article-qa ask --json` printed; it says more, because
it has the places of its sentences. One of these alone is a conversation of one turn.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from index.errors import ArticleQAError
from qa.types import Answer, Turn


def load(path: Path) -> list[Turn]:
    """Read a conversation, oldest turn first.

    Raises:
        ArticleQAError: There is no such file, it is not JSON, or it holds something else; the message says what.
    """
    try:
        return _turns(json.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError as error:
        raise _error(path, "there is no such file") from error
    except OSError as error:
        raise _error(path, str(error.strerror or error)) from error
    except UnicodeDecodeError as error:
        raise _error(path, "it is not text in UTF-8") from error
    except json.JSONDecodeError as error:
        raise _error(path, f"it is not JSON: {error.msg} in line {error.lineno}") from error
    except (TypeError, RecursionError) as error:
        raise _error(path, str(error)) from error


def turns(held: Any) -> list[Turn]:
    """Return a conversation that came as JSON: what such a file holds.

    Raises:
        ArticleQAError: It holds something else; the message says what.
    """
    try:
        return _turns(held)
    except (TypeError, RecursionError) as error:
        raise _error("This", str(error)) from error


def _error(what: object, found: str) -> ArticleQAError:
    return ArticleQAError(
        f'{what} is no history ({found}); write a list like [{{"question": "...", "answer": "..."}}], or of what '
        "`article-qa ask --json` printed."
    )


def _turns(held: Any) -> list[Turn]:
    if isinstance(held, dict) and "question" in held:
        held = [held]
    if not isinstance(held, list):
        raise TypeError(f"it holds {_named(held)}")
    return [_turn(number, item) for number, item in enumerate(held, 1)]


def _turn(number: int, item: Any) -> Turn:
    if not isinstance(item, dict):
        raise TypeError(f"turn {number} is {_named(item)}")
    if not isinstance(item.get("question"), str):
        raise TypeError(f'turn {number} has no "question" in words')
    said = item.get("answer", item)
    if isinstance(said, str):
        return Turn(item["question"], said)
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        raise TypeError(f'turn {number} has no "answer" in words')
    try:
        return Turn(item["question"], Answer.from_json(said))
    except ValueError:  # of another version, say: its words will do
        return Turn(item["question"], said["text"])


def _named(held: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(held), "a number")
