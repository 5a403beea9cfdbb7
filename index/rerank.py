"""Found passages in a better order: a cross-encoder reads each one together with the question. Only where asked for.

None is shipped; one that ranks well and fast is cross-encoder/ms-marco-MiniLM-L6-v2 (Reimers and Gurevych 2019,
trained on MS MARCO).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import ReaderUnavailable
from index.loaded import device, quiet
from index.types import Hit

_BATCH = 32  # passages


class Reranker:
    """A sentence-transformers cross-encoder, loaded at first use and then kept.

    Safe to use from several threads, which it serves in turn.

    Attributes:
        name: A folder, or a name on the Hugging Face hub.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._loading = threading.Lock()
        self._using = threading.Lock()  # a fast tokenizer's padding state is not thread-safe

    def hits(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the passages, the likeliest to answer first; equal ones stay in their order, and none is changed.

        Raises:
            ReaderUnavailable: The model cannot be loaded, or is no cross-encoder that ranks.
        """
        scores = self.scores(question, [" ".join((f"{hit.title}.", *hit.texts)) for hit in hits])
        return [hits[n] for n in sorted(range(len(hits)), key=lambda n: -scores[n])]

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers: the model's raw scores, of any range, higher is better.

        Of a question and a text that are longer than the model's window together, the longer one loses its end.

        Raises:
            ReaderUnavailable: The model cannot be loaded, or is no cross-encoder that ranks.
        """
        if not texts:
            return []
        model = self._model
        with self._using:
            found = _predict(model, question, texts)
        if not np.isfinite(found).all():
            raise ReaderUnavailable(
                f"The reranker {self.name!r} gives no numbers; unset QA_RERANKER to do without one."
            )
        return [float(score) for score in found]

    @cached_property
    def _model(self) -> Any:
        with self._loading:
            if "_model" in self.__dict__:  # another thread loaded it meanwhile
                return self.__dict__["_model"]
            try:
                with quiet():
                    from sentence_transformers import CrossEncoder
            except ImportError as error:
                raise ReaderUnavailable(
                    f"The reranker's libraries cannot be loaded ({error}); mend them with "
                    "`pip install --force-reinstall sentence-transformers torch`."
                ) from error
            try:
                with quiet():
                    local = Path(self.name).is_dir()
                    model = CrossEncoder(self.name, local_files_only=local, device=device(), trust_remote_code=False)
                    if not (flaw := _flaw(model)):
                        _predict(model, "ready?", ["Ready."])
            except Exception as error:
                raise ReaderUnavailable(
                    f"The reranker {self.name!r} cannot be loaded ({type(error).__name__}); check QA_RERANKER (a name "
                    "on the hub needs the network the first time), or unset it to do without one."
                ) from error
            if flaw:
                raise ReaderUnavailable(
                    f"The reranker {self.name!r} {flaw}; set QA_RERANKER to a cross-encoder that ranks, such as "
                    "cross-encoder/ms-marco-MiniLM-L6-v2, or unset it to do without one."
                )
            self.__dict__["_model"] = model
            return model


def _predict(model: Any, question: str, texts: Sequence[str]) -> Any:
    from torch import nn

    pairs = [(question, text) for text in texts]
    # Without a sigmoid, which makes all good passages equal.
    return model.predict(pairs, batch_size=_BATCH, show_progress_bar=False, activation_fn=nn.Identity())


def _flaw(model: Any) -> str:
    """Return why a model cannot rank; the libraries would fill in what is missing and say nothing that is seen."""
    if model.num_labels != 1:
        return f"tells {model.num_labels} labels apart and gives no one score"
    if len(model.tokenizer) <= len(set(model.tokenizer.all_special_tokens)):
        return "has no vocabulary"
    first = model[0]
    named = getattr(first.config, "architectures", None) or []
    if first.transformer_task == "sequence-classification" and not any("SequenceClassification" in n for n in named):
        return "is no cross-encoder, for its weights have no layer that scores"
    return ""


@lru_cache(maxsize=2)
def reranker(name: str) -> Reranker:
    """Return the process's one reranker of that name."""
    return Reranker(name)
