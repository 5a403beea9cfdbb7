"""Follow-up questions: the bare question, ours and a human's rewrite, on a CANARD file rebuilt as a library.

    python -m tests.bench.followup FILE [--read N] [--fit]

FILE is in CANARD's format, as `tests.bench.canard` reads it. Recall@1 and @5 say how often a sentence of the answer
is among the first that are found. A topic change is the first question of a dialogue asked after all of another one
(the ones 1, 7 and 31 places before it). With `--read`, N follow-ups are read instead, with the question worded in
several ways. With `--fit`, the weights of `qa.followup.SIGNS` are fitted, and checked on dialogues left out: do that on
no file that is reported on.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from index.search import Results, Search
from index.types import Article
from qa import Assistant
from qa import followup as rules
from qa.evaluate.scores import normal
from qa.followup import Standalone, discussion, find, stand_alone, without
from qa.reader.select import Selection
from qa.types import Turn
from tests.bench.canard import Asked, load

SHIFTS = (1, 7, 31)


class Remembering:
    """An encoder that has encoded many questions at once and remembers the others."""

    def __init__(self, encoder, questions: Sequence[str]) -> None:
        self._encoder = encoder
        self.fingerprint = encoder.fingerprint
        distinct = list(dict.fromkeys(questions))
        self._known = dict(zip(distinct, encoder.passages(distinct, [[]] * len(distinct))[0], strict=True))

    def query(self, question: str):
        if question not in self._known:
            self._known[question] = self._encoder.query(question)
        return self._known[question]


class Once:
    """A search that remembers what it found."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._found: dict[tuple[str, str], Results] = {}

    def __call__(self, question: str, about: str = "") -> Results:
        if (question, about) not in self._found:
            self._found[question, about] = self._search(question, about)
        return self._found[question, about]


def rank(ranked, asked: Asked) -> int:
    places = ((e.sentence.article_id, e.sentence.start, e.sentence.end) for e in ranked)
    return next((n for n, place in enumerate(places) if place in asked.gold), 999)


def row(name: str, ranks: Sequence[int]) -> np.ndarray:
    values = np.array([np.mean(np.array(ranks) < 1), np.mean(np.array(ranks) < 5)])
    print(f"{name:52s} {len(ranks):5d} {values[0]:6.3f} {values[1]:6.3f}", flush=True)
    return values


def recall(name: str, search: Callable[[Asked], Results], asked: Sequence[Asked]) -> np.ndarray:
    return row(name, [rank(search(q).evidence, q) for q in asked])


def after_another(dialogues: list[list[Asked]], shifts=SHIFTS) -> list[tuple[Asked, tuple[Turn, ...]]]:
    """Return each first question with the turns of another dialogue."""
    pairs = [(own[0], dialogues[n - shift][-1].history) for n, own in enumerate(dialogues) for shift in shifts]
    return [(asked, turns) for asked, turns in pairs if any(turn.answer.citations for turn in turns)]


def measure(titles: dict[str, str], dialogues: list[list[Asked]], search: Once) -> None:
    follow = [q for own in dialogues for q in own if q.history and q.gold]
    print(f"{'recall of sentences':52s} {'':5s} {'@1':>6s} {'@5':>6s}")
    recall("follow-ups, bare", lambda q: search(q.text), follow)
    recall("follow-ups, human rewrite", lambda q: search(q.rewrite), follow)
    recall("follow-ups, title always in front", lambda q: search(q.text, titles[q.dialogue]), follow)
    read = {id(q): stand_alone(q.text, q.history, search) for q in follow}
    recall("follow-ups, ours", lambda q: find(read[id(q)], search), follow)
    recall("  a human's rewrite, treated alike", lambda q: without(search(q.rewrite), read[id(q)]), follow)
    recall("  nothing put in", lambda q: find(plain(q, read[id(q)]), search), follow)
    recall("  what was given stays", lambda q: find(replace(read[id(q)], just_given=(), given=()), search), follow)
    recall("  without what was just given", lambda q: find(replace(read[id(q)], given=()), search), follow)
    recall("  as a question in words", lambda q: search(str(read[id(q)])), follow)
    new = [q for q in follow if not q.repeated]
    recall("follow-ups with a new answer, ours", lambda q: find(read[id(q)], search), new)
    recall("follow-ups with a new answer, human rewrite", lambda q: search(q.rewrite), new)
    leaning = [bool(stand_alone(q.text, q.history, search).title) for own in dialogues for q in own[1:]]
    carried = [read[id(q)].question != q.text for q in follow]
    print(f"read as leaning {np.mean(leaning):.3f}, something put in {np.mean(carried):.3f}\n")

    pairs = after_another(dialogues)
    known = [(q, turns) for q, turns in pairs if q.gold]
    for name, text in (("first questions", lambda q: q.text), ("rewritten first questions", lambda q: q.rewrite)):
        alone = row(f"{name}, no history", [rank(search(text(q)).evidence, q) for q, _ in known])
        told = [rank(find(stand_alone(text(q), turns, search), search).evidence, q) for q, turns in known]
        loss = alone - row(f"{name}, after another dialogue", told)
        changed = np.mean([bool(stand_alone(text(q), turns, search).title) for q, turns in pairs])
        print(f"  lost {loss[0]:.3f} @1, {loss[1]:.3f} @5; changed {changed:.3f}")
    same = [(q, turns) for q, turns in pairs if normal(q.text) == normal(q.rewrite)]
    changed = [q.text for q, turns in same if stand_alone(q.text, turns, search).title]
    print(f"self-contained first questions (the human left them as they were) changed: {len(changed)} of {len(same)}")


