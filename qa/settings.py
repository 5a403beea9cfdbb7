"""Every setting, flat and documented; constructs nothing.

A value comes from the call or the command line, else from the environment variable `QA_` and the name
in capitals, else from the default here.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.encoder import PACKAGED
from index.errors import UnknownSetting
from index.provider import Device

_PREFIX = "QA_"
_SECRET = ("chroma_token", "chroma_url")  # no message repeats them


class Settings(BaseSettings):
    """All settings; immutable."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    articles: Path | None = Field(None, description="The folder of articles, when none is named.")
    library: Path | None = Field(None, description="Where the library is kept; default `.article-qa` in the articles.")
    encoder: str = Field(PACKAGED, description="A sentence-transformers model: the packaged one, a path or a hub name.")
    reader: str = Field(
        "", description="A question-answering model of transformers, a path or a hub name; else the shipped one."
    )
    reranker: str = Field(
        "", description="A cross-encoder that orders passages before they are read, likewise; else none."
    )
    device: Device = Field(
        "auto", description="Where encoder and reader run: `cpu`, `cuda`, or `auto` for a GPU if there is one."
    )
    caution: float = Field(
        0.3, ge=0, le=1, description="How sure to be before answering, as a probability: 0 always answers, 1 never."
    )
    max_citations: int = Field(
        3, ge=1, le=20, description="The most sentences of an answer, but for one more where articles differ."
    )
    closest: int = Field(3, ge=0, le=20, description="The sentences shown when abstaining.")
    model: str = Field(
        "", description="A language model to word the answer, as PROVIDER:MODEL, such as `ollama:llama3.2`; else none."
    )
    model_url: str = Field("", description="Where its server is; for `openai:`, any that speaks OpenAI's protocol.")
    model_timeout: float = Field(60, ge=1, le=120, description="The most seconds that a question waits for it.")
    chroma_url: str = Field(
        "", description="A Chroma server that is to hold the vectors, `http://HOST:PORT` or `https`; else files here."
    )
    chroma_token: SecretStr = Field(SecretStr(""), description="Sent to it as `Authorization: Bearer`.")
    keep: bool = Field(True, description="Whether the chat keeps conversations, in a file beside the library.")
    port: int = Field(7860, ge=1, le=65535, description="The chat's port; the next free one if it is taken.")
    host: str = Field("127.0.0.1", min_length=1, description="The address that the chat listens on.")
    allowed_hosts: str = Field(
        "", description="Names that the chat is reached by besides it, separated by commas: that of a proxy, say."
    )
    root_path: str = Field("", description="The path that a proxy puts before the chat, such as `/articles`.")
    logins: Path | None = Field(None, description="A file of `article-qa login`: who may use the chat; else anybody.")
    users: int = Field(8, ge=1, le=64, description="Questions of the chat that are answered at the same time.")


def load(**given: Any) -> Settings:
    """Return the settings, with the given ones (None counts as not given) before the environment.

    Raises:
        UnknownSetting: A `QA_` variable or a name that does not exist, or a value that does not fit.
    """
    names = set(Settings.model_fields)
    for variable in sorted(os.environ):
        name = variable.removeprefix(_PREFIX).lower()
        if variable.startswith(_PREFIX) and name not in names:
            raise _unknown(variable, [_PREFIX + known.upper() for known in names])
    for name in given:
        if name not in names:
            raise _unknown(name, list(names))
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        value = "what it is" if name in _SECRET else repr(first["input"])
        raise UnknownSetting(
            f"{_PREFIX}{name.upper()} cannot be {value} ({first['msg']}); change it or unset it."
        ) from error


def _unknown(name: str, known: list[str]) -> UnknownSetting:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(sorted(known))}."
    return UnknownSetting(f"There is no setting {name}; {hint}")
