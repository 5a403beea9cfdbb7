"""Tiny models of transformers, made on the spot: real files, fixed random weights, a vocabulary of letters."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from index.loaded import quiet

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECES = (
    *SPECIAL,
    *string.punctuation,
    *"السلام",
    *string.ascii_lowercase,
    *(f"##{c}" for c in string.ascii_lowercase),
)


def bert(folder: Path, kind: str, *, positions: int = 512, words: tuple[str, ...] = (), **config: Any) -> str:
    """Save a BERT with two layers of 32 and its WordPiece tokenizer; return the folder's name.

    Args:
        kind: Its class in transformers.
        words: Words that are one piece; of others every letter is one.
    """
    import torch
    import transformers

    torch.manual_seed(0)
    pieces = list(dict.fromkeys((*PIECES, *words)))
    shape = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        initializer_range=0.5,
        **config,
    )
    with quiet():
        getattr(transformers, kind)(shape).save_pretrained(folder)
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        transformers.BertTokenizer(vocab=vocabulary, model_max_length=positions).save_pretrained(folder)
    return str(folder)
