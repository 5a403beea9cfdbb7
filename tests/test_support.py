"""Whether a claim stands in its sentences: gold pairs, and what must hold for any text."""

import json
from collections import Counter
from pathlib import Path

GOLD = Path(__file__).parent / "gold" / "claims.jsonl"
PAIRS = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]


def test_the_gold_pairs_are_balanced_and_their_halves_share_no_source():
    assert len(PAIRS) == 184
    assert Counter(pair["changed"] for pair in PAIRS) == {
        None: 92, "number": 20, "date": 20, "name": 20, "quantity": 12, "negation": 12, "relation": 8
    }  # fmt: skip
    assert all(pair["holds"] == (pair["changed"] is None) for pair in PAIRS)
    odd, even = PAIRS[::2], PAIRS[1::2]
    assert Counter(pair["changed"] for pair in odd) == Counter(pair["changed"] for pair in even)
    assert not {tuple(pair["sentences"]) for pair in odd} & {tuple(pair["sentences"]) for pair in even}
