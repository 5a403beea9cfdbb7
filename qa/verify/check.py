"""Each quote against the library as it is now.

A quote with an address is looked for there; then in its article, and only then in the others, to say where its words
are. One without is looked for in all articles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from typing import Literal

from index.library import Library
from index.split import Span
from index.types import Article, Evidence
from qa.cite import anchor
from qa.report.shown import CONTROLS_OF_DIRECTION, one_line
from qa.types import Answer, Report
from qa.verify.quoted import FEWEST_WORDS, Quoted, quotes, read
from qa.verify.words import SIMILAR, difference, fold, in_parts, nearest, occurrences

Status = Literal["stands", "moved", "changed", "gone", "never"]

_DIRECTIONS = str.maketrans("", "", CONTROLS_OF_DIRECTION)


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a quote.

    Attributes:
        status: `stands`: in its place, or shifted with its paragraph, or, without an address, somewhere. `moved`:
            word for word elsewhere in its article, or in its article under another id. `changed`: its article was
            changed and does not have these words any more. `gone`: its article is. `never`: the article has the
            cited revision and not these words; or, without an address, no article has them.
        number: Of its note in the report, "" where it has none.
        quote: As it stands in the report.
        article_id: Of the cited article, "" for a quote without an address.
        found_id: The article where its words stand, or those that come nearest; "" where there is none.
        start: Where they begin in it, None where there are none.
        end: Where they end.
        now: What stands there, where it is not the quote; "" where nothing comes near.
        difference: From the quote to that: `[-taken out-]{+put in+}`.
    """

    status: Status
    number: str
    quote: str
    article_id: str
    found_id: str = ""
    start: int | None = None
    end: int | None = None
    now: str = ""
    difference: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of all quotes of a report, in their order.

    Attributes:
        short: Passages between quotation marks that were left out: without an address, and of fewer than three words.
    """

    checks: tuple[Check, ...]
    short: int = 0

    @property
    def stands(self) -> bool:
        """Whether every quote stands."""
        return all(check.status == "stands" for check in self.checks)

    def count(self, status: Status) -> int:
        """Return how many quotes have a status."""
        return sum(check.status == status for check in self.checks)

    def summary(self) -> str:
        """Return the counts in one line."""
        words = {
            "stands": "stand as cited",
            "moved": "moved",
            "changed": "changed",
            "gone": "in an article that is gone",
            "never": "never there",
        }
        counts = [f"{n} {words[status]}" for status in words if (n := self.count(status))]  # type: ignore[arg-type]
        total = f"{len(self.checks)} quote{'' if len(self.checks) == 1 else 's'}"
        left = f"; {self.short} of fewer than {FEWEST_WORDS} words not looked for" if self.short else ""
        return f"{total}: {', '.join(counts) or 'nothing to verify'}{left}"

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return counts and checks as one JSON object."""
        counts = {status: self.count(status) for status in ("stands", "moved", "changed", "gone", "never")}
        whole = {"counts": counts, "short": self.short, "checks": [asdict(check) for check in self.checks]}
        return json.dumps(whole, ensure_ascii=False, indent=indent)


def verify(
    report: Answer | Report | str | PathLike[str],
    library: Library,
    search: Callable[[str], Iterable[Evidence]],
) -> Verification:
    """Say of each quote what became of it.

    Args:
        report: An answer, a report, or the path of one: `.md`, `.txt`, `.html`, `.docx`, `.json`, `.jsonld`.
        search: Returns sentences that resemble a quote without an address which stands nowhere.

    Raises:
        BadReport: The file cannot be read, or holds no quotes.
    """
    if isinstance(report, Answer):
        report = Report((report,))
    found, short = (quotes(report), 0) if isinstance(report, Report) else read(report)
    ids = {_plain(name): name for name in library.article_ids()}
    checks: dict[int, Check] = {}
    for name, numbers in _by_article(found).items():
        article = library.article(ids.get(name, ""))
        if article:
            folded = fold(article.text)
            for number in numbers:
                checks[number] = _in_its_article(found[number], article, folded, library)
    open_ = [n for n in range(len(found)) if n not in checks or (checks[n].status == "changed" and not checks[n].now)]
    checks.update(_anywhere({n: found[n] for n in open_}, checks, library))
    near: dict[Quoted, Check] = {}  # a search takes a while, and a quote may be repeated
    for number, quoted in enumerate(found):
        if number not in checks:
            near[quoted] = checks[number] = near.get(quoted) or _nowhere(quoted, library, search)
    titles = {fold(article.title) for article in library.articles()} if any(not q.article_id for q in found) else set()
    kept = [
        n for n, q in enumerate(found) if q.article_id or checks[n].status == "stands" or fold(q.quote) not in titles
    ]
    return Verification(tuple(checks[n] for n in kept), short)


