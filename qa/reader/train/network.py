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
        attn_implementation="eager",  # with bf16 on a CPU half as slow again as `sdpa` is
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=0.0,
    )
    return Network(encoder)


def losses(pieces: Tensor, whole: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the four parts of the loss.

    Args:
        pieces: Shape (batch, length, 3).
        whole: Shape (batch,).
        batch: `starts` and `ends`, shape (batch,), 0 where there is no answer; `open`, shape (batch, length), true
            where an answer may stand; `sentence`, shape (batch, length), the number of the sentence from 1, 0
            elsewhere; `gold`, shape (batch, sentences), 1 for evidence, 0 for none, -1 for no sentence.
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
    }


def sentence_scores(evidence: Tensor, sentence: Tensor, count: int) -> Tensor:
    """Return the mean score of each sentence's word pieces, shape (batch, count)."""
    total = torch.zeros(evidence.shape[0], count + 1).scatter_add_(1, sentence, evidence)
    sizes = torch.zeros(evidence.shape[0], count + 1).scatter_add_(1, sentence, torch.ones_like(evidence))
    return (total / sizes.clamp(min=1))[:, 1:]
