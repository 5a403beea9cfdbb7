"""Measure the reader on sets that nothing was trained, fitted or chosen on.

    python -m tests.bench.reader DATA [--part cost,paragraph,library,selqa] [--sample N]

DATA is a folder with `dev/squad2_part_b.json` and `dev/selqa_dev.json`. `paragraph`: each question with the paragraph
it was asked about. `library`: the file's eight articles as a library; each question, and each answerable one again with
its article taken out. `selqa`: each question with the sentences of a section, beside cosine similarity. `cost`: memory
that the reader adds to a process (Linux), and calls of `qa.read` a minute; it comes first, and needs no data.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from index.split import sentences
from index.types import Article
from qa import Assistant, read
from qa.evaluate import taken_out
from qa.evaluate.scores import agreement, calibration
from qa.reader.model import Text, shipped
from tests.bench.squad import load


def say(name, *values):
    print(f"{name:58s}", *(f"{v:.3f}" if isinstance(v, float) else v for v in values), flush=True)


def cost() -> None:
    import onnxruntime  # noqa: F401
    import tokenizers  # noqa: F401

    sentence = "This sentence about the bridge of Hoy has some twelve words in it."
    before = resident()
    passages = [Text("The bridge of Hoy", (sentence,) * 8)] * 6
    for number in range(30):
        shipped().read(f"When was bridge {number} opened?", passages)
    usual = resident() - before
    shipped().read("When was it opened?", [Text("", (sentence,) * 1_600)])
    say("memory of the reader, MB: six passages, then 20,000 words", usual, resident() - before)
    texts = [f"The bridge of Hoy was opened on 4 March 1962. {sentence}", "The seeds of Svalbard lie in the ice."]
    read("Ready?", texts)
    started = time.perf_counter()
    for number in range(100):
        read(f"When was bridge {number} opened?", texts)
    say("calls of qa.read a minute", 6_000 / (time.perf_counter() - started))


def resident() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def paragraphs(path: Path, sample: int) -> None:
    items = [
        (entry["title"].replace("_", " "), paragraph["context"], qa)
        for entry in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in entry["paragraphs"]
        for qa in paragraph["qas"]
    ]
    random.Random(1).shuffle(items)
    scores, answerable, hits = [], [], []
    for title, context, qa in items[:sample]:
        spans = sentences(context)
        texts = tuple(context[a:b] for a, b in spans)
        [found] = shipped().read(qa["question"], [Text(title, texts)])
        best = max(range(len(texts)), key=lambda n: found.spans[n][0])
        score, start, end = found.spans[best]
        scores.append((found.answerable, score, max(found.evidence), found.answerable + 0.5 * score))
        answerable.append(not qa["is_impossible"])
        if answerable[-1]:
            hits.append(agreement([answer["text"] for answer in qa["answers"]], texts[best][start:end]))
    em, f1 = np.mean(hits, axis=0)
    say(f"gold paragraph, {len(hits)} answerable: EM, F1", float(em), float(f1))
    areas = [float(roc_auc_score(answerable, column)) for column in zip(*scores, strict=True)]
    say("  AUROC against adversarial: answerable, span, evidence, sum", *areas)


def library(path: Path, sample: int) -> None:
    articles, questions = load(path)
    random.Random(1).shuffle(questions)
    questions = questions[:sample]
    kinds, confidence, right, before, times = [], [], [], [], []

    def ask(assistant, question, sort):
        started = time.perf_counter()
        results = assistant._search(question.text)
        selection = assistant._reader.read(question.text, results)
        times.append(time.perf_counter() - started)
        place = [
            (e.sentence.article_id, e.sentence.start, e.sentence.end) in question.gold
            for e in (selection.ranked[0], results.evidence[0])
        ]
        kinds.append(sort)
        confidence.append(selection.confidence)
        right.append(place[0])
        before.append(place[1])

    with Assistant.of_texts(articles) as assistant:
        assistant.warm()
        for question in questions:
            ask(assistant, question, "answerable" if question.gold else "adversarial")
        store = assistant._library
        for article in articles:
            with taken_out(store, article.id):
                for question in questions:
                    if question.article == article.id and question.gold:
                        ask(assistant, question, "absent")
    table(np.array(kinds), np.array(confidence), np.array(right), np.array(before))
    say("  milliseconds p50, p95", *(float(v) for v in np.percentile(np.array(times) * 1000, [50, 95])))


def table(kinds, confidence, right, before) -> None:
    there, adversarial, absent = (kinds == k for k in ("answerable", "adversarial", "absent"))
    say(
        f"library, {there.sum()} answerable: top citation right, before reading",
        right[there].mean(),
        before[there].mean(),
    )
    for name, other in (("adversarial", adversarial), ("article taken out", absent)):
        at = np.quantile(confidence[there], 0.1)
        both = there | other
        say(
            f"  {name}: AUROC, abstained at 90 % answered",
            float(roc_auc_score(there[both], confidence[both])),
            float((confidence[other] < at).mean()),
        )
    asked = there | adversarial
    say("  expected calibration error", calibration(confidence[asked].tolist(), there[asked].tolist())[0])
    print("  caution  answered  right among them  adversarial abstained  absent abstained")
    for caution in np.arange(0, 1, 0.1):
        kept = there & (confidence >= caution)
        print(
            f"  {caution:7.1f} {kept.sum() / there.sum():9.3f} {right[kept].mean():17.3f}"
            f" {(confidence[adversarial] < caution).mean():22.3f} {(confidence[absent] < caution).mean():17.3f}"
        )


def selqa(path: Path, sample: int) -> None:
    items = json.loads(path.read_text(encoding="utf-8"))
    random.Random(1).shuffle(items)
    tops, cosines, chosen = [], [], []
    for item in items[:sample]:
        starts = np.cumsum([0, *(len(c) + 2 for c in item["candidates"])])
        article = Article("a", item["article"], "\n\n".join(item["candidates"]))
        with Assistant.of_texts([article]) as assistant:
            results = assistant._search(item["question"])
            selection = assistant._reader.read(item["question"], results)
            vectors, _ = assistant._encoder.passages(
                [item["question"], *item["candidates"]], [[]] * (1 + len(item["candidates"]))
            )
        gold = set(item["answers"])
        cited = [int(np.searchsorted(starts, e.sentence.start, "right")) - 1 for e in selection.sentences]
        tops.append(cited[0] in gold)
        cosines.append(int((vectors[1:] @ vectors[0]).argmax()) in gold)
        found = set(cited)
        precision, recall = len(found & gold) / len(found), len(found & gold) / len(gold)
        chosen.append((precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0))
    say(f"selqa, {len(tops)} questions: top sentence right, by cosine", float(np.mean(tops)), float(np.mean(cosines)))
    say("  sentence precision, recall, F1", *(float(v) for v in np.mean(chosen, axis=0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", default="cost,paragraph,library,selqa")
    parser.add_argument("--sample", type=int, default=10**9)
    given = parser.parse_args()
    parts = given.part.split(",")
    if "cost" in parts:
        cost()
    if "paragraph" in parts:
        paragraphs(given.data / "dev" / "squad2_part_b.json", given.sample)
    if "library" in parts:
        library(given.data / "dev" / "squad2_part_b.json", given.sample)
    if "selqa" in parts:
        selqa(given.data / "dev" / "selqa_dev.json", given.sample)


if __name__ == "__main__":
    main()
