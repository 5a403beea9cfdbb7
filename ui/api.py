"""The page's door for programs: `ask`, for gradio_client and any HTTP client, and a word on how the page does."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from index.errors import ArticleQAError, BadFilter
from index.types import Within
from qa.assistant import Assistant
from qa.history import turns
from ui.chat import BROKEN, REMEMBERED, Chat

log = logging.getLogger(__name__)

QUESTIONS = "questions"
"""The queue that questions wait in, whoever asks."""


def add(gradio: Any, assistant: Assistant) -> None:
    """Add the endpoint to the page that is being built.

    Args:
        gradio: The module, which is imported late.
        assistant: The open library.
    """

    def ask(
        question: str, history: list[dict[str, Any]] | None = None, within: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Answer a question with exact sentences of the articles, or abstain.

        Parameters:
            question: What you want to know.
            history: The turns before, oldest first: objects with question and answer, or what this returned.
            within: Which articles are asked: sources and articles (ids), since and until (days); all where left out.

        Returns:
            The answer, with status (answered or abstained), text, short_answer, confidence, citations and closest.
        """
        try:
            before = turns(history or [])[-REMEMBERED:]
            return dict(json.loads(assistant.ask(question, before, within=_within(within or {})).to_json()))
        except ArticleQAError as error:
            raise gradio.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("A question failed.")
            raise gradio.Error(BROKEN, print_exception=False) from error

    # Gradio makes the types that programs see of the annotations, which it looks up at run time.
    ask.__annotations__ = {
        "question": str,
        "history": list[dict[str, Any]] | None,
        "within": dict[str, Any] | None,
        "return": dict[str, Any],
    }
    gradio.api(ask, api_name="ask", concurrency_id=QUESTIONS)


_LISTS, _DAYS = {"sources", "articles"}, {"since", "until"}


def _within(asked: Any) -> Within:
    """Return the filter that a program asks for.

    Raises:
        BadFilter: It is none, or names a day that is none.
    """
    known = isinstance(asked, dict) and asked.keys() <= _LISTS | _DAYS
    if not known or not all(
        isinstance(part, str) or (name in _LISTS and isinstance(part, list) and all(isinstance(x, str) for x in part))
        for name, part in asked.items()
    ):
        raise BadFilter(
            f"{json.dumps(asked, ensure_ascii=False)[:80]} is no filter; write an object with lists of texts in "
            "`sources` and `articles`, and days in `since` and `until`."
        )
    return Within(**asked)


def health(assistant: Assistant, chat: Chat) -> Callable[[], dict[str, Any]]:
    """Return what says how the page does: `status` (ok or broken), `articles`, `engine`, and whether it is `warm`."""
    known: dict[str, Any] = {}
    until = 0.0

    def state() -> dict[str, Any]:
        nonlocal known, until
        if time.monotonic() > until:
            try:
                known = {"status": "ok", "articles": assistant.counts()[0], "engine": assistant.engine}
            except Exception:
                log.warning("The library cannot be read.", exc_info=True)
                known = {"status": "broken"}
            until = time.monotonic() + 1  # whoever asks, the library is not busy with it
        return known | {"warm": chat.warm_now}

    return state
