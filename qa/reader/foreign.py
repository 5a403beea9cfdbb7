"""Other readers: any extractive question-answering model of transformers, by the name of a hub or a folder.

Such a model scores where an answer starts and where it ends, and, at its first mark, that there is none (Devlin et al.
2019, for SQuAD 2.0). All that a `Reading` tells comes from these two.
"""

from __future__ import annotations

import inspect
import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ReaderUnavailable
from index.loaded import device, quiet
from qa.reader.model import QUESTION, WINDOW, Reading, Text, best_span
from qa.reader.select import COMPANY, SENTENCE, SIGNS, Calibration

GENERIC = Calibration(
    tuple(
        {"cosine": 1.6, "passage": 0.1, "coverage": 1.1, "kind": 0.2, "span": 1.0}.get(name, 0.0) for name in SENTENCE
    ),
    (*({"span": 1.0}.get(name, 0.0) for name in SIGNS), 0.0),
    (*({"evidence": 0.5, "below": -1.0, "next": 0.5, "open": 0.5}.get(name, 0.0) for name in COMPANY), -1.0),
)
"""How the readings of any model become scores and probabilities. Set by hand, not calibrated: a sentence is ranked by
its best span and a little by the search; the probability is the logistic function of the first sentence's span score,
so 0.5 where the span is as good as none. A model that was trained without unanswerable questions is always sure."""

_UNREAD = -40.0  # the score of a sentence without a word piece
_BATCH = 4096  # word pieces read at once, padding counted, which bounds memory


class TransformersModel:
    """A question-answering model of transformers, loaded at first use and then kept. Safe to use from several threads.

    Attributes:
        name: A folder, or a name on the Hugging Face hub.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._loading = threading.Lock()
        self._tokenizing = threading.Lock()  # a fast tokenizer's truncation state is not thread-safe

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        """Return a reading of each text, in their order; nothing of a text is cut off.

        A sentence's evidence is the score of its best span: start and end less that of there being none, in the same
        window. A text is as answerable as the best of its spans.

        Raises:
            ReaderUnavailable: The model cannot be loaded, or is no extractive question-answering model.
        """
        if not texts:
            return []
        passages = [_Passage(text) for text in texts]
        windows = self._windows(question, passages)
        windows.sort(key=lambda window: len(window.features["input_ids"]))
        for batch in _batches(windows):
            starts, ends = self._loaded.logits([window.features for window in batch])
            if not (np.isfinite(starts).all() and np.isfinite(ends).all()):
                raise ReaderUnavailable(
                    f"The reader {self.name!r} gives no numbers; unset QA_READER to use the shipped reader."
                )
            for row, window in enumerate(batch):
                passages[window.passage].add(window, starts[row], ends[row])
        return [passage.reading() for passage in passages]

    def _windows(self, question: str, passages: Sequence[_Passage]) -> list[_Window]:
        """Cut each passage into windows that overlap by half, each with the question before it."""
        tokenizer, most = self._loaded.tokenizer, self._loaded.window
        room = most - int(tokenizer.num_special_tokens_to_add(pair=True))
        with self._tokenizing:
            asked, length = _shortened(tokenizer, question, min(QUESTION, room // 2))
            found = tokenizer(
                [asked] * len(passages),
                [passage.text for passage in passages],
                truncation="only_second",
                max_length=most,
                stride=(room - length) // 2,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                padding=False,
                verbose=False,
            )
        offsets, owners = found.pop("offset_mapping"), found.pop("overflow_to_sample_mapping")
        windows = []
        for row, owner in enumerate(owners):
            second = [at for at, part in enumerate(found.sequence_ids(row)) if part == 1]
            ids = found["input_ids"][row]
            windows.append(
                _Window(
                    owner,
                    {name: found[name][row] for name in found if name in self._loaded.accepted},
                    ids.index(tokenizer.cls_token_id) if tokenizer.cls_token_id in ids else 0,
                    [place for at in second if (place := passages[owner].place(at, *offsets[row][at]))],
                )
            )
        return windows

    @cached_property
    def _loaded(self) -> _Loaded:
        with self._loading:
            if "_loaded" in self.__dict__:  # another thread loaded it meanwhile
                kept: _Loaded = self.__dict__["_loaded"]
                return kept
            try:
                with quiet():
                    import torch
                    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
            except ImportError as error:
                raise ReaderUnavailable(
                    f"The reader's libraries cannot be loaded ({error}); mend them with "
                    "`pip install --force-reinstall transformers torch`."
                ) from error
            try:
                with quiet():
                    given = {"local_files_only": Path(self.name).is_dir(), "trust_remote_code": False}
                    tokenizer = AutoTokenizer.from_pretrained(self.name, **given)
                    model, report = AutoModelForQuestionAnswering.from_pretrained(
                        self.name, output_loading_info=True, dtype=torch.float32, **given
                    )
                    if not (flaw := _flaw(tokenizer, report["missing_keys"])):
                        loaded = _Loaded(tokenizer, model.eval().to(device()))
                        loaded.logits([{"input_ids": [0, 0]}])
            except Exception as error:
                raise ReaderUnavailable(
                    f"The reader {self.name!r} cannot be loaded ({type(error).__name__}); check QA_READER (a name on "
                    "the hub needs the network the first time), or unset it to use the shipped reader."
                ) from error
            if flaw:
                raise ReaderUnavailable(
                    f"The reader {self.name!r} {flaw}; set QA_READER to an extractive question-answering model, such "
                    "as deepset/roberta-base-squad2, or unset it to use the shipped reader."
                )
            self.__dict__["_loaded"] = loaded
            return loaded


@lru_cache(maxsize=2)
def named(name: str) -> TransformersModel:
    """Return the process's one model of that name."""
    return TransformersModel(name)


