"""What went wrong with a language model's server, in one sentence that holds nothing the server said.

The providers' clients have trees of exceptions of their own; they agree on a `status_code`, on the names of what is
late or cannot be reached, and on where the response stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.writer import Writer

_PATIENCE = 20.0  # seconds that a server may ask to be left alone


class Failure(Exception):
    """One call failed.

    Attributes:
        found: What happened, as `The language model X ...` goes on.
        mend: What to do next.
        retryable: Whether the same call may succeed.
        after: Seconds to wait before, None where the server says nothing.
        refused: Whether the server did not take the request as it was.
    """

    def __init__(
        self, found: str, mend: str, *, retryable: bool = False, after: float | None = None, refused: bool = False
    ) -> None:
        super().__init__(found)
        self.refused = refused
        self.found = found
        self.mend = mend
        self.retryable = retryable
        self.after = after

    @classmethod
    def late(cls, seconds: float) -> Failure:
        """Return that of an answer that did not come in time."""
        return cls(f"did not answer within {seconds:g} seconds", "ask again, or give it more with QA_MODEL_TIMEOUT")


def failure(error: BaseException, writer: Writer) -> Failure:
    """Return what an exception of a provider's client means."""
    if isinstance(error, Failure):
        return error
    chain = list(_chain(error))
    for one in chain:
        status = getattr(one, "status_code", None)
        if isinstance(status, int) and status > 0 and not 200 <= status < 300:
            return _by_status(status, one, writer)
    names = " ".join(kind.__name__ for one in chain for kind in type(one).__mro__)
    if "Timeout" in names:
        return Failure.late(writer.seconds)
    if "LengthFinishReason" in names:
        return Failure("ran out of room in the middle", "ask for less, or name another model with QA_MODEL")
    if "ContentFilter" in names or "Refusal" in names:
        return Failure("refused to answer", "ask in other words, or name another model with QA_MODEL")
    if "ProtocolError" in names or "ReadError" in names or "IncompleteRead" in names:
        return Failure("broke off in the middle", "ask again", retryable=True)
    if "Connect" in names:
        return Failure("cannot be reached", "start its server, or check QA_MODEL_URL", retryable=True)
    if any("api_key" in str(one) or "API_KEY" in str(one) for one in chain) and writer.key:
        return Failure("has no key", f"set {writer.key}")
    return Failure("sent what is no answer", "check QA_MODEL and QA_MODEL_URL")


def _by_status(status: int, error: BaseException, writer: Writer) -> Failure:
    if status in (401, 403):
        return Failure(f"refused the key ({status})", f"check {writer.key or 'how its server is protected'}")
    if status == 402:
        return Failure("asks for payment (402)", "check the account's credit")
    if status == 404:
        pull = ", or get it with `ollama pull`" if writer.name.startswith("ollama:") else ""
        return Failure("is not known there (404)", f"check QA_MODEL and QA_MODEL_URL{pull}")
    if status == 429:
        after = _after(error)
        if after is not None and after > _PATIENCE:
            return Failure(f"asks to be left alone for {after:.0f} seconds (429)", "ask again then")
        return Failure("is asked too much at once (429)", "ask again in a minute", retryable=True, after=after)
    if status >= 500 or status == 408:
        return Failure(f"failed ({status})", "ask again later", retryable=True)
    return Failure(f"did not take the request ({status})", "check QA_MODEL and QA_MODEL_URL", refused=True)


def _after(error: Any) -> float | None:
    """Return the seconds of a `Retry-After`, None where there is none that is a number."""
    try:
        seconds = float(error.response.headers["retry-after"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return seconds if 0 <= seconds < 1e9 else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