def plain(asked: Asked, read: Standalone) -> Standalone:
    return replace(read, question=asked.text)


def reading(assistant: Assistant, dialogues: list[list[Asked]], search: Once, sample: int) -> None:
    """Compare what the reader may be asked: the bare question, with the title in front, with what is put in."""
    follow = [q for own in dialogues for q in own if q.history and q.gold]
    random.Random(1).shuffle(follow)
    rows: dict[str, list[tuple[int, Selection]]] = {}
    for q in follow[:sample]:
        read = stand_alone(q.text, q.history, search)
        found = find(read, search)
        fresh = find(replace(read, given=()), search)
        for name, text, results in (
            ("the bare question", q.text, found),
            ("with the title in front", str(plain(q, read)), found),
            ("with what is put in (ours)", read.question, found),
            ("both", str(read), found),
            ("ours, sentences given earlier as good as any", read.question, fresh),
            ("a human's rewrite", q.rewrite, found),
        ):
            selection = assistant._reader.read(text, results)
            rows.setdefault(name, []).append((rank(selection.ranked, q), selection))
    print(f"\n{'read: top sentences':52s} {'':5s} {'@1':>6s} {'@5':>6s}")
    for name, found in rows.items():
        row(name, [place for place, _ in found])
        print(f"  mean confidence {np.mean([selection.confidence for _, selection in found]):.3f}")


def fit(articles: list[Article], dialogues: list[list[Asked]], remembering: Remembering) -> None:
    """Fit a logistic regression, both classes of the same weight: follow-ups lean, questions after another do not.

    The dialogues are libraries of 8, of 30 and of all articles, so that it does not rest on how large a library is;
    in the smaller ones the others' questions, which nothing there answers, do not lean either.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    values, leans, groups = [], [], []
    chance = random.Random(1)
    for size in (8, 30, len(dialogues)):
        for at in range(0, len(dialogues), size):
            own = dialogues[at : at + size]
            if len(own) < 2:
                continue
            with Assistant.of_texts(articles[at : at + size]) as assistant:
                search = Search(assistant._library, remembering, assistant._vectors)
                for number, lean, text, turns in _cases(dialogues, range(at, at + len(own)), chance):
                    talk = discussion(turns, search)
                    if talk and not rules.is_fragment(text):
                        values.append(rules.signs(text, talk, search(text)))
                        leans.append(lean)
                        groups.append(number)
        print(f"{len(leans):,} questions, with libraries of {size}", flush=True)
    table, lean = np.array(values), np.array(leans)
    spread = table.std(axis=0) + 1e-9

    def fitted(rows):
        return LogisticRegression(class_weight="balanced", max_iter=2000).fit(table[rows] / spread, lean[rows])

    kept = np.zeros(len(lean))
    for rows, out in GroupKFold(5).split(table, lean, groups):
        kept[out] = fitted(rows).predict_proba(table[out] / spread)[:, 1]
    for least in (0.3, rules.LEANS, 0.5, rules.SURE):
        print(f"from {least}: leaning {np.mean(kept[lean] >= least):.3f}, others {np.mean(kept[~lean] >= least):.3f}")
    model = fitted(np.arange(len(lean)))
    print("weights", dict(zip(rules.SIGNS, np.round(model.coef_[0] / spread, 2).tolist(), strict=True)))
    print("bias", round(float(model.intercept_[0]), 2))


def _cases(dialogues, inside: range, chance):
    """Yield (dialogue, whether it leans, question, turns) of a library that holds some of the dialogues."""
    for number in inside:
        own, other = dialogues[number], dialogues[chance.choice([n for n in inside if n != number])]
        for q in chance.sample(own[1:], min(4, len(own) - 1)):
            yield number, True, q.text, q.history
        for text in (own[0].text, own[0].rewrite, chance.choice(own[1:]).rewrite):
            yield number, False, text, other[-1].history
        if len(inside) < len(dialogues):
            absent = chance.choice([n for n in range(len(dialogues)) if n not in inside])
            for text in (dialogues[absent][0].rewrite, chance.choice(dialogues[absent][1:]).rewrite):
                yield absent, False, text, own[-1].history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--read", type=int, default=0)
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    articles, dialogues = load(given.file)
    titles = {article.id: article.title for article in articles}
    asked = [q for own in dialogues for q in own]
    texts = [text for q in asked for text in (q.text, q.rewrite, f"{titles[q.dialogue]}: {q.text}")]
    texts += [
        f"{turns[0].answer.citations[0].title}: {q.text}"
        for q, turns in after_another(dialogues)
        if turns[0].answer.citations
    ]
    with Assistant.of_texts(articles) as assistant:
        remembering = Remembering(assistant._encoder, texts)
        search = Once(Search(assistant._library, remembering, assistant._vectors))
        print("{:,} articles, {:,} sentences, {:,} passages".format(*assistant.counts()), f"{len(asked):,} questions")
        if given.fit:
            fit(articles, dialogues, remembering)
        elif given.read:
            reading(assistant, dialogues, search, given.read)
        else:
            measure(titles, dialogues, search)


if __name__ == "__main__":
    main()
