"""A language model, by choice: it words the answer and says which sentences it rests on. It never quotes.

It is reached through LangChain's `init_chat_model`. What it says is read as a stream, so that time and length have a
bound, and is taken for nothing until `qa.cite` has checked it.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib.util
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from index.errors import MissingExtra, ProviderFailure, UnknownSetting
from index.library import Library
from index.types import Evidence
from qa import prompts
from qa.claims import BULLET, Claim, as_object, bare, claims, on_one_line
from qa.failure import Failure, failure
from qa.types import Answer, Turn

RETRIES = 2
"""Times that a call is made again, if nothing of its answer has come."""

PARTS = 3
"""Questions that a question may become."""

OFFERED, OFFERED_CHARACTERS = 30, 6_000
"""The most sentences and characters that a model is shown: some 2,000 tokens with the rest, half of what the smallest
models read."""

_MOST = 20_000  # characters of an answer
_TURNS, _TURN = 3, 600  # turns of a conversation that are shown, and characters of each answer

_PROVIDERS = {
    "anthropic": ("langchain_anthropic", "ANTHROPIC_API_KEY"),
    "ollama": ("langchain_ollama", ""),
    "openai": ("langchain_openai", "OPENAI_API_KEY"),
}

_SCHEMA = {
    "title": "Claims",
    "description": "The claims that answer the question.",
    "type": "object",
    "properties": {
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "claim": {"type": "string"},
                    "sentences": {"type": "array", "items": {"type": "integer"}},
                },
                "required": ["claim", "sentences"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["claims"],
    "additionalProperties": False,
}
_PLAN_SCHEMA = {
    "title": "Questions",
    "description": "The questions to search for.",
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}}},
    "required": ["questions"],
    "additionalProperties": False,
}

_NO_ANSWER = ("tool", "refusal")


class Writer:
    """One language model. Safe to use from several threads.

    Attributes:
        name: Provider and model, `ollama:llama3.2`.
        seconds: The most that one question may wait for it, all calls together.
    """

    def __init__(self, name: str, url: str = "", seconds: float = 60.0) -> None:
        self.name = name
        self.seconds = seconds
        self._provider, _, self._model_name = name.partition(":")
        self._url = url
        self.host = urlsplit(url).netloc

    def __repr__(self) -> str:
        return f"Writer({self.name!r})"

    @property
    def key(self) -> str:
        """The environment variable that its provider reads the key from, "" where none is needed."""
        return _PROVIDERS[self._provider][1]

    @property
    def structured(self) -> bool:
        """Whether its answers are JSON by a schema; of an unknown server only plain lines are expected."""
        return not (self._provider == "openai" and self._url)

    def until(self) -> float:
        """Return when a question that is asked now has waited long enough, on the monotonic clock.

        Loading the provider's package, seconds at the first question, does not count.
        """
        with contextlib.suppress(Exception):  # what is wrong shows when it is asked
            _ = self._model
        return time.monotonic() + self.seconds

    def plan(self, question: str, history: Sequence[Turn], until: float) -> tuple[str, ...]:
        """Return the questions, at most `PARTS`, that stand alone and together ask what was asked.

        Raises:
            ProviderFailure: It cannot be reached, fails, or takes too long.
        """
        code = secrets.token_hex(8)
        said = "\n".join(
            f"Question: {on_one_line(turn.question)}\nAnswer: {on_one_line(_text(turn))[:_TURN]}"
            for turn in history[-_TURNS:]
        )
        rules = prompts.PLAN.replace("{code}", code)
        rules += prompts.PLAN_AS_JSON if self.structured else prompts.PLAN_AS_LINES
        asked = _filled(prompts.MATERIAL, code, said or "There is none.", question)
        said = _exhausted(self._said(rules, asked, _PLAN_SCHEMA, until, lambda text: ""))
        lines = as_object(said).get("questions", []) if said.lstrip().startswith("{") else said.splitlines()
        found = [BULLET.sub("", on_one_line(line)) for line in lines if isinstance(line, str)]
        return tuple(dict.fromkeys(line for line in found if any(c.isalnum() for c in line)))[:PARTS]

    def write(self, question: str, material: str, until: float) -> Generator[str, None, tuple[Claim, ...]]:
        """Yield what it says as it comes, not yet checked, and return its claims once it has ended.

        Args:
            material: Numbered sentences, as `numbered` gives them.
            until: When to give up, on the monotonic clock.

        Raises:
            ProviderFailure: It cannot be reached, fails, takes too long, or its answer was cut off.
        """
        code = secrets.token_hex(8)
        rules = prompts.WRITE.replace("{code}", code) + (prompts.AS_JSON if self.structured else prompts.AS_LINES)
        asked = _filled(prompts.MATERIAL, code, material, question)
        said = yield from self._said(rules, asked, _SCHEMA, until, lambda text: " ".join(c.text for c in claims(text)))
        return claims(said)

    def check(self) -> float:
        """Ask it for one word and return how many seconds that took.

        Raises:
            ProviderFailure: It cannot be reached or fails.
        """
        started = time.monotonic()
        _exhausted(self._said("", prompts.CHECK, None, self.until(), lambda text: ""))
        return time.monotonic() - started

    def close(self) -> None:
        """Close the connections it holds; those to other providers than Ollama belong to the process (LangChain)."""
        client = getattr(self.__dict__.get("_model"), "_client", None) if self._provider == "ollama" else None
        if client is not None:
            client.close()

    @cached_property
    def _model(self) -> Any:
        from langchain.chat_models import init_chat_model

        options: dict[str, Any] = {"base_url": self._url} if self._url else {}
        if self._provider == "ollama":
            options |= {"client_kwargs": {"timeout": self.seconds}, "temperature": 0}
        else:
            options |= {"timeout": self.seconds, "max_retries": 0}
        if self._provider == "openai" and self._url and not _has(self.key):
            options["api_key"] = "none"  # a server of one's own asks for none; the client insists on one
        return init_chat_model(self._model_name, model_provider=self._provider, **options)

    def _said(
        self, rules: str, asked: str, schema: dict[str, Any] | None, until: float, shown: Callable[[str], str]
    ) -> Generator[str, None, str]:
        """Yield what is new in what `shown` makes of the answer so far, and return the whole answer.

        A failed call is made again as long as nothing was yielded, time is left and it may help.
        """
        messages = [("system", rules), ("human", asked)] if rules else [("human", asked)]
        schema = schema if self.structured else None
        for attempt in range(RETRIES + 1):
            text, seen, ended = "", "", ""
            try:
                for piece, end in self._pieces(messages, schema, until):
                    text += piece
                    ended = ended if ended in _NO_ANSWER else end or ended
                    if len(text) > _MOST:
                        raise Failure(f"gave more than {_MOST:,} characters", "ask again, or name another model")
                    now = shown(text)
                    if len(now) > len(seen) and now.startswith(seen):
                        yield now[len(seen) :]
                        seen = now
                _whole(text, ended)
                return bare(text)
            except Failure as error:
                wait = error.after if error.after is not None else 0.5 * 2**attempt * (1 + random.random())  # noqa: S311
                again = (
                    (error.retryable or (error.refused and schema))
                    and not seen
                    and attempt < RETRIES
                    and time.monotonic() + wait < until
                )
                if not again:
                    raise self._told(error) from None  # what a provider says may hold a key
                if error.refused:  # an older model knows no schemas; the rules ask for the same
                    schema = None
                else:
                    time.sleep(wait)
        raise AssertionError

    def _told(self, error: Failure) -> ProviderFailure:
        where = f" at {self.host}" if self.host else ""
        return ProviderFailure(f"The language model {self.name}{where} {error.found}; {error.mend}.",
                               retryable=error.retryable)  # fmt: skip

    def _pieces(
        self, messages: list[tuple[str, str]], schema: dict[str, Any] | None, until: float
    ) -> Iterator[tuple[str, str]]:
        """Yield pieces of text, each with why the answer ended or "".

        They are read in a thread of their own: a server that sends a byte now and then keeps no client's own time
        limit. The thread is left to that limit when nobody waits any more.
        """
        came: SimpleQueue[tuple[tuple[str, str] | None, BaseException | None]] = SimpleQueue()
        left = threading.Event()

        def read() -> None:
            from langsmith import tracing_context

            try:
                with tracing_context(enabled=False):  # an inherited variable must not upload what is asked and found
                    # The first part of what gives structured output is the model, bound; the parser waits for the end.
                    model = self._model.with_structured_output(schema).first if schema else self._model
                    for chunk in model.stream(messages):
                        if left.is_set():
                            return
                        came.put(((_said_in(chunk), _end_of(chunk)), None))
            except BaseException as error:
                came.put((None, error))
            else:
                came.put((None, None))

        threading.Thread(target=contextvars.copy_context().run, args=(read,), name="writer", daemon=True).start()
        try:
            while True:
                try:
                    piece, error = came.get(timeout=max(0.0, until - time.monotonic()))
                except Empty:
                    raise Failure.late(self.seconds) from None
                if error is not None:
                    raise failure(error, self) from None
                if piece is None:
                    return
                yield piece
        finally:
            left.set()


def writer(name: str, url: str = "", seconds: float = 60.0) -> Writer | None:
    """Return the writer that settings name, None where they name none; nothing is loaded or asked yet.

    Raises:
        UnknownSetting: The name or the address is not one.
        MissingExtra: The provider's package is not installed.
    """
    if not name:
        if url:
            raise UnknownSetting("QA_MODEL_URL is set and QA_MODEL is not; name the model, as in openai:llama-3.2.")
        return None
    provider, _, model = name.partition(":")
    if provider not in _PROVIDERS or not model.strip():
        raise UnknownSetting(
            f"QA_MODEL cannot be {name!r}; write PROVIDER:MODEL, the provider being one of {', '.join(_PROVIDERS)}."
        )
    if importlib.util.find_spec(_PROVIDERS[provider][0]) is None:
        raise MissingExtra(f'{name} needs another package; get it with `pip install "article-qa[{provider}]"`.')
    try:
        parts = urlsplit(url)
        sound = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        sound = False
    if not sound or "@" in url:  # which would show a password wherever the address is shown
        raise UnknownSetting("QA_MODEL_URL must be like http://127.0.0.1:8000/v1, with no name or password in it.")
    return Writer(name, url, seconds)


def offer(ranked: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the sentences that a model is shown: the best, with what stands around them, in reading order."""
    places = {(item.sentence.article_id, item.sentence.number): item for item in ranked}
    kept: dict[tuple[str, int], Evidence] = {}
    size = 0
    for item in ranked:
        article_id, number = item.sentence.article_id, item.sentence.number
        for place in ((article_id, number), (article_id, number - 1), (article_id, number + 1)):
            near = places.get(place)
            if near is None or place in kept or len(kept) == OFFERED or size + len(near.text) > OFFERED_CHARACTERS:
                continue
            kept[place] = near
            size += len(near.text)
    articles = list(dict.fromkeys(article_id for article_id, _ in kept))
    return tuple(kept[place] for place in sorted(kept, key=lambda place: (articles.index(place[0]), place[1])))


