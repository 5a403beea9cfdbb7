"""What a claim denies, which way it says things went, and who did it to whom, beside its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa.support.names import names
from qa.support.text import Token, clauses, stem

_CUES = frozenset("not no never none nobody nothing neither nor nowhere without nolonger hardly".split())
_REFUSALS = frozenset("fail fails failed failing refuse refuses refused decline declines declined unable".split())
_DENIALS = frozenset("deny denies denied denying lack lacks lacked lacking".split())
_NO_CUE = frozenset("only less fewer more later doubt earlier sooner".split())  # "not only", "no fewer than"
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non")
_REACH = 8  # tokens that a "not" may govern

_OPPOSITES = tuple(
    (frozenset(one.split()), frozenset(two.split()))
    for one, two in (
        (
            "rise rises rose risen rising increase increases increased increasing grow grows grew grown growing climb "
            "climbs climbed jump jumps jumped soar soared soars surge surged raise raises raised raising higher gain "
            "gained gains up widen widened double doubled",
            "fall falls fell fallen falling decrease decreases decreased decreasing drop drops dropped dropping "
            "decline declines declined declining shrink shrank shrinks sink sank slump slumped plunge plunged lower "
            "lowers lowered lowering reduce reduces reduced reducing cut cuts cutting down slip slipped "
            "narrow narrowed halved",
        ),
        ("before prior ahead", "after following since once"),
        ("support supports supported supporting back backs backed favor favors favour favours favoured",
         "oppose opposes opposed opposing opposition reject rejects rejected"),
        ("accept accepts accepted approve approves approved approval agree agrees agreed pass passed",
         "reject rejects rejected refuse refused veto vetoed"),
        ("allow allows allowed permit permits permitted legal lawful legalize legalised legalized",
         "ban bans banned forbid forbids forbidden prohibit prohibited illegal unlawful outlawed"),
        ("open opens opened opening reopen reopened", "close closes closed closing shut shuts"),
        ("arrive arrives arrived arriving enter entered", "leave leaves left leaving depart departed exit exited"),
        ("acquit acquitted innocent cleared", "convict convicted guilty sentenced"),
        ("north northern", "south southern"),
        ("east eastern", "west western"),
        ("man men male husband father son brother boy boys",
         "woman women female wife mother daughter sister girl girls"),
        ("he his him himself", "she her hers herself"),
        ("best largest biggest highest longest oldest most fastest",
         "worst smallest lowest shortest youngest least slowest"),
        ("easier safer warmer hotter faster older bigger larger",
         "harder riskier colder cooler slower younger smaller"),
        ("killed dead died kill kills", "survived unharmed survive"),
        ("earn earns earned profit profits", "lose loses lost loss losses"),
        ("most majority", "few minority"),
        ("strengthen strengthened stronger", "weaken weakened weaker"),
        ("tighten tightened", "ease eased loosen loosened"),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Denial:
    """A "not" or the like.

    Attributes:
        head: Stem of the first content word that it governs, "" if there is none.
        scope: Stems that it governs.
        clause: Stems of its whole clause.
    """

    words: str
    head: str
    scope: frozenset[str]
    clause: frozenset[str]


def wrong_denial(claim: Sequence[Token], known: Sequence[Token]) -> str:
    """Return what a claim denies and its sentences do not, or the other way round; "" where they agree."""
    said, told = _denials(claim, known), _denials(known, claim)
    mine, theirs = _stems(claim), _stems(known)
    told_clauses = {word for denial in told for word in denial.clause}
    said_clauses = {word for denial in said for word in denial.clause}
    for denial in said:
        shared = denial.scope & theirs
        if (shared and not shared & told_clauses) or (not shared and not told):
            return denial.words
    outside = _stems_outside(known, told)
    for denial in told:
        if denial.head and denial.head in mine and denial.head not in said_clauses and denial.head not in outside:
            return f"not “{denial.words}”" if denial.words in ("not", "no", "never") else denial.words
    return ""


def opposite(claim: Sequence[Token], known: Sequence[Token]) -> str:
    """Return a word of a claim whose opposite its sentences have, "" if there is none."""
    if _denials(claim, known) or _denials(known, claim):
        return ""
    mine = {token.low: token.text for token in claim if token.kind == "word"}
    theirs = {token.low for token in known if token.kind == "word"}
    for sides in _OPPOSITES:
        for one, two in (sides, sides[::-1]):
            wrong = (mine.keys() & one) - theirs
            if wrong and not mine.keys() & two and theirs & two and not theirs & one:
                return mine[min(wrong)]
    return ""


def reversed_roles(claim: Sequence[Token], known: Sequence[Token]) -> str:
    """Return who does what to whom in a claim where its sentences say it the other way round, "" if they do not."""
    told = _deeds(known)
    for subject, verb, target, words in _deeds(claim):
        forward = any(s == subject and v == verb and t == target for s, v, t, _ in told)
        if not forward and any(s == target and v == verb and t == subject for s, v, t, _ in told):
            return words
    return ""


def _denials(found: Sequence[Token], other: Sequence[Token]) -> list[_Denial]:
    denials = []
    others = {token.low for token in other if token.content}
    for part in clauses(list(found)):
        whole = frozenset(stem(token.low) for token in part if token.content)
        for n, token in enumerate(part):
            behind = part[n + 1].low if n + 1 < len(part) else ""
            cue = token.low in _CUES and behind not in _NO_CUE
            cue = cue or (token.low in _REFUSALS and behind == "to") or token.low in _DENIALS
            cue = cue or token.low in ("exclude", "excluded")
            positive = next(
                (token.low[len(p) :] for p in _PREFIXES if token.low.startswith(p) and token.low[len(p) :] in others),
                "",
            )
            if positive and len(positive) > 3 and token.low not in others:
                word = frozenset({stem(positive)})
                denials.append(_Denial(token.text, "", word, whole | word))
            elif cue:
                governed = [stem(t.low) for t in part[n + 1 : n + 1 + _REACH] if t.content]
                denials.append(_Denial(token.text, governed[0] if governed else "", frozenset(governed), whole))
    return denials


def _stems(found: Sequence[Token]) -> set[str]:
    return {stem(token.low) for token in found if token.content}


def _stems_outside(found: Sequence[Token], denials: Sequence[_Denial]) -> set[str]:
    """Return the stems of the clauses that deny nothing."""
    parts = [frozenset(stem(token.low) for token in part if token.content) for part in clauses(list(found))]
    denied = {denial.clause for denial in denials}
    return {word for part in parts if part not in denied for word in part}


_Deed = tuple[str, str, str, str]


def _deeds(found: Sequence[Token]) -> list[_Deed]:
    """Return subject, verb, target and the words of what names do to names: "Brazil beat Peru"."""
    deeds: list[_Deed] = []
    for part in clauses(list(found)):
        known = names(part)
        keys = [next(iter(names([token])), token.low) if token.capital else token.low for token in part]
        for n, token in enumerate(part):
            if not token.content or token.capital:
                continue
            lead = [m for m in range(max(0, n - 4), n) if keys[m] in known]
            if (
                not lead
                or part[lead[-1]].owns
                or part[lead[-1] + 1].low == "-"
                or any(t.content and not t.capital for t in part[lead[-1] + 1 : n])
            ):
                continue
            behind = [t for t in part[n + 1 : n + 3] if not t.content]
            passive = any(t.low == "by" for t in behind)
            for m in lead:
                for target in [k for k in range(n + 1, len(part)) if keys[k] in known]:
                    pair = (keys[target], keys[m]) if passive else (keys[m], keys[target])
                    words = " ".join(t.text for t in (part[m], token, part[target]))
                    deeds.append((pair[0], stem(token.low), pair[1], words))
    return deeds