def _flaw(tokenizer: Any, missing: set[str]) -> str:
    """Return why a model cannot read; the library would fill in what is missing and say nothing that is seen."""
    # Without its files a tokenizer is made that knows nothing; a pooler is not used for this.
    if lacking := sorted(name for name in missing if "pooler" not in name):
        return f"was not trained to answer questions (its weights lack {lacking[-1]})"
    if not tokenizer.is_fast:
        return "has no fast tokenizer, so its spans have no place in the text"
    if len(tokenizer) <= len(set(tokenizer.all_special_tokens)):
        return "has no vocabulary"
    return ""


class _Loaded:
    """A tokenizer and its model.

    Attributes:
        window: Word pieces that are read at once, question and marks counted.
        accepted: What the model takes of what the tokenizer gives.
    """

    def __init__(self, tokenizer: Any, model: Any) -> None:
        self.tokenizer = tokenizer
        self._model = model
        places = getattr(model.config, "max_position_embeddings", None) or 0
        places = places - 2 if places > 2 else WINDOW  # RoBERTa and its kin begin to count at 2
        self.window = min(WINDOW, int(tokenizer.model_max_length), places)
        self.accepted = set(inspect.signature(model.forward).parameters)

    def logits(self, rows: Sequence[dict[str, list[int]]]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the starts' and the ends' scores of rows of word pieces; both have shape (rows, longest row)."""
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        padding = {"input_ids": self.tokenizer.pad_token_id or 0}
        given = {
            name: torch.tensor(
                [[*row[name], *([padding.get(name, 0)] * (longest - len(row[name])))] for row in rows],
                device=self._model.device,
            )
            for name in rows[0]
        }
        with torch.inference_mode():
            found = self._model(**given)
        return found.start_logits.float().cpu().numpy(), found.end_logits.float().cpu().numpy()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a word piece stands: in the window, in which sentence, and from where to where there."""

    at: int
    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Window:
    passage: int
    features: dict[str, list[int]]
    none: int  # the mark whose score is that of there being no answer
    places: list[_Place]


class _Passage:
    """A text as it is read, with its title before it, and its scores over all windows."""

    def __init__(self, text: Text) -> None:
        self.text = f"{text.title}. " if text.title else ""
        self._starts: list[int] = []
        self._ends: list[int] = []
        for number, sentence in enumerate(text.sentences):
            self.text += f" {sentence}" if number else sentence
            self._starts.append(len(self.text) - len(sentence))
            self._ends.append(len(self.text))
        self._spans: list[tuple[float, int, int]] = [(-np.inf, 0, 0)] * len(text.sentences)

    def place(self, at: int, start: int, end: int) -> _Place | None:
        """Return where the word piece `text[start:end]` stands, None where in no sentence or for white space alone."""
        number = bisect_right(self._starts, end - 1) - 1
        if number < 0:
            return None
        begin = self._starts[number]
        start, end = max(start, begin), min(end, self._ends[number])
        piece = self.text[start:end]  # some tokenizers count the space before a word to it
        start, end = start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        return _Place(at, number, start - begin, end - begin) if start < end else None

    def add(self, window: _Window, starts: NDArray[Any], ends: NDArray[Any]) -> None:
        """Take in what was read in a window; a sentence that two windows share counts where it is read best."""
        none = float(starts[window.none] + ends[window.none])
        for number, group in groupby(window.places, key=lambda place: place.sentence):
            places = list(group)
            at = [place.at for place in places]
            score, first, last = best_span(starts[at], ends[at])
            if score - none > self._spans[number][0]:
                self._spans[number] = (score - none, places[first].start, places[last].end)

    def reading(self) -> Reading:
        """Return the scores of all windows together."""
        spans = tuple((score if score > -np.inf else _UNREAD, start, end) for score, start, end in self._spans)
        scores = tuple(score for score, _, _ in spans)
        return Reading(max(scores, default=_UNREAD), scores, spans)


def _shortened(tokenizer: Any, question: str, most: int) -> tuple[str, int]:
    """Return a question of at most so many word pieces, of a longer one its beginning and its end, and how many."""
    places = _places(tokenizer, question)
    cut, length, half = question, len(places), most // 2
    while length > most:
        cut = f"{question[: places[half - 1][1]]} {question[places[-half][0] :]}" if half > 0 else ""
        length = len(_places(tokenizer, cut))
        half -= max(1, (length - most + 1) // 2)  # where a word was cut it may have become more pieces
    return cut, length


def _places(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    places: list[tuple[int, int]] = found["offset_mapping"]
    return places


def _batches(windows: Sequence[_Window]) -> list[list[_Window]]:
    """Cut windows, shortest first, into batches of at most `_BATCH` word pieces."""
    batches: list[list[_Window]] = []
    for window in windows:
        if batches and (len(batches[-1]) + 1) * len(window.features["input_ids"]) <= _BATCH:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches
