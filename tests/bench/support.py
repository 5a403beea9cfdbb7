"""Measure the support check on the gold claims: the half that it may be mended by, and the half kept aside.

    python -m tests.bench.support

A changed claim that is refused is caught. Precision: of the refused claims, those that were changed. The floor of the
similarity is chosen on the first half.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np

from index.encoder import encoder
from qa.support import FLOOR, nearness, verdict

GOLD = Path(__file__).parents[1] / "gold" / "claims.jsonl"


def report(name: str, pairs: list[dict]) -> None:
    seen, refused = Counter(), Counter()
    for pair in pairs:
        kind = pair["changed"] or "holds"
        seen[kind] += 1
        refused[kind] += not verdict(pair["claim"], pair["sentences"], encoder()).holds
    caught = sum(refused.values()) - refused["holds"]
    changed = len(pairs) - seen["holds"]
    print(f"{name}: {len(pairs)} pairs")
    for kind in sorted(seen):
        print(f"  {kind:10} refused {refused[kind]} of {seen[kind]}")
    print(f"  precision {caught / (caught + refused['holds']):.3f}  recall {caught / changed:.3f}", flush=True)


def floor(pairs: list[dict]) -> None:
    held = [pair for pair in pairs if pair["holds"]]
    own = [nearness(pair["claim"], pair["sentences"], encoder()) for pair in held]
    others = [nearness(a["claim"], b["sentences"], encoder()) for a in held for b in held if a is not b]
    print(f"similarity of claims that hold: lowest {min(own):.2f}, median {np.median(own):.2f}")
    below = np.mean([value < FLOOR for value in others])
    print(f"below {FLOOR} beside the sentences of another source: {below:.3f} of {len(others)}")


if __name__ == "__main__":
    all_pairs = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]
    floor(all_pairs[::2])
    report("odd lines, looked at", all_pairs[::2])
    report("even lines, kept aside", all_pairs[1::2])