def _plain(article_id: str) -> str:
    return one_line(article_id).translate(_DIRECTIONS)


def _by_article(found: Sequence[Quoted]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for number, quoted in enumerate(found):
        if quoted.article_id:
            groups.setdefault(_plain(quoted.article_id), []).append(number)
    return groups


def _in_its_article(quoted: Quoted, article: Article, folded: str, library: Library) -> Check:
    check = Check("stands", quoted.number, quoted.quote, article.id, article.id, quoted.start, quoted.end)
    text, start, end = article.text, quoted.start, quoted.end
    if 0 <= start < end <= len(text) and fold(text[start:end]) == fold(quoted.quote):
        return check
    same = article.revision.startswith(quoted.revision)
    places = list(occurrences(quoted.quote, text, folded))
    if places:
        kept = [] if same else [place for place in places if _beside(quoted, text, place)]
        start, end = min(kept or places, key=lambda place: abs(place[0] - quoted.start))
        return replace(check, status="stands" if kept else "moved", start=start, end=end)
    sentences = library.sentences(article.id)
    near = nearest(quoted.quote, [text[s.start : s.end] for s in sentences])
    check = replace(check, status="never" if same else "changed")
    if near.share < SIMILAR:
        return replace(check, found_id="", start=None, end=None)
    sentence = sentences[near.number]
    return _near(check, article, (sentence.start, sentence.end))


def _beside(quoted: Quoted, text: str, place: Span) -> bool:
    """Say whether a paragraph beside the quote's is still the one that was there."""
    now = anchor(text, *place)
    return bool(quoted.anchor) and (now[:4] == quoted.anchor[:4] or now[4:] == quoted.anchor[4:])


def _near(check: Check, article: Article, place: Span) -> Check:
    now = article.text[slice(*place)]
    shown = difference(check.quote, now)
    return replace(check, found_id=article.id, start=place[0], end=place[1], now=now, difference=shown)


def _anywhere(wanted: dict[int, Quoted], checks: dict[int, Check], library: Library) -> dict[int, Check]:
    """Look for quotes in all articles, one after the other: renamed ones, others, any for those without address."""
    known: dict[int, Check] = {}
    for article in library.articles() if wanted else ():
        folded = fold(article.text)
        for number, quoted in wanted.items():
            renamed = bool(quoted.article_id) and number not in checks and article.revision.startswith(quoted.revision)
            if number in known and not renamed:
                continue
            place = _found(quoted, article.text, folded)
            if place is None:
                continue
            status: Status = "stands"
            if quoted.article_id:
                status = checks[number].status if number in checks else "moved" if renamed else "gone"
            name = quoted.article_id
            known[number] = Check(status, quoted.number, quoted.quote, name, article.id, *place)
    return known


def _found(quoted: Quoted, text: str, folded: str) -> Span | None:
    if not quoted.article_id:
        # The first letter's case and the mark before the closing quotation mark may be the writer's.
        bare = quoted.quote.strip().rstrip(",.").rstrip()
        forms = dict.fromkeys((bare, bare[:1].swapcase() + bare[1:]))
        places = (next(occurrences(form, text, folded), None) or in_parts(form, text, folded) for form in forms)
        return next(filter(None, places), None)
    return min(occurrences(quoted.quote, text, folded), key=lambda place: abs(place[0] - quoted.start), default=None)


def _nowhere(quoted: Quoted, library: Library, search: Callable[[str], Iterable[Evidence]]) -> Check:
    if quoted.article_id:
        return Check("gone", quoted.number, quoted.quote, quoted.article_id)
    check = Check("never", quoted.number, quoted.quote, "")
    found = list(search(quoted.quote))[:30]
    near = nearest(quoted.quote, [item.text for item in found], part=True)
    if near.share < SIMILAR:
        return check
    sentence = found[near.number].sentence
    article = library.article(sentence.article_id)
    assert article is not None
    place = sentence.start + near.span[0], sentence.start + near.span[1]
    return _near(replace(check, status="changed"), article, place)
