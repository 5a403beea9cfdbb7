"""The reader as a PyTorch module: MiniLM with a score for every word piece and one for the whole."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """An encoder with four linear outputs.

    For every word piece: does the answer start here, does it end here, is it evidence; for the whole: is the answer
    here at all.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        size = encoder.config.hidden_size
        self.pieces = nn.Linear(size, 3)
        self.whole = nn.Linear(size, 1)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores of word pieces, shape (batch, length, 3), and of the whole, shape (batch,)."""
        hidden = self.encoder(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        return self.pieces(hidden), self.whole(hidden[:, 0])[:, 0]


def start(path: str, dropout: float) -> Network:
    """Return the network with the encoder's weights from a folder and fresh outputs."""
    from transformers import AutoModel

    encoder = AutoModel.from_pretrained(
        path,
        add_pooling_layer=False,
        attn_implementation="eager",  # with bf16 on two CPU cores `sdpa` took 1.6 times as long
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=0.0,
    )
    return Network(encoder)


def losses(pieces: Tensor, whole: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the parts of the loss.

    The first three look at each passage alone. `rivals` sets the passages of a question against each other: one softmax
    over all their places, and one over all their sentences (Clark and Gardner 2018, "shared normalization", of the
    scores that the product compares: a span's against its passage's score for none).

    Args:
        pieces: Shape (batch, length, 3).
        whole: Shape (batch,).
        batch: `starts` and `ends`, shape (batch,), 0 where there is no answer; `open`, shape (batch, length), true
            where an answer may stand; `sentence`, shape (batch, length), the number of the sentence from 1, 0
            elsewhere; `gold`, shape (batch, sentences), 1 for evidence, 0 for none, -1 for no sentence; `group`,
            shape (batch,), the number of the question.
    """
    pieces, whole = pieces.float(), whole.float()
    closed = ~batch["open"]
    begin = pieces[..., 0].masked_fill(closed, -1e4)
    end = pieces[..., 1].masked_fill(closed, -1e4)
    span = nn.functional.cross_entropy(begin, batch["starts"]) + nn.functional.cross_entropy(end, batch["ends"])
    evidence = sentence_scores(pieces[..., 2], batch["sentence"], batch["gold"].shape[1])
    known = batch["gold"] >= 0
    target = batch["gold"].clamp(min=0).float()
    each = nn.functional.binary_cross_entropy_with_logits(evidence, target, reduction="none")
    answerable = (batch["starts"] > 0).float()
    return {
        "span": span / 2,
        "evidence": (each * known).sum() / known.any(1).sum(),
        "whole": nn.functional.binary_cross_entropy_with_logits(whole, answerable),
        "rivals": rivals(begin, end, evidence, batch),
    }


def rivals(begin: Tensor, end: Tensor, evidence: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Return how unlikely the answer is among all passages of its question, 0 where no question has two.

    Args:
        begin: Shape (batch, length), masked.
        end: Likewise.
        evidence: Shape (batch, sentences).
    """
    group, there = batch["group"], batch["starts"] > 0
    several = torch.bincount(group)[group] > 1
    rows = there & several
    if not rows.any():
        return begin.sum() * 0.0
    own = group[rows]
    total = torch.zeros(())
    for scores, places in ((begin, batch["starts"]), (end, batch["ends"])):
        against = scores - scores[:, :1]
        all_ = among(torch.logsumexp(against[:, 1:], 1), group)[own]
        total = total + 0.5 * (all_ - against[rows].gather(1, places[rows, None])[:, 0]).mean()
    sentence = evidence.masked_fill(batch["gold"] < 0, -1e4)
    right = torch.logsumexp(sentence.masked_fill(batch["gold"] < 1, -1e4), 1)[rows]
    return total + (among(torch.logsumexp(sentence, 1), group)[own] - right).mean()


def among(values: Tensor, group: Tensor) -> Tensor:
    """Return the logarithm of each group's sum of exponentials, shape (groups,)."""
    member = group[None, :] == torch.arange(int(group.max()) + 1)[:, None]
    return torch.logsumexp(values[None, :].masked_fill(~member, -1e4), 1)


def sentence_scores(evidence: Tensor, sentence: Tensor, count: int) -> Tensor:
    """Return the mean score of each sentence's word pieces, shape (batch, count)."""
    total = torch.zeros(evidence.shape[0], count + 1).scatter_add_(1, sentence, evidence)
    sizes = torch.zeros(evidence.shape[0], count + 1).scatter_add_(1, sentence, torch.ones_like(evidence))
    return (total / sizes.clamp(min=1))[:, 1:]
