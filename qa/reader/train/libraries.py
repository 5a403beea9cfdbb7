"""Held-out questions asked of real libraries: what a search finds while their article is there, and once it is gone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from index.encoder import Encoder, Vector
from index.search import Results, Search
from index.types import Article, Evidence
from qa.assistant import Assistant
from qa.evaluate import taken_out
from qa.reader.train.corpus import Corpus

SOURCES = ("squad2_part_a", "squadshifts_new_wiki", "qed")
"""The files that become libraries, each one of its own."""

SEVERAL = "covid_qa"
"""The file whose answers are often of several sentences. Nothing of it is held out, so it only teaches which sentences
belong together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what a search found for it.

    Attributes:
        kind: `answerable`; `adversarial`, written not to be; `absent`, its article was taken out; `several`, of
            the file that was trained on.
        gold: Article id, start and end of the sentences in which an annotator's answer stands.
    """

    source: str
    text: str
    kind: str
    gold: frozenset[tuple[str, int, int]]
    results: Results

    def right(self, evidence: Evidence) -> bool:
        """Whether a sentence is one of the gold ones."""
        return (evidence.sentence.article_id, evidence.sentence.start, evidence.sentence.end) in self.gold


class Remembering:
    """An encoder that has encoded all questions in batches beforehand."""

    def __init__(self, encoder: Encoder, questions: Sequence[str]) -> None:
        self.fingerprint = encoder.fingerprint
        vectors, _ = encoder.passages(questions, [[]] * len(questions))
        self._known: dict[str, Vector] = dict(zip(questions, vectors, strict=True))

    def query(self, question: str) -> Vector:
        """Return the vector of one of the questions."""
        return self._known[question]


def ask_all(corpus: Corpus, said: Callable[[str], None]) -> list[Asked]:
    """Search for every held-out question, with its article and, if it can be answered, without."""
    return [asked for source in (*SOURCES, SEVERAL) for asked in _ask(corpus, source, said)]


def _several(corpus: Corpus) -> list[int]:
    """Return the questions whose answer has several sentences, and as many others."""
    own = [n for n in corpus.train if corpus.paragraphs[corpus.questions[n].paragraph].source == SEVERAL]
    several = [n for n in own if len(corpus.gold(n)) > 1]
    others = [n for n in own if len(corpus.gold(n)) == 1]
    return several + random.Random(1).sample(others, min(len(others), len(several)))


def _ask(corpus: Corpus, source: str, said: Callable[[str], None]) -> list[Asked]:
    places: dict[int, tuple[str, int]] = {}  # paragraph -> article id, where it starts there
    texts: dict[str, list[str]] = {}
    titles: dict[str, str] = {}
    for number, paragraph in enumerate(corpus.paragraphs):
        if paragraph.source == source:
            name = f"{source}-{paragraph.article}"
            so_far = texts.setdefault(name, [])
            places[number] = name, sum(len(text) + 2 for text in so_far)
            so_far.append(paragraph.text)
            titles[name] = paragraph.title or name
    articles = [Article(name, titles[name], "\n\n".join(parts)) for name, parts in texts.items()]
    several = source == SEVERAL
    numbers = _several(corpus) if several else [n for n in corpus.held if corpus.questions[n].paragraph in places]
    asked: list[Asked] = []
    with Assistant.of_texts(articles) as assistant:
        library = assistant._library
        remembering = Remembering(assistant._encoder, [corpus.questions[n].text for n in numbers])
        search = Search(library, cast(Encoder, remembering), assistant._vectors)
        by_article: dict[str, list[int]] = {}
        for number in numbers:
            by_article.setdefault(places[corpus.questions[number].paragraph][0], []).append(number)
        for name, own in by_article.items():
            stored = library.sentences(name)
            for number in own:
                question = corpus.questions[number]
                at = places[question.paragraph][1]
                gold = frozenset(
                    (name, s.start, s.end)
                    for a, b in question.answers
                    for s in stored
                    if s.start < at + b and at + a < s.end
                )
                kind = "several" if several else "answerable" if question.answers else "adversarial"
                asked.append(Asked(source, question.text, kind, gold, search(question.text)))
            if several:
                continue
            with taken_out(library, name):
                for number in own:
                    if corpus.questions[number].answers:
                        text = corpus.questions[number].text
                        asked.append(Asked(source, text, "absent", frozenset(), search(text)))
    said(f"{source}: {len(articles)} articles, {len(numbers)} held-out questions, {len(asked)} searches")
    return asked
