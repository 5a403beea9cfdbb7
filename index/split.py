"""Text to sentences to passages, all as spans of the text itself.

Nothing is rewritten: a sentence is `text[start:end]`, and the sentences of a text are ordered, disjoint,
free of surrounding white space, and together hold every character that is not white space.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from index.errors import ArticleQAError

Span = tuple[int, int]

MAX_SENTENCE = 2_000
"""Characters; a longer run is cut at white space, so that a page without a full stop can be cited."""

MAX_SENTENCES = 50_000
"""Sentences of one article."""

_CHUNK = 10_000
"""Characters given to the splitter at once: its cost stays linear whatever the text."""

_WRAPPED = 100
"""Characters; a block with a longer line was not wrapped by hand, so each of its lines is a paragraph."""

# The trained model takes many an ordinary word for an abbreviation ("chest.", "bank.") and many a name for the start
# of a sentence. So of its abbreviations only initials stay ("u.s", "j"), beside these, which English news writes.
_ABBREVIATIONS = (
    "mr mrs ms mx dr prof rev fr hon pres gov sen rep reps sens amb atty attys gen adm capt cmdr lt lt.cmdr lt.col "
    "lt.gen maj maj.gen brig brig.gen col sgt 1st.sgt sgt.1st staff.sgt 1st.lt 2nd.lt cpl pvt pfc spc cpt det insp "
    "supt ofc sr jr esq messrs mmes mme mlle st ste ft mt mts jan feb apr jun jul aug sep sept oct nov dec mon tue "
    "tues wed thu thur thurs fri ala ariz calif colo conn del fla ga kan ky la md mich minn mont neb nev okla pa "
    "tenn tex va vt wis wyo n.h n.j n.m n.y n.c n.d s.c s.d w.va r-ariz r-calif r-tenn r-tex r-fla r-ga r-s.c d-n.y "
    "d-calif d-conn d-mass d-mich d-va inc corp co cos ltd llc bros assn assoc dept univ inst intl natl govt gmbh "
    "plc u.s u.k u.n e.u d.c l.a ave blvd rd hwy sq bldg apt no nos vol vols ch pp ed eds fig figs sec vs v etc al "
    "cf ca approx est viz ibid e.g i.e a.k.a d.b.a c.e b.c a.d p.s ph.d m.d b.a m.a a.m p.m ph dist asst sup subj "
    "incl excl tel oz lb lbs tsp tbsp hr hrs mins pop ser repr trans orig suppl ann"
).split()
_INITIALS = re.compile(r"[a-z](?:\.[a-z])*")

_BREAK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")  # a blank line: "one\n \ntwo"
_VISIBLE = re.compile(r"\S")
_ITEM = re.compile(r"[^\S\n]*(?:[-*•–·>#|]|\(?\d{1,3}[.)]|\(?[a-z][.)])[^\S\n]")  # "- eggs", "2) flour"
_CLOSED = re.compile(r"[.!?…:;][\"'”’)\]]*\s*$")  # 'He left.”'
# Words that begin a sentence and seldom a name, so that an abbreviation before them ended one.
_STARTERS = (
    "The|This|That|These|Those|There|Then|He|She|It|They|We|You|His|Her|Its|Their|Our|My|But|And|So|Yet|Or|If|When|While|"
    "Who|What|Why|How|Where|Would|Could|Should|Did|Does|Do|Is|Are|Was|Were|Will|Both|Some|Many|Most|Nobody|Everyone|"
    "Everybody|Nothing|Officials|Police|According|After|Before|During|Since|Although|However|In|On|At|By|For|From|With|As|An|"
    "Neither|Either|Each|Every|Another|Others|Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten|Now|Here|Meanwhile|Still|Also"
)
# Where the model sees no end and there is one; the cut is before the group's white space ends.
_ENDS = re.compile(
    r"[。！？｡]+[」』”’）]*"  # CJK full stops
    r"|\b[ap]\.m\.[”\"]?\s+(?=[“\"]|(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|[A-Z]{2,4}\b|Eastern|Pacific"
    r"|Central|Mountain|Greenwich|Jan|Feb|Mar|Apr|May|June|July|Aug|Sept|Oct|Nov|Dec)[A-Z])"  # "at 8 p.m. Results"
    rf"|(?:\b(?:[A-Z]\.)+[A-Z]|\b(?:Inc|Corp|Co|Ltd|Jr|Sr|St|Ave|Ph\.D|etc)|\s[A-Z])\.[”\"]?\s+"
    rf"(?=(?:{_STARTERS})\b)"  # "built in the U.S. The loss"
    r"|\bNo\.\s+(?=[“\"]?[A-Z])"  # "No. Would he" but "No. 5"
    r"|\w[.!?][”’\"](?P<quoted>\s+)(?=[“\"]?[A-Z])"  # "a cow.” Farmers agreed"
    r"|[a-z0-9)][.!?]\s+(?=\"[A-Z][^\"]*\")"  # 'He said so. "Is it?"'
    r"|\w\.\s+(?=[a-z][A-Z])"  # "was late. eBay was founded"
)
# '“Why now?” Brandt wrote': what follows a quoted question still belongs to it.
_ATTRIBUTION = re.compile(
    r"(?:[A-Z][\w.’'-]*\s+){1,4}(?:said|says|asked|asks|wrote|writes|told|added|replied|shouted|cried|tweeted|recalled|answered)\b"
)
_ASKED = re.compile(r"[!?][”’\"]$")
_NUMBERED = re.compile(r"\(?\d{1,3}[.)]$")  # "1." that lost its item
_GOES_ON = re.compile(r"[—–-]?\s*[a-z](?![A-Z])")  # "and two others", "— from the back", not "eBay"


class TooManySentences(ArticleQAError):
    """The text has more than `MAX_SENTENCES` sentences."""


def sentences(text: str) -> list[Span]:
    """Return the spans of the sentences of a text, in order.

    Paragraphs end at blank lines, and at line ends where the text is not wrapped by hand. Inside a
    paragraph nupunkt decides (Punkt: Kiss and Strunk 2006).

    Raises:
        TooManySentences: There are more than `MAX_SENTENCES`.

    >>> text = "About 5,000 U.S. troops remain. “It is hard,” Lt. Col. Kadhim said."
    >>> [text[a:b] for a, b in sentences(text)]
    ['About 5,000 U.S. troops remain.', '“It is hard,” Lt. Col. Kadhim said.']
    """
    spans: list[Span] = []
    for start, end in _paragraphs(text):
        spans.extend(_split(text, start, end))
        if len(spans) > MAX_SENTENCES:
            raise TooManySentences(f"more than {MAX_SENTENCES:,} sentences; split it into several articles")
    return spans


def passages(lengths: Sequence[int], limit: int) -> list[range]:
    """Pack sentences into passages: runs of whole sentences, in order, each sentence in one.

    Args:
        lengths: Word pieces of each sentence.
        limit: The most word pieces of a passage; a sentence that is longer is a passage of its own.

    Returns:
        Ranges of sentence numbers.

    >>> passages([100, 100, 100, 300, 20], limit=254)
    [range(0, 2), range(2, 3), range(3, 4), range(4, 5)]
    """
    runs: list[range] = []
    first = used = 0
    for number, length in enumerate(lengths):
        if number > first and used + length > limit:
            runs.append(range(first, number))
            first, used = number, 0
        used += length
    if first < len(lengths):
        runs.append(range(first, len(lengths)))
    return runs


def is_heading(text: str, start: int, end: int) -> bool:
    r"""Say whether a sentence stands alone on its line above others and does not end like one: a heading, a byline.

    >>> text = "The cost\n\nIt cost $10 billion."
    >>> [is_heading(text, a, b) for a, b in sentences(text)]
    [True, False]
    """
    sentence = text[start:end]
    if len(sentence) > 120 or "\n" in sentence or _CLOSED.search(sentence) or _ITEM.match(sentence):
        return False
    before = text[max(0, start - 80) : start].rstrip(" \t")
    after = text[end : end + 80].lstrip(" \t")
    above = _VISIBLE.search(text, end) is not None
    return above and (not before or before.endswith("\n")) and (not after or after.startswith("\n"))


def _paragraphs(text: str) -> Iterator[Span]:
    start = 0
    for match in _BREAK.finditer(text):
        yield from _lines(text, start, match.start())
        start = match.end()
    yield from _lines(text, start, len(text))


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    """Cut a block without blank lines where a line end is a paragraph's end."""
    lines = []
    at = start
    for line in text[start:end].split("\n"):
        lines.append((at, at + len(line)))
        at += len(line) + 1
    width = max(b - a for a, b in lines)
    opened = start
    for (a, b), (c, d) in pairwise(lines):
        short = b - a < 0.6 * width or width < 40
        closed = bool(_CLOSED.search(text, a, b))
        if width > _WRAPPED or _ITEM.match(text, c, d) or (short and (closed or b - a < 0.4 * width)):
            yield opened, b
            opened = c
    yield opened, end


