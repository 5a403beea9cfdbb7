"""What a search found, read: which sentences answer, the few words asked for, and how likely it is that they do.

    model     a question and texts to raw scores: the shipped network, read with onnxruntime
    foreign   the same with any question-answering model of transformers, where one is named
    select    scores to sentences, a short answer and a probability
    train     how the shipped network was made

All weights are loaded at first use.
"""

from __future__ import annotations

from index.provider import Device
from index.rerank import reranker as reranker_
from qa.reader.foreign import GENERIC, named
from qa.reader.model import shipped
from qa.reader.select import Calibration, Reader


def reader(most: int, name: str = "", reranker: str = "", device: Device = "auto") -> Reader:
    """Return a reader; what is named is loaded when it first reads.

    Args:
        most: The most sentences of an answer.
        name: A question-answering model of transformers, a folder or a name on the hub; "" for the shipped reader.
        reranker: A cross-encoder that orders the passages before they are read, likewise; "" for none.
        device: Where the shipped reader runs.

    Raises:
        ReaderUnavailable: The shipped reader's weights are missing or damaged.
    """
    order = reranker_(reranker) if reranker else None
    if name:
        return Reader(named(name), GENERIC, most, reranker=order)
    model = shipped(device)
    return Reader(model, Calibration.of(model.manifest["calibration"]), most, reranker=order, measured=order is None)
