"""What the page does, on one open library: whatever belongs to a visitor is handed in and out."""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Iterator

from index.errors import ArticleQAError
from index.formats import SUFFIXES
from index.types import Article, Within
from qa.assistant import Assistant
from qa.examples import examples
from qa.report.save import content
from qa.types import Answer, Citation, Report, Turn
from ui import render

log = logging.getLogger(__name__)

REMEMBERED = 20
"""Turns that a question is read with."""

BROKEN = "Something went wrong while looking for the answer; ask again, and look into the log if it stays."

_TOKENS_EVERY = 0.15  # seconds; the page is redrawn for each
_EXAMPLES_WITHIN = 60  # seconds that the greeting waits for its examples

Message = dict[str, str]


class Chat:
    """What the page does, on one open library; what belongs to a visitor is handed in and out."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._examples: list[str] = []
        self._warm = threading.Event()  # the greeting is complete
        self._ready = False

    def warm(self) -> None:
        """Load the encoder and find example questions; whatever goes wrong shows when a person asks."""
        try:
            if self._assistant.counts()[0]:
                self._assistant.warm()
                self._ready = True
                self._examples = examples(self._assistant)
        except Exception:
            log.warning("The first question will wait for the encoder.", exc_info=True)
        finally:
            self._warm.set()

    @property
    def warm_now(self) -> bool:
        """Whether questions are answered without waiting for models."""
        return self._ready

    def changed(self) -> None:
        """Take notice that the articles are others: a library that was empty is got ready now."""
        if self._warm.is_set() and not self._examples:
            self._warm.clear()
            # No daemon: the process must not end while a model is at work in another thread.
            threading.Thread(target=self.warm, name="warm").start()

    def library_line(self) -> str:
        """Return the line on top."""
        articles, sentences, _ = self._assistant.counts()
        report = self._assistant.report
        refused = [str(error) for error in report.refused] if report else []
        files = report.refused_files if report else 0
        return render.library_line(articles, sentences, self._assistant.notices, refused, files)

    def welcome(self) -> str:
        """Return the greeting of an empty conversation, with the examples known by now."""
        articles = self._assistant.counts()[0]
        if articles:
            return render.welcome(articles, self._examples)
        folder = self._assistant.folder
        return render.welcome_empty(str(folder.resolve()) if folder else "", sorted(SUFFIXES))

    def welcome_with_examples(self) -> str:
        """Return the greeting once the examples are known."""
        self._warm.wait(_EXAMPLES_WITHIN)
        return self.welcome()

    def reply(
        self, question: str, turns: list[Turn], within: Within | None = None
    ) -> Iterator[tuple[list[Message], list[Turn], str | None]]:
        """Answer a question: the conversation while searching, then with the answer.

        Args:
            question: As it was typed.
            turns: The conversation so far.
            within: The articles that are asked; None for all.

        Yields:
            The messages, the turns, and what stands in the question box, None for what a person typed there meanwhile.
        """
        if not question.strip():
            yield messages(turns), turns, ""
            return
        try:
            articles = self._assistant.counts()[0]
        except ArticleQAError as error:
            yield messages([*turns, Turn(question, str(error))]), turns, question
            return
        yield [*messages(turns), *_asking(question, articles, warm=self.warm_now)], turns, ""
        history = [turn for turn in turns if not isinstance(turn.answer, str)][-REMEMBERED:]
        said, turn, shown = "", Turn(question, BROKEN), 0.0
        try:
            for event in self._assistant.stream(question, history, within=within):
                said += event.text if event.kind == "token" else ""
                if said and event.kind == "token" and time.monotonic() - shown > _TOKENS_EVERY:
                    shown = time.monotonic()
                    yield [*messages(turns), *_asking(question, articles, said)], turns, None
                if event.answer is not None:
                    turn = Turn(question, event.answer)
        except ArticleQAError as error:
            turn = Turn(question, str(error))
        except Exception:
            log.exception("A question failed.")
            turn = Turn(question, BROKEN)
        turns = [*turns, turn]
        yield messages(turns), turns, question if isinstance(turn.answer, str) else None

    def open(self, address: str, turns: list[Turn]) -> str | None:
        """Return the article that a link of the conversation points at, None if it points nowhere."""
        citation = _citation(address, turns)
        return render.desk(self._article(citation.article_id), citation, address) if citation else None

    def copied(self, turns: list[Turn]) -> dict[str, str]:
        """Return the conversation as Markdown, for the clipboard."""
        return {"copy": _report(turns).to_markdown()}

    def downloaded(self, suffix: str, turns: list[Turn]) -> dict[str, str]:
        """Return the conversation as a file: its name, and its content in base64."""
        report = _report(turns)
        data = base64.b64encode(content(report, suffix)).decode("ascii")
        return {"name": f"article-qa {report.made}{suffix}", "data": data}

    def _article(self, article_id: str) -> Article | None:
        try:
            return self._assistant.article(article_id)
        except ArticleQAError:
            return None


def messages(turns: list[Turn]) -> list[Message]:
    """Return a conversation as the messages of a chatbot."""
    return [
        message
        for index, turn in enumerate(turns)
        for message in (
            {"role": "user", "content": render.question(turn.question)},
            {"role": "assistant", "content": render.message(turn, index)},
        )
    ]


def _report(turns: list[Turn]) -> Report:
    return Report([turn.answer for turn in turns if isinstance(turn.answer, Answer)])


def _asking(question: str, articles: int, said: str = "", *, warm: bool = True) -> list[Message]:
    return [
        {"role": "user", "content": render.question(question)},
        {"role": "assistant", "content": render.unchecked(said) if said else render.searching(articles, warm=warm)},
    ]


def _citation(address: str, turns: list[Turn]) -> Citation | None:
    place = render.place(address)
    if place is None or place.turn >= len(turns):
        return None
    answer = turns[place.turn].answer
    if isinstance(answer, str):
        return None
    shown = answer.citations if place.cited else answer.closest
    return next((citation for citation in shown if citation.number == place.number), None)
