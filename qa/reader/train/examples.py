"""One pass over the training set: each time with other windows, negatives and made-up questions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qa.reader.train.corpus import Corpus, most_given
from qa.reader.train.negatives import Run, denied, text_of

CLS, SEP, PAD = 101, 102, 0
LONGEST = 384  # word pieces of an example
BUDGETS = (80, 128, 128, 128, 160, 200, 260)  # word pieces of a window; 128 is the product's passage

SHARE = {"squadshifts_amazon_reviews": 0.6, "squadshifts_reddit": 0.6}
"""How much of a file a pass takes; of the others, all. Reviews and forum posts are the furthest from articles."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question, a passage in word pieces, and where its answer is.

    Attributes:
        ids: With the marks.
        second: Where the passage's part (title and text) begins.
        text: Where the text begins.
        sentence: For each word piece the number of its sentence from 1, 0 elsewhere.
        span: First and last word piece of the answer, (0, 0) for none.
        gold: Numbers of the sentences that are evidence, from 1.
    """

    ids: list[int]
    second: int
    text: int
    sentence: list[int]
    span: tuple[int, int]
    gold: frozenset[int]


def compose(
    corpus: Corpus, ids: Sequence[int], at: int, chosen: Sequence[int], answer: tuple[int, int] | None, titled: bool
) -> Example | None:
    """Put a question before some sentences of a paragraph; None if the answer does not fit.

    Args:
        ids: The question's word pieces.
        at: The paragraph.
        chosen: Its sentences, in order.
        answer: The answer as a span of the paragraph's text.
    """
    paragraph = corpus.paragraphs[at]
    row = [CLS, *ids, SEP]
    second = len(row)
    if titled and paragraph.title_ids:
        row += [*paragraph.title_ids, SEP]
    text = len(row)
    sentence = [0] * text
    inside: list[int] = []
    gold = set()
    for n, number in enumerate(chosen, 1):
        for place, (piece, (start, end)) in enumerate(
            zip(paragraph.ids[number], paragraph.offsets[number], strict=True), len(row)
        ):
            if answer and start < answer[1] and answer[0] < end:
                inside.append(place)
                gold.add(n)
            row.append(piece)
            sentence.append(n)
    if answer and (not inside or inside[-1] >= LONGEST - 1):
        return None
    row, sentence = row[: LONGEST - 1], sentence[: LONGEST - 1]
    span = (inside[0], inside[-1]) if inside else (0, 0)
    return Example([*row, SEP], second, text, [*sentence, 0], span, frozenset(gold))


def window(lengths: Sequence[int], gold: Sequence[int], budget: int, chance: random.Random) -> list[int]:
    """Return a run of sentence numbers around the gold ones, of at most `budget` word pieces if these allow it."""
    first, last = min(gold), max(gold)
    used = sum(lengths[first : last + 1])
    while True:
        sides = []
        if first > 0 and used + lengths[first - 1] <= budget:
            sides.append(-1)
        if last + 1 < len(lengths) and used + lengths[last + 1] <= budget:
            sides.append(1)
        if not sides:
            return list(range(first, last + 1))
        if chance.choice(sides) < 0:
            first -= 1
            used += lengths[first]
        else:
            last += 1
            used += lengths[last]


def examples(corpus: Corpus, mined: Sequence[Sequence[Run]], numbers: Sequence[int], seed: int) -> list[Example]:
    """Return the examples of one pass over the given questions, shuffled."""
    chance = random.Random(seed)
    made: list[Example | None] = []
    for number in numbers:
        question = corpus.questions[number]
        at = question.paragraph
        paragraph = corpus.paragraphs[at]
        lengths = [len(ids) for ids in paragraph.ids]
        titled = chance.random() < 0.6
        if not question.answers:  # written for a paragraph that does not answer it
            for _ in range(2):
                anchor = [chance.randrange(len(lengths))]
                chosen = window(lengths, anchor, chance.choice(BUDGETS[1:]), chance)
                made.append(compose(corpus, question.ids, at, chosen, None, titled))
            continue
        if chance.random() > SHARE.get(paragraph.source, 1.0):
            continue
        answer = most_given(question.answers) if chance.random() < 0.6 else chance.choice(question.answers)
        gold = [n for n, (a, b) in enumerate(paragraph.spans) if answer and a < answer[1] and answer[0] < b]
        if not gold:
            continue
        chosen = window(lengths, gold, chance.choice(BUDGETS), chance)
        made.append(compose(corpus, question.ids, at, chosen, answer, titled))
        near = paragraph.source not in SHARE
        texts = {paragraph.text[a:b].lower() for a, b in question.answers}
        if chance.random() < (0.16 if near else 0.10):  # the passage without the sentence that answers
            rest = [n for n in window(lengths, gold, chance.choice((128, 160)), chance) if n not in gold]
            left = " ".join(paragraph.text[slice(*paragraph.spans[n])] for n in rest).lower()
            if rest and not any(text in left for text in texts):
                made.append(compose(corpus, question.ids, at, rest, None, titled))
        for run in chance.sample(list(mined[number]), min(len(mined[number]), _whole(0.5 if near else 0.15, chance))):
            made.append(compose(corpus, question.ids, run[0], range(run[1], run[2]), None, titled))
        if chance.random() < (0.2 if near else 0.06) and mined[number]:
            near_text = text_of(corpus.paragraphs[mined[number][0][0]], *mined[number][0][1:])
            window_text = " ".join(paragraph.text[slice(*paragraph.spans[n])] for n in chosen)
            gold_text = " ".join(paragraph.text[slice(*paragraph.spans[n])] for n in gold)
            if other := denied(question.text, window_text, gold_text, near_text, chance):
                ids = corpus.encode(other)
                made.append(compose(corpus, ids, at, chosen, None, titled))
    kept = [example for example in made if example]
    chance.shuffle(kept)
    return kept


def _whole(expected: float, chance: random.Random) -> int:
    return int(expected) + (chance.random() < expected % 1)


def rivals(corpus: Corpus, mined: Sequence[Sequence[Run]], numbers: Sequence[int], seed: int) -> list[list[Example]]:
    """Return one pass in groups, shuffled: a question's passage and up to three others that were found for it.

    The others hold no annotator's answer. Questions that nothing answers, and made-up ones, come in groups of one.
    """
    chance = random.Random(seed)
    groups: list[list[Example | None]] = []
    for number in numbers:
        question = corpus.questions[number]
        at = question.paragraph
        paragraph = corpus.paragraphs[at]
        near = paragraph.source not in SHARE
        if not near and chance.random() > 0.35:
            continue
        lengths = [len(ids) for ids in paragraph.ids]
        titled = chance.random() < 0.8
        if not question.answers:
            chosen = window(lengths, [chance.randrange(len(lengths))], chance.choice(BUDGETS[1:]), chance)
            groups.append([compose(corpus, question.ids, at, chosen, None, titled)])
            continue
        answer = most_given(question.answers) if chance.random() < 0.6 else chance.choice(question.answers)
        gold = [n for n, (a, b) in enumerate(paragraph.spans) if answer and a < answer[1] and answer[0] < b]
        if not gold:
            continue
        chosen = window(lengths, gold, chance.choice((100, 128, 128, 160)), chance)
        group = [compose(corpus, question.ids, at, chosen, answer, titled)]
        if not group[0]:
            continue
        others = mined[number][:6]
        for run in chance.sample(list(others), min(3, len(others))):
            group.append(compose(corpus, question.ids, run[0], range(run[1], run[2]), None, titled))
        groups.append(group)
        if near and mined[number] and chance.random() < 0.25:
            near_text = text_of(corpus.paragraphs[mined[number][0][0]], *mined[number][0][1:])
            window_text = " ".join(paragraph.text[slice(*paragraph.spans[n])] for n in chosen)
            gold_text = " ".join(paragraph.text[slice(*paragraph.spans[n])] for n in gold)
            if other := denied(question.text, window_text, gold_text, near_text, chance):
                groups.append([compose(corpus, corpus.encode(other), at, chosen, None, titled)])
    kept = [full for group in groups if (full := [example for example in group if example])]
    chance.shuffle(kept)
    return kept


def batches(made: Sequence[Sequence[Example]], size: int, seed: int, pool: int = 40) -> Iterator[dict[str, Tensor]]:
    """Yield batches of whole groups of examples of like length, about `size` examples each."""
    chance = random.Random(seed)
    cuts: list[list[Sequence[Example]]] = []
    longest = [max(len(e.ids) for e in group) for group in made]
    order = list(range(len(made)))
    for begin in range(0, len(order), size * pool):
        part = sorted(order[begin : begin + size * pool], key=lambda n: longest[n])
        cut: list[list[Sequence[Example]]] = []
        while part:
            fitting = min(size, max(8, size * 160 // longest[part[-1]]))  # long ones in smaller batches
            taken = [made[part.pop()]]
            while part and sum(map(len, taken)) + len(made[part[-1]]) <= fitting:
                taken.append(made[part.pop()])
            cut.append(taken)
        chance.shuffle(cut)
        cuts += cut
    for taken in cuts:
        yield collate(taken)


def collate(groups: Sequence[Sequence[Example]]) -> dict[str, Tensor]:
    """Return a batch as `network.losses` takes it, with `ids`, `types` and `mask`, shape (batch, length)."""
    group = [example for members in groups for example in members]
    length = -(-max(len(e.ids) for e in group) // 16) * 16  # oneDNN is slow at odd lengths and at ever new ones
    shape = (len(group), length)
    ids, types = torch.full(shape, PAD), torch.zeros(shape, dtype=torch.long)
    mask, sentence = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    count = max(max(e.sentence) for e in group)
    gold = torch.full((len(group), max(count, 1)), -1)
    for row, e in enumerate(group):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        types[row, e.second : len(e.ids)] = 1
        mask[row, : len(e.ids)] = 1
        sentence[row, : len(e.ids)] = torch.tensor(e.sentence)
        gold[row, : max(e.sentence)] = 0
        for n in e.gold:
            gold[row, n - 1] = 1
    open_ = sentence > 0
    open_[:, 0] = True
    spans = torch.tensor([e.span for e in group])
    return {
        "ids": ids,
        "types": types,
        "mask": mask,
        "sentence": sentence,
        "open": open_,
        "gold": gold,
        "starts": spans[:, 0],
        "ends": spans[:, 1],
        "group": torch.tensor([n for n, members in enumerate(groups) for _ in members]),
    }
