"""The shipped reader: a question and passages to scores of their sentences and spans, with onnxruntime alone.

The network is MiniLM with six layers, trained by `qa.reader.train` and quantised to int8; `weights/CARD.md` says on
what and how well. What it gives are raw scores; `qa.reader.select` makes answers and probabilities of them.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import ReaderUnavailable
from index.provider import Device, providers, runs_on
from index.runtime import session, spread

WEIGHTS = Path(__file__).parent / "weights"
"""Where the shipped reader lies: `reader.onnx`, `tokenizer.json`, and `manifest.json` with their SHA-256."""

WINDOW = 384
"""Word pieces that are read at once; more are read in windows that overlap by half."""

QUESTION = 64
"""Word pieces of a question that are read, as many as in training: of a longer one its beginning and its end."""

TITLE = 24
"""Word pieces of a title that are read."""

SPAN = 30
"""Word pieces of a short answer at most."""

_CLS, _SEP = 101, 102


@dataclass(frozen=True, slots=True)
class Text:
    """What is read: a run of sentences, and the title of the article they stand in."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in one text; scores are log odds, higher is better.

    Attributes:
        answerable: Of the answer being in this text at all.
        evidence: For each sentence, of it being what answers.
        spans: For each sentence its best short answer: score against there being none, start and end in the
            sentence, half open.
    """

    answerable: float
    evidence: tuple[float, ...]
    spans: tuple[tuple[float, int, int], ...]


class Model(Protocol):
    """Reads texts with a question in mind."""

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        """Return a reading of each text, in their order."""
        ...


class OnnxModel:
    """The reader in a folder, loaded at first use and then kept. Safe to use from several threads."""

    def __init__(self, folder: Path = WEIGHTS, device: Device = "auto") -> None:
        self.folder = folder
        self._device: Device = device
        self._loading = threading.Lock()

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        """Return a reading of each text, in their order; nothing of a text is cut off.

        Raises:
            ReaderUnavailable: The weights are missing or damaged.
            UnknownSetting: It is to run on a GPU that cannot be had.
        """
        if not texts:
            return []
        asked = _ends(self._pieces([question])[0][0], QUESTION)
        gathered = [_Gathered(text) for text in texts]
        windows = [w for number, text in enumerate(texts) for w in self._windows(number, asked, text)]
        for window, (pieces, whole) in zip(windows, spread(self._run, windows), strict=True):
            gathered[window.text].add(window, pieces, whole)
        return [item.reading() for item in gathered]

    def _run(self, window: _Window) -> tuple[NDArray[Any], float]:
        ids = np.asarray([window.ids], np.int64)
        types = np.zeros_like(ids)
        types[0, window.second :] = 1
        pieces, whole = self._session.run(None, {"ids": ids, "types": types, "mask": np.ones_like(ids)})
        return pieces[0], float(whole[0])

    def _windows(self, number: int, asked: list[int], text: Text) -> list[_Window]:
        title = self._pieces([text.title])[0][0][:TITLE] if text.title else []
        head = [_CLS, *asked, _SEP, *([*title, _SEP] if title else [])]
        room = max(64, WINDOW - len(head) - 1)
        flat: list[tuple[int, int, tuple[int, int]]] = []  # word piece, sentence, place in the sentence
        for n, (ids, offsets) in enumerate(self._pieces(text.sentences)):
            flat += [(piece, n, place) for piece, place in zip(ids, offsets, strict=True)]
        windows = []
        for at in range(0, max(1, len(flat)), room // 2):
            part = flat[at : at + room]
            ids = [*head, *(piece for piece, _, _ in part), _SEP]
            windows.append(_Window(number, ids, len(asked) + 2, len(head), [(n, place) for _, n, place in part]))
            if at + room >= len(flat):
                break
        return windows

    def _pieces(self, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [(item.ids, item.offsets) for item in found]

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the folder says of itself: `files` with their SHA-256, and `trained` on which settings."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
            for name, expected in found["files"].items():
                if hashlib.sha256((self.folder / name).read_bytes()).hexdigest() != expected:
                    raise self._unavailable(f"{self.folder / name} is not the recorded file")
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise self._unavailable(f"{self.folder} cannot be read ({error})") from error
        return found

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json")) if self.manifest else None
        assert tokenizer is not None
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @property
    def device(self) -> str:
        """Where it runs, `cpu` or `cuda`."""
        return runs_on(self._session)

    @cached_property
    def _session(self) -> Any:
        with self._loading:
            if "_session" in self.__dict__:  # another thread loaded it meanwhile
                return self.__dict__["_session"]
            file = self.folder / "reader.onnx"
            _ = self.manifest
            wanted = providers(self._device)
            try:
                loaded = session(file, wanted)
            except Exception as error:
                raise self._unavailable(f"{file} cannot be loaded ({type(error).__name__})") from error
            runs_on(loaded, self._device)
            self.__dict__["_session"] = loaded
            return loaded

    def _unavailable(self, found: str) -> ReaderUnavailable:
        return ReaderUnavailable(
            f"The reader's weights cannot be used: {found}; restore them with "
            "`pip install --force-reinstall --no-deps article-qa`."
        )


@dataclass(frozen=True, slots=True)
class _Window:
    text: int
    ids: list[int]
    second: int  # where title and text begin
    first: int  # where the text begins
    places: list[tuple[int, tuple[int, int]]]  # of its word pieces: sentence, and start and end there


class _Gathered:
    """The scores of one text over its windows."""

    def __init__(self, text: Text) -> None:
        count = len(text.sentences)
        self._answerable = -np.inf
        self._evidence = np.full(count, -20.0)
        self._spans: list[tuple[float, int, int]] = [(-40.0, 0, 0)] * count

    def add(self, window: _Window, pieces: NDArray[Any], whole: float) -> None:
        self._answerable = max(self._answerable, whole)
        none = float(pieces[0, 0] + pieces[0, 1])
        begin = 0
        while begin < len(window.places):
            sentence = window.places[begin][0]
            end = begin
            while end < len(window.places) and window.places[end][0] == sentence:
                end += 1
            part = pieces[window.first + begin : window.first + end]
            # A sentence that two windows share counts where it is read best.
            self._evidence[sentence] = max(self._evidence[sentence], float(part[:, 2].mean()))
            score, first, last = best_span(part[:, 0], part[:, 1])
            if score - none > self._spans[sentence][0]:
                places = window.places[begin:end]
                self._spans[sentence] = (score - none, places[first][1][0], places[last][1][1])
            begin = end

    def reading(self) -> Reading:
        return Reading(float(self._answerable), tuple(map(float, self._evidence)), tuple(self._spans))


def best_span(starts: NDArray[Any], ends: NDArray[Any]) -> tuple[float, int, int]:
    """Return the score and the first and last place of the best span of at most `SPAN` places.

    >>> best_span(np.array([0.0, 2.0, 0.0]), np.array([3.0, 0.0, 1.0]))
    (3.0, 0, 0)
    """
    both = starts[:, None] + ends[None, :]
    length = np.arange(len(ends))[None, :] - np.arange(len(starts))[:, None]
    both = np.where((length >= 0) & (length < SPAN), both, -np.inf)
    first, last = divmod(int(both.argmax()), both.shape[1])
    return float(both[first, last]), first, last


def _ends(ids: list[int], most: int) -> list[int]:
    return ids if len(ids) <= most else [*ids[: most // 2], *ids[-most // 2 :]]


@lru_cache(maxsize=2)
def shipped(device: Device = "auto") -> OnnxModel:
    """Return the process's one shipped reader on that device."""
    return OnnxModel(WEIGHTS, device)