def _split(text: str, start: int, end: int) -> Iterator[Span]:
    for a, b in _chunks(text, start, end, _CHUNK):
        cuts = [a]
        for c, d in _tokenizer().span_tokenize(text[a:b]):
            if c and not _belongs(text, cuts[-1], a + c):
                cuts.append(a + c)
            for match in _ENDS.finditer(text, a + c, a + d):
                cut = match.end()
                if cut < b and not (
                    match["quoted"] and _ATTRIBUTION.match(text, cut, b) and text[match.start() + 1] != "."
                ):
                    cuts.append(cut)
        cuts = [a, *(cut for cut in cuts[1:] if not _continues(text, cut))]
        for c, d in zip(cuts, [*cuts[1:], b], strict=True):
            yield from _chunks(text, c, d, MAX_SENTENCE)


def _belongs(text: str, start: int, at: int) -> bool:
    """Say whether what begins at `at` goes on with the sentence that began at `start`."""
    before = text[max(start, at - 40) : at].rstrip()
    if _NUMBERED.fullmatch(text[start:at].strip()):
        return True
    if _ASKED.search(before) and _ATTRIBUTION.match(text, at, at + 80):
        return True
    # A text that writes everything in lower case has no capitals to wait for.
    return bool(_GOES_ON.match(text, at)) and not text[start].islower()


