"""Evidence to verified citations: each quote is compared with the stored text just before it is shown.

What a language model claims is checked against the quotes it names; what does not hold is left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.encoder import Encoder
from index.library import Library
from index.types import Article, Evidence
from qa.claims import Claim, fits
from qa.reader.select import ShortAnswer
from qa.support import verdict
from qa.types import Citation

_BLANK = re.compile(r"\n[^\S\n]*\n")
_NEAR = 20_000  # characters on each side in which a paragraph's ends are looked for
_EDGE = 40  # characters of a paragraph, without its white space, that tell it from others
_NAMED = 5  # sentences of a claim


@dataclass(frozen=True, slots=True)
class Worded:
    """What is left of the claims of a language model.

    Attributes:
        text: The claims that hold, with `[1]` behind each; "" if none does.
        dropped: How many do not.
        refused: The sentences that were named for something they do not say.
    """

    text: str
    citations: tuple[Citation, ...]
    dropped: int
    refused: tuple[Citation, ...]


def cite(evidence: Iterable[Evidence], library: Library, shorts: Sequence[ShortAnswer] = ()) -> tuple[Citation, ...]:
    """Return a numbered citation for each sentence that still stands in the library as it was found.

    A citation holds if the article is there, its text still has the hash that the sentence was stored
    under, and `text[start:end]` is the quote. One that does not hold is left out.

    Args:
        shorts: The few words asked for, marked in the citation of their sentence; one for a sentence.
    """
    held: list[Citation] = []
    articles: dict[str, tuple[Article, str] | None] = {}  # with the hash of the text as it is now
    for item in evidence:
        sentence = item.sentence
        if sentence.article_id not in articles:
            stored = library.article(sentence.article_id)
            articles[sentence.article_id] = (stored, stored.revision) if stored else None
        known = articles[sentence.article_id]
        if known is None or known[1] != sentence.revision:
            continue
        article = known[0]
        if article.text[sentence.start : sentence.end] != item.text or not item.text:
            continue
        first, last = library.around(sentence)
        within = next((short for short in shorts if short.evidence.sentence == sentence), None)
        held.append(
            Citation(
                number=len(held) + 1,
                quote=item.text,
                article_id=article.id,
                revision=sentence.revision,
                title=article.title,
                source=article.source,
                url=article.url,
                published=article.published,
                start=sentence.start,
                end=sentence.end,
                answer_start=within.start if within else None,
                answer_end=within.end if within else None,
                score=round(item.score, 4),
                author=article.author,
                before=article.text[first : sentence.start],
                after=article.text[sentence.end : last],
                anchor=anchor(article.text, sentence.start, sentence.end),
            )
        )
    return tuple(held)


def cite_claims(
    claims: Sequence[Claim],
    offered: Sequence[Evidence],
    library: Library,
    encoder: Encoder,
    shorts: Sequence[ShortAnswer] = (),
) -> Worded:
    """Keep the claims that their sentences support, each with those of its citations that hold.

    A number that was not offered is no citation, and a claim without one is dropped. Where sentences support a claim
    one by one, the others it names are let go; else they must support it together.

    Args:
        offered: The sentences the model was shown, number 1 first.
    """
    kept: dict[tuple[str, int, int], Citation] = {}
    refused: list[Citation] = []
    said: list[str] = []
    dropped = 0
    for claim in dict.fromkeys(claims):
        named = [offered[number - 1] for number in claim.numbers if 1 <= number <= len(offered)][:_NAMED]
        standing = cite(named, library, shorts) if fits(claim) else ()
        held, failed = _held(claim.text, standing, encoder)
        refused += failed
        dropped += not held
        if not held:
            continue
        marks = ""
        for one in held:
            place = one.article_id, one.start, one.end
            before = kept.get(place)
            number = before.number if before else len(kept) + 1
            words = f"{before.claim} {one.claim}" if before else one.claim
            kept[place] = replace(one, number=number, claim=words)
            marks += f"[{number}]"
        said.append(f"{claim.text} {marks}")
    return Worded(" ".join(said), tuple(kept.values()), dropped, tuple(refused))


def _held(claim: str, standing: Sequence[Citation], encoder: Encoder) -> tuple[list[Citation], list[Citation]]:
    """Return the citations that hold for a claim, and those that do not with what is missing in them."""
    verdicts = [(one, verdict(claim, [one.quote], encoder)) for one in standing]
    held = [replace(one, support="supported", claim=claim) for one, found in verdicts if found.holds]
    failed = [replace(one, support=found.failing, claim=claim) for one, found in verdicts if not found.holds]
    if held or len(standing) < 2:
        return held, failed
    together = verdict(claim, [one.quote for one in standing], encoder)
    if together.holds:
        return [replace(one, support="supported together", claim=claim) for one in standing], []
    return [], failed


def anchor(text: str, start: int, end: int) -> str:
    """Return eight hex digits: four for the end of the paragraph before, four for the beginning of the one after.

    A paragraph that was moved has other neighbours on both sides. One that only shifted, because something further up
    grew or shrank, keeps one of them at least. Paragraphs end at blank lines; at line ends, where none is near.
    """
    above, below = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if _BLANK.search(above) or _BLANK.search(below):
        before = above[: max((match.start() for match in _BLANK.finditer(above)), default=0)]
        blank = _BLANK.search(below)
        after = below[blank.end() :] if blank else ""
    else:
        before, after = above.rpartition("\n")[0], below.partition("\n")[2]
    edges = "".join(before.split())[-_EDGE:], "".join(after.split())[:_EDGE]
    return "".join(hashlib.sha256(edge.encode()).hexdigest()[:4] for edge in edges)