def numbered(offered: Sequence[Evidence], library: Library) -> str:
    """Return sentences with numbers from 1, those of an article under its title, source and date."""
    lines = []
    count = 0
    for article_id, group in groupby(offered, key=lambda item: item.sentence.article_id):
        article = library.article(article_id)
        known = [article.title, article.source, article.published] if article else []
        lines.append(f"Article: {on_one_line(', '.join(part for part in known if part))}")
        for item in group:
            count += 1
            lines.append(f"[{count}] {on_one_line(item.text)}")
    return "\n".join(lines)


def _whole(text: str, ended: str) -> None:
    """Refuse an answer that is not whole."""
    if ended == "tool":
        raise Failure("called a tool, and there is none", "name another model with QA_MODEL")
    if ended == "refusal":
        raise Failure("refused to answer", "ask in other words, or name another model with QA_MODEL")
    if not text.strip():
        raise Failure("gave no text", "ask again, or name another model with QA_MODEL", retryable=True)
    if not ended:
        raise Failure("broke off in the middle", "ask again", retryable=True)
    if ended in ("length", "max_tokens"):
        raise Failure("ran out of room in the middle", "ask for less, or name another model with QA_MODEL")


def _said_in(raw: Any) -> str:
    """Return the text of a chunk: its content, or what it gives to the tool that stands for the schema."""
    content = raw.content
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    schema = [
        part for part in getattr(raw, "tool_call_chunks", []) or [] if part.get("name") in (None, "Claims", "Questions")
    ]
    return str(content) or "".join(str(part.get("args") or "") for part in schema)


def _end_of(raw: Any) -> str:
    """Return why an answer ended, "" where it goes on."""
    about = raw.response_metadata or {}
    ended = str(about.get("finish_reason") or about.get("done_reason") or about.get("stop_reason") or "")
    calls = [part.get("name") for part in getattr(raw, "tool_call_chunks", []) or []]
    if any(name not in (None, "Claims", "Questions") for name in calls):
        return "tool"
    return "refusal" if (raw.additional_kwargs or {}).get("refusal") or ended == "content_filter" else ended


def _filled(template: str, code: str, material: str, question: str) -> str:
    """Put values into a template in one pass, so that none is read as part of it."""
    values = {"{code}": code, "{material}": material, "{question}": on_one_line(question)}
    return re.sub(r"\{(?:code|material|question)\}", lambda match: values[match[0]], template)


def _text(turn: Turn) -> str:
    return turn.answer.text if isinstance(turn.answer, Answer) else str(turn.answer or "")


def _has(variable: str) -> bool:
    import os

    return bool(os.environ.get(variable))


def _exhausted(said: Generator[str, None, str]) -> str:
    while True:
        try:
            next(said)
        except StopIteration as end:
            return str(end.value)