def _chunks(text: str, start: int, end: int, size: int) -> Iterator[Span]:
    """Cut a span into trimmed pieces of at most `size` characters, at white space where there is some."""
    while True:
        while start < end and text[start].isspace():
            start += 1
        if end - start <= size:
            break
        cut = start + size
        while cut > start and not text[cut].isspace():
            cut -= 1
        if cut == start:  # no white space at all: anywhere but inside a character that is several
            cut = start + size
            while cut < end and _continues(text, cut):
                cut += 1
        yield from _trimmed(text, start, cut)
        start = cut
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield start, end


def _continues(text: str, at: int) -> bool:
    """Say whether the character at `at` belongs to the one before it (accent, emoji sequence, flag)."""
    return (
        unicodedata.category(text[at]) in ("Mn", "Me", "Mc", "Cf")
        or text[at - 1] == "\u200d"
        or "\U0001f3fb" <= text[at] <= "\U0001f3ff"
        or "\U0001f1e6" <= text[at] <= "\U0001f1ff"
    )


@cache
def _tokenizer() -> Any:
    import nupunkt

    trained = nupunkt.load_default_model().parameters.abbrev_types
    parameters = nupunkt.PunktParameters(
        abbrev_types={word for word in trained if _INITIALS.fullmatch(word)}.union(_ABBREVIATIONS),
        sent_starters=set(_STARTERS.lower().split("|")),
    )
    parameters.freeze_sets()
    return nupunkt.PunktSentenceTokenizer(parameters)
